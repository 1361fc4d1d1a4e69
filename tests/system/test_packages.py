"""A device and its manager by hand, through prosectl in a live UE. The manager is tests/package_making.py: a program
that only docs/package.md went into. Which faults are refused, and why, is tested by prose-xtest's suite `package`; here it
is that a user gets through, and what he is told where not."""

import hashlib
import json
import os
import time
import unittest

import manager
from ue import UE

GROUP, MEMBER = "0a0b0c", "000001"
TEN_YEARS = 3660 * 24 * 3600


def setUpModule():
    global form, opening
    form, opening = manager.form(), manager.opening()


class Manager(manager.Manager):
    """Who knows one group."""

    def package(self, statement, sequence, generations, at, below=1, start_nonce=None):
        """For the device whose statement (its fields) this is: GROUP, with these generations."""
        pgks = [manager.pgk(n, os.urandom(32), at) for n in generations]
        groups = [manager.group(GROUP, MEMBER, pgks, below)]
        return super().package(statement[1], statement[2], sequence, groups, at, start_nonce)

    def notice(self, below, at, group=GROUP):
        return super().notice(group, below, at)


class ByHand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ue = UE("packages")
        cls.ue.start("--fresh")
        cls.addClassCleanup(cls.ue.stop)

    def setUp(self):
        self.ue.done("erase", "--yes")
        self.manager, self.now = Manager(), int(time.time())

    def statement(self, *arguments):
        """The fields of what `prosectl ... export` writes to standard output."""
        return opening.read_statement(self.ue.octets("prosectl", *(arguments or ("identity", "export"))))

    def enrol(self):
        return self.ue.done("enrol", "-", "--yes", stdin=self.manager.enrolment())

    def imported(self, octets, outcome):
        """What prosectl says of it, and the fields of the receipt."""
        answer = self.ue.done("import", "-", stdin=octets)
        self.assertEqual(answer["outcome"], outcome, answer)
        receipt = opening.read_statement(bytes.fromhex(answer["statement"]))
        self.assertEqual(receipt[5], hashlib.sha256(octets).digest())
        return answer, receipt

    def refused(self, answer, status, name, message, hint):
        said = json.loads(answer.stdout)
        self.assertEqual((answer.status, said["ok"], said["name"]), (status, False, name), answer)
        self.assertIn(message, said["message"])
        self.assertIn(hint, said["hint"])
        # What a user sees, for the log.
        print(f"{said['name']}: {said['message']}\n  hint: {said['hint']}")

    def refuses(self, octets, *expected):
        before = self.lasting()
        self.refused(self.ue.prosectl("--json", "import", "-", stdin=octets), *expected)
        self.assertEqual(self.lasting(), before)

    def lasting(self):
        """What neither time nor a restart changes: of the epochs a restart begins a new block."""
        status = self.ue.done("status")
        names = ("state", "device", "manager", "root_digest", "sequence", "signer_version")
        held = [(group["group"], group["next"], [pgk["generation"] for pgk in group["pgks"]]) for group in status["groups"]]
        return [status[name] for name in names], held

    def sends(self):
        return self.ue.json("derive", "send", "--group", GROUP)

    def test_the_whole_way_from_a_factory_device_to_an_excluded_one(self):
        said = self.ue.done("identity", "export")
        first = self.statement()
        self.assertEqual((said["device"], said["state"], first[12]), (first[1].hex(), "factory", 1))
        self.assertEqual((said["x25519"], said["ed25519"]), (first[2].hex(), first[3].hex()))
        # The one place that the normal world does not write to.
        self.assertIn(f"the identity of this device is {said['device']}", self.ue.secure_log())

        nonce = os.urandom(32)
        self.assertEqual(self.statement("statement", "export", "--nonce", nonce.hex())[5], nonce)
        enrolled = self.enrol()
        self.assertEqual((enrolled["device"], enrolled["manager"]), (said["device"], self.manager.manager.hex()))
        status = self.ue.done("status")
        self.assertEqual(status["root_digest"], hashlib.sha256(self.manager.root).hexdigest())
        self.assertEqual((status["manager"], status["groups"]), (self.manager.manager.hex(), []))

        package = self.manager.package(first, 1, [1], self.now, start_nonce=bytes.fromhex(status["start_nonce"]))
        answer, receipt = self.imported(package, "applied")
        self.assertEqual((answer["kind"], receipt[8], receipt[12]), ("package", 1, 2))
        self.assertEqual(receipt[10], form.held_digest([(int(GROUP, 16), 1)]))
        self.assertEqual(receipt[11], hashlib.sha256(self.manager.root).digest())
        self.assertTrue(self.sends()["ok"])

        # A new PGK beside the old one, then the end of the old one.
        self.imported(self.manager.package(first, 2, [2], self.now), "applied")
        self.assertEqual(self.sends()["generation"], 2)
        self.imported(package, "superseded")

        before = self.lasting()
        self.ue.reboot()
        self.assertEqual(self.lasting(), before)
        self.assertEqual(self.statement()[1], first[1])

        notice = self.manager.notice(3, self.now)
        answer, receipt = self.imported(notice, "applied")
        self.assertEqual((answer["kind"], answer["group"], answer["below"]), ("notice", GROUP, 3))
        self.assertEqual(receipt[10], form.held_digest([]))
        self.assertEqual(self.sends()["name"], "unknown_generation")
        self.imported(notice, "same")
        self.imported(self.manager.notice(2, self.now), "superseded")
        self.imported(self.manager.notice(2, self.now, "070707"), "same")

        # A later package does not bring back what has ended; the one after it goes on.
        self.imported(self.manager.package(first, 3, [2], self.now), "partly")
        self.assertEqual(self.sends()["name"], "unknown_generation")
        last = self.manager.package(first, 4, [3], self.now)
        self.imported(last, "applied")
        self.assertEqual(self.sends()["generation"], 3)
        self.imported(last, "same")

    def test_what_the_text_for_people_says(self):
        exported = self.ue.prosectl("identity", "export", "--out", "/tmp/identity")
        self.assertEqual(exported.status, 0, exported)
        self.assertIn("Compare the device id with the one that the device's secure console has shown", exported.stdout)
        statement = opening.read_statement(self.ue.octets("cat", "/tmp/identity"))
        self.assertIn(statement[1].hex(), exported.stdout)
        self.ue.exec("sh", "-c", "cat > /tmp/manager.enrol", stdin=self.manager.enrolment())
        enrolled = self.ue.prosectl("enrol", "/tmp/manager.enrol", "--yes")
        self.assertIn(f"root key: {self.manager.fingerprint()}", enrolled.stdout)
        self.ue.exec("sh", "-c", "cat > /tmp/package", stdin=self.manager.package(statement, 1, [1], self.now))
        self.assertIn("applied: the device holds what the package says", self.ue.prosectl("import", "/tmp/package").stdout)
        self.assertIn(f"manager: {self.manager.manager.hex()}, root key", self.ue.prosectl("status").stdout)
        shown = self.ue.prosectl("statement", "export", "--qr").stdout
        self.assertEqual({len(line) for line in shown.splitlines()[:39]}, {77})
        self.assertIn("state: enrolled", shown)

    def test_refusals_say_what_to_do(self):
        foreign = self.statement()
        self.refuses(self.manager.package(foreign, 1, [1], self.now), 3, "wrong_state", "no manager yet", "prosectl enrol")
        self.ue.done("erase", "--yes")
        answer = self.ue.prosectl("--json", "enrol", "-", stdin=self.manager.enrolment())
        self.refused(answer, 2, "usage", f"say --yes if the root key's fingerprint is {self.manager.fingerprint()}", "")
        self.assertEqual(self.ue.done("status")["state"], "factory")
        self.manager = Manager(self.manager.root_seed, self.manager.manager, version=5)
        self.enrol()
        statement = self.statement()
        self.assertNotEqual(statement[1], foreign[1])
        self.imported(self.manager.package(statement, 1, [1], self.now), "applied")
        other = Manager()
        answer = self.ue.prosectl("--json", "enrol", "-", "--yes", stdin=other.enrolment())
        self.refused(answer, 3, "wrong_state", f"belongs to manager {self.manager.manager.hex()}", "prosectl erase")

        good = self.manager.package(statement, 2, [1], self.now)
        old = Manager(self.manager.root_seed, self.manager.manager, version=4)
        sister = Manager(self.manager.root_seed, version=5)
        for octets, expected in (
            (self.manager.package(foreign, 2, [1], self.now), (3, "wrong_device", foreign[1].hex(), "for this device")),
            (sister.package(statement, 2, [1], self.now), (3, "wrong_manager", sister.manager.hex(), "own manager")),
            (other.package(statement, 2, [1], self.now), (3, "untrusted_signer", "another manager", "own manager")),
            (old.package(statement, 2, [1], self.now), (3, "signer_superseded", "replaced", "present signer")),
            (self.manager.package(statement, 2, [1], self.now + TEN_YEARS + 3600),
             (3, "time_out_of_range", "ten years ahead of the device's", "check the clock")),
            (self.manager.package(statement, 1, [1], self.now), (3, "sequence_conflict", "sequence 1", "newer package")),
            (good[:-1] + bytes([good[-1] ^ 1]), (3, "bad_signature", "changed on the way", "get it again")),
            (good[:-1], (1, "wrong_file", "or is damaged", "get it again")),
            (b"", (1, "wrong_file", "is empty", "get it again")),
            (bytes(15361), (1, "wrong_file", "more than 15360 octets", "get it again")),
            (self.manager.delegation, (1, "wrong_file", "is a delegation", "brings its own")),
            (self.manager.enrolment(), (1, "wrong_file", "is an enrolment file", "prosectl enrol")),
            (self.ue.octets("prosectl", "identity", "export"), (1, "wrong_file", "is a statement", "for the manager")),
        ):  # fmt: skip
            with self.subTest(expected[2]):
                self.refuses(octets, *expected)
        missing = self.ue.prosectl("--json", "import", "/nowhere")
        self.refused(missing, 1, "bad_file", "cannot read /nowhere", "may read")

    def test_the_shipped_prosectl_takes_no_key_in_clear(self):
        words = ["key", "import", "--group", GROUP, "--member", MEMBER, "--generation", "1", "--pgk-id", "01",
                 "--key-file", "-"]
        answer = self.ue.prosectl("--json", *words, stdin=os.urandom(32))
        self.refused(answer, 2, "usage", "unrecognized subcommand 'import'", "--help")
        self.assertEqual(self.ue.done("status")["state"], "factory")

    def test_errors_are_told_as_asked(self):
        wrong_usage = self.ue.prosectl("frobnicate")
        self.assertEqual((wrong_usage.status, wrong_usage.stdout), (2, ""))
        self.assertIn("--help", wrong_usage.stderr)
        missing = self.ue.prosectl("import", "/nowhere")
        self.assertEqual((missing.status, missing.stdout), (1, ""))
        self.assertRegex(missing.stderr, r"\Aprosectl: cannot read /nowhere.*\nhint: ")
        self.enrol()
        self.imported(self.manager.package(self.statement(), 1, [1], self.now), "applied")
        words = ["derive", "send", "--group", GROUP, "--generation", "2"]
        unknown = self.ue.prosectl("--json", *words)
        self.refused(unknown, 3, "unknown_generation", "no key of this generation", "prosectl key list")
        told = self.ue.prosectl(*words)
        self.assertEqual((told.status, told.stdout), (3, ""))
        self.assertRegex(told.stderr, r"\Aprosectl: no key of this generation.*\nhint: ")

    def test_enrolling_is_the_administrators_the_rest_is_either_groups(self):
        def by(user, *words, stdin=b""):
            line = " ".join(["prosectl", "--json", *words])
            return self.ue.exec("su", user, "-s", "/bin/sh", "-c", line, stdin=stdin)

        def name(answer):
            said = json.loads(answer.stdout)
            return "ok" if said["ok"] else said["name"]

        enrolment = self.manager.enrolment()
        self.assertEqual(name(by("radio", "enrol", "-", "--yes", stdin=enrolment)), "not_in_group")
        self.assertEqual(name(by("nobody", "enrol", "-", "--yes", stdin=enrolment)), "not_in_group")
        self.assertEqual(name(by("admin", "enrol", "-", "--yes", stdin=enrolment)), "ok")
        package = self.manager.package(self.statement(), 1, [1], self.now)
        for user, wanted in (("radio", "ok"), ("admin", "ok"), ("nobody", "not_in_group")):
            with self.subTest(user):
                self.assertEqual(name(by(user, "identity", "export")), wanted)
                self.assertEqual(name(by(user, "statement", "export")), wanted)
                self.assertEqual(name(by(user, "import", "-", stdin=package)), wanted)


if __name__ == "__main__":
    unittest.main()
