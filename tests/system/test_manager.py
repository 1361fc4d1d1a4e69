"""A radio and its manager over the network: what goes wrong is said plainly, and said again it is done."""

import re
import tempfile
import unittest

import prose_manager
from prose_manager import Manager
from ue import UE

GROUP = "0a0b0c"


class Online(unittest.TestCase):
    """One radio's life at a manager, a step a test, in this order."""

    @classmethod
    def setUpClass(cls):
        prose_manager.build()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.manager = Manager(folder.name)
        cls.fingerprint = cls.manager.done("init")["fingerprint"].replace(" ", "")
        cls.manager.done("group", "add", GROUP, "--name", "patrol")
        cls.manager.done("member", "allow", "patrol", "unit-1")
        cls.addClassCleanup(cls.manager.stop)
        cls.manager.serve()
        cls.token = cls.manager.invite("unit-1")
        cls.ue = UE("manager")
        cls.addClassCleanup(cls.ue.stop)
        cls.ue.start("--fresh", "--cache", "unsafe", "--reach", str(cls.manager.port))

    def refused(self, name, *words, stdin=b"", status=None):
        """The answer of a command that fails by this name."""
        answer = self.ue.json(*words, stdin=stdin)
        self.assertEqual((answer["ok"], answer.get("name")), (False, name), answer)
        if status is not None:
            self.assertEqual(self.ue.prosectl(*words, stdin=stdin).status, status)
        return answer

    def enrol(self, *words, stdin=None):
        return ["enrol", "--token-file", "-", *words], self.token if stdin is None else stdin

    def test_1_before_it_enrols(self):
        self.refused("no_manager", "join", GROUP, status=1)
        words, token = self.enrol("--fingerprint", "00" * 32)
        self.assertIn("another fingerprint", self.refused("wrong_file", *words, stdin=token)["message"])
        words, token = self.enrol()
        self.refused("usage", *words, stdin=token)
        words, token = self.enrol("--yes", stdin=self.token.replace(b"token = ", b"secret = "))
        self.refused("wrong_file", *words, stdin=token)
        self.assertEqual(self.ue.done("status")["state"], "factory")

    def test_2_it_enrols_and_says_so_again(self):
        wrong = re.sub(rb"token = (.*)", b"token = " + b"A" * 43, self.token)
        words, token = self.enrol("--yes", stdin=wrong)
        self.refused("bad_token", *words, stdin=token, status=3)
        # The manager is pinned by now, and knows nothing of this radio.
        self.assertIn("enrol first", self.refused("unknown_device", "join", GROUP, status=3)["hint"])
        words, token = self.enrol("--fingerprint", self.fingerprint)
        first = self.ue.done(*words, stdin=token)
        self.assertEqual((first["subscriber"], first["standing"]), ("unit-1", "pending"))
        self.assertEqual(self.ue.done(*words, stdin=token), first)
        self.refused("not_approved", "join", GROUP, status=3)

    def test_3_it_joins_and_keeps_that_over_a_restart(self):
        self.manager.done("device", "approve", self.ue.done("status")["device"])
        self.refused("not_authorised", "join", "0a0b0d")
        joined = self.ue.done("join", GROUP)
        self.assertEqual((joined["package"]["outcome"], joined["package"]["receipt"]), ("applied", True))
        again = self.ue.done("join", GROUP)
        self.assertEqual((again["member"], again["package"]["outcome"]), (joined["member"], "same"))
        self.ue.reboot()
        self.assertFalse(self.ue.done("update")["is_new"])

    def test_4_a_server_that_is_away_is_no_harm(self):
        self.manager.done("key", "rotate", "patrol")
        port = self.manager.port
        self.assertEqual(self.manager.stop(), 0)
        self.refused("unreachable", "update", status=6)
        self.manager.serve(port)
        updated = self.ue.done("update")
        self.assertEqual(updated["package"]["outcome"], "applied")
        self.assertFalse(self.ue.done("update", "--wait", "1")["is_new"])

    def test_5_it_waits_for_what_comes(self):
        waiting = self.ue.sh("prosectl --json update --wait 60 >/tmp/answer & echo started")
        self.assertEqual(waiting.status, 0)
        self.manager.done("key", "replace", "patrol", "--yes")
        done = self.ue.sh("for i in $(seq 60); do [ -s /tmp/answer ] && exec cat /tmp/answer; sleep 1; done; exit 1")
        self.assertIn('"outcome":"applied"', done.stdout)

    def test_6_it_carries_the_bundle_of_its_group(self):
        bundle = self.ue.done("bundle", GROUP, "--out", "/tmp/bundle")
        self.assertEqual((bundle["notice"], bundle["packages"]), (True, 1))
        self.assertEqual(self.ue.done("import", "/tmp/bundle/notice")["outcome"], "superseded")
        self.refused("bad_file", "bundle", GROUP, "--out", "/tmp/bundle")
        self.refused("not_authorised", "bundle", "0a0b0d", "--out", "/tmp/other")

    def test_7_a_clock_that_is_wrong_is_named(self):
        self.ue.stop()
        self.ue.start("--cache", "unsafe", "--reach", str(self.manager.port), "--rtc", "2099-01-01")
        self.assertIn("clock", self.refused("wrong_manager", "update", status=1)["hint"])

    def test_8_another_managers_radio_is_told_so(self):
        self.ue.stop()
        self.ue.start("--fresh", "--cache", "unsafe", "--reach", str(self.manager.port))
        with tempfile.TemporaryDirectory() as folder:
            other = Manager(folder)
            other.done("init")
            self.ue.done("enrol", "-", "--yes", stdin=other.written("enrolment"))
        words, token = self.enrol("--yes")
        answer = self.refused("wrong_state", *words, stdin=token, status=3)
        self.assertIn("belongs to manager", answer["message"])

    def test_9_nothing_secret_is_in_the_servers_log(self):
        log = self.manager.log()
        self.assertIn("it serves", log)
        token = re.search(rb"token = (.*)", self.token)[1].decode()
        self.assertNotIn(token, log)


if __name__ == "__main__":
    unittest.main()
