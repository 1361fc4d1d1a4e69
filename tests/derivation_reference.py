"""Reference for the key derivation of ProSeal: every profile, the admission key and the step from a root.

Written from docs/derivation.md and the published standards that it names (RFC 2104, RFC 5869, 3GPP TS 33.220
Annex B.2, 3GPP TS 33.303 Annex A), and nothing else of the project, so that an agreement with the trusted
application says something about that text. HMAC and SHA-256 are Python's.

    python3 tests/derivation_reference.py docs/vectors/derivation.json         checks the vectors
    python3 tests/derivation_reference.py --fill docs/vectors/derivation.json  computes their outputs anew
"""

import hashlib
import hmac
import json
import sys

HKDF_SHA256 = "hkdf-sha256"
TS33303 = "3gpp-ts33303"
PROFILES = {HKDF_SHA256: 1, TS33303: 2}
SUITES = {"aead": (1, 32), "integrity": (2, 32), "3gpp": (3, 16)}  # number, key length
ALLOWED = {HKDF_SHA256: ("aead", "integrity", "3gpp"), TS33303: ("3gpp",)}
PURPOSE_IK = 1
PURPOSE_CK = 2
PURPOSE_ADMISSION = 3
PURPOSE_PGK = 4
ADMISSION_LENGTH = 16
NO_EPOCH = bytes(3 + 2 + 8)  # sender, PTK Id and salt where they are not used

FC_PTK = 0x4A
FC_KEYS = 0x4B
TYPE_CK, TYPE_IK = b"\x00", b"\x01"
ALGORITHM_AES = b"\x02"


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
    profile: str = HKDF_SHA256,
) -> tuple[bytes, bytes]:
    """Return (IK, CK); ValueError if an input is not what it must be."""
    _check_scope(pgk, profile, suite, group, generation, pgk_id, label)
    _check_width("sender", sender, 3)
    _check_width("ptk_id", ptk_id, 2)
    if ptk_id == bytes(2):
        raise ValueError("ptk_id: 0 is not in 1 to 65535")
    _check_width("salt", salt, 8)
    if profile == TS33303:
        if salt != bytes(8):
            raise ValueError("salt: this profile has none")
        return _keys_of_ts33303(pgk, group, sender, ptk_id)

    def key(purpose: int) -> bytes:
        info = _info(profile, suite, purpose, group, generation, pgk_id, sender + ptk_id + salt, label)
        return _hkdf(pgk, info)[: SUITES[suite][1]]

    return key(PURPOSE_IK), key(PURPOSE_CK)


def derive_admission(
    pgk: bytes, suite: str, group: bytes, generation: int, pgk_id: bytes, label: str, profile: str = HKDF_SHA256
) -> bytes:
    """Return the PGK's admission key; ValueError if it has none."""
    _check_scope(pgk, profile, suite, group, generation, pgk_id, label)
    if profile != HKDF_SHA256:
        raise ValueError(f"profile: {profile} has no admission key")
    info = _info(profile, suite, PURPOSE_ADMISSION, group, generation, pgk_id, NO_EPOCH, label)
    return _hkdf(pgk, info)[:ADMISSION_LENGTH]


def derive_pgk(
    root: bytes, suite: str, group: bytes, generation: int, pgk_id: bytes, label: str, profile: str = HKDF_SHA256
) -> bytes:
    """Return the group's PGK, by HKDF in every profile; ValueError if an input is not what it must be."""
    _check_scope(root, profile, suite, group, generation, pgk_id, label)
    return _hkdf(root, _info(profile, suite, PURPOSE_PGK, group, generation, pgk_id, NO_EPOCH, label))


def _check_scope(
    key: bytes, profile: str, suite: str, group: bytes, generation: int, pgk_id: bytes, label: str
) -> None:
    if profile not in PROFILES:
        raise ValueError(f"profile: unknown {profile!r}")
    if suite not in SUITES:
        raise ValueError(f"suite: unknown {suite!r}")
    if suite not in ALLOWED[profile]:
        raise ValueError(f"suite: {suite} does not go with {profile}")
    _check_width("pgk or root", key, 32)
    _check_width("group", group, 3)
    if not 1 <= generation <= 2**48:
        raise ValueError(f"generation: {generation} is not in 1 to 2^48")
    _check_width("pgk_id", pgk_id, 1)
    if len(label.encode("utf-8")) > 32:
        raise ValueError(f"label: {len(label.encode('utf-8'))} octets, more than 32")


def _hkdf(key: bytes, info: bytes) -> bytes:
    """One block of HKDF with an empty Extract salt (RFC 5869)."""
    return _hmac_sha256(_hmac_sha256(bytes(32), key), info + b"\x01")


def _info(
    profile: str,
    suite: str,
    purpose: int,
    group: bytes,
    generation: int,
    pgk_id: bytes,
    epoch: bytes,
    label: str,
) -> bytes:
    """`epoch` is sender, PTK Id and salt."""
    label_octets = label.encode("utf-8")
    return b"".join(
        (
            b"ProSeal1",
            bytes((PROFILES[profile], SUITES[suite][0], purpose)),
            group,
            generation.to_bytes(8, "big"),
            pgk_id,
            epoch,
            bytes((len(label_octets),)),
            label_octets,
        )
    )


def kdf(key: bytes, fc: int, *parameters: bytes) -> bytes:
    """TS 33.220 Annex B.2."""
    s = bytes((fc,)) + b"".join(parameter + len(parameter).to_bytes(2, "big") for parameter in parameters)
    return _hmac_sha256(key, s)


def _keys_of_ts33303(pgk: bytes, group: bytes, sender: bytes, ptk_id: bytes) -> tuple[bytes, bytes]:
    """TS 33.303 Annex A.3, then A.4: the last 128 bits."""
    ptk = kdf(pgk, FC_PTK, sender, ptk_id, group)
    return kdf(ptk, FC_KEYS, TYPE_IK, ALGORITHM_AES)[16:], kdf(ptk, FC_KEYS, TYPE_CK, ALGORITHM_AES)[16:]


def _from_root(root: bytes, sender: bytes, ptk_id: bytes, salt: bytes, **scope) -> tuple[bytes, bytes, bytes]:
    """The PGK from a root, and the keys of one epoch of it."""
    pgk = derive_pgk(root, **scope)
    return pgk, *derive(pgk, sender=sender, ptk_id=ptk_id, salt=salt, **scope)


# Of each list in the file: the inputs that are octets, and what is computed.
KINDS = {
    "vectors": (("pgk", "group", "pgk_id", "sender", "ptk_id", "salt"), ("ik", "ck"), derive),
    "admissions": (("pgk", "group", "pgk_id"), ("admission",), derive_admission),
    "roots": (("root", "group", "pgk_id", "sender", "ptk_id", "salt"), ("pgk", "ik", "ck"), _from_root),
}


def computed(kind: str, vector: dict) -> dict:
    """What comes of a vector's inputs, by name; KeyError, TypeError or ValueError if they are none."""
    inputs, outputs, function = KINDS[kind]
    octets = {name: bytes.fromhex(vector[name]) for name in inputs}
    keys = function(
        **octets,
        profile=vector["profile"],
        suite=vector["suite"],
        generation=vector["generation"],
        label=vector["label"],
    )
    keys = keys if isinstance(keys, tuple) else (keys,)
    return {name: key.hex() for name, key in zip(outputs, keys, strict=True)}


def check(vector: dict, kind: str = "vectors") -> str | None:
    """Return what is wrong with a vector, or None."""
    try:
        wrong = [
            f"{name} is {vector[name]}, computed {value}"
            for name, value in computed(kind, vector).items()
            if vector[name] != value
        ]
    except KeyError as error:
        return f"lacks {error}"
    except (TypeError, ValueError, AttributeError) as error:
        return str(error)
    return "; ".join(wrong) or None


def main(arguments: list[str]) -> int:
    fill = arguments[:1] == ["--fill"]
    if len(arguments) != 1 + fill:
        print("usage: derivation_reference.py [--fill] VECTORS.json", file=sys.stderr)
        return 2
    with open(arguments[-1], encoding="utf-8") as file:
        content = json.load(file)
    if fill:
        for kind in KINDS:
            for vector in content[kind]:
                vector.update(computed(kind, vector))
        with open(arguments[-1], "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    count = wrong = 0
    for kind in KINDS:
        for number, vector in enumerate(content.get(kind, []), start=1):
            count += 1
            problem = check(vector, kind)
            if problem is not None:
                wrong += 1
                print(f"{kind} {number}: {problem}")
    print(f"{count} vectors, {wrong} wrong")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
