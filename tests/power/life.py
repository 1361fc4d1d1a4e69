"""One device's life over all cuts: what was acknowledged, all epochs that it gave out, and what is wrong with it."""

import dataclasses
import subprocess

from ue import paths

from . import guest, oracle, work

KEPT = paths.OUT / "power"


class Life:
    def __init__(self, model=None, epochs=None):
        self.model = model or oracle.Model()
        self.epochs = epochs or oracle.Epochs()

    def acknowledged(self, operation, answer):
        """What is wrong with the answer, as a list."""
        self.model = operation.outcomes(self.model)[-1]
        if isinstance(operation, work.Look):
            return self._told(answer)
        if isinstance(operation, work.Send):
            return self.epochs.add(operation.group, operation.generation, int(answer["ptk_id"], 16), answer["salt"])
        return []

    def _told(self, status):
        """Its keys are looked at after a cut."""
        groups = {name: dataclasses.replace(group, pgks={g: True for g in group.pgks})
                  for name, group in self.model.groups.items()}
        seen = oracle.Seen(status["state"], status["sequence"], status["floor"] or "", groups)
        wrong, self.model = oracle.judge(self.model, None, seen)
        return wrong

    def judge(self, shell, in_flight=None):
        """What is wrong with the device, whose model is from now on what it turned out to be."""
        wrong, self.model = oracle.judge(self.model, in_flight, guest.look(shell, self.model, in_flight))
        return wrong

    def go_on(self, shell, draw):
        """The next commands: a refresh under each PGK that is held, a new key and a refresh under it, a revocation, and
        a last look."""
        wrong = []
        for operation in self._next(draw):
            wrong += self.acknowledged(operation, guest.must(shell.carry_out(operation)))
        return wrong + self.judge(shell)

    def _next(self, draw):
        """Drawn one by one: each has to suit what the one before has made of the device."""
        if self.model.state == oracle.DAMAGED:
            yield work.Erase()
        for group in [name for name, group in self.model.groups.items() if group.suspended]:
            yield work.Suspend(group, False)
        for group, generation in self.model.held():
            yield work.Send(group, generation)
        yield draw.install(self.model)
        yield work.Send(*max(self.model.held(), key=lambda name: name[1]))
        yield draw.revoke(self.model)


def keep(disk, name):
    """A copy of the disk as it was before anything looked at it: with it a failure can be looked at again."""
    KEPT.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "--sparse=always", "--", disk, KEPT / name], check=True, timeout=60, stdin=subprocess.DEVNULL)
    return paths.shown(KEPT / name)
