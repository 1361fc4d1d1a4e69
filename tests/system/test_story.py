"""What a newcomer sees first: `make run`, whose end this is."""

import re
import subprocess
import unittest

from harness.process import ROOT

# For all of `make run`, the build too.
LIMIT_S = 900
# Seconds of the story itself on a quiet machine, and how much slower a busy one may be.
STORY_S, SLACK = 60, 3


def chapters(text):
    """The numbered titles in a text, whole lines."""
    return re.findall(r"^\d+\. .*$", text, re.M)


def sample(readme):
    """The first sample output of a README."""
    return re.search(r"^```text\n(.*?)^```$", readme, re.M | re.S).group(1)


class Story(unittest.TestCase):
    def test_make_run_shows_the_main_job(self):
        finished = subprocess.run(["make", "run"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
        print(finished.stdout)
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertNotIn("NOT SO", finished.stdout)
        self.assertGreaterEqual(finished.stdout.count("    ok: "), 12)

        promised = chapters(sample((ROOT / "README.md").read_text()))
        self.assertTrue(promised, "the README's sample of `make run` has no chapter")
        told = chapters(finished.stdout)
        self.assertEqual([title for title in promised if title not in told], [], "of the README, not told")

        done = re.search(r"^Done, in (\d+) s$", finished.stdout, re.M)
        self.assertIsNotNone(done, finished.stdout)
        seconds = int(done.group(1))
        print(f"the story took {seconds} s (at most {STORY_S} on a quiet machine)")
        self.assertLess(seconds, SLACK * STORY_S)


if __name__ == "__main__":
    unittest.main()
