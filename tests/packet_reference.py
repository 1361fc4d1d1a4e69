"""Reference for the frames of ProSeal: makes and opens each, and reads the high-water file.

Written from docs/packet.md and the published standards that it names, and nothing else of the project but
derivation_reference.py (written in the same manner), so that an agreement with prosed says something about that text.
AES, GCM and CMAC are those of the package cryptography, HMAC and SHA-256 are Python's.

With PYTHONPATH=$(tests/harness/packages.py) in the environment,

    python3 tests/packet_reference.py docs/vectors/packet.json         checks the vectors
    python3 tests/packet_reference.py --fill docs/vectors/packet.json  computes their octets anew
"""

import hashlib
import hmac
import json
import sys

import derivation_reference as derivation
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC

COMMON, EXTENSION = 7, 16
LONGEST_DATA, LONGEST_OBJECT = 65527, COMMON + 15 * 1024
SDU_TYPES = range(4)
BEARER, DIRECTION = 1, 0
EPS_INPUT = bytes((BEARER << 3 | DIRECTION << 2, 0, 0, 0))


class Dropped(Exception):
    """By one of the names in docs/packet.md."""


def _require(condition, name):
    if not condition:
        raise Dropped(name)


def has_salt(profile):
    return profile == derivation.HKDF_SHA256


def wide(suite):
    """Whether the sequence number has 32 bits and the tag 16 octets."""
    return suite != "3gpp"


def write_header(vector):
    sn = vector["sn"].to_bytes(4, "big")
    octets = bytes((0x10 | vector["extension"] << 1,))
    octets += bytes.fromhex(vector["group"]) + bytes.fromhex(vector["sender"])
    octets += bytes((vector["sdu"] << 5 | int(vector["pgk_id"], 16) & 0x1F,)) + bytes.fromhex(vector["ptk_id"]) + sn[2:]
    if wide(vector["suite"]):
        octets += sn[:2]
    if vector["extension"]:
        octets += bytes.fromhex(vector["salt"]) + admission_tag(vector)
    return octets


def admission_tag(vector):
    index = int(vector["pgk_id"], 16) & 0x1F
    message = b"\x12" + bytes.fromhex(vector["group"]) + bytes.fromhex(vector["sender"]) + bytes((index,))
    message += bytes.fromhex(vector["ptk_id"]) + bytes.fromhex(vector["salt"])
    return hmac.digest(bytes.fromhex(vector["admission"]), message, "sha256")[:8]


def _eea2(key, count, octets):
    cipher = Cipher(algorithms.AES(key), modes.CTR(count + EPS_INPUT + bytes(8)))
    return cipher.encryptor().update(octets)


def _eia2(key, count, octets):
    mac = CMAC(algorithms.AES(key))
    mac.update(count + EPS_INPUT + octets)
    return mac.finalize()[:4]


def _inputs(vector):
    sn, salt = vector["sn"].to_bytes(4, "big"), bytes.fromhex(vector["salt"])
    return bytes.fromhex(vector["ik"]), bytes.fromhex(vector["ck"]), salt + sn, bytes.fromhex(vector["ptk_id"]) + sn[2:]


def protect(vector):
    """The frame of a vector."""
    ik, ck, nonce, count = _inputs(vector)
    header, payload = write_header(vector), bytes.fromhex(vector["payload"])
    if vector["suite"] == "aead":
        return header + AESGCM(ck).encrypt(nonce, payload, header)
    if vector["suite"] == "integrity":
        return header + payload + hmac.digest(ik, header + payload, "sha256")[:16]
    return header + _eea2(ck, count, payload + _eia2(ik, count, header + payload))


def read(octets, known):
    """A frame's fields and payload; `known` is what a receiver has: pgk_id, profile, suite, admission, ik, ck, salt."""
    _require(len(octets) >= COMMON, "length")
    first = octets[0]
    kind, extended = first >> 2 & 3, bool(first & 2)
    _require(first >> 4 == 1 and first & 1 == 0 and kind in (0, 1) and not (kind == 1 and extended), "version")
    if kind == 1:
        _require(len(octets) <= LONGEST_OBJECT, "length")
        return {"object": octets[COMMON:].hex()}
    _require(COMMON + 3 <= len(octets) <= LONGEST_DATA, "length")
    fields = {"group": octets[1:4].hex(), "sender": octets[4:7].hex(), "sdu": octets[7] >> 5, "extension": extended}
    _require(fields["group"] == known["group"], "unknown_group")
    index = octets[7] & 0x1F
    _require(index == int(known["pgk_id"], 16) & 0x1F, "unknown_index")
    suite = known["suite"]
    header = 12 + (2 if wide(suite) else 0) + (EXTENSION if extended else 0)
    _require(len(octets) >= header + (16 if wide(suite) else 4), "length")
    fields["ptk_id"] = octets[8:10].hex()
    _require(index or int(fields["ptk_id"], 16), "not_ciphered")
    _require(not extended or has_salt(known["profile"]), "malformed")
    _require(fields["sdu"] in SDU_TYPES and fields["ptk_id"] != "0000", "malformed")
    high = octets[12:14] if wide(suite) else b""
    fields["sn"] = int.from_bytes(high + octets[10:12], "big")
    _require(fields["sn"], "malformed")
    assumed = {**known, **fields}
    if extended:
        assumed["salt"] = octets[header - 16:header - 8].hex()
        _require(hmac.compare_digest(octets[header - 8:header], admission_tag(assumed)), "admission")
        _require(assumed["salt"] == known["salt"], "not_authentic")
    fields["payload"] = _open(assumed, octets[:header], octets[header:]).hex()
    return fields


def _open(assumed, header, body):
    ik, ck, nonce, count = _inputs(assumed)
    if assumed["suite"] == "aead":
        try:
            return AESGCM(ck).decrypt(nonce, body, header)
        except InvalidTag:
            raise Dropped("not_authentic") from None
    if assumed["suite"] == "integrity":
        payload, expected = body[:-16], hmac.digest(ik, header + body[:-16], "sha256")[:16]
        _require(hmac.compare_digest(body[-16:], expected), "not_authentic")
        return payload
    clear = _eea2(ck, count, body)
    _require(hmac.compare_digest(clear[-4:], _eia2(ik, count, header + clear[:-4])), "not_authentic")
    return clear[:-4]


def keys_of(vector):
    """IK, CK and admission key, as docs/derivation.md says."""
    scope = {"suite": vector["suite"], "profile": vector["profile"], "generation": vector["generation"], "label": ""}
    scope |= {name: bytes.fromhex(vector[name]) for name in ("pgk", "group", "pgk_id")}
    epoch = {name: bytes.fromhex(vector[name]) for name in ("sender", "ptk_id", "salt")}
    ik, ck = derivation.derive(**scope, **epoch)
    keys = {"ik": ik.hex(), "ck": ck.hex()}
    if has_salt(vector["profile"]):
        keys["admission"] = derivation.derive_admission(**scope).hex()
    return keys


def high_water(records):
    octets = b"ProSealH" + (1).to_bytes(2, "big") + len(records).to_bytes(4, "big")
    for record in records:
        octets += bytes.fromhex(record["group"]) + record["generation"].to_bytes(8, "big")
        octets += bytes.fromhex(record["sender"] + record["ptk_id"] + record["salt"])
        octets += record["ceiling"].to_bytes(4, "big")
    return octets + hashlib.sha256(octets).digest()


class Vectors:
    """docs/vectors/packet.json, and what is wrong with each of its vectors: a text or None."""

    KINDS = ("frames", "objects", "dropped", "high_water")

    def __init__(self, file):
        self.file = file

    def fill(self):
        for vector in self.file["frames"]:
            vector.update(keys_of(vector))
            vector["octets"] = protect(vector).hex()
        for vector in self.file["objects"]:
            vector["octets"] = self._object(vector)
        for vector in self.file["high_water"]:
            vector["octets"] = high_water(vector["records"]).hex()
        # Each is a good frame with one change: octets from `at` on, and a length.
        for vector in self.file["dropped"]:
            octets = bytearray.fromhex(self.file["frames"][vector["frame"]]["octets"])
            change = bytes.fromhex(vector["change"])
            octets[vector["at"]:vector["at"] + len(change)] = change
            vector["octets"] = octets[:vector["length"]].hex()

    @staticmethod
    def _object(vector):
        return "14" + vector["group"] + vector["sender"] + vector["object"]

    def check(self, kind, vector):
        try:
            return getattr(self, f"_check_{kind}")(vector)
        except (Dropped, KeyError, ValueError, TypeError) as error:
            return f"{type(error).__name__}: {error}"

    def _check_frames(self, vector):
        wrong = [name for name, value in keys_of(vector).items() if vector[name] != value]
        fields = read(bytes.fromhex(vector["octets"]), vector)
        wrong += [name for name, value in fields.items() if vector[name] != value]
        if protect(vector).hex() != vector["octets"]:
            wrong.append("octets")
        return f"{wrong} are others" if wrong else None

    def _check_objects(self, vector):
        fields = read(bytes.fromhex(vector["octets"]), {})
        same = fields == {"object": vector["object"]} and self._object(vector) == vector["octets"]
        return None if same else "another object"

    def _check_dropped(self, vector):
        try:
            read(bytes.fromhex(vector["octets"]), self.file["frames"][vector["frame"]])
        except Dropped as reason:
            return None if str(reason) == vector["reason"] else f"{reason} instead of {vector['reason']}"
        return "it opens"

    def _check_high_water(self, vector):
        return None if high_water(vector["records"]).hex() == vector["octets"] else "another file"


def main(arguments):
    fill = arguments[:1] == ["--fill"]
    if len(arguments) != 1 + fill:
        print("usage: packet_reference.py [--fill] VECTORS.json", file=sys.stderr)
        return 2
    with open(arguments[-1], encoding="utf-8") as file:
        vectors = Vectors(json.load(file))
    if fill:
        vectors.fill()
        with open(arguments[-1], "w", encoding="utf-8") as file:
            file.write(json.dumps(vectors.file, indent=1, ensure_ascii=False) + "\n")
    count = wrong = 0
    for kind in Vectors.KINDS:
        for number, vector in enumerate(vectors.file[kind], start=1):
            count += 1
            problem = vectors.check(kind, vector)
            if problem is not None:
                wrong += 1
                print(f"{kind} {number}: {problem}")
    print(f"{count} vectors, {wrong} wrong")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
