"""Wireshark's view of frames: host/prosed/wireshark/proseal.lua shows each vector as what it was made from."""

import json
import os
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "host/prosed/wireshark/proseal.lua"
VECTORS = json.loads((ROOT / "docs/vectors/packet.json").read_text())
PORT = 46360


def capture(frames):
    """A pcap file of these frames, each a UDP datagram on IPv6 (from the test's own addresses; without checksums)."""
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    address = bytes.fromhex("fe800000000000000000000000000001")
    for frame in frames:
        datagram = struct.pack(">HHHH", PORT, PORT, 8 + len(frame), 0) + frame
        packet = struct.pack(">IHBB", 0x60000000, len(datagram), 17, 1) + address + address + datagram
        ethernet = bytes(12) + b"\x86\xdd" + packet
        file += struct.pack("<IIII", 0, 0, len(ethernet), len(ethernet)) + ethernet
    return file


def shown(frames, *preferences):
    """What tshark shows of each frame: its fields by name, and the names of expert infos."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.pcap"
        path.write_bytes(capture(frames))
        words = ["tshark", "-n", "-X", f"lua_script:{SCRIPT}", "-r", os.fspath(path), "-T", "json"]
        for preference in preferences:
            words += ["-o", preference]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": folder})
    if done.returncode or "Lua" in done.stderr:
        raise AssertionError(done.stderr)
    return [flat(packet["_source"]["layers"]["proseal"]) for packet in json.loads(done.stdout)]


def flat(tree):
    found = {}
    for name, value in tree.items():
        found[name] = value
        if isinstance(value, dict):
            found |= flat(value)
    return found


class Dissector(unittest.TestCase):
    def check(self, vectors, *preferences):
        self.assertGreater(len(vectors), 3)
        for vector, seen in zip(vectors, shown([bytes.fromhex(one["octets"]) for one in vectors], *preferences), strict=True):
            with self.subTest(vector["comment"]):
                octets = bytes.fromhex(vector["octets"])
                tag = 4 if vector["suite"] == "3gpp" else 16
                body = octets[len(octets) - tag - len(vector["payload"]) // 2:-tag]
                expected = {
                    "proseal.version": "1", "proseal.kind": "0", "proseal.extended": "1" if vector["extension"] else "0",
                    "proseal.group": colons(vector["group"]), "proseal.member": colons(vector["sender"]),
                    "proseal.sdu_type": str(vector["sdu"]), "proseal.index": str(int(vector["pgk_id"], 16) % 32),
                    "proseal.ptk_id": str(int(vector["ptk_id"], 16)), "proseal.sn": str(vector["sn"]),
                    "proseal.tag": colons(octets[-tag:].hex()),
                }  # fmt: skip
                if body:
                    expected["proseal.body"] = colons(body.hex())
                if vector["extension"]:
                    expected["proseal.salt"] = colons(vector["salt"])
                self.assertEqual({name: seen.get(name) for name in expected}, expected)
                self.assertEqual("proseal.salt" in seen, vector["extension"])

    def test_frames_with_a_wide_sequence_number(self):
        self.check([vector for vector in VECTORS["frames"] if vector["suite"] != "3gpp"])

    def test_frames_of_suite_3gpp(self):
        vectors = [vector for vector in VECTORS["frames"] if vector["suite"] == "3gpp"]
        groups = ",".join(sorted({vector["group"] for vector in vectors}))
        self.check(vectors, f"proseal.groups_3gpp:{groups}")

    def test_objects_are_cbor(self):
        for vector in VECTORS["objects"]:
            seen = shown([bytes.fromhex(vector["octets"])])[0]
            self.assertEqual(seen["proseal.object"], colons(vector["object"]))

    def test_what_is_none_says_so_and_breaks_nothing(self):
        good = bytes.fromhex(VECTORS["frames"][0]["octets"])
        cut = [good[:length] for length in range(1, len(good))]
        for frame, seen in zip(cut, shown(cut), strict=True):
            is_short = any("short" in name for name in seen)
            self.assertEqual(is_short, len(frame) < 46, len(frame))
        other = [bytes([first]) + good[1:] for first in (0x00, 0x22, 0x18, 0x1C)]
        for seen in shown(other):
            self.assertTrue(any("unknown" in name for name in seen), seen)


def colons(digits):
    return bytes.fromhex(digits).hex(":")
