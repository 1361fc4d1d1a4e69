"""The guard of OP-TEE's store, as the guest has it."""

import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Guard(unittest.TestCase):
    """The guest's store guard, run by this machine's sh: its rules are in its head comment."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def guard(self, call):
        command = ["sh", ROOT / "qemu-env/guest/store-guard", call, self.folder]
        return subprocess.run(command, capture_output=True, text=True, timeout=20).returncode

    def write(self, **content):
        for name, text in content.items():
            (self.folder / name.replace("dirf", "dirf.db")).write_text(text)

    def names(self):
        return {path.name for path in self.folder.iterdir()}

    def test_a_fresh_board_has_no_folder_yet(self):
        self.folder /= "optee-client/data/tee"
        self.assertNotEqual(self.guard("ready"), 0)
        self.assertEqual(self.guard("before"), 0)
        self.assertEqual(self.names(), set())

    def test_an_unfinished_first_start_is_cleared(self):
        self.write(dirf="half", **{"0": "x", "1f": "x"})
        (self.folder / "notes.txt").write_text("not the store's")
        self.assertEqual(self.guard("before"), 0)
        self.assertEqual(self.names(), {"notes.txt"})

    def test_a_ready_store_is_left_alone(self):
        self.write(dirf="whole", **{"0": "x"})
        self.assertEqual(self.guard("ready"), 0)
        for _ in range(2):
            self.assertEqual(self.guard("before"), 0)
            self.assertEqual(self.guard("ready"), 0)
        self.assertEqual(self.names(), {"dirf.db", ".dirf.ready", "0"})

    def test_a_removed_directory_comes_back_with_its_newest_content(self):
        self.write(dirf="old", **{"0": "x"})
        self.guard("ready")
        self.write(dirf="new")
        (self.folder / "dirf.db").unlink()
        self.assertEqual(self.guard("before"), 0)
        self.assertEqual((self.folder / "dirf.db").read_text(), "new")

    def test_a_store_made_anew_is_an_alarm_and_nothing_is_touched(self):
        self.write(dirf="old", **{"0": "x"})
        self.guard("ready")
        (self.folder / "dirf.db").unlink()
        self.write(dirf="anew")
        self.assertEqual(self.guard("before"), 3)
        self.assertEqual((self.folder / ".dirf.ready").read_text(), "old")
        self.assertEqual((self.folder / "dirf.db").read_text(), "anew")

    def test_an_empty_store_is_no_ready_store(self):
        self.assertEqual(self.guard("before"), 0)
        self.assertEqual(self.guard("ready"), 1)
        self.assertEqual(self.guard("else"), 2)


if __name__ == "__main__":
    unittest.main()
