"""The strict model of a power cut: the disk's cache is volatile, so that at any instant only what was flushed is safe.

A UE lives its first start and some operations on a disk whose writes are all logged. Then, for boundaries (a flush, and
the time to the next one), the disk is made as it may be after a cut there, started, and judged: first what it holds, then
the next commands.
"""

import os
import random
import time

from ue import paths

from . import guest, work, writelog
from .life import KEPT, Life, keep
from .oracle import Epochs, Model

LOGGED = ("driver=blklogwrites,file.driver=raw,file.file.filename=disk,log.driver=raw,log.file.filename=writes,"
          "log-sector-size=512")
# What a device does after its start. A block of PTK Ids has 64: the second `sends` needs two more reservations.
# A `look` tells the floor, which the next write then makes one that may not fall.
STORY = ["identity", "state", "enrol", "install", "look", "send", "install", "look", "sends", "look", "replace", "send",
         "look", "suspend", "suspend", "look", "notice", "look", "erase", "identity", "enrol", "install", "install", "look",
         "replace", "revoke", "look", "install", "send"]
SENDS = 65
# Between operations: what OP-TEE's own last write leaves behind does not count as the next one's.
PAUSE_S = 0.12
TEMPLATE = paths.IMAGE / "storage.img.template"  # a fresh disk
BEFORE_ALL = -1  # the boundary before the first flush


class Recording:
    """The log, and each operation with its answer and how long the log was when it began and when it was answered."""

    def __init__(self, ue, seed):
        self._ue, self._log = ue, ue.folder / "writes"
        self._draw = work.Draw(random.Random(seed))
        self.operations, self._life = [], Life()

    def run(self):
        self._ue.folder.mkdir(parents=True, exist_ok=True)
        self._log.write_bytes(b"")
        self._ue.start("--fresh", "--store-driver", LOGGED)
        try:
            self.started = self._length()
            shell = guest.Shell(self._ue)
            try:
                for kind in STORY:
                    self._tell(shell, kind)
            finally:
                shell.close()
        finally:
            self._ue.stop()
        self.base = TEMPLATE.read_bytes()
        self.entries = writelog.parse(self._log.read_bytes())
        self.boundaries = [BEFORE_ALL, *writelog.flushes(self.entries)]
        return self

    def whole(self):
        """The disk as the whole log makes it."""
        disk = bytearray(self.base)
        writelog.replay(disk, self.entries)
        return bytes(disk)

    def first_commits(self):
        """The boundaries of the fresh disk's first start, before anyone could ask for anything."""
        return [flush for flush in self.boundaries if flush == BEFORE_ALL or self.entries[flush].end <= self.started]

    def at(self, flush):
        """The life that leads to a cut there, and the operation in flight."""
        reached = writelog.reached(self.entries, flush)
        life = Life()
        for operation, answer, began, answered in self.operations:
            if answered > reached:
                return life, operation if began <= reached else None
            life.acknowledged(operation, answer)
        return life, None

    def generation(self):
        """The highest that it has used."""
        return self._draw.generation

    def _tell(self, shell, kind):
        model = self._life.model
        if kind == "sends":
            operations = [self._draw.send(model)] * SENDS
        else:
            operations = [getattr(self._draw, kind)(model)]
        for operation in operations:
            began = self._length()
            answer = guest.must(shell.carry_out(operation))
            self.operations.append((operation, answer, began, self._length()))
            wrong = self._life.acknowledged(operation, answer)
            if wrong:
                raise guest.Unexpected("; ".join(wrong))
        time.sleep(PAUSE_S)

    def _length(self):
        return self._log.stat().st_size


class Boundaries:
    """Starts disks of the recording's boundaries."""

    def __init__(self, ue, recording, seed, tell=print):
        self._ue, self._recording, self._seed, self._tell = ue, recording, seed, tell

    def drawn(self, of_first_commits, of_the_rest):
        """So many of either, in order."""
        draw, first = random.Random(self._seed), self._recording.first_commits()
        rest = [flush for flush in self._recording.boundaries if flush not in set(first)]
        return sorted([*draw.sample(first, min(of_first_commits, len(first))),
                       *draw.sample(rest, min(of_the_rest, len(rest)))])

    def run(self, chosen):
        """What was wrong, one line each, over all of them."""
        wrong = []
        image = KEPT / "boundary.img"
        image.parent.mkdir(parents=True, exist_ok=True)
        for flush in chosen:
            draw = random.Random(f"{self._seed} {flush}")
            image.write_bytes(writelog.disk_at(self._recording.base, self._recording.entries, flush, draw))
            life, in_flight = self._recording.at(flush)
            held = len(life.model.held())
            mine = self._judge(image, life, in_flight, work.Draw(draw, self._recording.generation()))
            self._tell(f"boundary {flush} of {len(self._recording.entries)}: {held} PGKs, in flight: {in_flight}"
                       + "".join(f"; WRONG: {text}" for text in mine))
            if mine:
                self._tell(f"    its disk: {keep(image, f'boundary-{flush}.img')}")
            wrong += [f"boundary {flush}: {text}" for text in mine]
        return wrong

    def _judge(self, image, life, in_flight, draw):
        """Nothing more is cut here, so this start's own flushes need not reach the host's disk."""
        shell = None
        try:
            self._ue.start("--disk", os.fspath(image), "--cache", "unsafe")
            shell = guest.Shell(self._ue)
            return life.judge(shell, in_flight) or life.bring_again(shell, in_flight) or life.go_on(shell, draw)
        except (guest.Unexpected, RuntimeError) as error:
            return [str(error)]
        finally:
            if shell:
                shell.close()
            self._ue.cut()
