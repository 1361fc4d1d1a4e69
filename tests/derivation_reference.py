"""Reference for the key derivation of ProSeal, profile hkdf-sha256.

Written from docs/derivation.md and nothing else of the project, so that an
agreement with the vectors says something about that text.

    python3 tests/derivation_reference.py docs/vectors/derivation.json
"""

import hashlib
import hmac
import json
import sys

PROFILE_NAME = "hkdf-sha256"
PROFILE = 1
SUITES = {"aead": (1, 32), "integrity": (2, 32), "3gpp": (3, 16)}  # number, key length
PURPOSE_IK = 1
PURPOSE_CK = 2
PURPOSE_PGK = 4


def _hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _check_width(name: str, value: bytes, width: int) -> None:
    if len(value) != width:
        raise ValueError(f"{name}: {len(value)} octets instead of {width}")


def derive(
    pgk: bytes,
    suite: str,
    group: bytes,
    generation: int,
    pgk_id: bytes,
    sender: bytes,
    ptk_id: bytes,
    salt: bytes,
    label: str,
) -> tuple[bytes, bytes]:
    """Return (IK, CK); ValueError if an input is not as wide as it must be."""
    _check_width("sender", sender, 3)
    _check_width("ptk_id", ptk_id, 2)
    if ptk_id == bytes(2):
        raise ValueError("ptk_id: 0 is not in 1 to 65535")
    _check_width("salt", salt, 8)

    def key(purpose: int) -> bytes:
        return _expanded(pgk, suite, purpose, group, generation, pgk_id, sender + ptk_id + salt, label)

    return key(PURPOSE_IK), key(PURPOSE_CK)


def derive_pgk(root: bytes, suite: str, group: bytes, generation: int, pgk_id: bytes, label: str) -> bytes:
    """Return the group's PGK; ValueError if an input is not as wide as it must be."""
    return _expanded(root, suite, PURPOSE_PGK, group, generation, pgk_id, bytes(3 + 2 + 8), label)


def _expanded(
    key: bytes, suite: str, purpose: int, group: bytes, generation: int, pgk_id: bytes, epoch: bytes, label: str
) -> bytes:
    """HKDF for one purpose; `epoch` is sender, PTK Id and salt."""
    if suite not in SUITES:
        raise ValueError(f"suite: unknown {suite!r}")
    suite_number, length = SUITES[suite]
    _check_width("pgk or root", key, 32)
    _check_width("group", group, 3)
    if not 1 <= generation <= 2**48:
        raise ValueError(f"generation: {generation} is not in 1 to 2^48")
    _check_width("pgk_id", pgk_id, 1)
    label_octets = label.encode("utf-8")
    if len(label_octets) > 32:
        raise ValueError(f"label: {len(label_octets)} octets, more than 32")
    info = b"".join(
        (
            b"ProSeal1",
            bytes((PROFILE, suite_number, purpose)),
            group,
            generation.to_bytes(8, "big"),
            pgk_id,
            epoch,
            bytes((len(label_octets),)),
            label_octets,
        )
    )
    okm = _hmac_sha256(_hmac_sha256(bytes(32), key), info + b"\x01")
    return okm if purpose == PURPOSE_PGK else okm[:length]


def check(vector: dict) -> str | None:
    """Return what is wrong with a vector, or None."""
    try:
        if vector["profile"] != PROFILE_NAME:
            return f"unknown profile {vector['profile']!r}"
        octets = {
            name: bytes.fromhex(vector[name])
            for name in ("pgk", "group", "pgk_id", "sender", "ptk_id", "salt")
        }
        ik, ck = derive(
            suite=vector["suite"],
            generation=vector["generation"],
            label=vector["label"],
            **octets,
        )
        wrong = [
            f"{name} is {vector[name]}, computed {value.hex()}"
            for name, value in (("ik", ik), ("ck", ck))
            if vector[name] != value.hex()
        ]
    except KeyError as error:
        return f"lacks {error}"
    except (TypeError, ValueError, AttributeError) as error:
        return str(error)
    return "; ".join(wrong) or None


def check_root(vector: dict) -> str | None:
    """Return what is wrong with a vector of a root, or None."""
    try:
        octets = {name: bytes.fromhex(vector[name]) for name in ("root", "group", "pgk_id")}
        pgk = derive_pgk(suite=vector["suite"], generation=vector["generation"], label=vector["label"], **octets)
        return None if pgk.hex() == vector["pgk"] else f"pgk is {vector['pgk']}, computed {pgk.hex()}"
    except KeyError as error:
        return f"lacks {error}"
    except (TypeError, ValueError, AttributeError) as error:
        return str(error)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: derivation_reference.py VECTORS.json", file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        content = json.load(file)
    vectors = content.get("vectors", []) + content.get("roots", [])
    wrong = 0
    for number, vector in enumerate(vectors, start=1):
        problem = check_root(vector) if "root" in vector else check(vector)
        if problem is not None:
            wrong += 1
            print(f"vector {number}: {problem}")
    print(f"{len(vectors)} vectors, {wrong} wrong")
    return 1 if wrong or not vectors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
