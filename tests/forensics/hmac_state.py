"""What an implementation of HMAC-SHA-256 keeps of a key: the hash's state after the key's block, inner and outer. As
secret as the key: with them any message can be authenticated, so anything derived. FIPS 180-4, 6.2; RFC 2104, 4."""

import itertools

BLOCK = 64
MASK = 0xFFFF_FFFF


def states(name, key):
    """Both as secrets of their own, big-endian; on a little-endian machine they stand in memory word by word turned."""
    padded = key.ljust(BLOCK, b"\0")
    return {f"{name}'s {which} state": after(bytes(octet ^ pad for octet in padded))
            for which, pad in (("inner", 0x36), ("outer", 0x5C))}  # fmt: skip


def _fraction(prime, power):
    """The first 32 bits of the fractional part of the prime's root, without floating point."""
    root = 1 << 40
    for _ in range(200):
        root = ((power - 1) * root + (prime << 32 * power) // root ** (power - 1)) // power
    while root**power > prime << 32 * power:
        root -= 1
    return root & MASK


PRIMES = list(itertools.islice((n for n in itertools.count(2) if all(n % d for d in range(2, n))), 64))
START = [_fraction(prime, 2) for prime in PRIMES[:8]]
ROUNDS = [_fraction(prime, 3) for prime in PRIMES]


def _turned(word, bits):
    return (word >> bits | word << 32 - bits) & MASK


def after(block):
    """The state after one block."""
    words = [int.from_bytes(block[at : at + 4], "big") for at in range(0, BLOCK, 4)]
    for at in range(16, 64):
        early, late = words[at - 15], words[at - 2]
        s0 = _turned(early, 7) ^ _turned(early, 18) ^ early >> 3
        s1 = _turned(late, 17) ^ _turned(late, 19) ^ late >> 10
        words.append(words[at - 16] + s0 + words[at - 7] + s1 & MASK)
    a, b, c, d, e, f, g, h = START
    for constant, word in zip(ROUNDS, words, strict=True):
        one = h + (_turned(e, 6) ^ _turned(e, 11) ^ _turned(e, 25)) + (e & f ^ ~e & g) + constant + word
        two = (_turned(a, 2) ^ _turned(a, 13) ^ _turned(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = one + two & MASK, a, b, c, d + one & MASK, e, f, g
    sums = (start + word & MASK for start, word in zip(START, (a, b, c, d, e, f, g, h), strict=True))
    return b"".join(word.to_bytes(4, "big") for word in sums)
