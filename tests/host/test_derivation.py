"""The vectors, computed by a program that only docs/derivation.md went into."""

import json
import unittest

import derivation_reference as reference
from ue import ROOT


class Vectors(unittest.TestCase):
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
