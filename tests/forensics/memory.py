"""The RAM of a paused UE, both worlds', from the QEMU process's own memory.

QEMU's monitor reads no secure RAM. Both RAMs are anonymous mappings of the
process, known by their size and by what stands in them.
"""

import json
import shlex
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "qemu-env/lib"))

from qemu_env.ue_folder import Ue  # noqa: E402

MIB = 1 << 20
PIECE = MIB
PAGE = 4096
# Physical addresses and sizes of QEMU's machine `virt`.
NORMAL_BASE = 0x4000_0000
SECURE_BASE, SECURE_SIZE = 0x0E00_0000, 16 * MIB
SAVE_S = 60


class Area:
    """A range of physical memory, read piece by piece."""

    def __init__(self, file, at, base, size):
        self._file, self._at = file, at
        self.base, self.size = base, size

    def pieces(self):
        """(physical address, octets), in order."""
        for offset in range(0, self.size, PIECE):
            yield self.base + offset, self._read(offset, min(PIECE, self.size - offset))

    def _read(self, offset, size):
        """All of it: the kernel may give less at a time, and what is missing would shift every address behind it."""
        self._file.seek(self._at + offset)
        octets = bytearray()
        while len(octets) < size:
            part = self._file.read(size - len(octets))
            if not part:
                raise RuntimeError(f"{self.base + offset + len(octets):#x} cannot be read")
            octets += part
        return bytes(octets)

    def whole(self):
        return b"".join(octets for _, octets in self.pieces())

    def write(self, offset, octets):
        """Over what stands there; for a UE that was paused to be written to."""
        self._file.seek(self._at + offset)
        if self._file.write(octets) != len(octets):
            raise RuntimeError(f"{self.base + offset:#x} cannot be written")


class Paused:
    """A UE that stands still, as long as the block lasts; or ends in it, saved."""

    def __init__(self, name, may_write=False):
        self._ue = Ue(name)
        self._has_ended = False
        self._mode = "r+b" if may_write else "rb"

    def __enter__(self):
        self._pid = self._ue.state()["pid"]
        self._monitor = self._ue.connect("monitor.sock", 30)
        self._lines = self._monitor.makefile("rw")
        self._lines.readline()  # QEMU's greeting
        self._say("qmp_capabilities")
        self._say("stop")
        self._memory = open(f"/proc/{self._pid}/mem", self._mode, buffering=0)
        return self

    def __exit__(self, *_):
        self._memory.close()
        if not self._has_ended:
            self._say("cont")
        self._lines.close()
        self._monitor.close()

    def normal_ram(self):
        return self._area(NORMAL_BASE, self.normal_size(), b"Linux version ")

    def normal_size(self):
        return self._ue.options()["machine"]["memory"] * MIB

    def secure_ram(self):
        return self._area(SECURE_BASE, SECURE_SIZE, b"OP-TEE version")

    def _area(self, base, size, mark):
        found = [area for area in self._mappings(base, size) if any(mark in octets for _, octets in area.pieces())]
        if len(found) != 1:
            raise RuntimeError(f"{len(found)} mappings of QEMU's have {size} octets and {mark!r}")
        return found[0]

    def _mappings(self, base, size):
        with open(f"/proc/{self._pid}/maps", encoding="ascii") as maps:
            for line in maps:
                start, end = (int(text, 16) for text in line.split()[0].split("-"))
                if end - start == size:
                    yield Area(self._memory, start, base, size)

    def save(self, path):
        """Ends it, and keeps all but its disk for QEMU's `-incoming`, where it goes on."""
        self._say("cont")
        self._say("migrate", uri=f"exec:cat >{shlex.quote(str(path))}")
        for _ in range(SAVE_S * 10):
            status = self._say("query-migrate")["status"]
            if status == "completed":
                self._say("quit")
                self._has_ended = True
                return
            if status == "failed":
                break
            time.sleep(0.1)
        raise RuntimeError(f"QEMU did not write {path}: {status}")

    def _say(self, command, **arguments):
        self._lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._lines.flush()
        while True:  # events come in between
            answer = json.loads(self._lines.readline())
            if "error" in answer:
                raise RuntimeError(f"QEMU, {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
