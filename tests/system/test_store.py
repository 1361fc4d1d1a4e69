"""OP-TEE's store when its first session fails or comes late: nothing that was acknowledged is lost."""

import json
import os
import unittest

from ue import UE, paths

STORE = "/var/lib/optee-client/data/tee"
MARK = f"{STORE}/.dirf.ready"
KEY = ["key", "import", "--group", "0a0b0c", "--member", "000001", "--generation", "1", "--pgk-id", "01",
       "--key-file", "-"]


class Store(unittest.TestCase):
    """Each test has a UE on a fresh disk."""

    def setUp(self):
        self.ue = UE("store", installs=True)

    def start(self, *options):
        # Only what this test has started is its own to stop.
        self.ue.start("--fresh", *options)
        self.addCleanup(self.ue.stop)

    def supplicants(self):
        """The ids of the tee-supplicants that run."""
        return self.ue.exec("pidof", "tee-supplicant").stdout.split()

    def kept_over_a_boot(self):
        before = self.ue.held()
        self.assertEqual(len(before), 1)
        self.ue.stop()
        self.ue.start()
        self.assertEqual(self.ue.held(), before)

    def test_a_key_acknowledged_after_a_failed_first_session_is_kept(self):
        # Without trusted applications no session opens.
        self.start("--append", "proseal.nota")
        self.assertEqual(self.supplicants(), [], "it could acknowledge what the next boot clears")
        self.assertIn("the first session did not open", (self.ue.folder / "console.log").read_text(errors="replace"))
        again = self.ue.exec("tee-supplicant", "-d")
        self.assertEqual((again.status, self.supplicants()), (1, []), again)

        for file in (*paths.GUEST_TA.glob("*.ta"), *paths.TEST_TA.glob("*.ta")):
            self.ue.exec("sh", "-c", f"cat > /lib/optee_armtz/{file.name}", stdin=file.read_bytes())
        started = self.ue.exec("tee-supplicant", "-d")
        self.assertEqual((started.status, len(self.supplicants())), (0, 1), started)
        second = self.ue.exec("tee-supplicant", "-d")
        self.assertEqual((second.status, len(self.supplicants())), (1, 1), second)
        self.assertIn("it runs already", second.stderr)
        self.assertEqual(self.ue.exec("test", "-e", MARK).status, 0)
        self.ue.done(*KEY, stdin=os.urandom(32))
        self.kept_over_a_boot()

    def test_a_damaged_directory_is_told_and_what_is_left_survives_the_doctor(self):
        self.start()
        self.ue.done(*KEY, stdin=os.urandom(32))
        before = self.ue.held()
        self.ue.stop()

        self.ue.start("--append", "proseal.nosupplicant")
        damaged = self.ue.sh(f"set -e; cd {STORE}; cp dirf.db kept; dd if=/dev/urandom of=dirf.db bs=4096 count=4 conv=notrunc\n"
                             "sync; tee-supplicant")  # fmt: skip
        self.assertEqual(damaged.status, 0, damaged)
        told = self.ue.json("status")
        # Which of the two depends on what the damage makes of its counters (docs/storage.md).
        self.assertIn((told["ok"], told.get("name")), [(False, "storage_damaged"), (False, "bad_signature")], told)
        lost = self.ue.exec("test", "-e", f"{STORE}/dirf.db").status != 0
        doctor = self.ue.prosectl("doctor")
        self.assertEqual(doctor.status, 1, doctor)
        # A store without its directory would be made anew by the next session (OP-TEE 4.10 removes a damaged one).
        self.assertEqual("has lost its directory" in doctor.stdout, lost, doctor)
        self.assertEqual(self.ue.exec("test", "-e", f"{STORE}/dirf.db").status != 0, lost)
        self.ue.stop()

        # A copy, put back in place, brings all back.
        self.ue.start("--append", "proseal.nosupplicant")
        mended = self.ue.sh(f"set -e; cd {STORE}; cat kept >.dirf.ready; sync; tee-supplicant")
        self.assertEqual(mended.status, 0, mended)
        self.assertEqual(self.ue.held(), before)

    def test_a_call_in_flight_while_tee_supplicant_dies_costs_no_key(self):
        self.start()
        self.ue.done(*KEY, stdin=os.urandom(32))
        before = self.ue.held()
        self.ue.stop()
        self.ue.start()
        # The first session of a boot reads the store's directory: its request is there when the keeper dies.
        said = self.ue.sh(
            f"kill -STOP $(pidof tee-supplicant); {self.ue.ctl} --timeout 6 status >/dev/null 2>&1 & sleep 2\n"
            "kill -KILL $(pidof tee-supplicant); tee-supplicant; echo $?; wait")
        self.assertEqual(said.stdout, "0\n", said)
        self.assertEqual(self.ue.held(), before)
        self.ue.stop()
        self.ue.start()
        self.assertEqual(self.ue.held(), before)

    def test_the_doctor_opens_nothing_where_the_directory_is_lost(self):
        self.start()
        self.ue.done(*KEY, stdin=os.urandom(32))
        self.ue.sh(f"rm {STORE}/dirf.db; sync")
        doctor = self.ue.prosectl("doctor")
        self.assertEqual(doctor.status, 1, doctor)
        self.assertIn("has lost its directory", doctor.stdout)
        self.assertNotIn("trusted application", doctor.stdout)
        self.ue.stop()
        self.ue.start()
        self.assertEqual(len(self.ue.held()), 1)

    def test_nobody_is_answered_before_the_mark(self):
        self.start("--append", "proseal.nosupplicant")
        # One waits for the TEE since before it can answer, another asks all the time.
        said = self.ue.sh(
            f"{self.ue.ctl} --json --timeout 4 status >/tmp/early &\n"
            "while [ ! -e /tmp/enough ]; do\n"
            f"    if {self.ue.ctl} --timeout 3 status >/dev/null 2>&1; then\n"
            f"        if [ -e {MARK} ]; then echo after; else echo before; fi\n"
            "    fi\n"
            "done >/tmp/asked &\n"
            "sleep 1; tee-supplicant; echo $?; sleep 1; touch /tmp/enough; wait; cat /tmp/early; sort -u /tmp/asked")
        status, early, *asked = said.stdout.splitlines()
        self.assertEqual((status, asked), ("0", ["after"]), said)
        self.assertEqual(json.loads(early)["name"], "timed_out")
        self.ue.done(*KEY, stdin=os.urandom(32))
        self.kept_over_a_boot()
