"""The soak itself (tests/soak): how it divides the time, and that whatever a part does there is a summary."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from harness.process import ROOT
from host.test_harness import lives
from soaking import figures, runner, share, summary
from soaking.parts import PARTS, Amount, Part
from soaking.runner import FAILED, NOT_RUN, OK, Outcome, Soak


def part(name, *programs, least_s=1, share=0, **more):
    """A part that runs these programs of Python."""
    commands = [python(text) for text in programs]
    return Part(name, "", least_s, share, lambda seconds: Amount(f"{seconds:.0f} s", commands), **more)


def python(text):
    return [sys.executable, "-c", text]


class Sharing(unittest.TestCase):
    def shared(self, seconds, *parts):
        named = [part(str(number), least_s=least, share=of) for number, (least, of) in enumerate(parts)]
        return share.shared(named, seconds)

    def test_what_is_over_is_divided_by_the_shares(self):
        self.assertEqual(self.shared(100, (10, 1), (20, 3), (30, 0)), {"0": 20, "1": 50, "2": 30})

    def test_of_what_does_not_fit_the_longest_is_left_out(self):
        self.assertEqual(self.shared(50, (10, 1), (40, 5), (30, 0)), {"0": 20, "2": 30})
        self.assertEqual(self.shared(9, (10, 1), (40, 5)), {})

    def test_time_stays_over_only_where_nothing_has_a_use_for_it(self):
        self.assertEqual(self.shared(100, (10, 0)), {"0": 10})

    def test_each_part_has_something_to_do_in_whatever_time_it_gets(self):
        self.assertEqual(len({part.name for part in PARTS}), len(PARTS))
        self.assertEqual(share.shared(PARTS, 480 * 60).keys(), {part.name for part in PARTS})
        for minutes in (2, 12, 45, 120, 480, 4000):
            fit = share.shared(PARTS, minutes * 60)
            self.assertLessEqual(sum(fit.values()), minutes * 60 + 1)
            for one in PARTS:
                if one.name in fit:
                    amount = one.amount(fit[one.name])
                    self.assertTrue(amount.commands)
                    words = [word for command in amount.commands for word in command]
                    numbers = [int(word) for word in words if word.lstrip("-").isdigit()]
                    self.assertTrue(all(number > 0 for number in numbers), amount)

    def test_the_document_has_them_in_their_order(self):
        soak = (ROOT / "docs/testing.md").read_text().split("\n## Soak\n")[1].split("\n## ")[0]
        listed = [name for line in re.findall(r"^- (.*?):", soak, re.M) for name in re.findall(r"`(.*?)`", line)]
        self.assertEqual(listed, [part.name for part in PARTS])

    def test_the_commands_are_there(self):
        for one in PARTS:
            for command in [*one.builds, *one.amount(one.least_s).commands]:
                if command[0].startswith(("tests/", "fuzz/", "qemu-env/")):
                    self.assertTrue(os.access(ROOT / command[0], os.X_OK), command)


class Running(unittest.TestCase):
    def setUp(self):
        # What is started in the background of a script ignores it, and so does what that starts.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))

    def soak(self, *parts, seconds=60):
        """The outcomes, and the logs by name."""
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            soak = Soak(parts, seconds, Path(folder), {})
            self.assertFalse(soak.run())
            return soak.outcomes, {path.stem: path.read_text() for path in Path(folder).iterdir()}

    def test_a_part_that_fails_stops_neither_its_own_rest_nor_the_others(self):
        outcomes, logs = self.soak(part("bad", "exit(3)", "print('figure: the rest')"), part("good", "print('done')"))
        self.assertEqual([outcome.result for outcome in outcomes], [FAILED, OK])
        self.assertIn("status 3", outcomes[0].reason)
        self.assertEqual(outcomes[0].figures, ["the rest"])
        self.assertEqual(logs["good"].splitlines()[-1], "done")
        self.assertEqual(summary.worth(outcomes), 1)

    def test_a_part_that_does_not_end_is_ended_with_what_it_started_and_may_tidy_up(self):
        endless = ("import subprocess, time\n"
                   "try:\n"
                   "    child = subprocess.Popen(['sleep', '1000'])\n"
                   "    print('figure:', child.pid, flush=True)\n"
                   "    time.sleep(1000)\n"
                   "finally:\n"
                   "    print('figure: tidy')\n")  # fmt: skip
        with mock.patch.object(runner, "limit", lambda _: 0.5):
            outcomes, _ = self.soak(part("endless", endless, "print('figure: too late')"), part("next", ""))
        self.assertEqual([outcome.result for outcome in outcomes], [FAILED, OK])
        self.assertIn("did not end in time", outcomes[0].reason)
        child, *rest = outcomes[0].figures
        self.assertEqual(rest, ["tidy"])
        # A kill takes effect a moment after it was sent.
        deadline = time.monotonic() + 10
        while lives(int(child)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(lives(int(child)))

    def test_what_a_part_leaves_goes_to_the_next_and_what_does_not_fit_is_named(self):
        outcomes, logs = self.soak(part("quick", "", least_s=10, share=1), part("long", "", least_s=1000),
                                   part("last", "", least_s=10, share=1), seconds=60)  # fmt: skip
        self.assertEqual([(outcome.result, outcome.told) for outcome in outcomes],
                         [(OK, "30 s"), (NOT_RUN, ""), (OK, "60 s")])
        self.assertIn("it needs 0:16:40", outcomes[1].reason)
        self.assertNotIn("long", logs)
        self.assertEqual(summary.worth(outcomes), 0)

    def test_what_does_not_build_has_failed_and_is_not_run(self):
        [outcome], logs = self.soak(part("broken", "print('figure: ran')", builds=(python("exit(1)"),)))
        self.assertEqual((outcome.result, outcome.figures), (FAILED, []))
        self.assertIn("does not build", outcome.reason)

    def test_a_program_that_is_not_there_has_failed(self):
        [outcome], logs = self.soak(Part("gone", "", 1, 0, lambda _: Amount("", [["/nothing/here"]])))
        self.assertEqual(outcome.result, FAILED)
        self.assertIn("No such file", logs["gone"])

    def test_figures_that_cannot_be_read_are_told_and_stop_nothing(self):
        outcomes, _ = self.soak(part("odd", "print('{1')", figures=figures.fleet), part("next", ""))
        self.assertIn("cannot be read", outcomes[0].figures[0])
        self.assertEqual(len(outcomes), 2)


class Summing(unittest.TestCase):
    def test_the_table(self):
        outcomes = [Outcome("good", OK, "30 kills", 61, figures=["30 kills", "word " * 30]),
                    Outcome("bad", FAILED, "9 x 5 s", 3601, "it did not end in time"),
                    Outcome("long", NOT_RUN, reason="no time, it needs 0:10:00")]
        lines = summary.text(outcomes, 3720).splitlines()
        self.assertEqual(lines[0].split(), ["part", "amount", "time", "result"])
        self.assertEqual(lines[1], "good  30 kills    0:01:01  ok")
        self.assertEqual(lines[2], "    30 kills")
        self.assertTrue(all(line.startswith("    ") and len(line) <= summary.WIDTH for line in lines[3:5]), lines)
        self.assertEqual(lines[5], "bad   of 9 x 5 s  1:00:01  FAILED: it did not end in time")
        self.assertEqual(lines[6].split(maxsplit=1), ["long", "not run: no time, it needs 0:10:00"])
        self.assertEqual(lines[7:], ["1:01:02 of soaking, 1:02:00 with builds: 1 ok, 1 FAILED, 1 not run"])

    def test_it_is_worth_something_only_if_something_ran_and_nothing_failed(self):
        good, bad, left_out = Outcome("", OK), Outcome("", FAILED), Outcome("", NOT_RUN)
        for outcomes, worth in (([good], 0), ([good, left_out], 0), ([good, bad], 1), ([left_out], 1), ([], 1)):
            self.assertEqual(summary.worth(outcomes), worth, outcomes)
        self.assertEqual(summary.worth([good, left_out], interrupted=True), 1)


class Figures(unittest.TestCase):
    def test_of_tests_that_mark_their_own(self):
        log = "test_one (x) ... figure: lost 0\nno figure: this\nfigure: gap 12 ms\nok\n"
        self.assertEqual(figures.marked(log), ["lost 0", "gap 12 ms"])

    def test_of_prose_fleet(self):
        run = "soak: sqlite, 30 kills, --seed 7\nsoak: 10 of 30 kills, 9 acts\nsoak: 20 of 30 kills, 18 acts\n"
        object_ = '{"acts":{"rotate":1200,"exclude":7},"kills":30,"radios":41,"seed":7,"steps":60}\n'
        ended = ["60 kills, 82 radios", "rotate 2,400, exclude 14"]
        self.assertEqual(figures.fleet((run + object_) * 2), ended)
        self.assertEqual(figures.fleet((run + object_) * 2 + run), [*ended, "20 of 30 kills, 18 acts"])
        self.assertEqual(figures.fleet(run), ["20 of 30 kills, 18 acts"])
        self.assertEqual(figures.fleet(""), [])

    def test_of_prose_xtest_over_all_its_runs(self):
        run = ("* fuzz_1001 no call\n  1200 calls: success 3\n  fuzz_1001 OK\n4 subtests of which 1 failed\n"
               "1 test case of which 1 failed\n0 test cases were skipped\n")  # fmt: skip
        self.assertEqual(figures.xtest(run + run), ["8 subtests of which 2 failed", "2 test cases of which 2 failed",
                                                    "2,400 random calls"])
        self.assertEqual(figures.xtest("* fuzz_1001 no call\n"), [])

    def test_of_fuzzing(self):
        log = ("==> fuzzing api for 9 s\nstat::number_of_executed_units: 123456\n==> fuzzing frame for 9 s\n"
               "==7== ERROR\nTest unit written to out/fuzz/frame-1\nstat::number_of_executed_units: 5\n")  # fmt: skip
        self.assertEqual(figures.fuzz(log), ["api: 123,456 executions, 0 crashes", "frame: 5 executions, 1 crash"])

    def test_of_power_cuts_that_were_ended(self):
        log = ("test_power ... seed 7\ncut 1: fresh disk\ncut 2: 3 operations; WRONG: it is lost\nfigure: 1 fresh\n"
               "boundary -1 of 90: 0 PGKs\nboundary 7")
        self.assertEqual(figures.power(log),
                         ["2 cuts at random instants, 1 at boundaries of flushes, 1 fault", "1 fresh"])

    def test_of_forensics(self):
        log = "Ran 14 tests in 60.1s\n\nOK\n3,755,686,400 octets searched in 23 searches\n"
        self.assertEqual(figures.forensics(log), ["Ran 14 tests", "3,755,686,400 octets searched in 23 searches"])


DRIVER = """
import importlib.machinery, importlib.util, signal, sys
from pathlib import Path
# Under nohup it would be ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
loader = importlib.machinery.SourceFileLoader("soak", "{root}/tests/soak")
soak = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak", loader))
loader.exec_module(soak)
from host.test_soak import part
soak.PARTS = [{parts}]
soak.soak.__defaults__ = (Path("{folder}/soak"),)
# Not the lock that these tests themselves run under.
soak.alone.paths.TESTS_LOCK = Path("{folder}/lock")
sys.exit(soak.main())
"""


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start(self, *parts, minutes="1", arguments=()):
        program = DRIVER.format(root=ROOT, parts=", ".join(parts), folder=self.folder)
        process = subprocess.Popen([sys.executable, "-c", program, "--minutes", minutes, *arguments],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "PYTHONPATH": str(ROOT / "tests")})
        self.addCleanup(process.kill)
        return process

    def end(self, process):
        """Its status, and the last lines: the summary, which is also the file."""
        said, wrong = process.communicate(timeout=60)
        written = (self.folder / "soak/summary.txt").read_text()
        self.assertTrue(said.endswith(written), (said, wrong))
        return process.returncode, written

    def test_all_is_well(self):
        status, text = self.end(self.start("part('one', 'print(\"figure: 7 of 7\")')", "part('two', '')"))
        self.assertEqual(status, 0, text)
        self.assertIn("\n    7 of 7\n", text)
        self.assertRegex(text, r": 2 ok, 0 FAILED, 0 not run\n$")

    def test_one_fails(self):
        status, text = self.end(self.start("part('one', 'exit(1)')", "part('two', '')"))
        self.assertEqual(status, 1, text)
        self.assertRegex(text, r": 1 ok, 1 FAILED, 0 not run\n$")

    def test_nothing_fits(self):
        status, text = self.end(self.start("part('one', '', least_s=61)"))
        self.assertEqual(status, 1, text)
        self.assertRegex(text, r": 0 ok, 0 FAILED, 1 not run\n$")

    def test_what_is_chosen(self):
        status, text = self.end(self.start("part('one', 'exit(1)')", "part('two', '')", arguments=("--only", "two")))
        self.assertEqual((status, "one" in text), (0, False), text)

    def test_ended_from_outside_it_says_what_there_is(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                self.setUp()  # a folder of its own
                endless = "import time; print('figure: 1', flush=True); time.sleep(1000)"
                process = self.start("part('one', '')", f"part('two', {endless!r})", "part('three', '')")
                log, end = self.folder / "soak/two.log", time.monotonic() + 30
                while not (log.exists() and "\nfigure: 1" in log.read_text()) and time.monotonic() < end:
                    time.sleep(0.02)
                process.send_signal(number)
                status, text = self.end(process)
                self.assertEqual(status, 1, text)
                self.assertRegex(text, r"two +of 1 s +\S+ +FAILED: interrupted\n    1\n"
                                       r"three +not run: interrupted before\n")  # fmt: skip

    def test_a_part_runs_under_its_lock_and_another_soak_does_not(self):
        taking = ("from pathlib import Path; from harness import alone; "
                  f"alone.paths.TESTS_LOCK = Path('{self.folder}/lock'); alone.take()")  # fmt: skip
        other = python(taking)
        other_fails = ("import os, subprocess; os.environ.pop('PROSEAL_TESTS_LOCK'); "
                       f"exit(1 - subprocess.call({other!r}))")  # fmt: skip
        status, text = self.end(self.start(f"part('one', {taking!r}, {other_fails!r})"))
        self.assertEqual(status, 0, text + (self.folder / "soak/one.log").read_text())
        self.assertIn("run in this tree already", (self.folder / "soak/one.log").read_text())


if __name__ == "__main__":
    unittest.main()
