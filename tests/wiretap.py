"""What is on a link, from the hub's capture, and what it opens to for somebody who has the group's keys. Frames are read
and opened by the reference of docs/packet.md."""

import dataclasses
import functools
import sqlite3
import struct

import derivation_reference as derivation
import packet_reference
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PORT = 46360
ETHERNET, IPV6, UDP = 14, 40, 8
UDP_NEXT = 17  # in IPv6's next header
NONCE = 12  # octets before a sealed secret


@dataclasses.dataclass(frozen=True)
class Pgk:
    """A PGK with what it derives by."""

    group: bytes
    generation: int
    pgk_id: bytes
    key: bytes
    label: str

    @functools.cache
    def epoch(self, sender, ptk_id, salt):
        """(IK, CK) of an epoch."""
        return derivation.derive(self.key, "aead", self.group, self.generation, self.pgk_id, sender, ptk_id, salt, self.label)

    @functools.cached_property
    def admission(self):
        return derivation.derive_admission(self.key, "aead", self.group, self.generation, self.pgk_id, self.label)


class Home:
    """A manager's folder, read as somebody may who has its key file and its database."""

    def __init__(self, folder):
        self._key = AESGCM((folder / "key").read_bytes())
        self._database = folder / "manager.db"

    def pgks(self, group):
        """All PGKs of a group (3 octets), by generation; those whose octets are gone are left out."""
        rows = self._rows("SELECT generation, pgk_id, sealed_key, profile, suite, label FROM generation WHERE prose_group = ? "
                          "AND sealed_key IS NOT NULL", int.from_bytes(group, "big"))  # fmt: skip
        found = {}
        for generation, pgk_id, sealed, profile, suite, label in rows:
            if (profile, suite) != (derivation.PROFILES[derivation.HKDF_SHA256], derivation.SUITES["aead"][0]):
                raise ValueError(f"generation {generation} is of another profile or suite")
            key = self._open(sealed, b"pgk" + group + generation.to_bytes(8, "big"))
            found[generation] = Pgk(group, generation, bytes((pgk_id,)), key, label)
        return found

    def signer(self):
        """(seed, version, delegation) of the one that signs."""
        ((version, delegation, sealed),) = self._rows("SELECT version, delegation, sealed_key FROM signer "
                                                      "WHERE sealed_key IS NOT NULL")  # fmt: skip
        return self._open(sealed, b"signer" + version.to_bytes(4, "big")), version, delegation

    def _open(self, sealed, aad):
        return self._key.decrypt(sealed[:NONCE], sealed[NONCE:], aad)

    def _rows(self, query, *values):
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True) as database:
            return database.execute(query, values).fetchall()


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame of a group with payload, as it was on the link."""

    at: float
    card: str  # that it came from, as MAC addresses are written
    octets: bytes

    @property
    def sender(self):
        return self.octets[4:7]

    @property
    def index(self):
        return self.octets[7] & 0x1F

    @property
    def ptk_id(self):
        return self.octets[8:10]

    @property
    def number(self):
        return int.from_bytes(self.octets[12:14] + self.octets[10:12], "big")

    @property
    def epoch(self):
        return self.sender, self.index, self.ptk_id

    @property
    def salt(self):
        """What it announces, if it does."""
        return self.octets[14:22] if self.octets[0] & 2 else None

    def opened(self, pgk, salt, ptk_id=None):
        """Its payload; Dropped if it does not open under this PGK (and PTK Id, where that is another one)."""
        ik, ck = pgk.epoch(self.sender, ptk_id or self.ptk_id, salt)
        known = {"group": pgk.group.hex(), "pgk_id": f"{self.index:02x}", "profile": derivation.HKDF_SHA256, "suite": "aead",
                 "admission": pgk.admission.hex(), "ik": ik.hex(), "ck": ck.hex(), "salt": salt.hex()}  # fmt: skip
        return bytes.fromhex(packet_reference.read(self.octets, known)["payload"])


def datagrams(capture):
    """(time, network card, octets) of each datagram to the groups' port in a pcap file, which may still be growing."""
    octets = capture.read_bytes()
    at = 24
    while at + 16 <= len(octets):
        seconds, parts, length = struct.unpack_from("<III", octets, at)
        frame, at = octets[at + 16 : at + 16 + length], at + 16 + length
        udp = frame[ETHERNET + IPV6 :]
        if frame[12:14] == b"\x86\xdd" and frame[ETHERNET + 6] == UDP_NEXT and udp[2:4] == PORT.to_bytes(2, "big"):
            yield seconds + parts / 1e6, frame[6:12].hex(":"), udp[UDP:]


def frames(capture, group):
    """Those of a group (3 octets) that carry payload."""
    for at, card, octets in datagrams(capture):
        if len(octets) >= 30 and octets[0] & 0xFD == 0x10 and octets[1:4] == group:
            yield Frame(at, card, octets)


def salts(heard):
    """The salt of each epoch that was announced."""
    return {frame.epoch: frame.salt for frame in heard if frame.salt}
