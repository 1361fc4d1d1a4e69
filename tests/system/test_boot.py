"""A boot: how long it takes, from QEMU's start to the trusted application's first answer, and what it leaves where."""

import sys
import unittest

from ue import ROOT, UE

sys.path.insert(0, str(ROOT / "qemu-env/lib"))

from qemu_env import uboot  # noqa: E402

# Seconds on a quiet machine, and how much slower a busy one may be.
FRESH_S, READY_S = 9, 6
SLACK = 3


class Boot(unittest.TestCase):
    def test_first_answer_on_a_fresh_disk_and_on_a_ready_one(self):
        ue = UE("boot")
        ue.start("--fresh")
        self.addCleanup(ue.stop)
        fresh = ue.first_answer()
        ue.reboot()
        ready = ue.first_answer()
        print(f"first answer of the trusted application: {fresh:.1f} s after QEMU's start on a fresh disk (at most "
              f"{FRESH_S} on a quiet machine), {ready:.1f} s on a ready one (at most {READY_S})")
        self.assertLess(fresh, SLACK * FRESH_S)
        self.assertLess(ready, SLACK * READY_S)
        self.shared_memory_is_op_tees(ue)

    def shared_memory_is_op_tees(self, ue):
        """That nothing lies over it was computed when the image was made (qemu_env/uboot.py); here the kernel says so."""
        said = ue.octets("dmesg").decode(errors="replace") + (ue.folder / "console.log").read_text(errors="replace")
        self.assertEqual([line for line in said.splitlines() if "failed" in line and "reserv" in line], [])
        # The kernel says "reserved mem: ... nomap" of it even where that failed; of its own memory it then has taken it.
        areas = [line for line in ue.octets("cat", "/proc/iomem").decode().splitlines() if not line.startswith(" ")]
        self.assertIn("{:08x}-{:08x} : reserved".format(uboot.OPTEE_SHM[0], uboot.OPTEE_SHM[1] - 1), areas)
