"""The vectors, computed by a program that only docs/derivation.md and the published standards went into."""

import json
import unittest

import derivation_reference as reference
from ue import ROOT

FEWEST = {"vectors": 32, "admissions": 12, "roots": 12}
PGK = bytes(range(32))


class Vectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = json.loads((ROOT / "docs/vectors/derivation.json").read_text())

    def test_vectors_agree_with_the_text(self):
        for kind, fewest in FEWEST.items():
            self.assertGreaterEqual(len(self.file[kind]), fewest, kind)
            for vector in self.file[kind]:
                with self.subTest(f"{kind}: {vector['comment']}"):
                    self.assertIsNone(reference.check(vector, kind))

    def test_each_allowed_pair_has_vectors(self):
        pairs = {(v["profile"], v["suite"]) for v in self.file["vectors"]}
        allowed = {(profile, suite) for profile, suites in reference.ALLOWED.items() for suite in suites}
        self.assertEqual(pairs, allowed)

    def test_the_file_names_what_made_it(self):
        self.assertIn("tests/derivation_reference.py", self.file["source"])


class Reference(unittest.TestCase):
    """The program itself, against what others published."""

    def test_the_function_of_ts_33_220(self):
        # RFC 5448 Appendix C, case 1: CK' and IK' of EAP-AKA'.
        key = bytes.fromhex("5349fbe098649f948f5d2e973a81c00f9744871ad32bf9bbd1dd5ce54e3e2e5a")
        derived = reference.kdf(key, 0x20, b"WLAN", bytes.fromhex("bb52e91c747a"))
        self.assertEqual(derived.hex(), "0093962d0dd84aa5684b045c9edffa04ccfc230ca74fcc96c0a5d61164f5a76c")

    def test_what_is_no_input_is_refused(self):
        good = dict(pgk=PGK, suite="3gpp", group=bytes(3), generation=1, pgk_id=b"\x01", sender=bytes(3),
                    ptk_id=b"\x00\x01", salt=bytes(8), label="", profile=reference.TS33303)
        reference.derive(**good)
        for name, value in (("salt", bytes(7) + b"\x01"), ("suite", "aead"), ("ptk_id", bytes(2)), ("generation", 0),
                            ("profile", "none"), ("pgk", bytes(31)), ("label", "x" * 33)):
            with self.subTest(name), self.assertRaises(ValueError):
                reference.derive(**{**good, name: value})
        with self.assertRaises(ValueError):
            reference.derive_admission(PGK, "3gpp", bytes(3), 1, b"\x01", "", profile=reference.TS33303)
