"""Reference for the signed things of ProSeal: delegations, packages, notices, statements.

Written from docs/package.md and the published standards that it names, and nothing else of the project, so that an
agreement with the issuer and the trusted application says something about that text. COSE, HPKE and CBOR are the
published packages cwt (on pyhpke) and cbor2, the curves those of cryptography.

With PYTHONPATH=$(tests/harness/packages.py) in the environment,

    python3 tests/package_reference.py docs/vectors/package.json         checks the vectors
    python3 tests/package_reference.py --fill docs/vectors/package.json  makes the packages of `by_cwt` anew

The rest of the file is made by the tests of host/issuer.
"""

import hashlib
import io
import json
import sys

import cbor2
import cwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

EDDSA = -8
HPKE_3 = 41
ALG, KID, TYP, EK, DELEGATION, DEVICE, SEQUENCE = 1, 4, 16, -4, -65537, -65538, -65539
PACKAGE, CONTENT, NOTICE = "proseal-package", "proseal-package-content", "proseal-notice"
DELEGATION_TYP, STATEMENT = "proseal-delegation", "proseal-statement"
MOST = {PACKAGE: 15360, NOTICE: 512, DELEGATION_TYP: 256, STATEMENT: 512}
FIRST_EXTENSION = 64
U32, U64, GENERATION, ID24 = 2**32 - 1, 2**64 - 1, 2**48, 2**24 - 1
GROUPS, PGKS, LABEL = 16, 4, 32
PROFILES = {"hkdf-sha256": 1, "3gpp-ts33303": 2}
SUITES = {"aead": 1, "integrity": 2, "3gpp": 3}
ALLOWED = {1: (1, 2, 3), 2: (3,)}
STATES = {"factory": 1, "enrolled": 2, "damaged": 3}


class Refused(Exception):
    """By one of the names in docs/package.md."""

    def __init__(self, name, detail=""):
        super().__init__(f"{name} ({detail})" if detail else name)
        self.name = name


def _require(condition, name, detail=""):
    if not condition:
        raise Refused(name, detail)


# Keys


def public_of_ed25519(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def public_of_x25519(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def device_id(x25519, ed25519):
    return hashlib.sha256(x25519 + ed25519).digest()[:16]


def _cose_key(curve, alg, kid, public, private=None):
    # Of RFC 9052 section 7 and RFC 9053 section 7.2: OKP, its key id, algorithm, curve and both halves.
    key = {1: 1, 3: alg, -1: curve, -2: public}
    if kid:
        key[2] = kid
    if private is not None:
        key[-4] = private
    return cwt.COSEKey.new(key)


def _signing_key(seed, kid=b""):
    return _cose_key(6, EDDSA, kid, public_of_ed25519(seed), seed)


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


def _sign1(octets, typ):
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
        cwt.COSE.new().decode(octets, [_cose_key(6, EDDSA, kid, public)])
    except Exception:  # cwt, cbor2 and cryptography each have their own
        return False
    return True


def read_delegation(octets, root):
    """Its payload."""
    header, _, payload = _sign1(octets, DELEGATION_TYP)
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
        _cose_key(6, EDDSA, b"", public).verify(structure, signature)
    except cwt.VerifyError:
        return False
    return True


class Trust:
    """What a device has pinned, and the highest signer version that it has accepted."""

    def __init__(self, root, manager, least_version=0):
        self.root, self.manager, self.least_version = root, manager, least_version

    def check(self, octets, typ):
        """Header and payload of a package or notice, by who may sign one."""
        header, unprotected, payload = _sign1(octets, typ)
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
    key = _cose_key(4, HPKE_3, inner[KID], public_of_x25519(x25519_private), x25519_private)
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
    header, _, payload = _sign1(octets, STATEMENT)
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


# Making


def make_delegation(root_seed, signer, version, manager):
    payload = cbor2.dumps({1: signer, 2: version, 3: manager})
    header = {ALG: EDDSA, TYP: DELEGATION_TYP}
    return cwt.COSE.new().encode_and_sign(payload, _signing_key(root_seed), protected=header)


def _sign(payload, header, seed, delegation):
    key = _signing_key(seed, header[KID])
    return cwt.COSE.new().encode_and_sign(payload, key, protected=header, unprotected={DELEGATION: delegation})


def make_notice(signer_seed, version, delegation, group, below, time):
    payload = cbor2.dumps({1: group, 2: below, 3: time})
    header = {ALG: EDDSA, KID: version.to_bytes(4, "big"), TYP: NOTICE}
    return _sign(payload, header, signer_seed, delegation)


def make_package(signer_seed, version, delegation, x25519, device, content):
    """`content` is the map. The ephemeral key is drawn anew."""
    kid = version.to_bytes(4, "big")
    address = {DEVICE: device, SEQUENCE: content[2]}
    inner = {ALG: HPKE_3, KID: kid, TYP: CONTENT, **address}
    key = _cose_key(4, HPKE_3, kid, x25519)
    payload = cwt.COSE.new().encode_and_encrypt(cbor2.dumps(content), key, protected=inner)
    header = {ALG: EDDSA, KID: kid, TYP: PACKAGE, **address}
    return _sign(payload, header, signer_seed, delegation)


def make_statement(ed25519_seed, fields):
    header = {ALG: EDDSA, TYP: STATEMENT}
    return cwt.COSE.new().encode_and_sign(cbor2.dumps(fields), _signing_key(ed25519_seed), protected=header)


def held_digest(held):
    """Of (group, generation) pairs."""
    octets = sorted(group.to_bytes(3, "big") + generation.to_bytes(8, "big") for group, generation in held)
    return hashlib.sha256(b"".join(octets)).digest()


# Vectors


def content_of(state, device):
    """The map of a vector's `state`."""
    content = {1: device, 2: state["sequence"], 3: state["time"]}
    if state["start_nonce"] is not None:
        content[4] = bytes.fromhex(state["start_nonce"])
    content[5] = [
        {
            1: int(group["group"], 16),
            2: int(group["member"], 16),
            3: group["next"],
            4: group["may_send"],
            5: [_pgk_of(pgk) for pgk in group["pgks"]],
        }
        for group in state["groups"]
    ]
    return content


def _pgk_of(pgk):
    return {
        1: pgk["generation"],
        2: int(pgk["id"], 16),
        3: bytes.fromhex(pgk["key"]),
        4: pgk["root"],
        5: pgk["not_before"],
        6: pgk["not_after"],
        7: PROFILES[pgk["profile"]],
        8: SUITES[pgk["suite"]],
        9: pgk["label"],
        10: pgk["epoch_s"],
        11: pgk["epoch_packets"],
        12: pgk["receive_grace_s"],
        13: pgk["send_grace_s"],
        14: pgk["max_unsynced_s"],
        15: pgk["accept_rollback"],
    }


class Vectors:
    """docs/vectors/package.json, and what is wrong with each of its vectors: `check_*` gives a text or None."""

    KINDS = ("delegations", "packages", "by_cwt", "notices", "statements", "refused")

    def __init__(self, file):
        self.file = file
        keys = file["keys"]
        seeds = {name: bytes.fromhex(keys[name]) for name in keys}
        self.root_seed, self.signer_seed = seeds["root_seed"], seeds["signer_seed"]
        self.ed25519_seed, self.x25519_private = seeds["ed25519_seed"], seeds["x25519_private"]
        self.manager = seeds["manager"]
        self.root = public_of_ed25519(self.root_seed)
        self.signer = public_of_ed25519(self.signer_seed)
        self.x25519 = public_of_x25519(self.x25519_private)
        self.ed25519 = public_of_ed25519(self.ed25519_seed)
        self.device = device_id(self.x25519, self.ed25519)
        self.trust = Trust(self.root, self.manager)

    def check_keys(self):
        computed = {name: getattr(self, name).hex() for name in ("root", "signer", "x25519", "ed25519", "device")}
        wrong = [name for name, value in computed.items() if self.file["keys"][name] != value]
        return f"{wrong} are others" if wrong else None

    def delegation(self, version):
        return make_delegation(self.root_seed, self.signer, version, self.manager)

    def check(self, kind, vector):
        try:
            return getattr(self, f"_check_{kind}")(vector)
        except (Refused, KeyError, ValueError, TypeError) as error:
            return f"{type(error).__name__}: {error}"

    def _check_delegations(self, vector):
        read_delegation(bytes.fromhex(vector["octets"]), self.root)
        return _same(self.delegation(vector["version"]), vector["octets"])

    def _check_notices(self, vector):
        octets = bytes.fromhex(vector["octets"])
        read_notice(octets, self.trust)
        version = vector["version"]
        group = int(vector["group"], 16)
        made = make_notice(
            self.signer_seed, version, self.delegation(version), group, vector["below"], vector["time"]
        )
        return _same(made, vector["octets"])

    def _check_packages(self, vector):
        octets = bytes.fromhex(vector["octets"])
        content, fields, digest = read_package(octets, self.trust, self.x25519_private, self.device)
        expected = content_of(vector["state"], self.device)
        header, unprotected, payload = _sign1(octets, PACKAGE)
        sealed = cbor2.loads(payload).value
        parts = {
            "content": content,
            "digest": digest,
            "enc_structure": cbor2.dumps(["Encrypt0", sealed[0], b""]),
            "ek": sealed[1][EK],
            "ciphertext": sealed[2],
        }
        wrong = [name for name, value in parts.items() if vector[name] != value.hex()]
        if wrong:
            return f"{wrong} are others"
        if fields != expected or content != cbor2.dumps(expected):
            return "the content is not the state"
        # All but the sealing, which draws a key, is made again.
        delegation = self.delegation(vector["version"])
        if unprotected[DELEGATION] != delegation:
            return "another delegation"
        return _same(_sign(payload, header, self.signer_seed, delegation), vector["octets"])

    def _check_by_cwt(self, vector):
        content, _, _ = read_package(bytes.fromhex(vector["octets"]), self.trust, self.x25519_private, self.device)
        return _same(content, self.file["packages"][vector["package"]]["content"])

    def fill(self):
        """Packages of the same states, sealed here."""
        self.file["by_cwt"] = [
            {"package": number, "octets": self.package(vector).hex()}
            for number, vector in enumerate(self.file["packages"])
        ]

    def package(self, vector):
        version = vector["version"]
        content = content_of(vector["state"], self.device)
        delegation = self.delegation(version)
        return make_package(self.signer_seed, version, delegation, self.x25519, self.device, content)

    def _check_statements(self, vector):
        read_statement(bytes.fromhex(vector["octets"]))
        last = vector["package"]
        held = [(int(group, 16), generation) for group, generation in vector["held"]]
        fields = {
            1: self.device,
            2: self.x25519,
            3: self.ed25519,
            4: vector["ta_version"],
            5: bytes.fromhex(vector["nonce"]),
            6: bytes.fromhex(vector["start_nonce"]),
            7: vector["floor"],
            8: vector["sequence"],
            9: bytes(32) if last is None else bytes.fromhex(self.file["packages"][last]["digest"]),
            10: held_digest(held),
            11: hashlib.sha256(self.root).digest() if vector["enrolled"] else bytes(32),
            12: STATES[vector["state"]],
        }
        return _same(make_statement(self.ed25519_seed, fields), vector["octets"])

    def _check_refused(self, vector):
        of = self.file["refused"]
        trust = Trust(bytes.fromhex(of["root"]), bytes.fromhex(of["manager"]), of["least_version"])
        private, device = bytes.fromhex(of["x25519_private"]), bytes.fromhex(of["device"])
        name = judged(bytes.fromhex(vector["octets"]), trust, private, device)
        return None if name == vector["error"] else f"{name} instead of {vector['error']}"

    def of_kind(self, kind):
        return self.file["refused"]["vectors"] if kind == "refused" else self.file[kind]


def _same(octets, expected):
    return None if octets.hex() == expected else f"computed {octets.hex()}"


def main(arguments):
    fill = arguments[:1] == ["--fill"]
    if len(arguments) != 1 + fill:
        print("usage: package_reference.py [--fill] VECTORS.json", file=sys.stderr)
        return 2
    with open(arguments[-1], encoding="utf-8") as file:
        vectors = Vectors(json.load(file))
    if fill:
        vectors.fill()
        with open(arguments[-1], "w", encoding="utf-8") as file:
            file.write(json.dumps(vectors.file, indent=2, ensure_ascii=False) + "\n")
    problems = [("keys", vectors.check_keys())]
    for kind in Vectors.KINDS:
        for vector in vectors.of_kind(kind):
            what = vector.get("comment", vector.get("package"))
            problems.append((f"{kind}: {what}", vectors.check(kind, vector)))
    wrong = [(what, problem) for what, problem in problems if problem is not None]
    for what, problem in wrong:
        print(f"{what}: {problem}")
    print(f"{len(problems)} vectors, {len(wrong)} wrong")
    return 1 if wrong or len(problems) == 1 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
