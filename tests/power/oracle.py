"""What a device must hold after a power cut: all that was acknowledged, or that and the one operation in flight.

Pure: a Model is what the device should be, a Seen what it says of itself. Whatever differs is told in one sentence each;
nothing here asks a device.
"""

import dataclasses

FACTORY, ENROLLED, DAMAGED = "factory", "enrolled", "damaged"
NONE, UNKNOWN = "", "an identity"  # instead of a device's id


@dataclasses.dataclass(frozen=True)
class Group:
    """`pgks`: generation -> the key's octets."""

    next: int
    pgks: dict
    suspended: bool = False


@dataclasses.dataclass(frozen=True)
class Model:
    """What was acknowledged. `ended` holds (group, generation) of all that may never come back. `told` is the highest
    floor that the device has told in this life: the next write takes it along, and makes it the `floor` that may not
    fall. `device` is the identity's id, `x25519` its key if it was told, `former` the ids that were erased, `manager`
    whose the device is."""

    state: str = FACTORY
    device: str = NONE
    x25519: bytes = b""
    former: frozenset = frozenset()
    manager: object = None
    sequence: int = 0
    signer_version: int = 0
    floor: str = ""
    told: str = ""
    groups: dict = dataclasses.field(default_factory=dict)
    ended: frozenset = frozenset()

    def held(self):
        return [(group, generation) for group, what in self.groups.items() for generation in what.pgks]

    def sending(self):
        """What is held, and not suspended."""
        return [name for name in self.held() if not self.groups[name[0]].suspended]

    def identified(self, device=UNKNOWN, x25519=b""):
        return dataclasses.replace(self, device=device, x25519=x25519)

    def enrolled(self, manager):
        return dataclasses.replace(self, state=ENROLLED, manager=manager)

    def installed(self, group, generation, key, ends, manager=None, at=""):
        """With one more PGK, and without those of its group below `ends`: by a package of this manager's present signer
        and of this time."""
        old = self.groups.get(group, Group(1, {}))
        gone = {g for g in old.pgks if g < ends}
        kept = {g: octets for g, octets in old.pgks.items() if g not in gone}
        new = Group(max(old.next, ends, generation + 1), kept | {generation: key}, old.suspended)
        ended = self.ended | {(group, g) for g in gone}
        signed = self._signed(manager, at)
        return dataclasses.replace(signed, sequence=self.sequence + 1, ended=ended, groups=self.groups | {group: new})

    def ended_below(self, group, below, manager):
        """The same as `revoked`, by a notice of this manager's present signer, whose time moves no floor."""
        return self._signed(manager).revoked(group, below)

    def revoked(self, group, below):
        """Without the PGKs of the group below this generation, and nothing below it comes in any more."""
        old = self.groups[group]
        gone = {g for g in old.pgks if g < below}
        kept = {g: octets for g, octets in old.pgks.items() if g not in gone}
        new = dataclasses.replace(old, next=max(old.next, below), pgks=kept)
        return dataclasses.replace(self, floor=self.told, ended=self.ended | {(group, g) for g in gone},
                                   groups=self.groups | {group: new})

    def _signed(self, manager, at=""):
        floor = max(self.told, at)
        signed = dataclasses.replace(self, floor=floor, told=floor)
        return dataclasses.replace(signed, manager=manager, signer_version=manager.version) if manager else signed

    def suspended(self, group, on):
        new = dataclasses.replace(self.groups[group], suspended=on)
        return dataclasses.replace(self, floor=self.told, groups=self.groups | {group: new})

    def has_told(self, floor):
        return dataclasses.replace(self, told=max(self.told, floor))

    def starting_at(self, floor):
        """What an earlier life has told and not written is gone with the power: it may be an hour."""
        return dataclasses.replace(self, told=floor)

    def erased(self, state=FACTORY):
        return Model(state=state, former=(self.former | {self.device}) - {NONE, UNKNOWN}, ended=self.ended | set(self.held()))


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the device says. `pgks` of its groups: generation -> whether the key derives what it should (None if nobody
    knows of such a key); `answering`: what has ended and derives all the same. Times compare as text (RFC 3339)."""

    state: str
    sequence: int
    floor: str
    groups: dict
    answering: frozenset = frozenset()
    device: str = NONE
    manager: str = ""
    signer_version: int = 0


def judge(model, in_flight, seen):
    """What is wrong, and the model that the device has turned out to be. `in_flight` has `outcomes(model)`: what an
    operation without an answer may have made of it."""
    may_be = [model, *(in_flight.outcomes(model) if in_flight else [])]
    wrong = {at: list(differences(one, seen)) for at, one in enumerate(may_be)}
    best = min(wrong, key=lambda at: len(wrong[at]))
    found = may_be[best].starting_at(seen.floor)
    # An identity that nobody was told of is from now on the device's.
    return wrong[best], found.identified(seen.device) if found.device == UNKNOWN else found


def differences(model, seen):
    if seen.state != model.state:
        yield f"the device is {seen.state}, not {model.state}"
    # What an erase has left half done need not say whose it was.
    if model.state != DAMAGED:
        yield from different_owners(model, seen)
    if seen.sequence != model.sequence:
        yield f"its sequence is {seen.sequence}, not {model.sequence}"
    if seen.signer_version != model.signer_version:
        yield f"its signer's version is {seen.signer_version}, not {model.signer_version}"
    if seen.floor < model.floor:
        yield f"its floor has fallen: {seen.floor or 'none'} after {model.floor}"
    for group in sorted(model.groups.keys() | seen.groups.keys()):
        is_held = group in model.groups and group in seen.groups
        if is_held and model.groups[group].next != seen.groups[group].next:
            yield f"next of group {group} is {seen.groups[group].next}, not {model.groups[group].next}"
        if is_held and model.groups[group].suspended != seen.groups[group].suspended:
            yield f"group {group} is {'not ' if model.groups[group].suspended else ''}suspended"
        yield from different_keys(group, model, seen)
    for group, generation in sorted(seen.answering):
        yield f"generation {generation} of group {group} has ended, and derives"


def different_owners(model, seen):
    yield from different_identity(model, seen.device)
    manager = model.manager.manager.hex() if model.manager else ""
    if seen.manager != manager:
        yield f"its manager is {seen.manager or 'none'}, not {manager or 'none'}"


def different_identity(model, device):
    if model.device == UNKNOWN and not device:
        yield "it has no identity"
    if model.device == UNKNOWN and device in model.former:
        yield f"its identity {device} is back: it was erased"
    if model.device not in (UNKNOWN, device):
        yield f"its identity is {device or 'none'}, not {model.device or 'none'}"


def different_keys(group, model, seen):
    nothing = Group(0, {})
    wanted, found = model.groups.get(group, nothing).pgks, seen.groups.get(group, nothing).pgks
    for generation in sorted(wanted.keys() | found.keys()):
        name = f"generation {generation} of group {group}"
        if generation not in found:
            yield f"{name} is lost: it was acknowledged"
        elif (group, generation) in model.ended:
            yield f"{name} is back: it had ended"
        elif generation not in wanted:
            yield f"{name} came out of nowhere"
        elif not found[generation]:
            yield f"{name} is not the key that was installed"


class Epochs:
    """All epochs that were given out, over all lives. A generation of a group is never used for a second key here."""

    def __init__(self, given=()):
        self._given, self._highest = set(), {}
        for epoch in given:
            self.add(*epoch)

    def add(self, group, generation, ptk_id, salt):
        """What is wrong with this one, as a list."""
        wrong = []
        if (generation, ptk_id, salt) in self._given:
            wrong.append(f"generation {generation}, PTK Id {ptk_id}, salt {salt} was given out before")
        highest = self._highest.get((group, generation), 0)
        if ptk_id <= highest:
            wrong.append(f"PTK Id {ptk_id} of generation {generation} of group {group} comes after {highest}")
        self._given.add((generation, ptk_id, salt))
        self._highest[group, generation] = max(highest, ptk_id)
        return wrong

    def __len__(self):
        return len(self._given)
