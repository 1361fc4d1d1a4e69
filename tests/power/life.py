"""One device's life over all cuts: what was acknowledged, all epochs that it gave out, and what is wrong with it."""

import dataclasses
import subprocess

import manager
from ue import paths

from . import guest, oracle, work

KEPT = paths.OUT / "power"


class Life:
    def __init__(self, model=None, epochs=None):
        self.model = model or oracle.Model()
        self.epochs = epochs or oracle.Epochs()

    def acknowledged(self, operation, answer):
        """What is wrong with the answer, as a list."""
        before, self.model = self.model, operation.outcomes(self.model)[-1]
        if isinstance(operation, work.Look):
            return self._told(answer)
        if isinstance(operation, work.Identity):
            return self._identified(answer)
        if isinstance(operation, work.State):
            return self._stated(answer)
        if isinstance(operation, work.Imported):
            expected = operation.outcome(before)
            return [] if answer["outcome"] == expected else [f"{operation}: {answer['outcome']}, not {expected}"]
        if isinstance(operation, work.Send):
            return self.epochs.add(operation.group, operation.generation, int(answer["ptk_id"], 16), answer["salt"])
        return []

    def _told(self, status):
        """Its keys are looked at after a cut."""
        groups = {name: dataclasses.replace(group, pgks={g: True for g in group.pgks})
                  for name, group in self.model.groups.items()}
        wrong, self.model = oracle.judge(self.model, None, guest.seen(status, groups))
        return wrong

    def _identified(self, answer):
        wrong = list(oracle.different_identity(self.model, answer["device"]))
        self.model = self.model.identified(answer["device"], bytes.fromhex(answer["x25519"]))
        return wrong

    def _stated(self, statement):
        model = self.model
        held = manager.form().held_digest([(int(group, 16), generation) for group, generation in model.held()])
        expected = {"state": model.state, "device": model.device, "sequence": model.sequence, "held_digest": held.hex(),
                    "root_digest": model.manager.root_digest() if model.manager else None}
        return [f"its statement says of {name} {statement[name]}, not {value}"
                for name, value in expected.items() if statement[name] != value]

    def judge(self, shell, in_flight=None):
        """What is wrong with the device, whose model is from now on what it turned out to be."""
        wrong, self.model = oracle.judge(self.model, in_flight, guest.look(shell, self.model, in_flight))
        return wrong

    def bring_again(self, shell, operation):
        """What was imported when the power went is imported again, whether or not it took effect."""
        if not isinstance(operation, work.Imported):
            return []
        return self.acknowledged(operation, guest.must(shell.carry_out(operation)))

    def go_on(self, shell, draw):
        """The next commands: a refresh under each PGK that is held, a package with a new key and a refresh under it,
        a notice, a statement, and a last look."""
        wrong = []
        for operation in self._next(draw):
            wrong += self.acknowledged(operation, guest.must(shell.carry_out(operation)))
        return wrong + self.judge(shell)

    def _next(self, draw):
        """Drawn one by one: each has to suit what the one before has made of the device."""
        if self.model.state == oracle.DAMAGED:
            yield work.Erase()
        if self.model.state == oracle.FACTORY:
            yield work.Identity()
            yield draw.enrol(self.model)
        for group in [name for name, group in self.model.groups.items() if group.suspended]:
            yield work.Suspend(group, False)
        for group, generation in self.model.held():
            yield work.Send(group, generation)
        yield draw.install(self.model)
        yield work.Send(*max(self.model.held(), key=lambda name: name[1]))
        yield draw.notice(self.model)
        yield work.State()


def keep(disk, name):
    """A copy of the disk as it was before anything looked at it: with it a failure can be looked at again."""
    KEPT.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--sparse=always", "--", disk, KEPT / name], check=True, timeout=60, stdin=subprocess.DEVNULL)
    return paths.shown(KEPT / name)
