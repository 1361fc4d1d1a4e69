"""What the making (package_making.py) and the opening (package_opening.py) of ProSeal's signed things share: names,
numbers and keys, from docs/package.md."""

import hashlib

import cwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

EDDSA = -8
HPKE_3 = 41
ALG, KID, TYP, EK, DELEGATION, DEVICE, SEQUENCE = 1, 4, 16, -4, -65537, -65538, -65539
PACKAGE, CONTENT, NOTICE = "proseal-package", "proseal-package-content", "proseal-notice"
DELEGATION_TYP, STATEMENT = "proseal-delegation", "proseal-statement"


def public_of_ed25519(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def public_of_x25519(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def device_id(x25519, ed25519):
    return hashlib.sha256(x25519 + ed25519).digest()[:16]


def cose_key(curve, alg, kid, public, private=None):
    # Of RFC 9052 section 7 and RFC 9053 section 7.2: OKP, its key id, algorithm, curve and both halves.
    key = {1: 1, 3: alg, -1: curve, -2: public}
    if kid:
        key[2] = kid
    if private is not None:
        key[-4] = private
    return cwt.COSEKey.new(key)


def signing_key(seed, kid=b""):
    return cose_key(6, EDDSA, kid, public_of_ed25519(seed), seed)


def held_digest(held):
    """Of (group, generation) pairs."""
    octets = sorted(group.to_bytes(3, "big") + generation.to_bytes(8, "big") for group, generation in held)
    return hashlib.sha256(b"".join(octets)).digest()
