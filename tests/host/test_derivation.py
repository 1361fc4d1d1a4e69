"""The vectors, computed by a program that only docs/derivation.md went into."""

import json
import unittest

import derivation_reference as reference
from ue import ROOT


class Vectors(unittest.TestCase):
    def test_roots_agree_with_the_text(self):
        roots = json.loads((ROOT / "docs/vectors/derivation.json").read_text())["roots"]
        self.assertGreaterEqual(len(roots), 7)
        for vector in roots:
            with self.subTest(vector["comment"]):
                self.assertIsNone(reference.check_root(vector))

    def test_vectors_agree_with_the_text(self):
        vectors = json.loads((ROOT / "docs/vectors/derivation.json").read_text())["vectors"]
        self.assertGreaterEqual(len(vectors), 20)
        octets = bytes.fromhex
        for v in vectors:
            with self.subTest(v["comment"]):
                keys = reference.derive(octets(v["pgk"]), v["suite"], octets(v["group"]), v["generation"],
                                        octets(v["pgk_id"]), octets(v["sender"]), octets(v["ptk_id"]),
                                        octets(v["salt"]), v["label"])
                self.assertEqual([key.hex() for key in keys], [v["ik"], v["ck"]])
