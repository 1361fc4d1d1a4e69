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
import json
import sys

import cbor2
from package_format import DELEGATION, EK, PACKAGE, device_id, held_digest, public_of_ed25519, public_of_x25519
from package_making import make_delegation, make_notice, make_package, make_statement, sign
from package_opening import Refused, Trust, judged, read_delegation, read_notice, read_package, read_statement, sign1

PROFILES = {"hkdf-sha256": 1, "3gpp-ts33303": 2}
SUITES = {"aead": 1, "integrity": 2, "3gpp": 3}
STATES = {"factory": 1, "enrolled": 2, "damaged": 3}


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
        header, unprotected, payload = sign1(octets, PACKAGE)
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
        return _same(sign(payload, header, self.signer_seed, delegation), vector["octets"])

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
