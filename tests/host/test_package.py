"""The signed things, by a program that only docs/package.md and the published standards went into."""

import json
import re
import sys
import unittest

from harness import packages
from ue import ROOT

FEWEST = {"delegations": 2, "packages": 4, "by_cwt": 4, "notices": 2, "statements": 3, "refused": 100}


def setUpModule():
    global making, opening, vectors
    sys.path.insert(0, str(packages.installed()))
    import package_making as making
    import package_opening as opening
    import package_reference as reference

    vectors = reference.Vectors(json.loads((ROOT / "docs/vectors/package.json").read_text()))


class Vectors(unittest.TestCase):
    def test_keys_agree_with_the_text(self):
        self.assertIsNone(vectors.check_keys())

    def test_vectors_agree_with_the_text(self):
        for kind, fewest in FEWEST.items():
            listed = vectors.of_kind(kind)
            self.assertGreaterEqual(len(listed), fewest, kind)
            for number, vector in enumerate(listed):
                with self.subTest(f"{kind} {number}: {vector.get('comment')}"):
                    self.assertIsNone(vectors.check(kind, vector))

    def test_the_check_finds_what_is_wrong(self):
        for kind in FEWEST:
            vector = vectors.of_kind(kind)[-1]
            other = "00" if vector["octets"][-2:] != "00" else "01"
            changed = {**vector, "octets": vector["octets"][:-2] + other, "error": "none"}
            with self.subTest(kind):
                self.assertIsNotNone(vectors.check(kind, changed))

    def test_the_file_names_what_made_it(self):
        self.assertIn("tests/package_reference.py", vectors.file["source"])


class Document(unittest.TestCase):
    """The worked examples in the text are vectors."""

    @classmethod
    def setUpClass(cls):
        text = (ROOT / "docs/package.md").read_text().split("## Worked example")[1].split("## Vectors")[0]
        blocks = re.findall(r"```text\n(.*?)```", text, re.S)
        # Octets stand first on a line; after two spaces comes what they are.
        cls.octets = ["".join(line.split("  ")[0] for line in block.splitlines()) for block in blocks[1:]]
        cls.keys = dict(line.rsplit(None, 1) for line in blocks[0].splitlines())

    def test_all_octets_are_those_of_the_first_vectors(self):
        package = vectors.file["packages"][0]
        expected = [package[name] for name in ("octets", "enc_structure", "content", "digest")]
        self.assertEqual(self.octets, [*expected, vectors.file["notices"][0]["octets"]])

    def test_keys_are_those_of_the_vectors(self):
        names = ("root", "signer", "manager", "x25519", "ed25519", "device")
        self.assertEqual([vectors.file["keys"][name] for name in names], list(self.keys.values()))


class Reference(unittest.TestCase):
    """The program itself."""

    def package(self):
        return vectors.package(vectors.file["packages"][0])

    def judged(self, octets, **other):
        trust = opening.Trust(**{"root": vectors.root, "manager": vectors.manager, **other})
        return opening.judged(octets, trust, vectors.x25519_private, vectors.device)

    def test_a_package_and_a_notice_that_it_made_are_accepted(self):
        self.assertEqual(self.judged(self.package()), "accepted")
        notice = making.make_notice(vectors.signer_seed, 1, vectors.delegation(1), 1, 2, 3)
        self.assertEqual(self.judged(notice), "accepted")
        self.assertNotEqual(self.package(), self.package())

    def test_no_octet_can_be_changed(self):
        package = self.package()
        for at in range(len(package)):
            changed = bytearray(package)
            changed[at] ^= 1
            self.assertNotEqual(self.judged(bytes(changed)), "accepted", at)

    def test_who_is_not_trusted(self):
        package = self.package()
        self.assertEqual(self.judged(package, root=vectors.signer), "untrusted_signer")
        self.assertEqual(self.judged(package, manager=bytes(16)), "wrong_manager")
        self.assertEqual(self.judged(package, least_version=2), "signer_superseded")

    def test_what_is_no_public_key(self):
        p = opening.P
        # RFC 8032 section 7.1, TEST 1; RFC 7748's base point.
        public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        self.assertTrue(opening.is_ed25519(public))
        self.assertTrue(opening.is_x25519((9).to_bytes(32, "little")))
        # Of low order, and other forms of a good one.
        for number in (0, 1, p - 1, p, p + 9, 2**255 + 9):
            self.assertFalse(opening.is_x25519(number.to_bytes(32, "little")), number)
        # Of low order, other forms of these, and y = 2, which no point has.
        for number in (0, 1, p - 1, p, p + 1, 2**255 + 1, 2):
            self.assertFalse(opening.is_ed25519(number.to_bytes(32, "little")), number)

    def test_cwt_speaks_of_the_same_algorithm(self):
        import cwt
        import package_format

        self.assertEqual(cwt.COSEAlgs.HPKE_3, package_format.HPKE_3)
