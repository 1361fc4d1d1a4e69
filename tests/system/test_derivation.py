"""The guest derives what docs/derivation.md says, for 100 random inputs."""

import json
import os
import secrets
import shlex
import unittest

import derivation_reference as reference
from ue import UE

PGKS, EPOCHS = 10, 10
SUITES = ["aead", "integrity", "3gpp"]
LABELS = ["", "A", "north", "mission α-7", "0123456789abcdef0123456789abcdef"]


def hexadecimal(octets):
    return secrets.token_hex(octets)


class Derivation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ue = UE("derivation")
        cls.ue.start("--fresh", "--cache", "unsafe")
        cls.addClassCleanup(cls.ue.stop)

    def test_100_random_inputs(self):
        agreed = 0
        for _ in range(PGKS):
            agreed += self.one_pgk()
        self.assertEqual(agreed, PGKS * EPOCHS)

    def one_pgk(self):
        """One random PGK and policy, many epochs; the guest does them in one go."""
        pgk = os.urandom(32)
        suite, label = secrets.choice(SUITES), secrets.choice(LABELS)
        group, pgk_id = hexadecimal(3), hexadecimal(1)
        generation = 1 + secrets.randbelow(2**48)
        own, senders = hexadecimal(3), [hexadecimal(3) for _ in range(EPOCHS)]
        epochs = [(sender, f"{1 + secrets.randbelow(0xffff):04x}", hexadecimal(8)) for sender in senders if sender != own]

        self.ue.done("erase", "--yes")
        self.ue.done("key", "import", "--group", group, "--member", own, "--generation", str(generation),
                     "--pgk-id", pgk_id, "--suite", suite, "--label", label, "--key-file", "-", stdin=pgk)
        script = "\n".join(
            shlex.join(["prosectl", "--json", "derive", "receive", "--show-keys", "--group", group, "--generation",
                        str(generation), "--sender", sender, "--ptk-id", ptk_id, "--salt", salt])
            for sender, ptk_id, salt in epochs)
        lines = self.ue.sh(script).stdout.splitlines()
        self.assertEqual(len(lines), len(epochs))

        octets = bytes.fromhex
        for line, (sender, ptk_id, salt) in zip(lines, epochs):
            answer = json.loads(line)
            self.assertTrue(answer["ok"], answer)
            ik, ck = reference.derive(pgk, suite, octets(group), generation, octets(pgk_id), octets(sender),
                                      octets(ptk_id), octets(salt), label)
            # A key travels left-aligned in 32 octets.
            self.assertEqual((answer["ik"], answer["ck"]), tuple(key.hex().ljust(64, "0") for key in (ik, ck)))
        return len(epochs)
