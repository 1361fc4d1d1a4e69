"""`fuzz/run` in a small tree, with cargo and a target played by scripts."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness.process import ROOT

CARGO = """#!/bin/sh
mkdir -p target/fuzz/here/release
cp played target/fuzz/here/release/record
"""
PANIC = """#!/bin/sh
echo 'INFO: Seed: 1'
echo '#2 INITED cov: 3'
echo "thread '<unnamed>' panicked at fuzz/src/history.rs:31:9:"
echo 'assertion failed: a promise'
echo '  left: 1'
echo 'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace'
echo '==7== ERROR: libFuzzer: deadly signal'
echo 'stat::number_of_executed_units: 2'
exit 77
"""
WELL = "#!/bin/sh\necho '#2 INITED'\necho stat::number_of_executed_units: 2\n"


class FuzzRun(unittest.TestCase):
    def fuzz(self, target, *arguments):
        """Its exit status, what is seen, and the log, if there is one."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "fuzz").mkdir()
            shutil.copy(ROOT / "fuzz/run", root / "fuzz/run")
            for name, text in (("path/cargo", CARGO), ("path/rustc", "#!/bin/sh\necho host: here\n"), ("played", target)):
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text)
                (root / name).chmod(0o755)
            done = subprocess.run([root / "fuzz/run", *arguments], stdin=subprocess.DEVNULL, timeout=60,
                                  env={**os.environ, "PATH": f"{root}/path:{os.environ['PATH']}"}, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            log = root / "out/fuzz/record.log"
            return done.returncode, done.stdout, log.read_text() if log.exists() else None

    def test_a_panic_is_shown_with_its_text_and_the_log_has_all(self):
        status, seen, log = self.fuzz(PANIC, "--seconds", "1", "record")
        self.assertEqual(status, 1, seen)
        for line in ("panicked at fuzz/src/history.rs:31:9", "a promise", "  left: 1", "deadly signal", "out/fuzz/record.log"):
            self.assertIn(line, seen)
        for line in ("INITED", "RUST_BACKTRACE"):
            self.assertNotIn(line, seen)
            self.assertIn(line, log)

    def test_all_well(self):
        status, seen, log = self.fuzz(WELL, "--seconds", "1", "record")
        self.assertEqual((status, seen.splitlines()[1:]), (0, ["stat::number_of_executed_units: 2"]))
        self.assertIn("INITED", log)

    def test_it_only_builds(self):
        self.assertEqual(self.fuzz(PANIC, "--build"), (0, "", None))


if __name__ == "__main__":
    unittest.main()
