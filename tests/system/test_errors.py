"""Bad input and broken surroundings: each gets a message that says what to do
next, and nothing is lost. All in live UEs, through prosectl."""

import json
import os
import subprocess
import unittest

from harness import tree
from harness.process import paths
from ue import UE

GROUP, MEMBER = "0a0b0c", "000001"
STORE = "/var/lib/optee-client/data"


def pgk_arguments(group=GROUP, generation="1", pgk_id="01"):
    return ["key", "import", "--group", group, "--member", MEMBER, "--generation", generation, "--pgk-id", pgk_id,
            "--key-file", "-"]


class Case(unittest.TestCase):
    def refused(self, answer, status, name, message, hint):
        """`answer` is one JSON object of a failure, and says all this."""
        said = json.loads(answer.stdout)
        self.assertEqual((answer.status, said["ok"], said["name"]), (status, False, name), answer)
        self.assertIn(message, said["message"])
        self.assertIn(hint, said["hint"])
        # What a user sees, for the log.
        print(f"{said['name']}: {said['message']}\n  hint: {said['hint']}")


class InOneLife(Case):
    """Cases that one running UE can show."""

    @classmethod
    def setUpClass(cls):
        cls.ue = UE("errors", installs=True)
        cls.ue.start("--fresh")
        cls.addClassCleanup(cls.ue.stop)

    def setUp(self):
        self.ue.done("erase", "--yes")

    def test_key_file_of_the_wrong_length(self):
        for octets in (b"", bytes(31), bytes(33), bytes(1 << 16)):
            answer = self.ue.prosectl("--json", *pgk_arguments(), stdin=octets)
            self.refused(answer, 1, "bad_key_file", "standard input", "32 octets")
        self.assertEqual(self.ue.held(), [])

    def test_key_of_text(self):
        for octets in (b"correct horse battery staple 42\n", os.urandom(16).hex().encode()):
            answer = self.ue.prosectl("--json", *pgk_arguments(), stdin=octets)
            self.refused(answer, 1, "bad_key_file", "32 characters of text", "64 hexadecimal digits")
        self.assertEqual(self.ue.held(), [])

    def test_key_file_that_is_not_there(self):
        arguments = pgk_arguments()
        arguments[-1] = "/nowhere"
        answer = self.ue.prosectl("--json", *arguments)
        self.refused(answer, 1, "bad_key_file", "/nowhere", "name a file")

    def test_key_as_hexadecimal_digits_is_the_same_key(self):
        key = os.urandom(32)
        receive = ["derive", "receive", "--group", GROUP, "--generation", "1", "--sender", "00beef", "--ptk-id", "0001",
                   "--salt", "0011223344556677", "--show-keys"]
        self.ue.done(*pgk_arguments(), stdin=key)
        octets = self.ue.done(*receive)
        self.ue.done("erase", "--yes")
        self.ue.done(*pgk_arguments(), stdin=key.hex().encode() + b"\n")
        self.assertEqual(self.ue.done(*receive)["ik"], octets["ik"])

    def test_generation_that_exists(self):
        self.ue.done(*pgk_arguments(), stdin=os.urandom(32))
        before = self.ue.held()
        answer = self.ue.prosectl("--json", *pgk_arguments(), stdin=os.urandom(32))
        self.refused(answer, 1, "held", "generation 1 of group 0a0b0c is held already", "higher generation")
        self.assertEqual(self.ue.held(), before)

    def test_generation_that_has_ended(self):
        self.ue.done(*pgk_arguments(generation="7", pgk_id="07"), stdin=os.urandom(32))
        before = self.ue.held()
        answer = self.ue.prosectl("--json", *pgk_arguments(), stdin=os.urandom(32))
        self.refused(answer, 3, "not_taken", "generation 1 of group 0a0b0c has ended", "higher generation")
        self.assertEqual(self.ue.held(), before)

    def test_another_member_id(self):
        self.ue.done(*pgk_arguments(), stdin=os.urandom(32))
        before = self.ue.held()
        arguments = pgk_arguments(generation="2", pgk_id="02")
        arguments[arguments.index(MEMBER)] = "000002"
        answer = self.ue.prosectl("--json", *arguments, stdin=os.urandom(32))
        self.refused(answer, 1, "held", "this device is member 000001 and may send", "--member")
        self.assertEqual(self.ue.held(), before)

    def test_full_group(self):
        for n in range(1, 5):
            self.ue.done(*pgk_arguments(generation=str(n), pgk_id=f"{n:02x}"), stdin=os.urandom(32))
        before = self.ue.held()
        answer = self.ue.prosectl("--json", *pgk_arguments(generation="5", pgk_id="05"), stdin=os.urandom(32))
        self.refused(answer, 3, "too_many_pgks", "the group is full", "prosectl-test revoke")
        self.assertEqual(self.ue.held(), before)

    def test_full_device(self):
        for n in range(16):
            self.ue.done(*pgk_arguments(group=f"{n:06x}"), stdin=os.urandom(32))
        before = self.ue.held()
        answer = self.ue.prosectl("--json", *pgk_arguments(group="ffffff"), stdin=os.urandom(32))
        self.refused(answer, 3, "too_many_groups", "the device is full", "prosectl-test erase")
        self.assertEqual((len(before), self.ue.held()), (16, before))

    def test_full_disk(self):
        # Down to the last block; what dd says does not matter.
        self.ue.sh(f"dd if=/dev/zero of={STORE}/filler bs=64k; dd if=/dev/zero of={STORE}/filler2 bs=1k; sync")
        try:
            answer = self.ue.prosectl("--json", *pgk_arguments(), stdin=os.urandom(32))
            self.refused(answer, 3, "store_full", "disk of the secure storage is full", "make room")
            doctor = self.ue.prosectl("doctor")
            self.assertEqual(doctor.status, 1)
            self.assertIn("too little", doctor.stdout)
            said = self.ue.prosectl("--json", "doctor")
            self.refused(said, 1, "unwell", "1 thing is wrong", "make room")
            self.assertEqual(self.ue.done("status")["state"], "factory")
        finally:
            self.ue.sh(f"rm {STORE}/filler {STORE}/filler2; sync")
        self.ue.done(*pgk_arguments(), stdin=os.urandom(32))
        before = self.ue.held()
        self.ue.reboot()
        self.assertEqual(self.ue.held(), before)

    def test_full_disk_of_a_device_in_use(self):
        """The state has its room since the first key: what the key's life needs goes on."""
        for n in ("1", "2"):
            self.ue.done(*pgk_arguments(generation=n, pgk_id=f"0{n}"), stdin=os.urandom(32))
        self.ue.sh(f"dd if=/dev/zero of={STORE}/filler bs=64k; dd if=/dev/zero of={STORE}/filler2 bs=1k; sync")
        try:
            self.ue.done("refresh", GROUP)
            self.ue.done("suspend", GROUP)
            self.ue.done("resume", GROUP)
            self.ue.done("revoke", GROUP, "--below", "2")
            self.ue.done(*pgk_arguments("0a0b0d"), stdin=os.urandom(32))
            self.ue.reboot()
            self.assertEqual([len(group["pgks"]) for group in self.ue.held()], [1, 1])
            self.ue.done("erase", "--yes")
            self.assertEqual(self.ue.held(), [])
        finally:
            self.ue.sh(f"rm {STORE}/filler {STORE}/filler2; sync")

    def test_no_tee_device(self):
        self.ue.sh("mv /dev/tee0 /dev/away")
        try:
            answer = self.ue.prosectl("--json", "status")
            self.refused(answer, 4, "no_device", "/dev/tee0 is missing", "kernel modules tee and optee")
        finally:
            self.ue.sh("mv /dev/away /dev/tee0")

    def test_tee_supplicant_dies(self):
        self.ue.done(*pgk_arguments(), stdin=os.urandom(32))
        before = self.ue.held()
        self.ue.sh("kill -KILL $(pidof tee-supplicant)")
        # What is in the TA's memory is still told; what must be stored waits, and is given up.
        self.assertEqual(self.ue.held(), before)
        for arguments in (pgk_arguments("0a0b0d"), ["derive", "send", "--group", GROUP]):
            answer = self.ue.prosectl("--json", "--timeout", "3", *arguments, stdin=os.urandom(32))
            self.refused(answer, 4, "timed_out", "no answer from the TEE within 3 s", "tee-supplicant is running")
        doctor = self.ue.prosectl("--json", "doctor")
        self.refused(doctor, 4, "unwell", "1 thing is wrong", "tee-supplicant -d")

        started = self.ue.exec("tee-supplicant", "-d")
        self.assertEqual(started.status, 0, started)
        self.assertEqual(self.ue.held(), before)
        self.ue.done(*pgk_arguments("0a0b0d"), stdin=os.urandom(32))
        self.ue.done("derive", "send", "--group", GROUP)
        self.assertEqual(len(self.ue.held()), 2)
        self.assertEqual(self.ue.prosectl("doctor").status, 0)

    def test_no_right_to_the_device(self):
        answer = self.ue.exec("su", "nobody", "-s", "/bin/sh", "-c", f"{self.ue.ctl} --json status")
        self.refused(answer, 5, "no_permission", "no permission to open /dev/tee0", "join the group")

    def test_usage_is_told_as_asked(self):
        answer = self.ue.prosectl("--json", "key", "import", "--group", "xyz")
        self.refused(answer, 2, "usage", "xyz", "--help")
        answer = self.ue.prosectl("frobnicate")
        self.assertEqual((answer.status, answer.stdout), (2, ""))
        self.assertIn("--help", answer.stderr)

    def test_doctor_finds_all_well(self):
        answer = self.ue.prosectl("doctor")
        self.assertEqual(answer.status, 0, answer)
        self.assertIn("all is well", answer.stdout)


class OtherVersion(Case):
    """A program of the next protocol version, really built, against this trusted application."""

    @classmethod
    def setUpClass(cls):
        copy = paths.SHARED / "other-version"
        tree.sync(copy)
        head = copy / "proto/src/lib.rs"
        this, other = (f"pub const PROTO_VERSION: u16 = {n};" for n in (1, 2))
        head.write_text(head.read_text().replace(this, other))
        target = "aarch64-unknown-linux-gnu"
        # A folder of its own for what is built: cargo tells crates apart by their place within the workspace, and would
        # take these for the real ones.
        built_in = paths.CARGO_OUT / "other-version"
        built = subprocess.run(
            ["cargo", "build", "--locked", "--target", target, "-p", "prosectl-test"], cwd=copy,
            env={**os.environ, "CARGO_TARGET_DIR": str(built_in), "CARGO_PROFILE_DEV_DEBUG": "0",
                 "OPTEE_CLIENT_EXPORT": str(paths.CLIENT_EXPORT)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False)
        if built.returncode:
            raise RuntimeError(built.stderr)
        cls.program = (built_in / target / "debug/prosectl-test").read_bytes()
        cls.ue = UE("other-version", installs=True)
        cls.ue.start("--fresh")
        cls.addClassCleanup(cls.ue.stop)

    def test_every_command_says_that_the_versions_differ(self):
        self.ue.done(*pgk_arguments(), stdin=os.urandom(32))
        before = self.ue.held()
        self.ue.exec("sh", "-c", "cat > /tmp/other && chmod 755 /tmp/other", stdin=self.program)
        for command in (["status"], ["key", "list"], ["derive", "send", "--group", GROUP], ["erase", "--yes"]):
            answer = self.ue.exec("/tmp/other", "--json", *command)
            self.refused(answer, 3, "unknown_version", "of another version than this program", "from one release")
        self.assertEqual(self.ue.held(), before)


class Surroundings(Case):
    """Cases that need another boot of a UE whose disk is ready."""

    @classmethod
    def setUpClass(cls):
        cls.ue = UE("surroundings", installs=True)
        cls.ue.start("--fresh")
        cls.addClassCleanup(lambda: cls.running and cls.ue.stop())
        cls.running = True
        cls.ue.done(*pgk_arguments(), stdin=os.urandom(32))
        cls.before = cls.ue.held()

    def boot(self, *options):
        type(self).running = False
        self.ue.stop()
        self.ue.start(*options)
        type(self).running = True

    def tearDown(self):
        """Whatever was wrong, the keys are still there."""
        self.boot()
        self.assertEqual(self.ue.held(), self.before)

    def test_clock_that_was_never_set(self):
        self.boot("--rtc", "1970-01-02")
        answer = self.ue.prosectl("--json", *pgk_arguments("0a0b0d"), stdin=os.urandom(32))
        self.refused(answer, 1, "clock_not_set", "this machine's clock says 1970-01-02", "set this machine's clock")

    def test_missing_trusted_application(self):
        self.boot("--append", "proseal.nota")
        answer = self.ue.prosectl("--json", "status")
        self.refused(answer, 4, "no_ta", "is not installed", ".ta file")

    def test_damaged_trusted_application(self):
        self.boot("--append", "proseal.nota")
        # A file of the right name that OP-TEE has not signed.
        self.ue.sh("head -c 4096 /dev/urandom > /lib/optee_armtz/486d96ac-cfcd-427a-9e30-369ed3c15325.ta")
        answer = self.ue.prosectl("--json", "status")
        self.refused(answer, 1, "bad_signature", "its signature does not verify", "sign the .ta file")

    def test_no_tee_supplicant(self):
        self.boot("--append", "proseal.nosupplicant")
        answer = self.ue.prosectl("--json", "--timeout", "3", "status")
        self.refused(answer, 4, "timed_out", "no answer from the TEE within 3 s", "tee-supplicant is running")
        doctor = self.ue.prosectl("doctor")
        self.assertEqual(doctor.status, 4)
        self.assertIn("tee-supplicant: not running", doctor.stdout)

    def test_read_only_disk(self):
        self.boot("--append", "proseal.rostore")
        answer = self.ue.prosectl("--json", *pgk_arguments("0a0b0d"), stdin=os.urandom(32))
        # The death is a real one, and so is the session that was opened again for the second try.
        self.refused(answer, 1, "ta_died", "stopped in the middle of the call, twice", "prosectl doctor")
        doctor = self.ue.prosectl("doctor")
        self.assertEqual(doctor.status, 1)
        self.assertIn("mounted read-only", doctor.stdout)
