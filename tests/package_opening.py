"""Opens delegations, packages, notices and statements, by docs/package.md alone, or says why not; what
package_reference.py says of itself holds here."""

import hashlib
import io

import cbor2
import cwt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from package_format import (
    ALG, CONTENT, DELEGATION, DELEGATION_TYP, DEVICE, EDDSA, EK, HPKE_3, KID, NOTICE, PACKAGE, SEQUENCE, STATEMENT, TYP,
    cose_key, device_id, public_of_x25519,
)  # fmt: skip

MOST = {PACKAGE: 15360, NOTICE: 512, DELEGATION_TYP: 256, STATEMENT: 512}
FIRST_EXTENSION = 64
U32, U64, GENERATION, ID24 = 2**32 - 1, 2**64 - 1, 2**48, 2**24 - 1
GROUPS, PGKS, LABEL = 16, 4, 32
ALLOWED = {1: (1, 2, 3), 2: (3,)}


class Refused(Exception):
    """By one of the names in docs/package.md."""

    def __init__(self, name, detail=""):
        super().__init__(f"{name} ({detail})" if detail else name)
        self.name = name


def _require(condition, name, detail=""):
    if not condition:
        raise Refused(name, detail)


# Public keys

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def is_ed25519(octets):
    """A point in its canonical encoding (RFC 8032 section 5.1.3), of more than low order."""
    number = int.from_bytes(octets, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= P:
        return False
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if v * x * x % P != u or (x == 0 and sign):
        return False
    if x & 1 != sign:
        x = P - x
    for _ in range(3):  # eight times the point
        product = D * x * x * y * y % P
        x, y = 2 * x * y * pow(1 + product, -1, P) % P, (y * y + x * x) * pow(1 - product, -1, P) % P
    return (x, y) != (0, 1)


def is_x25519(octets):
    """Below 2^255 - 19, and not of low order."""
    if int.from_bytes(octets, "little") >= P:
        return False
    try:
        X25519PrivateKey.from_private_bytes(bytes(32)).exchange(X25519PublicKey.from_public_bytes(octets))
    except ValueError:  # the result would be zero
        return False
    return True


# Encoding


def decoded(octets, name, detail):
    """The one item that `octets` are, or Refused: what is not in the one form does not come out as it went in."""
    stream = io.BytesIO(octets)
    try:
        item = cbor2.load(stream)
        whole = stream.read() == b"" and cbor2.dumps(item) == octets and _ascending(item)
    except Exception as error:  # cbor2 lets out more kinds than its own
        raise Refused(name, f"{detail}: {error}") from None
    _require(whole, name, detail)
    return item


def _ascending(item):
    if isinstance(item, dict):
        keys = [cbor2.dumps(key) for key in item]
        return keys == sorted(keys) and all(map(_ascending, item.values()))
    if isinstance(item, list):
        return all(map(_ascending, item))
    return _ascending(item.value) if isinstance(item, cbor2.CBORTag) else True


def _is_uint(value, most=U64, least=0):
    return type(value) is int and least <= value <= most


def _is_octets(value, width):
    return type(value) is bytes and len(value) == width


def _is_bool(value):
    return type(value) is bool


# Of each map: key, whether the value is good, whether the entry must be there.
DELEGATION_PAYLOAD = {
    1: lambda v: _is_octets(v, 32),
    2: lambda v: _is_uint(v, U32, 1),
    3: lambda v: _is_octets(v, 16),
}
NOTICE_PAYLOAD = {1: lambda v: _is_uint(v, ID24), 2: lambda v: _is_uint(v, GENERATION, 1), 3: _is_uint}
STATEMENT_PAYLOAD = {
    1: lambda v: _is_octets(v, 16),
    **{key: lambda v: _is_octets(v, 32) for key in (2, 3, 5, 6, 9, 10, 11)},
    4: lambda v: _is_uint(v, U32),
    7: _is_uint,
    8: _is_uint,
    12: lambda v: _is_uint(v, 3, 1),
}
CONTENT_MAP = {
    1: lambda v: _is_octets(v, 16),
    2: lambda v: _is_uint(v, U64, 1),
    3: _is_uint,
    4: lambda v: _is_octets(v, 32),
    5: lambda v: type(v) is list,
}
GROUP_MAP = {
    1: lambda v: _is_uint(v, ID24),
    2: lambda v: _is_uint(v, ID24),
    3: lambda v: _is_uint(v, GENERATION, 1),
    4: _is_bool,
    5: lambda v: type(v) is list,
}
PGK_MAP = {
    1: lambda v: _is_uint(v, GENERATION, 1),
    2: lambda v: _is_uint(v, 255),
    3: lambda v: _is_octets(v, 32),
    4: _is_bool,
    5: _is_uint,
    6: _is_uint,
    7: _is_uint,
    8: _is_uint,
    9: lambda v: type(v) is str and len(v.encode()) <= LABEL,
    10: lambda v: _is_uint(v, U32, 1),
    11: lambda v: _is_uint(v, U32, 1),
    12: lambda v: _is_uint(v, U32),
    13: lambda v: _is_uint(v, U32),
    14: lambda v: _is_uint(v, U32),
    15: _is_bool,
}


def _check_map(value, form, name, optional=()):
    _require(type(value) is dict, name, "no map")
    for key, entry in value.items():
        _require(_is_uint(key), name, f"key {key!r}")
        if key in form:
            _require(form[key](entry), name, f"key {key}")
        else:
            scalar = _is_uint(entry) or type(entry) in (bytes, str, bool)
            _require(key >= FIRST_EXTENSION and scalar, name, f"key {key}")
    missing = [key for key in form if key not in value and key not in optional]
    _require(not missing, name, f"no {missing}")


# Reading


def _header(octets, entries, name="malformed"):
    """A protected header that has exactly these labels, each of its type."""
    header = decoded(octets, name, "protected header")
    good = {
        ALG: lambda v: type(v) is int,
        KID: lambda v: _is_octets(v, 4) and v != bytes(4),
        TYP: lambda v: type(v) is str,
        DEVICE: lambda v: _is_octets(v, 16),
        SEQUENCE: lambda v: _is_uint(v, U64, 1),
    }
    _require(type(header) is dict and set(header) == set(entries), name, "protected header's entries")
    _require(all(good[label](header[label]) for label in entries), name, "protected header's values")
    return header


ENTRIES = {
    DELEGATION_TYP: (ALG, TYP),
    STATEMENT: (ALG, TYP),
    NOTICE: (ALG, KID, TYP),
    PACKAGE: (ALG, KID, TYP, DEVICE, SEQUENCE),
}


def typ_of(octets):
    """What a COSE_Sign1 says that it is, or None."""
    item = decoded(octets, "malformed", "COSE_Sign1")
    whole = isinstance(item, cbor2.CBORTag) and item.tag == 18 and type(item.value) is list and len(item.value) == 4
    _require(whole and type(item.value[0]) is bytes, "malformed", "COSE_Sign1")
    header = decoded(item.value[0], "malformed", "protected header")
    _require(type(header) is dict and type(header.get(TYP)) is str, "malformed", "typ")
    return header[TYP]


def sign1(octets, typ):
    """Takes a COSE_Sign1 apart: header, unprotected header, payload. No signature is checked."""
    _require(len(octets) <= MOST[PACKAGE], "oversized", typ)
    _require(typ_of(octets) == typ, "wrong_type", f"no {typ}")
    _require(len(octets) <= MOST[typ], "oversized", typ)
    protected, unprotected, payload, signature = cbor2.loads(octets).value
    header = _header(protected, ENTRIES[typ])
    carries = {DELEGATION} if typ in (PACKAGE, NOTICE) else set()
    _require(type(unprotected) is dict and set(unprotected) == carries, "malformed", "unprotected header")
    _require(type(payload) is bytes and _is_octets(signature, 64), "malformed", "payload or signature")
    return header, unprotected, payload


def _is_signed(octets, kid, public):
    try:
        cwt.COSE.new().decode(octets, [cose_key(6, EDDSA, kid, public)])
    except Exception:  # cwt, cbor2 and cryptography each have their own
        return False
    return True


def read_delegation(octets, root):
    """Its payload."""
    header, _, payload = sign1(octets, DELEGATION_TYP)
    # cwt decides by the header what the signature is: another algorithm is no reason for it to be bad.
    _require(_verifies(octets, root), "untrusted_signer")
    _require(header[ALG] == EDDSA, "unsupported_algorithm", "delegation")
    fields = decoded(payload, "malformed", "delegation")
    _check_map(fields, DELEGATION_PAYLOAD, "malformed")
    return fields


def _verifies(octets, public):
    """Whether `public` signed the COSE_Sign1, by Ed25519 whatever its header says."""
    protected, _, payload, signature = cbor2.loads(octets).value
    structure = cbor2.dumps(["Signature1", protected, b"", payload])
    if not is_ed25519(public):
        return False
    try:
        cose_key(6, EDDSA, b"", public).verify(structure, signature)
    except cwt.VerifyError:
        return False
    return True


class Trust:
    """What a device has pinned, and the highest signer version that it has accepted."""

    def __init__(self, root, manager, least_version=0):
        self.root, self.manager, self.least_version = root, manager, least_version

    def check(self, octets, typ):
        """Header and payload of a package or notice, by who may sign one."""
        header, unprotected, payload = sign1(octets, typ)
        carried = unprotected[DELEGATION]
        _require(type(carried) is bytes, "malformed", "delegation")
        delegation = read_delegation(carried, self.root)
        _require(delegation[3] == self.manager, "wrong_manager")
        _require(_verifies(octets, delegation[1]), "bad_signature")
        _require(header[ALG] == EDDSA, "unsupported_algorithm", typ)
        version = delegation[2]
        _require(header[KID] == version.to_bytes(4, "big"), "headers_disagree", "signer version")
        _require(version >= self.least_version, "signer_superseded")
        _require(_is_signed(octets, header[KID], delegation[1]), "bad_signature", "to cwt alone")
        return header, payload


def read_notice(octets, trust):
    """Its payload."""
    _, payload = trust.check(octets, NOTICE)
    fields = decoded(payload, "malformed", "notice")
    _check_map(fields, NOTICE_PAYLOAD, "malformed")
    return fields


def read_package(octets, trust, x25519_private, device):
    """What a device makes of a package: its content's octets, its map, and the digest."""
    header, payload = trust.check(octets, PACKAGE)
    sealed = decoded(payload, "malformed", "COSE_Encrypt0")
    whole = isinstance(sealed, cbor2.CBORTag) and sealed.tag == 16 and type(sealed.value) is list
    _require(whole and len(sealed.value) == 3, "malformed", "COSE_Encrypt0")
    protected, unprotected, ciphertext = sealed.value
    _require(type(protected) is bytes and type(ciphertext) is bytes, "malformed", "COSE_Encrypt0")
    inner = _header(protected, ENTRIES[PACKAGE])
    whole = type(unprotected) is dict and set(unprotected) == {EK} and _is_octets(unprotected[EK], 32)
    _require(whole, "malformed", "ek")
    _require(inner[ALG] == HPKE_3, "unsupported_algorithm", "sealing")
    _require(inner[TYP] == CONTENT, "wrong_type", "what is sealed")
    for label in (KID, DEVICE, SEQUENCE):
        _require(inner[label] == header[label], "headers_disagree", f"label {label}")
    _require(header[DEVICE] == device, "wrong_device")
    _require(is_x25519(unprotected[EK]), "not_opened", "ek")
    key = cose_key(4, HPKE_3, inner[KID], public_of_x25519(x25519_private), x25519_private)
    try:
        content = cwt.COSE.new().decode(payload, [key])
    except Exception as error:
        raise Refused("not_opened", str(error)) from None
    fields = decoded(content, "content_malformed", "content")
    check_content(fields)
    _require(fields[1] == device and fields[2] == header[SEQUENCE], "headers_disagree", "content")
    return content, fields, hashlib.sha256(payload).digest()


def check_content(content):
    """What a content says wherever it goes; how it takes effect is the device's matter."""
    malformed = "content_malformed"
    _check_map(content, CONTENT_MAP, malformed, optional=(4,))
    _require(len(content[5]) <= GROUPS, "too_many_groups")
    for group in content[5]:
        _check_map(group, GROUP_MAP, malformed)
        _require(len(group[5]) <= PGKS, "too_many_pgks")
        for pgk in group[5]:
            _check_map(pgk, PGK_MAP, malformed)
            _require(pgk[6] > pgk[5] and pgk[1] >= group[3], malformed, "windows or generation")
            _require(pgk[7] in ALLOWED, "unsupported_profile")
            _require(pgk[8] in ALLOWED[pgk[7]], "unsupported_suite")
            _require(pgk[9] == "" or pgk[7] == 1 or pgk[4], "label_unused")
        generations = [pgk[1] for pgk in group[5]]
        _require(generations == sorted(set(generations)), malformed, "generations")
        indices = [pgk[2] & 31 for pgk in group[5]]
        _require(len(indices) == len(set(indices)), "pgk_id_clash")
    ids = [group[1] for group in content[5]]
    _require(ids == sorted(set(ids)), malformed, "groups")
    entries = [(group[1], pgk) for group in content[5] for pgk in group[5]]
    for at, (group, pgk) in enumerate(entries):
        for other_group, other in entries[:at]:
            apart = pgk[4] and other[4] and group != other_group
            _require(apart or pgk[3] != other[3], "key_repeated")


def read_statement(octets):
    """Its payload."""
    header, _, payload = sign1(octets, STATEMENT)
    fields = decoded(payload, "malformed", "statement")
    whole = type(fields) is dict and _is_octets(fields.get(2), 32) and _is_octets(fields.get(3), 32)
    _require(whole, "malformed", "keys")
    _require(is_x25519(fields[2]) and is_ed25519(fields[3]), "bad_key")
    _require(_verifies(octets, fields[3]) and _is_signed(octets, b"", fields[3]), "bad_signature")
    _require(header[ALG] == EDDSA, "unsupported_algorithm")
    _check_map(fields, STATEMENT_PAYLOAD, "malformed")
    _require(fields[1] == device_id(fields[2], fields[3]), "wrong_device_id")
    return fields


def judged(octets, trust, x25519_private, device):
    """`accepted`, or the name of the refusal, of what is a package or a notice."""
    try:
        _require(len(octets) <= MOST[PACKAGE], "oversized")
        typ = typ_of(octets)
        _require(typ in (PACKAGE, NOTICE), "wrong_type")
        if typ == NOTICE:
            read_notice(octets, trust)
        else:
            read_package(octets, trust, x25519_private, device)
    except Refused as refusal:
        return refusal.name
    return "accepted"
