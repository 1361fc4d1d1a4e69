"""The TA's floor over what a machine does to time: sleep, a stopped machine, reboots, wrong clocks. Its own counting is
tested on the host (ta/src/clock.rs, the model); here it is whose time it counts."""

import time
import unittest
from datetime import datetime, timezone

from forensics.memory import Paused
from ue import UE

GROUP = "0a0b0c"
# What a call and the tools around it may take, seconds, on a loaded machine.
SLACK = 30


class TimeOfTheFloor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ue = UE("time", installs=True)
        cls.ue.start("--fresh")
        cls.addClassCleanup(cls.ue.stop)
        cls.ue.done("key", "import", "--group", GROUP, "--member", "000001", "--generation", "1", "--pgk-id", "01",
                    "--key-file", "-", stdin=bytes(range(32)))

    def floor(self):
        text = self.ue.done("status")["floor"]
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()

    def passes(self, act, at_least):
        """The floor goes on by the powered time of `act`: at least so many seconds, and no more than really passed."""
        began, before = time.monotonic(), self.floor()
        act()
        after = self.floor()
        really = time.monotonic() - began
        self.assertGreaterEqual(after - before, at_least)
        self.assertLessEqual(after - before, really + 1)
        self.ue.done("refresh", GROUP)

    def test_powered_time_counts(self):
        self.passes(lambda: time.sleep(4), 3)

    def test_suspend_to_idle(self):
        def sleep():
            self.ue.sh("echo +5 >/sys/class/rtc/rtc0/wakealarm && echo freeze >/sys/power/state")

        self.passes(sleep, 3)

    def test_a_machine_that_stands_still(self):
        def stop():
            with Paused(self.ue.name):
                time.sleep(5)

        # Stopped from outside a machine has no time; afterwards it has it again.
        self.passes(stop, 0)
        self.passes(lambda: time.sleep(3), 2)

    def test_reboots_with_any_clock(self):
        """The clock of the normal world moves nothing: neither the floor, nor what may be derived."""
        for clock in ("1970-01-02", "2099-01-01"):
            with self.subTest(clock=clock):
                before = self.floor()
                # Each writes the floor too, so that no restart can take it back.
                self.ue.done("suspend", GROUP)
                self.ue.done("resume", GROUP)
                self.ue.stop()
                self.ue.start("--rtc", clock)
                self.assertTrue(self.ue.sh("date +%Y").stdout.startswith(clock[:4]))
                after = self.floor()
                self.assertGreaterEqual(after, before)
                self.assertLess(after, before + SLACK)
                self.assertEqual(self.ue.done("key", "list")["groups"][0]["pgks"][0]["state"], "held")
                self.ue.done("derive", "send", "--group", GROUP, "--generation", "1")
        self.ue.stop()
        self.ue.start()

    def test_a_clock_that_is_turned_while_it_runs(self):
        for clock in ("1970-01-02", "2099-01-01"):
            with self.subTest(clock=clock):
                before = self.floor()
                self.ue.sh(f"date -s '{clock} 00:00:00' >/dev/null")
                after = self.floor()
                self.assertGreaterEqual(after, before)
                self.assertLess(after, before + SLACK)


if __name__ == "__main__":
    unittest.main()
