"""Searching octets for a key in every form that it could stand in.

A key is looked for by its halves of 16 octets: so a copy is also found where
one half was overwritten, as an allocator does with what is freed.
"""

import dataclasses

HALF = 16


def _words(octets):
    return b"".join(octets[i : i + 4][::-1] for i in range(0, len(octets), 4))


FORMS = {
    "as is": lambda octets: octets,
    "reversed": lambda octets: octets[::-1],
    "hex text": lambda octets: octets.hex().encode(),
    "HEX text": lambda octets: octets.hex().upper().encode(),
    # What the hash works on: 32-bit words, and the key under HMAC's pads.
    "words": _words,
    "ipad": lambda octets: bytes(octet ^ 0x36 for octet in octets),
    "opad": lambda octets: bytes(octet ^ 0x5C for octet in octets),
}


@dataclasses.dataclass(frozen=True, order=True)
class Hit:
    """A copy, or the half of one."""

    address: int
    secret: str
    part: str  # "whole", "first half", "second half"
    form: str


def search(pieces, secrets):
    """(octets searched, hits). `pieces` is (address, octets) in order, without gaps; `secrets` is {name: key}."""
    patterns = list(_patterns(secrets))
    overlap = max(len(pattern) for pattern, *_ in patterns) - 1
    searched, found, tail, follows = 0, set(), b"", None
    for address, octets in pieces:
        if follows not in (None, address):
            raise ValueError(f"a gap before {address:#x}: {follows:#x} was to follow")
        searched, follows = searched + len(octets), address + len(octets)
        window, start = tail + octets, address - len(tail)
        tail = window[-overlap:]
        if window.count(0) == len(window):
            continue  # most of a RAM; no pattern is all zeros
        for pattern, secret, part, form in patterns:
            at = window.find(pattern)
            while at >= 0:
                found.add(Hit(start + at, secret, part, form))
                at = window.find(pattern, at + 1)
    return searched, _joined(found)


def _patterns(secrets):
    for secret, key in secrets.items():
        for form, change in FORMS.items():
            yield change(key[:HALF]), secret, "first half", form
            yield change(key[HALF:]), secret, "second half", form


def _joined(found):
    """Two halves side by side are a whole."""
    hits = set(found)
    for hit in found:
        leads = "second half" if hit.form == "reversed" else "first half"
        length = HALF * (2 if hit.form.lower() == "hex text" else 1)
        if hit.part == leads:
            follows = "first half" if leads == "second half" else "second half"
            other = dataclasses.replace(hit, address=hit.address + length, part=follows)
            if other in found:
                hits -= {hit, other}
                hits.add(dataclasses.replace(hit, part="whole"))
    return sorted(hits)
