"""The mutations of tests/mutations: a patch that no longer applies proves nothing."""

import contextlib
import importlib.machinery
import importlib.util
import io
import re
import subprocess
import unittest
from unittest import mock

from harness import fuzz
from harness.process import ROOT

PATCHES = sorted((ROOT / "tests/mutations").glob("*.patch"))


class Mutations(unittest.TestCase):
    def test_each_applies_to_this_tree(self):
        for patch in PATCHES:
            with self.subTest(patch.name):
                checked = subprocess.run(["git", "apply", "--check", "--unidiff-zero", patch], cwd=ROOT,
                                         capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_each_names_a_case_that_is_there(self):
        numbers = set()
        for patch in PATCHES:
            with self.subTest(patch.name):
                head = dict(re.findall(r"^# (case|what): (.+)$", patch.read_text(), re.M))
                self.assertEqual(sorted(head), ["case", "what"])
                self.assertTrue(is_there(head["case"]), head["case"])
                numbers.add(patch.name[:2])
        self.assertEqual(len(numbers), len(PATCHES), "a number stands for one mutation")

    def test_a_case_is_its_suite_and_its_number(self):
        for case, there in {
            "regression_2001": True, "negative_2001": False, "negative_2101": True, "regression_2901": False,
            "fuzz_1001": True, "storage_1006": True, "negative.2101": False, "nothing_1001": False,
            "fuzz.record": True, "fuzz.nothing": False, "soak.sqlite": True, "soak.nothing": False,
            "forensics.test_an_erased_pgk_is_nowhere": True, "forensics.test_nothing": False,
            "system.test_attack.SameStart.test_nothing": False, "system.test_nothing.Same.test_nothing": False,
            "system.test_attack.Start.test_attack_copies_of_a_machine_have_their_own_identities": False,
            "system.test_attack.SameStart.test_attack_copies_of_a_machine_have_their_own_identities": True,
        }.items():  # fmt: skip
            with self.subTest(case):
                self.assertEqual(is_there(case), there)


class Unbroken(unittest.TestCase):
    """What tests/mutants does before it breaks anything, with builds and UEs played."""

    def refused(self, **bad):
        """The names that it gives when these fail where nothing is broken."""
        loader = importlib.machinery.SourceFileLoader("mutants", str(ROOT / "tests/mutants"))
        mutants = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants", loader))
        loader.exec_module(mutants)
        chosen = [mutants.Mutant(ROOT / "tests/mutations" / name) for name in (
            "05-ptk-id-zero.patch", "22-erase-keeps-the-store.patch", "31-later-record-panics.patch")]  # fmt: skip
        with (
            mock.patch.multiple(mutants, make_copy=mock.DEFAULT, build=mock.DEFAULT, a_ue=contextlib.nullcontext),
            mock.patch.object(mutants, "case", return_value=bad.get("case", (0, "OK"))),
            mock.patch.object(mutants, "unittests", return_value=bad.get("forensics", 0)),
            mock.patch.object(mutants, "logged", return_value=bad.get("fuzz", 0)),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            try:
                mutants.need_unbroken(chosen)
            except SystemExit as end:
                return str(end)
        return None

    def test_all_well(self):
        self.assertIsNone(self.refused())

    def test_a_case_that_fails_anyway_is_named(self):
        # A UE that cannot work, a case that is skipped, one that does not exist, one that fails.
        for ended in ((125, None), (0, None), (1, None), (1, "FAILED")):
            with self.subTest(ended):
                self.assertIn(": negative_3003;", self.refused(case=ended))
        for status in (1, None):
            with self.subTest(status):
                self.assertIn(": test_an_erased_pgk_does_not_come_back;", self.refused(forensics=status))
                self.assertIn(": record;", self.refused(fuzz=status))


def is_there(case):
    """Of prose-xtest `suite_number`, as a row of the suite's own tables; of the others `kind.name`."""
    kind, _, name = case.partition(".")
    if kind == "fuzz" and name:
        return name in fuzz.TARGETS
    if kind == "soak":
        return name in ("sqlite", "postgresql")
    if kind == "forensics":
        return has(ROOT / "tests/system/test_forensics.py", name)
    if kind == "system":
        module, _, test = name.partition(".")
        path, (of, _, test) = ROOT / f"tests/system/{module}.py", test.rpartition(".")
        return path.is_file() and f"\nclass {of}(" in path.read_text() and has(path, test)
    suite, _, number = case.partition("_")
    cases = ROOT / "host/xtest/src/cases"
    text = "".join(path.read_text() for path in [*cases.glob(f"{suite}.rs"), *cases.glob(f"{suite}/**/*.rs")])
    row = rf"^ *(?:&\[)?(?:\w+\(|number: ){number},"
    return re.fullmatch(r"\d{4}", number) is not None and re.search(row, re.sub(r"\(\s+", "(", text), re.M) is not None


def has(path, test):
    return f"def {test}(" in path.read_text()


if __name__ == "__main__":
    unittest.main()
