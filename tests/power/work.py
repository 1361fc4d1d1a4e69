"""What a device is kept busy with: operations, each with its command and what it may make of a device, and the draw.

Generations only grow, over erasures too, so that each names one key for ever.
"""

import dataclasses
import time

import manager
from manager import Manager

from . import oracle

GROUPS = ("0a0b0c", "0a0b0d")
MEMBER = "000001"
PGKS = 4  # of one group, proto's limit


def pgk_id(generation):
    """Different in the 5 bits that are on the air, for any 4 in a row."""
    return f"{generation % 32:02x}"


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@dataclasses.dataclass(frozen=True)
class Identity:
    """The device says who it is; the first time it makes its identity."""

    def words(self):
        return ["identity", "export"]

    def outcomes(self, model):
        return [model if model.device else model.identified()]

    def __str__(self):
        return "identity export"


@dataclasses.dataclass(frozen=True)
class Enrol:
    manager: Manager

    @property
    def stdin(self):
        return self.manager.enrolment()

    def words(self):
        return ["enrol", "-", "--yes"]

    def outcomes(self, model):
        return [model.enrolled(self.manager)]

    def __str__(self):
        return f"enrol with {self.manager.manager.hex()}"


class Imported:
    """What a manager has signed, in `octets`: to bring it again does no harm."""

    @property
    def stdin(self):
        return self.octets

    def words(self):
        return ["import", "-"]

    def outcomes(self, model):
        return [self.applied_to(model) if self.outcome(model) == "applied" else model]


@dataclasses.dataclass(frozen=True)
class Install(Imported):
    """A package with all that is held and a new PGK; those of its group below `ends` end in the same commit. `sequence`
    and `at` (seconds since 1970) are the package's, `manager` has the signer."""

    group: str
    generation: int
    key: bytes
    ends: int = 1
    manager: Manager = None
    sequence: int = None
    at: int = 0
    octets: bytes = b""

    def outcome(self, model):
        return "same" if model.sequence == self.sequence else "applied"

    def applied_to(self, model):
        when = rfc3339(self.at) if self.at else ""
        return model.installed(self.group, self.generation, self.key, self.ends, self.manager, when)

    def __str__(self):
        also = f", ending all below {self.ends}" if self.ends > 1 else ""
        by = f", by signer {self.manager.version}" if self.manager else ""
        return f"package {self.sequence} with {self.generation} of {self.group}{also}{by}"


@dataclasses.dataclass(frozen=True)
class Notice(Imported):
    """Ends the PGKs of a group below a generation, all and future ones at most."""

    group: str
    below: int
    manager: Manager = None
    octets: bytes = b""

    def outcome(self, model):
        group = model.groups[self.group]
        if self.below > group.next or any(g < self.below for g in group.pgks):
            return "applied"
        return "same" if self.below == group.next else "superseded"

    def applied_to(self, model):
        return model.ended_below(self.group, self.below, self.manager)

    def __str__(self):
        return f"notice that ends all below {self.below} of {self.group}"


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
class State:
    """The device's statement. It writes nothing."""

    def words(self):
        return ["statement", "export"]

    def outcomes(self, model):
        return [model]

    def __str__(self):
        return "statement"


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
            return self.enrol(model) if model.x25519 else Identity()
        if not model.groups:
            return self.install(model)
        kinds = {self.install: 25, self.replace: 15, self.revoke: 8, self.notice: 10, self.suspend: 10, self.send: 22,
                 self.look: 6, self.state: 4, self.erase: 4}
        return self._random.choices(list(kinds), list(kinds.values()))[0](model)

    def identity(self, _):
        return Identity()

    def enrol(self, _):
        """Each time with another manager."""
        return Enrol(Manager(self._random.randbytes(32), self._random.randbytes(16), self._random.randint(1, 9)))

    def state(self, _):
        return State()

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
        group, below = self._ending(model)
        return Revoke(group, below)

    def notice(self, model):
        """The same by a notice, which may end what is still to come."""
        if not model.held():
            return self.install(model)
        group, below = self._ending(model)
        if below == model.groups[group].next:
            below = max(below, self.generation + self._random.randint(0, 1))
        return Notice(group, below, model.manager, model.manager.notice(group, below, int(time.time())))

    def _ending(self, model):
        group, _ = self._random.choice(model.held())
        return group, self._random.choice([*sorted(model.groups[group].pgks)[1:], model.groups[group].next])

    def install(self, model):
        group = self._random.choice(GROUPS)
        if group in model.groups and len(model.groups[group].pgks) >= PGKS:
            return self.replace(model, group)
        return self.package(model, group, self._new(), 1)

    def replace(self, model, group=None):
        """Brings the next PGK of a group, and ends those that it holds, all or but the last ones."""
        group = group or self._random.choice(list(model.groups))
        held = sorted(model.groups[group].pgks)
        new = self._new()
        return self.package(model, group, new, self._random.choice([*held[1:], new]))

    def package(self, model, group, generation, ends):
        """All that is held, with this PGK and without those of its group below `ends`; now and then by a new signer."""
        by = model.manager if self._random.random() < 0.8 else model.manager.with_new_signer()
        key, at, sequence = self._random.randbytes(32), int(time.time()), model.sequence + 1
        groups = []
        for name, held in model.installed(group, generation, key, ends).groups.items():
            pgks = [manager.pgk(g, octets, at, int(pgk_id(g), 16)) for g, octets in sorted(held.pgks.items())]
            groups.append(manager.group(name, MEMBER, pgks, min(held.pgks, default=held.next)))
        groups.sort(key=lambda group: group[1])
        octets = by.package(bytes.fromhex(model.device), model.x25519, sequence, groups, at)
        return Install(group, generation, key, ends, by, sequence, at, octets)

    def _new(self):
        self.generation += 1
        return self.generation
