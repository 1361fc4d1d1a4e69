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
class Revoke:
    """Ends the PGKs of a group below a generation, at most all."""

    group: str
    below: int

    def words(self):
        return ["revoke", self.group, "--below", str(self.below)]

    def outcomes(self, model):
        return [model.revoked(self.group, self.below)]

    def __str__(self):
        return f"revoke all below {self.below} of {self.group}"


@dataclasses.dataclass(frozen=True)
class Suspend:
    """Or, if not `on`, resume."""

    group: str
    on: bool

    def words(self):
        return ["suspend" if self.on else "resume", self.group]

    def outcomes(self, model):
        return [model.suspended(self.group, self.on)]

    def __str__(self):
        return " ".join(self.words())


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
        kinds = {self.install: 25, self.replace: 15, self.revoke: 15, self.suspend: 10, self.send: 25, self.look: 8,
                 self.erase: 4}
        return self._random.choices(list(kinds), list(kinds.values()))[0](model)

    def look(self, _):
        return Look()

    def erase(self, _):
        return Erase()

    def send(self, model):
        return Send(*self._random.choice(model.sending())) if model.sending() else self.suspend(model)

    def suspend(self, model):
        """Of the groups that are suspended one is resumed, or else any suspended."""
        suspended = [name for name, group in model.groups.items() if group.suspended]
        return Suspend(self._random.choice(suspended or list(model.groups)), not suspended)

    def revoke(self, model):
        """Ends at least one PGK of a group; where none has one, a new one comes."""
        if not model.held():
            return self.install(model)
        group, _ = self._random.choice(model.held())
        return Revoke(group, self._random.choice([*sorted(model.groups[group].pgks)[1:], model.groups[group].next]))

    def install(self, model):
        group = self._random.choice(GROUPS)
        if group in model.groups and len(model.groups[group].pgks) >= PGKS:
            return self.replace(model, group)
        return Install(group, self._new(), self._key())

    def replace(self, model, group=None):
        """Brings the next PGK of a group, and ends those that it holds, all or but the last ones."""
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
