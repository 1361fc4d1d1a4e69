"""A device's manager for tests: keys drawn in this process, and what is made with them by tests/package_making.py, a
program that only docs/package.md went into."""

import functools
import hashlib
import importlib
import os
import sys

from harness import packages

DAY_S = 24 * 3600


def form():
    """What that program's makers and readers share."""
    return _part("package_format")


def making():
    """What makes."""
    return _part("package_making")


def opening():
    """What opens and checks."""
    return _part("package_opening")


@functools.cache
def _part(name):
    # What it needs is installed on first use.
    sys.path.insert(0, str(packages.installed()))
    return importlib.import_module(name)


def pgk(generation, key, at, pgk_id=None, policy=()):
    """One PGK of a content, for 30 days from `at` on (seconds since 1970)."""
    plain = {5: at, 6: at + 30 * DAY_S, 7: 1, 8: 1, 9: "", 10: 3600, 11: 100000, 12: 3600, 13: 0, 14: 0, 15: False}
    return {1: generation, 2: generation if pgk_id is None else pgk_id, 3: key, 4: False, **plain, **dict(policy)}


def group(number, member, pgks, below=1):
    """One group of a content; `number` and `member` as hexadecimal text."""
    return {1: int(number, 16), 2: int(member, 16), 3: below, 4: True, 5: pgks}


class Manager:
    """The manager's keys, and what he makes with them."""

    def __init__(self, root_seed=None, manager=None, version=1):
        self.root_seed, self.manager = root_seed or os.urandom(32), manager or os.urandom(16)
        self.signer_seed, self.version = os.urandom(32), version
        signer = form().public_of_ed25519(self.signer_seed)
        self.delegation = making().make_delegation(self.root_seed, signer, version, self.manager)
        self.root = form().public_of_ed25519(self.root_seed)

    def with_new_signer(self):
        """The same manager, whose next signer replaces this one."""
        return Manager(self.root_seed, self.manager, self.version + 1)

    def enrolment(self):
        return f"# a manager\nroot-key = {self.root.hex()}\nmanager = {self.manager.hex()}\n".encode()

    def root_digest(self):
        return hashlib.sha256(self.root).hexdigest()

    def fingerprint(self):
        digits = self.root_digest()
        return " ".join(digits[at : at + 4] for at in range(0, 64, 4))

    def package(self, device, x25519, sequence, groups, at, start_nonce=None):
        """Sealed to the device of this id and key: these groups are its whole state."""
        content = {1: device, 2: sequence, 3: at, **({4: start_nonce} if start_nonce else {}), 5: groups}
        return making().make_package(self.signer_seed, self.version, self.delegation, x25519, device, content)

    def notice(self, number, below, at):
        return making().make_notice(self.signer_seed, self.version, self.delegation, int(number, 16), below, at)
