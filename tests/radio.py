"""A radio as the manager sees it: keys drawn in this process, and statements by tests/package_making.py."""

import hashlib
import os

import manager


class Radio:
    def __init__(self, root_digest, seed=None):
        """`root_digest`: of the manager's root key that it is enrolled with, 32 octets; `seed`: it is always the same."""
        form = manager.form()
        self.seed = seed or os.urandom(32)
        private = hashlib.sha256(self.seed).digest()
        self.x25519, self.ed25519 = form.public_of_x25519(private), form.public_of_ed25519(self.seed)
        self.id = form.device_id(self.x25519, self.ed25519)
        self.root_digest, self.sequence, self.package, self.held, self.floor = root_digest, 0, bytes(32), [], 0

    def apply(self, digest, sequence, held, at):
        """`digest`: of the package; `held`: (group, generation) pairs that it brings."""
        self.package, self.sequence, self.held, self.floor = digest, sequence, held, at

    def statement(self, nonce=bytes(32)):
        held = manager.form().held_digest(self.held)
        fields = {1: self.id, 2: self.x25519, 3: self.ed25519, 4: 100, 5: nonce, 6: bytes(32), 7: self.floor,
                  8: self.sequence, 9: self.package, 10: held, 11: self.root_digest, 12: 2}  # fmt: skip
        return manager.making().make_statement(self.seed, fields)
