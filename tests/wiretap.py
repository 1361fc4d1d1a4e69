"""What captured frames (captured.py) open to for somebody who has the group's keys, by the reference of docs/packet.md;
and those keys, from the manager's folder. All in suite `aead`."""

import dataclasses
import functools
import sqlite3

import derivation_reference as derivation
import packet_reference
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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


def epoch(frame):
    """What tells a frame's epoch from others of the group."""
    return frame.member, frame.index, frame.ptk_id


def number(frame):
    """Its sequence number."""
    return int.from_bytes(frame.octets[12:14] + frame.octets[10:12], "big")


def announced(frame):
    """The salt of its epoch, if the frame says it."""
    return frame.octets[14:22] if frame.octets[0] & 2 else None


def salts(frames):
    """The salt of each epoch that was announced."""
    return {epoch(frame): announced(frame) for frame in frames if announced(frame)}


def opened(frame, pgk, salt, ptk_id=None):
    """Its payload; Dropped if it does not open under this PGK (and PTK Id, where that is another one)."""
    ik, ck = pgk.epoch(bytes.fromhex(frame.member), (ptk_id or frame.ptk_id).to_bytes(2, "big"), salt)
    known = {"group": pgk.group.hex(), "pgk_id": f"{frame.index:02x}", "profile": derivation.HKDF_SHA256, "suite": "aead",
             "admission": pgk.admission.hex(), "ik": ik.hex(), "ck": ck.hex(), "salt": salt.hex()}  # fmt: skip
    return bytes.fromhex(packet_reference.read(frame.octets, known)["payload"])
