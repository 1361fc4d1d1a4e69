"""Writes an initrd: a cpio archive (newc), the same bytes for the same content."""

import gzip
import stat


class Archive:
    """Collects files by their path in the guest; folders above them come by themselves."""

    def __init__(self):
        self._entries = {}

    def folder(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode, b"")

    def file(self, path, data, mode=0o644):
        self._add(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def _add(self, path, mode, data):
        path = path.strip("/")
        above = path.rpartition("/")[0]
        if above and above not in self._entries:
            self.folder(above)
        if path in self._entries and not stat.S_ISDIR(mode):
            raise ValueError(f"{path} is in the archive twice")
        self._entries[path] = mode, data

    def to_bytes(self):
        """Sorted, owned by root, without times: nothing of the building machine is in it."""
        ordered = sorted(self._entries.items())
        parts = [_entry(number, path, *entry) for number, (path, entry) in enumerate(ordered, 1)]
        parts.append(_entry(0, "TRAILER!!!", 0, b""))
        archive = b"".join(parts)
        return archive + b"\0" * (-len(archive) % 512)

    def to_gzip(self):
        # Level 6: the guest unpacks it under emulation, where size hardly matters.
        return gzip.compress(self.to_bytes(), compresslevel=6, mtime=0)


def _entry(inode, path, mode, data):
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # inode, mode, uid, gid, links, mtime, size, device (2), special device (2), length of the name, checksum
    numbers = [inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
