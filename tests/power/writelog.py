"""The log of QEMU's filter driver `blklogwrites`, which has the format of Linux's dm-log-writes, and disks made of it.

The first sector says how many entries there are; what stands behind them is not finished. An entry is a sector that
says where and how much, and the octets that were written. All numbers are little-endian.
"""

import dataclasses
import struct

SECTOR = 512
SUPERBLOCK = struct.Struct("<QQQI")  # magic, version, entries, size of a sector
MAGIC, VERSION = 0x6A736677736872, 1
ENTRY = struct.Struct("<QQQQ")  # sector, sectors, flags, length of a mark
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


@dataclasses.dataclass(frozen=True)
class Entry:
    """Where it begins on the disk, what was written, whether it is a flush, and where it ends in the log."""

    at: int
    data: bytes
    is_flush: bool
    end: int


def parse(log):
    """The entries that the superblock counts. What does not fit is a ValueError: nothing is guessed."""
    magic, version, count, size = SUPERBLOCK.unpack_from(log)
    if (magic, version, size) != (MAGIC, VERSION, SECTOR):
        raise ValueError(f"no log of writes: magic {magic:#x}, version {version}, sectors of {size}")
    entries, at = [], SECTOR
    for _ in range(count):
        entry = parse_entry(log, at)
        entries.append(entry)
        at = entry.end
    return entries


def parse_entry(log, at):
    if at + SECTOR > len(log):
        raise ValueError(f"the log ends before the entry at {at}")
    sector, sectors, flags, mark = ENTRY.unpack_from(log, at)
    if flags & ~(FLUSH | FUA) or mark:
        raise ValueError(f"the entry at {at} has flags {flags:#x} and a mark of {mark}: only writes and flushes are known")
    start, end = at + SECTOR, at + SECTOR * (1 + sectors)
    if end > len(log):
        raise ValueError(f"the log ends within the entry at {at}")
    return Entry(sector * SECTOR, log[start:end], bool(flags & FLUSH), end)


def replay(disk, entries):
    """Writes them onto `disk`, a bytearray."""
    for entry in entries:
        if entry.at + len(entry.data) > len(disk):
            raise ValueError(f"a write at {entry.at} is beyond the disk's {len(disk)} octets")
        disk[entry.at:entry.at + len(entry.data)] = entry.data


def flushes(entries):
    """The places of all flushes: the instants that a disk with a volatile cache keeps whole."""
    return [at for at, entry in enumerate(entries) if entry.is_flush]


def epoch_after(entries, flush):
    """The writes between this flush and the next: each of them may be on the disk, or not."""
    after = []
    for entry in entries[flush + 1:]:
        if entry.is_flush:
            break
        after.append(entry)
    return after


def disk_at(base, entries, flush, random):
    """The disk after a cut between this flush and the next: what was written before is there, and of what was written
    after, a random half."""
    disk = bytearray(base)
    replay(disk, entries[:flush + 1])
    later = epoch_after(entries, flush)
    kept = sorted(random.sample(range(len(later)), len(later) // 2))
    replay(disk, [later[at] for at in kept])
    return disk


def reached(entries, flush):
    """How far the log may have grown before a cut between this flush and the next: just short of the next one's end."""
    for entry in entries[flush + 1:]:
        if entry.is_flush:
            return entry.end - 1
    return entries[-1].end
