"""The guest derives what docs/derivation.md says, for 1,000 random inputs of each profile: an independent program
(derivation_reference.py) computes the same. And what only a sender is given."""

import json
import os
import secrets
import shlex
import unittest

import derivation_reference as reference
from ue import UE

# A device holds 16 groups; one call derives for 64 epochs.
PGKS, EPOCHS = 16, 64
LABELS = ["", "A", "north", "mission α-7", "0123456789abcdef0123456789abcdef", "é" * 16]
SALTLESS = bytes(8).hex()


def hexadecimal(octets):
    return secrets.token_hex(octets)


def edge_or_random(octets):
    """Identifiers of all zeros and all ones as well."""
    return secrets.choice(["00" * octets, "ff" * octets, *(hexadecimal(octets) for _ in range(6))])


class Pgk:
    """A PGK, or a root, with its policy and some epochs: all at random."""

    def __init__(self, profile, group):
        self.profile, self.group = profile, group
        self.key = os.urandom(32)
        self.is_root = secrets.randbelow(4) == 0
        self.suite = secrets.choice(reference.ALLOWED[profile])
        # What the profile has no use for is refused.
        has_label = profile == reference.HKDF_SHA256 or self.is_root
        self.label = secrets.choice(LABELS) if has_label else ""
        self.generation = secrets.choice([1, 2**48, *(1 + secrets.randbelow(2**48) for _ in range(6))])
        self.pgk_id, self.own = hexadecimal(1), hexadecimal(3)
        has_salt = profile == reference.HKDF_SHA256
        self.epochs = [self.epoch(edge_or_random(8) if has_salt else SALTLESS) for _ in range(EPOCHS)]

    def epoch(self, salt):
        sender = edge_or_random(3)
        while sender == self.own:
            sender = hexadecimal(3)
        return sender, secrets.choice(["0001", "ffff", *(f"{1 + secrets.randbelow(0xffff):04x}" for _ in range(6))]), salt

    def scope(self):
        return dict(suite=self.suite, group=bytes.fromhex(self.group), generation=self.generation,
                    pgk_id=bytes.fromhex(self.pgk_id), label=self.label, profile=self.profile)

    def pgk(self):
        return reference.derive_pgk(self.key, **self.scope()) if self.is_root else self.key

    def keys(self, epoch):
        """IK and CK of an epoch as they travel: left-aligned in 32 octets."""
        sender, ptk_id, salt = map(bytes.fromhex, epoch)
        keys = reference.derive(self.pgk(), sender=sender, ptk_id=ptk_id, salt=salt, **self.scope())
        return tuple(key.hex().ljust(64, "0") for key in keys)

    def named(self):
        return ["--group", self.group, "--generation", str(self.generation)]

    def imported(self, *more):
        return ["key", "import", *self.named(), "--member", self.own, "--pgk-id", self.pgk_id, "--key-file", "-",
                "--profile", self.profile, "--suite", self.suite, "--label", self.label,
                *(["--root"] if self.is_root else []), *more]

    def received(self):
        epochs = [f"--epoch={':'.join(epoch if epoch[2] != SALTLESS or self.has_salt() else epoch[:2])}"
                  for epoch in self.epochs]
        return ["derive", "receive", "--show-keys", *self.named(), *epochs]

    def has_salt(self):
        return self.profile == reference.HKDF_SHA256


class Derivation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ue = UE("derivation", installs=True)
        cls.ue.start("--fresh", "--cache", "unsafe")
        cls.addClassCleanup(cls.ue.stop)

    def answers(self, script):
        lines = [json.loads(line) for line in self.ue.sh("\n".join(script)).stdout.splitlines()]
        self.assertEqual(len(lines), len(script))
        for answer in lines:
            self.assertTrue(answer["ok"], answer)
        return lines

    def device_with(self, profile):
        """A device that holds as many random PGKs as it has groups."""
        self.ue.done("erase", "--yes")
        groups = {"000000", "ffffff"}
        while len(groups) < PGKS:
            groups.add(hexadecimal(3))
        pgks = [Pgk(profile, group) for group in sorted(groups)]
        self.answers([f"echo {pgk.key.hex()} | {line(pgk.imported())}" for pgk in pgks])
        return pgks

    def check_profile(self, profile):
        pgks = self.device_with(profile)
        agreed = 0
        for pgk, answer in zip(pgks, self.answers([line(pgk.received()) for pgk in pgks])):
            self.assertEqual(len(answer["epochs"]), EPOCHS)
            for epoch, keys in zip(pgk.epochs, answer["epochs"]):
                self.assertEqual((keys["sender"], keys["ptk_id"], keys["salt"]), epoch)
                self.assertEqual((keys["ik"], keys["ck"]), pgk.keys(epoch))
                agreed += 1
        self.assertGreaterEqual(agreed, 1000)
        return pgks

    def test_1000_random_inputs_of_hkdf_sha256_and_its_admission_keys(self):
        pgks = self.check_profile(reference.HKDF_SHA256)
        script = [line(["derive", "admission", "--show-keys", *pgk.named()]) for pgk in pgks]
        for pgk, answer in zip(pgks, self.answers(script)):
            self.assertEqual(answer["key"], reference.derive_admission(pgk.pgk(), **pgk.scope()).hex())

    def test_1000_random_inputs_of_3gpp_ts33303(self):
        pgks = self.check_profile(reference.TS33303)
        refused = self.ue.json("derive", "admission", *pgks[0].named())
        self.assertEqual(refused["name"], "no_admission_key")

    def test_one_refusal_among_epochs_is_told_of_its_own(self):
        pgk = self.device_with(reference.TS33303)[0]
        good, salted, own = (("0000aa", "0001", SALTLESS), ("0000aa", "0002", "00000000000000ff"),
                             (pgk.own, "0001", SALTLESS))
        epochs = [f"--epoch={':'.join(epoch)}" for epoch in (good, salted, own)]
        answer = self.ue.prosectl("--json", "derive", "receive", "--show-keys", *pgk.named(), *epochs)
        self.assertEqual(answer.status, 3)
        told = json.loads(answer.stdout)["epochs"]
        self.assertEqual([epoch.get("name") for epoch in told], [None, "out_of_range", "own_member"])
        self.assertIn("a salt is given", told[1]["message"])
        self.assertEqual((told[0]["ik"], told[0]["ck"]), pgk.keys(good))
        self.assertNotIn("ik", told[1])

    def test_a_sender_without_salt_needs_protected_storage_or_consent(self):
        # QEMU's storage can be rolled back, and its TEE says so.
        self.ue.done("erase", "--yes")
        pgk = Pgk(reference.TS33303, "0a0b0c")
        self.ue.done(*pgk.imported(), stdin=pgk.key)
        refused = self.ue.json("derive", "send", *pgk.named())
        self.assertEqual(refused["name"], "rollback_unprotected")

        self.ue.done("erase", "--yes")
        self.ue.done(*pgk.imported("--accept-rollback"), stdin=pgk.key)
        for number in (1, 2):
            sent = self.ue.done("derive", "send", "--show-keys", *pgk.named())
            self.assertEqual((sent["ptk_id"], sent["salt"]), (f"{number:04x}", SALTLESS))
            self.assertEqual((sent["ik"], sent["ck"]), pgk.keys((pgk.own, sent["ptk_id"], sent["salt"])))

    def test_a_newer_key_that_may_not_be_sent_with_is_passed_over_and_named(self):
        self.ue.done("erase", "--yes")
        for generation, profile in ((1, reference.HKDF_SHA256), (2, reference.TS33303)):
            self.ue.done("key", "import", "--group", "0a0b0c", "--member", "000001", "--generation", str(generation),
                         "--pgk-id", f"{generation:02x}", "--profile", profile, "--key-file", "-", stdin=os.urandom(32))
        for command in (["derive", "send", "--group", "0a0b0c"], ["refresh", "0a0b0c"]):
            answer = self.ue.prosectl("--json", *command)
            self.assertEqual(json.loads(answer.stdout)["generation"], 1)
            self.assertIn("warning: generation 2 of group 0a0b0c is passed over, and 1 is sent with", answer.stderr)
            self.assertIn("hint: ", answer.stderr)
            named = self.ue.prosectl("--json", *command, "--generation", "1")
            self.assertEqual((named.status, named.stderr), (0, ""))


def line(arguments):
    return shlex.join(["prosectl-test", "--json", *arguments])
