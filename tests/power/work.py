"""What a device is kept busy with: operations, each with its command and what it may make of a device, and the draw.

Generations only grow, over erasures too, so that each names one key for ever.
"""

import dataclasses

from . import oracle

GROUPS = ("0a0b0c", "0a0b0d")
MEMBER = "000001"
PGKS = 4  # of one group, proto's limit


def pgk_id(generation):
    """Different in the 5 bits that are on the air, for any 4 in a row."""
    return f"{generation % 32:02x}"


@dataclasses.dataclass(frozen=True)
class Install:
    """A new PGK; those of its group below `ends` are revoked in the same commit."""

    group: str
    generation: int
    key: bytes
    ends: int = 1

    def words(self):
        return ["key", "import", "--group", self.group, "--member", MEMBER, "--generation", str(self.generation),
                "--pgk-id", pgk_id(self.generation), "--next", str(self.ends), "--key-file", "-"]

    def outcomes(self, model):
        return [model.installed(self.group, self.generation, self.key, self.ends)]

    def __str__(self):
        also = f", ending all below {self.ends}" if self.ends > 1 else ""
        return f"install {self.generation} of {self.group}{also}"


@dataclasses.dataclass(frozen=True)
class Send:
    """A refresh. The first one of a start reserves PTK Ids, which is a write, and then every 64th."""

    group: str
    generation: int

    def words(self):
        return ["derive", "send", "--group", self.group, "--generation", str(self.generation)]

    def outcomes(self, model):
        return [model]

    def __str__(self):
        return f"send {self.generation} of {self.group}"


@dataclasses.dataclass(frozen=True)
class Erase:
    def words(self):
        return ["erase", "--yes"]

    def outcomes(self, model):
        """The last is the one when it was carried out."""
        return [model.erased(oracle.DAMAGED), model.erased()]

    def __str__(self):
        return "erase"


@dataclasses.dataclass(frozen=True)
class Look:
    """The status; what it says of the floor is acknowledged."""

    def words(self):
        return ["status"]

    def outcomes(self, model):
        return [model]

    def __str__(self):
        return "status"


class Draw:
    """Draws operations that the device must carry out."""

    def __init__(self, random, generation=0):
        """Generations go on above this one."""
        self._random, self.generation = random, generation

    def operation(self, model):
        if model.state == oracle.DAMAGED:
            return Erase()
        if model.state == oracle.FACTORY:
            return self.install(model)
        kind = self._random.choices(["install", "revoke", "send", "look", "erase"], [30, 25, 30, 10, 5])[0]
        if kind == "send":
            return Send(*self._random.choice(model.held()))
        if kind == "revoke":
            return self.revoke(model)
        return {"install": self.install, "look": lambda _: Look(), "erase": lambda _: Erase()}[kind](model)

    def install(self, model):
        group = self._random.choice(GROUPS)
        if group in model.groups and len(model.groups[group].pgks) >= PGKS:
            return self.revoke(model, group)
        return Install(group, self._new(), self._key())

    def revoke(self, model, group=None):
        """Ends at least one PGK of a group, all at most, by bringing the next."""
        group = group or self._random.choice(list(model.groups))
        held = sorted(model.groups[group].pgks)
        new = self._new()
        return Install(group, new, self._key(), self._random.choice([*held[1:], new]))

    def _new(self):
        self.generation += 1
        return self.generation

    def _key(self):
        # prosectl refuses octets that are all text, which these are once in 10^13 times.
        return self._random.randbytes(32)
