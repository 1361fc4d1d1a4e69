"""The frames, made and opened by a program that only docs/packet.md and the published standards went into."""

import json
import re
import sys
import unittest

from harness import packages
from ue import ROOT

FEWEST = {"frames": 20, "objects": 1, "dropped": 30, "high_water": 2}


def setUpModule():
    global reference
    sys.path.insert(0, str(packages.installed()))
    import packet_reference as reference


class Vectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vectors = reference.Vectors(json.loads((ROOT / "docs/vectors/packet.json").read_text()))

    def test_vectors_agree_with_the_text(self):
        for kind, fewest in FEWEST.items():
            listed = self.vectors.file[kind]
            self.assertGreaterEqual(len(listed), fewest, kind)
            for number, vector in enumerate(listed):
                with self.subTest(f"{kind} {number}: {vector['comment']}"):
                    self.assertIsNone(self.vectors.check(kind, vector))

    def test_each_pair_and_each_reason_has_a_vector(self):
        pairs = {(vector["profile"], vector["suite"]) for vector in self.vectors.file["frames"]}
        self.assertEqual(len(pairs), 4)
        reasons = {vector["reason"] for vector in self.vectors.file["dropped"]}
        self.assertEqual(reasons, {"length", "version", "unknown_group", "unknown_index", "not_ciphered", "malformed",
                                   "admission", "not_authentic"})

    def test_the_check_finds_what_is_wrong(self):
        for kind in FEWEST:
            vector = self.vectors.file[kind][-1]
            for changed in ({**vector, "octets": vector["octets"][:-2]}, {**vector, "octets": vector["octets"] + "00"}):
                if kind == "dropped":
                    changed = {**vector, "octets": self.vectors.file["frames"][vector["frame"]]["octets"]}
                with self.subTest(kind):
                    self.assertIsNotNone(self.vectors.check(kind, changed))

    def test_no_octet_of_a_frame_can_be_changed(self):
        for vector in self.vectors.file["frames"]:
            octets = bytes.fromhex(vector["octets"])
            for at in range(len(octets)):
                changed = octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1:]
                with self.subTest(f"{vector['comment']}, octet {at}"), self.assertRaises(reference.Dropped):
                    reference.read(changed, vector)

    def test_the_file_names_what_made_it(self):
        self.assertIn("tests/packet_reference.py", self.vectors.file["source"])


class Document(unittest.TestCase):
    """docs/packet.md says what is so."""

    @classmethod
    def setUpClass(cls):
        cls.text = (ROOT / "docs/packet.md").read_text()
        cls.frames = json.loads((ROOT / "docs/vectors/packet.json").read_text())["frames"]

    def test_the_worked_example_is_the_first_vector(self):
        block = re.findall(r"```text\n(.*?)```", self.text.split("## Worked example")[1], re.S)[0]
        lines = dict(line.split(None, 1) for line in block.splitlines())
        vector = self.frames[0]
        self.assertEqual(lines["frame"].replace(" ", ""), vector["octets"])
        for name in ("ck", "admission", "payload"):
            self.assertEqual(lines[name], vector[name])
        self.assertEqual(lines["nonce"], vector["salt"] + f"{vector['sn']:08x}")

    def test_the_overheads_are_those_of_the_frames(self):
        rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", self.text, re.M)
        self.assertEqual([row[0] for row in rows], ["aead", "integrity", "3gpp"])
        for suite, plain, extended, voice, voice_extended in rows:
            def overhead(extension, suite=suite):
                of_it = [v for v in self.frames if (v["suite"], v["extension"]) == (suite, extension)]
                return {(len(v["octets"]) - len(v["payload"])) // 2 for v in of_it}

            self.assertEqual(overhead(False), {int(plain)})
            self.assertEqual(overhead(True), {int(extended)})
            self.assertEqual((int(voice), int(voice_extended)), (60 + int(plain), 60 + int(extended)))
