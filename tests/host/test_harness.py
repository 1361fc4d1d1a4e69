"""The test driver itself: what it counts, and what it must not let pass."""

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path
from unittest import mock

from harness import alone, cargo, fuzz, lint, process, pyunit, tree
from harness.pyunit import Collector
from harness.results import FAILED, FILES, PASSED, SKIPPED, Result, Results

CARGO_OUTPUT = """\
     Running unittests src/lib.rs (target/debug/deps/proseal_proto-0123456789abcdef)

running 3 tests
test id::tests::wide ... ok
test id::tests::narrow ... FAILED
test id::tests::slow ... ignored

failures:

---- id::tests::narrow stdout ----
assertion failed: too narrow

failures:
    id::tests::narrow

test result: FAILED. 1 passed; 1 failed; 1 ignored
"""


def quietly(results, *all_of_them):
    with contextlib.redirect_stdout(io.StringIO()):
        for result in all_of_them:
            results.add(result)
    return results


class Counting(unittest.TestCase):
    def test_the_closing_line_counts_all(self):
        results = quietly(Results({"a:3"}), Result("a", "1", PASSED), Result("a", "2", FAILED), Result("a", "3", SKIPPED))
        self.assertEqual(results.summary(), "1 passed, 1 failed, 1 skipped")
        self.assertEqual(results.worth(), 1)

    def test_a_skip_that_no_file_lists_is_a_failure(self):
        results = quietly(Results(set()), Result("a", "1", PASSED), Result("a", "2", SKIPPED, message="no time"))
        self.assertEqual(results.summary(), "1 passed, 1 failed")
        self.assertEqual(results.worth(), 1)

    def test_nothing_run_is_no_success(self):
        self.assertEqual(Results(set()).worth(), 1)

    def test_junit_has_every_result_and_survives_control_characters(self):
        results = quietly(Results(set()), Result("a", "1", PASSED, 1.5), Result("b", "2", FAILED, 0, "\x1b[31mred"))
        root = ET.fromstring(results.junit())
        self.assertEqual([case.get("name") for case in root.iter("testcase")], ["1", "2"])
        self.assertEqual(root.find(".//failure").text, "?[31mred")

    def test_what_tests_said_is_kept(self):
        results = quietly(Results(set()), Result("a", "1", PASSED, said="no_device: no TEE\n"), Result("a", "2", PASSED))
        with tempfile.TemporaryDirectory() as folder:
            results.write(Path(folder))
            self.assertEqual((Path(folder) / "messages.txt").read_text(), "a:1\nno_device: no TEE\n")
        self.assertEqual(ET.fromstring(results.junit()).find(".//system-out").text, "no_device: no TEE\n")


class Parsing(unittest.TestCase):
    def test_cargo_cases_and_what_a_failure_said(self):
        passed, failed, ignored = cargo.parse(CARGO_OUTPUT)
        self.assertEqual((passed.name, passed.status), ("proseal_proto::id::tests::wide", PASSED))
        self.assertEqual((failed.status, ignored.status), (FAILED, SKIPPED))
        self.assertIn("too narrow", failed.message)

    def test_a_case_that_is_not_read_is_missed(self):
        self.assertEqual(cargo.counted(CARGO_OUTPUT), 3)
        output = CARGO_OUTPUT.replace("test id::tests::wide ... ok", "test id::tests::wide ... printed\nok")
        finished = process.Finished(101, output, 1.0)
        results = Results({"cargo:proseal_proto::id::tests::slow"})
        with mock.patch.object(cargo, "run", return_value=finished), contextlib.redirect_stdout(io.StringIO()):
            cargo.stage(results)
        self.assertIn("logic builds and runs", [r.name for r in results.all if r.status == FAILED])

    def test_python_failures_errors_and_skips_are_told_apart(self):
        class Sample(unittest.TestCase):
            def test_passes(self):
                pass

            def test_fails(self):
                self.assertEqual(1, 2)

            def test_breaks(self):
                raise OSError("broken")

            def test_says(self):
                print("said")

            @unittest.expectedFailure
            def test_mended(self):
                pass

            def test_skips(self):
                self.skipTest("not here")

            def test_one_part_fails(self):
                for part in range(3):
                    with self.subTest(part=part):
                        self.assertNotEqual(part, 1)

        results = Results({"s:Sample.test_skips"})
        with contextlib.redirect_stdout(io.StringIO()):
            unittest.defaultTestLoader.loadTestsFromTestCase(Sample).run(Collector("s", results))
        found = {r.name.split(".")[-1]: r.status for r in results.all}
        self.assertEqual([r.said for r in results.all if r.said], ["said\n"])
        self.assertEqual(found, {"test_passes": PASSED, "test_says": PASSED, "test_mended": FAILED, "test_fails": FAILED, "test_breaks": FAILED,
                                 "test_skips": SKIPPED, "test_one_part_fails": FAILED})


class Limits(unittest.TestCase):
    def test_a_test_that_hangs_is_ended_and_the_next_one_runs(self):
        class Sample(unittest.TestCase):
            def test_1_hangs(self):
                time.sleep(60)

            def test_2_passes(self):
                pass

        class Hanging(Sample):
            @classmethod
            def setUpClass(cls):
                time.sleep(60)

        results = Results(set())
        self.addCleanup(pyunit.arm, pyunit.LIMIT_S)
        began = time.monotonic()
        load = unittest.defaultTestLoader.loadTestsFromTestCase
        with contextlib.redirect_stdout(io.StringIO()):
            collector = Collector("s", results)
            collector.limit_s = 0.3
            unittest.TestSuite([load(Sample), load(Hanging)]).run(collector)
        self.assertEqual([r.status for r in results.all], [FAILED, PASSED, FAILED])
        for result in (results.all[0], results.all[2]):
            self.assertIn("the time of this test is over", result.message)
        self.assertLess(time.monotonic() - began, 20)

    def test_a_line_that_does_not_come_is_an_error(self):
        with subprocess.Popen(["sh", "-c", "echo one; printf half; exec sleep 60"], stdout=subprocess.PIPE) as hanging:
            self.addCleanup(hanging.kill)
            self.assertEqual(process.line(hanging.stdout, 20), "one")
            with self.assertRaisesRegex(AssertionError, "no line within 0.2 s, after b'half'"):
                process.line(hanging.stdout, 0.2)
            hanging.kill()
            with self.assertRaisesRegex(AssertionError, "the output ended"):
                process.line(hanging.stdout, 20)


class SideBySide(unittest.TestCase):
    """Modules in processes of their own: nothing is lost, also of one that dies."""

    def run_modules(self, **modules):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        sys.path.insert(0, folder.name)
        self.addCleanup(sys.path.remove, folder.name)
        head = "import os, time, unittest\nclass Sample(unittest.TestCase):\n    def test_it(self):\n        "
        for name, body in modules.items():
            Path(folder.name, f"{name}.py").write_text(head + body)
        results = Results(set())
        with contextlib.redirect_stdout(io.StringIO()):
            pyunit.run_apart("s", list(modules), results, 2)
        return results

    def test_all_results_come(self):
        results = self.run_modules(side_one="pass", side_two="self.fail('no')", side_three="print('said')",
                                   side_four="import nothing_of_this_name")
        self.assertEqual(sorted(r.status for r in results.all), [FAILED, FAILED, PASSED, PASSED])
        self.assertEqual([r.said for r in results.all if r.said], ["said\n"])

    def test_a_process_that_dies_is_a_failure(self):
        results = self.run_modules(side_dies="os._exit(3)", side_lives="time.sleep(0.1)")
        self.assertEqual(sorted((r.status, r.name) for r in results.all),
                         [(FAILED, "its tests end"), (PASSED, "Sample.test_it")])
        self.assertIn("ended with 3", results.all[0].message + results.all[1].message)


class Running(unittest.TestCase):
    def test_a_command_that_hangs_is_ended_and_said_so(self):
        finished = process.run(["sh", "-c", "echo before; sleep 60"], 0.5, "harness-self-test.log")
        self.assertFalse(finished.ok)
        self.assertIn("before", finished.output)
        self.assertIn("ran out of time", finished.message)
        self.assertLess(finished.seconds, 30)

    def test_what_a_command_started_ends_with_it(self):
        # The first process ends when it is told to, the other one does not listen.
        for runner in (lambda command: process.run(command, 0.5, "harness-self-test.log"),
                       lambda command: process.show(command, 0.5)):
            with self.subTest(), tempfile.NamedTemporaryFile("r") as file:
                finished = runner(["sh", "-c", f"sh -c 'trap \"\" TERM; sleep 60' & echo $! >{file.name}; wait"])
                self.assertIsNone(finished.status)
                pid = int(file.read())
                # A kill takes effect a moment after it was sent.
                deadline = time.monotonic() + 10
                while lives(pid) and time.monotonic() < deadline:
                    time.sleep(0.02)
                self.assertFalse(lives(pid))


def lives(pid):
    """A zombie does not: whoever inherited it may be slow to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


# tests/run, with one stage of our own that has one test: {test} is its body.
DRIVER = """
import importlib.machinery, importlib.util, os, signal, sys, unittest
# As from a terminal, wherever these tests run.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.{hang_up})
loader = importlib.machinery.SourceFileLoader("run", "{root}/tests/run")
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
loader.exec_module(run)
class Case(unittest.TestCase):
    def test(self):
        {test}
def own(results):
    Case("test").run(run.pyunit.Collector("own", results))
    {after}
run.STAGES = {{"own": own, "next": lambda results: results.add(run.Result("next", "it", "passed"))}}
run.OUT = run.ROOT / "{out}"
# Not the lock that these tests themselves run under.
run.alone.paths.TESTS_LOCK = run.ROOT / "out/test/{lock}.lock"
sys.exit(run.main())
"""


class Driver(unittest.TestCase):
    out = "out/test/harness-self-test"

    def drive(self, test="pass", out=out, arguments=("--only", "own"), hang_up="SIG_DFL", after="", lock="harness-self-test"):
        (process.ROOT / "out/test").mkdir(parents=True, exist_ok=True)
        program = DRIVER.format(root=process.ROOT, test=test, out=out, hang_up=hang_up, after=after, lock=lock)
        done = subprocess.run([sys.executable, "-c", program, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, check=False)
        return done.returncode, done.stdout.splitlines()[-1:], done

    def test_it_passes_and_says_so(self):
        self.assertEqual(self.drive()[:2], (0, ["1 passed, 0 failed"]))

    def test_a_stage_that_would_end_the_program_is_a_failure_and_the_next_one_runs(self):
        status, last, done = self.drive(after="sys.exit(0)", arguments=())
        self.assertEqual((status, last), (1, ["2 passed, 1 failed"]), done)
        self.assertIn("the stage ends", done.stdout)
        self.assertIn("==> next", done.stdout)

    def test_a_second_run_in_one_tree_is_refused_and_touches_nothing(self):
        self.drive()
        before = (process.ROOT / self.out / "junit.xml").read_bytes()
        held = alone.ue_folder.try_lock(process.ROOT / "out/test/busy.lock")
        status, last, done = self.drive("raise AssertionError", lock="busy")
        os.close(held)
        self.assertEqual((status, last), (1, []), done)
        self.assertIn("run in this tree already", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual((process.ROOT / self.out / "junit.xml").read_bytes(), before)

    def test_no_result_of_an_earlier_run_passes_for_this_ones(self):
        self.drive("print('said')")
        self.assertEqual(self.drive("os.kill(os.getpid(), signal.SIGKILL)")[0], -9)
        for name in FILES:
            self.assertFalse((process.ROOT / self.out / name).exists(), name)

    def test_results_that_cannot_be_written_are_a_failure_and_the_count_is_said(self):
        # A folder that cannot be made: a file is in its place.
        status, last, done = self.drive(out="README.md/test")
        self.assertEqual((status, last), (1, ["1 passed, 1 failed"]), done)
        self.assertIn("the results are written", done.stdout)

    def test_ended_from_outside_it_says_what_there_is(self):
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            with self.subTest(name):
                status, last, done = self.drive(f"os.kill(os.getpid(), signal.{name})")
                self.assertEqual((status, last), (1, ["0 passed, 2 failed"]), done)
                self.assertIn("was not interrupted", done.stdout)

    def test_under_nohup_it_goes_on(self):
        status, last, done = self.drive("os.kill(os.getpid(), signal.SIGHUP)", hang_up="SIG_IGN")
        self.assertEqual((status, last), (0, ["1 passed, 0 failed"]), done)

    def test_a_stage_that_is_not_there_is_a_usage_error_that_names_those_that_are(self):
        status, _, done = self.drive(arguments=["--only", "nothing"])
        self.assertEqual(status, 2)
        self.assertIn("'own'", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_the_stages_of_the_documents_are_those_that_are(self):
        table = re.findall(r"^\| (\w+) \|", (process.ROOT / "docs/testing.md").read_text(), re.M)[1:]
        help_text = subprocess.run([process.ROOT / "tests/run", "--help"], capture_output=True, text=True, timeout=60,
                                   check=True).stdout
        self.assertEqual(f"{{{','.join(table)}}}", re.search(r"\{[\w,]+\}", help_text)[0])


class Copy(unittest.TestCase):
    """The copy of the tree, of a small tree here."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = Path(holder.name)
        patch = mock.patch.object(tree, "ROOT", self.root)
        patch.start()
        self.addCleanup(patch.stop)
        subprocess.run(["git", "init", "-q", self.root], check=True, timeout=60)
        self.write(".gitignore", "/out/\n")
        self.copy = self.root / "out/copy"

    def write(self, name, text=""):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def test_it_has_what_the_tree_has_and_nothing_else(self):
        gone = self.write("src/gone.rs", "1")
        self.write("src/lib.rs", "1")
        tree.sync(self.copy)
        self.assertEqual((self.copy / "src/gone.rs").read_text(), "1")
        gone.unlink()
        self.write("out/copy/src/added-by-a-patch.rs")
        built = [self.write(f"out/copy/{name}") for name in ("target/built", "out/cache/a.deb", ".git/HEAD")]
        tree.sync(self.copy)
        self.assertEqual([path.name for path in (self.copy / "src").iterdir()], ["lib.rs"])
        self.assertTrue(all(path.exists() for path in built))

    def test_nothing_is_removed_outside_of_out(self):
        self.write("src/lib.rs")
        with self.assertRaises(ValueError):
            tree.sync(self.root / "src")
        self.assertTrue((self.root / "src/lib.rs").exists())

    def test_an_interrupted_copy_of_a_folder_is_made_anew(self):
        for name in ("a", "b"):
            self.write(f"cache/{name}")
        target = self.root / "out/cache"
        with mock.patch.object(tree.shutil, "copytree", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            tree.copy_folder(self.root / "cache", target)
        self.write("out/cache.part/half")
        self.assertFalse(target.exists())
        tree.copy_folder(self.root / "cache", target)
        self.assertEqual(sorted(path.name for path in target.iterdir()), ["a", "b"])


class Lint(unittest.TestCase):
    def test_python_is_found_by_its_first_line_too(self):
        found = lint.scripts(lint.PYTHONS)
        for name in ("qemu-env/ue", "qemu-env/programs", "tests/run", "tests/story", "tests/mutants"):
            self.assertIn(name, found)

    def test_broken_python_is_named_whatever_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            good, bad = Path(folder) / "good", Path(folder) / "bad"
            good.write_text("#!/usr/bin/env python3\nprint('fine')\n")
            bad.write_text("#!/usr/bin/env python3\nprint('not fine'\n")
            (reason,) = lint.broken_python([good, bad])
        self.assertIn(str(bad), reason)

    def test_every_fuzz_target_is_run(self):
        declared = re.findall(r'^path = "targets/(\w+)\.rs"$', (process.ROOT / "fuzz/Cargo.toml").read_text(), re.M)
        self.assertEqual(fuzz.TARGETS, sorted(declared))
