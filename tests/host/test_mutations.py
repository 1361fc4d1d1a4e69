"""The mutations of tests/mutations: a patch that no longer applies proves nothing."""

import re
import subprocess
import unittest

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
        cases = "".join(path.read_text() for path in (ROOT / "host/xtest/src/cases").rglob("*.rs"))
        forensics = (ROOT / "tests/system/test_forensics.py").read_text()
        for patch in PATCHES:
            with self.subTest(patch.name):
                head = dict(re.findall(r"^# (case|what): (.+)$", patch.read_text(), re.M))
                self.assertEqual(sorted(head), ["case", "what"])
                kind, name = re.fullmatch(r"([a-z]+)[._](\w+)", head["case"]).groups()
                if kind == "forensics":
                    self.assertIn(f"def {name}(", forensics)
                elif "fuzz." in head["case"]:
                    self.assertIn(name, fuzz.TARGETS)
                else:
                    self.assertRegex(cases, rf"(\(\s*|number: ){name},")
                numbers.add(patch.name[:2])
        self.assertEqual(len(numbers), len(PATCHES), "a number stands for one mutation")


if __name__ == "__main__":
    unittest.main()
