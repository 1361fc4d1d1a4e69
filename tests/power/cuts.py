"""Power cuts at random instants: a UE is kept busy, QEMU is killed, the same disk starts again and is judged.

Every few cuts a fresh disk is begun, and cut within moments of the guest's first write to it: there the store is made,
and nothing was acknowledged yet. The seed repeats the operations and how long each life lasts, not the races.
"""

import random
import threading
import time

from . import guest, work
from .life import Life, keep

BUSY_S = (0.1, 4.0)  # how long a busy life lasts
FRESH_S = (0.0, 2.5)  # the same, from the guest's first write to a fresh disk
FRESH_EVERY = 4
SETTLED = 0.5  # of the busy lives, which begin with a device that has keys; the others as the cut before has left it
FIRST_WRITE_S = 60
MOST_OPERATIONS = 1000  # of one life, which has time for some ten


class Cut(threading.Thread):
    """Kills the UE so many seconds after it was armed, or after the guest's first write to a new disk."""

    def __init__(self, ue, seconds, first_write=False):
        super().__init__(daemon=True)
        self._ue, self._seconds, self._first_write = ue, seconds, first_write
        self._since = time.time()
        self.error = None

    def run(self):
        try:
            if self._first_write:
                self._await_first_write()
            time.sleep(self._seconds)
            self._ue.cut()
        except Exception as error:
            self.error = error

    def _await_first_write(self):
        """QEMU's process is there, and the disk was written to since."""
        started, disk, end = self._ue.folder / "pid", self._ue.folder / "disk", time.monotonic() + FIRST_WRITE_S
        while True:
            try:
                if started.stat().st_mtime > self._since and disk.stat().st_mtime > started.stat().st_mtime:
                    return
            except FileNotFoundError:
                pass
            if time.monotonic() > end:
                raise RuntimeError(f"nothing was written to the disk within {FIRST_WRITE_S} s")
            time.sleep(0.01)

    def done(self):
        """Waits for it."""
        self.join()
        if self.error:
            raise self.error


class Cuts:
    def __init__(self, ue, seed, tell=print):
        self._ue, self._tell = ue, tell
        self._random = random.Random(seed)
        self._draw = work.Draw(self._random)
        self._shell = None
        self.wrong, self.fresh, self.answered, self.took_effect = [], 0, 0, 0

    def run(self, count):
        """What was wrong, one line each. The first failure ends it: what comes after could be its consequence."""
        try:
            for number in range(count):
                self._cut(number)
                if not self.wrong and ((number + 1) % FRESH_EVERY == 0 or number + 1 == count):
                    self._end_of_disk()
                if self.wrong:
                    break
        finally:
            self._close()
            self._ue.stop()
        return self.wrong

    def summary(self):
        return (f"{self.fresh} cuts on fresh disks; {self.answered} operations were answered; of those in flight "
                f"{self.took_effect} took effect")

    def _cut(self, number):
        if number % FRESH_EVERY == 0:
            self.fresh += 1
            in_flight, how = self._cut_fresh()
        else:
            in_flight, how = self._cut_busy()
        disk = keep(self._ue.folder / "disk", "cut.img")
        before = self.life.model
        try:
            self._look_after(in_flight)
        except (guest.Unexpected, RuntimeError) as error:
            self.wrong.append(str(error))
        changed = (before.state, before.sequence) != (self.life.model.state, self.life.model.sequence)
        self.took_effect += changed
        if not self.wrong:
            self.wrong += self.life.bring_again(self._shell, in_flight)
        self._tell(f"cut {number + 1}: {how}; in flight: {in_flight}{', which took effect' if changed else ''}; "
                   f"{len(self.life.model.held())} PGKs, {len(self.life.epochs)} epochs"
                   + "".join(f"; WRONG: {text}" for text in self.wrong))
        if self.wrong:
            self._tell(f"the disk as it was after the cut: {disk}")

    def _end_of_disk(self):
        """The next commands after its last cut; after the others the device is kept busy anyway."""
        self.wrong += self.life.go_on(self._shell, self._draw)

    def _cut_fresh(self):
        self._close()
        self._ue.stop()
        self.life = Life()
        seconds = self._random.uniform(*FRESH_S)
        cut = Cut(self._ue, seconds, first_write=True)
        cut.start()
        in_flight, how = None, "fresh disk, as it started"
        try:
            self._ue.start("--fresh")
        except RuntimeError:
            cut.done()  # if that was not the cause, this says so
        else:
            self._shell = guest.Shell(self._ue)
            in_flight, done = self._work(cut)
            how = f"fresh disk, {done} operations after its first start"
        return in_flight, f"{how}, {seconds:.2f} s after the first write"

    def _cut_busy(self):
        if self._random.random() < SETTLED:
            self._settle()
        seconds = self._random.uniform(*BUSY_S)
        cut = Cut(self._ue, seconds)
        cut.start()
        in_flight, done = self._work(cut)
        return in_flight, f"{done} operations in {seconds:.2f} s"

    def _settle(self):
        """No cut before the device is enrolled and has a key, or it would seldom get further."""
        while not self.life.model.groups:
            operation = self._draw.operation(self.life.model)
            self.wrong += self.life.acknowledged(operation, guest.must(self._shell.carry_out(operation)))
            self.answered += 1

    def _work(self, cut):
        """Operations until the power goes: the one that got no answer, and how many did."""
        for done in range(MOST_OPERATIONS):
            operation = self._draw.operation(self.life.model)
            answer = self._shell.carry_out(operation)
            if answer is None:
                cut.done()
                return operation, done
            self.answered += 1
            self.wrong += self.life.acknowledged(operation, answer)
        cut.done()
        raise RuntimeError(f"{MOST_OPERATIONS} operations, and the power has not gone")

    def _look_after(self, in_flight):
        self._close()
        self._ue.start()
        self._shell = guest.Shell(self._ue)
        self.wrong += self.life.judge(self._shell, in_flight)

    def _close(self):
        if self._shell:
            self._shell.close()
            self._shell = None
