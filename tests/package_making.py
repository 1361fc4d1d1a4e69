"""Makes delegations, packages, notices and statements, by docs/package.md alone; what package_reference.py says of
itself holds here."""

import cbor2
import cwt
from package_format import (
    ALG, CONTENT, DELEGATION, DELEGATION_TYP, DEVICE, EDDSA, HPKE_3, KID, NOTICE, PACKAGE, SEQUENCE, STATEMENT, TYP,
    cose_key, signing_key,
)  # fmt: skip


def make_delegation(root_seed, signer, version, manager):
    payload = cbor2.dumps({1: signer, 2: version, 3: manager})
    header = {ALG: EDDSA, TYP: DELEGATION_TYP}
    return cwt.COSE.new().encode_and_sign(payload, signing_key(root_seed), protected=header)


def sign(payload, header, seed, delegation):
    key = signing_key(seed, header[KID])
    return cwt.COSE.new().encode_and_sign(payload, key, protected=header, unprotected={DELEGATION: delegation})


def make_notice(signer_seed, version, delegation, group, below, time):
    payload = cbor2.dumps({1: group, 2: below, 3: time})
    header = {ALG: EDDSA, KID: version.to_bytes(4, "big"), TYP: NOTICE}
    return sign(payload, header, signer_seed, delegation)


def make_package(signer_seed, version, delegation, x25519, device, content):
    """`content` is the map. The ephemeral key is drawn anew."""
    kid = version.to_bytes(4, "big")
    address = {DEVICE: device, SEQUENCE: content[2]}
    inner = {ALG: HPKE_3, KID: kid, TYP: CONTENT, **address}
    key = cose_key(4, HPKE_3, kid, x25519)
    payload = cwt.COSE.new().encode_and_encrypt(cbor2.dumps(content), key, protected=inner)
    header = {ALG: EDDSA, KID: kid, TYP: PACKAGE, **address}
    return sign(payload, header, signer_seed, delegation)


def make_statement(ed25519_seed, fields):
    header = {ALG: EDDSA, TYP: STATEMENT}
    return cwt.COSE.new().encode_and_sign(cbor2.dumps(fields), signing_key(ed25519_seed), protected=header)
