"""The private halves of a device's identity, found by trial: nobody outside the secure world is ever told them.

OP-TEE stores the attributes of a pair one after the other, and reads them into its core's memory as they are stored. So
what stands near a copy of the public half is tried, and what has that public half is the private one: no other octets do.
"""

import hashlib

LENGTH = 32
NEAR = 128  # octets before and behind
FEWEST_VALUES = 16  # different octets: random ones have more, and most of a RAM has not


def beside(octets, public, public_of):
    """(offset, private half) of each that stands near a copy of `public`, as it is or reversed. `public_of` computes a
    public half."""
    found, at = set(), octets.find(public)
    while at >= 0:
        for offset in range(max(at - NEAR, 0), min(at + NEAR, len(octets) - LENGTH) + 1):
            window = octets[offset : offset + LENGTH]
            if len(set(window)) > FEWEST_VALUES:
                found |= {(offset, key) for key in (window, window[::-1]) if public_of(key) == public}
        at = octets.find(public, at + 1)
    return sorted(found)


def of_opening(name, key):
    """An X25519 key, as it was drawn and as it multiplies (RFC 7748, 5)."""
    return {name: key, f"{name}'s scalar": _clamped(key)}


def of_signing(name, seed):
    """An Ed25519 key, and what a signer makes of it (RFC 8032, 5.1.5), which is as good."""
    digest = hashlib.sha512(seed).digest()
    return {name: seed, f"{name}'s scalar": _clamped(digest[:LENGTH]), f"{name}'s prefix": digest[LENGTH:]}


def _clamped(octets):
    first, *between, last = octets
    return bytes([first & 248, *between, last & 127 | 64])
