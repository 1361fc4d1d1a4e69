"""OP-TEE's store when its first session fails or comes late: nothing that was acknowledged is lost."""

import json
import os
import unittest

from ue import UE, paths

MARK = "/var/lib/optee-client/data/tee/.dirf.ready"
KEY = ["key", "import", "--group", "0a0b0c", "--member", "000001", "--generation", "1", "--pgk-id", "01",
       "--key-file", "-"]


class Store(unittest.TestCase):
    """Each test has a UE on a fresh disk."""

    def setUp(self):
        self.ue = UE("store")

    def start(self, *options):
        # Only what this test has started is its own to stop.
        self.ue.start("--fresh", *options)
        self.addCleanup(self.ue.stop)

    def supplicants(self):
        """The ids of the tee-supplicants that run."""
        return self.ue.exec("pidof", "tee-supplicant").stdout.split()

    def kept_over_a_boot(self):
        before = self.ue.done("key", "list")["groups"]
        self.assertEqual(len(before), 1)
        self.ue.stop()
        self.ue.start()
        self.assertEqual(self.ue.done("key", "list")["groups"], before)

    def test_a_key_acknowledged_after_a_failed_first_session_is_kept(self):
        # Without trusted applications no session opens.
        self.start("--append", "proseal.nota")
        self.assertEqual(self.supplicants(), [], "it could acknowledge what the next boot clears")
        self.assertIn("the first session did not open", (self.ue.folder / "console.log").read_text(errors="replace"))
        again = self.ue.exec("tee-supplicant", "-d")
        self.assertEqual((again.status, self.supplicants()), (1, []), again)

        for file in paths.GUEST_TA.glob("*.ta"):
            self.ue.exec("sh", "-c", f"cat > /lib/optee_armtz/{file.name}", stdin=file.read_bytes())
        started = self.ue.exec("tee-supplicant", "-d")
        self.assertEqual((started.status, len(self.supplicants())), (0, 1), started)
        second = self.ue.exec("tee-supplicant", "-d")
        self.assertEqual((second.status, len(self.supplicants())), (1, 1), second)
        self.assertIn("it runs already", second.stderr)
        self.assertEqual(self.ue.exec("test", "-e", MARK).status, 0)
        self.ue.done(*KEY, stdin=os.urandom(32))
        self.kept_over_a_boot()

    def test_nobody_is_answered_before_the_mark(self):
        self.start("--append", "proseal.nosupplicant")
        # One waits for the TEE since before it can answer, another asks all the time.
        said = self.ue.sh(
            "prosectl --json --timeout 4 status >/tmp/early &\n"
            "while [ ! -e /tmp/enough ]; do\n"
            "    if prosectl --timeout 3 status >/dev/null 2>&1; then\n"
            f"        if [ -e {MARK} ]; then echo after; else echo before; fi\n"
            "    fi\n"
            "done >/tmp/asked &\n"
            "sleep 1; tee-supplicant; echo $?; sleep 1; touch /tmp/enough; wait; cat /tmp/early; sort -u /tmp/asked")
        status, early, *asked = said.stdout.splitlines()
        self.assertEqual((status, asked), ("0", ["after"]), said)
        self.assertEqual(json.loads(early)["name"], "timed_out")
        self.ue.done(*KEY, stdin=os.urandom(32))
        self.kept_over_a_boot()
