"""What a newcomer sees first: `make run`, whose end this is."""

import subprocess
import unittest

from harness.process import ROOT

LIMIT_S = 900


class Story(unittest.TestCase):
    def test_make_run_shows_the_main_job(self):
        finished = subprocess.run(["make", "run"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
        print(finished.stdout)
        self.assertEqual(finished.returncode, 0, finished.stdout)
        self.assertNotIn("NOT SO", finished.stdout)
        self.assertGreaterEqual(finished.stdout.count("    ok: "), 12)


if __name__ == "__main__":
    unittest.main()
