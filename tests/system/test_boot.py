"""How long a boot takes, from QEMU's start to the trusted application's first answer."""

import unittest

from ue import UE

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
