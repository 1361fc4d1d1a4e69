"""The test driver itself: what it counts, and what it must not let pass."""

import contextlib
import io
import tempfile
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

from harness import cargo, process
from harness.pyunit import Collector
from harness.results import FAILED, PASSED, SKIPPED, Result, Results

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
        with tempfile.TemporaryDirectory() as folder:
            results.write_junit(Path(folder) / "junit.xml")
            root = ET.parse(Path(folder) / "junit.xml").getroot()
        self.assertEqual([case.get("name") for case in root.iter("testcase")], ["1", "2"])
        self.assertEqual(root.find(".//failure").text, "?[31mred")


class Parsing(unittest.TestCase):
    def test_cargo_cases_and_what_a_failure_said(self):
        passed, failed, ignored = cargo.parse(CARGO_OUTPUT)
        self.assertEqual((passed.name, passed.status), ("proseal_proto::id::tests::wide", PASSED))
        self.assertEqual((failed.status, ignored.status), (FAILED, SKIPPED))
        self.assertIn("too narrow", failed.message)

    def test_python_failures_errors_and_skips_are_told_apart(self):
        class Sample(unittest.TestCase):
            def test_passes(self):
                pass

            def test_fails(self):
                self.assertEqual(1, 2)

            def test_breaks(self):
                raise OSError("broken")

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
        self.assertEqual(found, {"test_passes": PASSED, "test_fails": FAILED, "test_breaks": FAILED,
                                 "test_skips": SKIPPED, "test_one_part_fails": FAILED})


class Running(unittest.TestCase):
    def test_a_command_that_hangs_is_ended_and_said_so(self):
        finished = process.run(["sh", "-c", "echo before; sleep 60"], 0.5, "harness-self-test.log")
        self.assertFalse(finished.ok)
        self.assertIn("before", finished.output)
        self.assertIn("ran out of time", finished.message)
        self.assertLess(finished.seconds, 30)
