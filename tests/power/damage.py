"""A disk that fails: where a file of the guest lies on it, read errors there, and octets that change."""

import os
import struct
import subprocess

FOLDER = "/tee/"  # OP-TEE's store on its disk
# OP-TEE's hash tree begins with two heads of 64 octets, each with a counter of 4 behind it. Where both counters make no
# sense OP-TEE has another answer than for all other damage, which is not what is meant here.
HEADS, HEAD = (0, 68), 64
BLOCK_SIZE_AT = 1024 + 24  # ext4's superblock: 2^(10 + n) octets


def beginning(disk, name):
    """Where the store's file begins on the disk."""
    said = subprocess.run(["debugfs", "-R", f"bmap {FOLDER}{name} 0", disk], capture_output=True, text=True, timeout=60,
                          check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}).stdout
    if not said.strip().isdecimal() or int(said) == 0:
        raise RuntimeError(f"debugfs: where is {name}? {said!r}")
    with open(disk, "rb") as file:
        file.seek(BLOCK_SIZE_AT)
        return int(said) * (1024 << struct.unpack("<I", file.read(4))[0])


def read_errors(disk, name):
    """For `--store-driver`: each read of this file's first block fails, in this start only."""
    return ("driver=blkdebug,image.driver=raw,image.file.filename=disk,inject-error.0.event=none,"
            f"inject-error.0.iotype=read,inject-error.0.errno=5,inject-error.0.sector={beginning(disk, name) // 512}")


def invert(disk, name):
    """Inverts the heads of the file, while the UE is off."""
    at = beginning(disk, name)
    with open(disk, "r+b") as file:
        for head in HEADS:
            file.seek(at + head)
            octets = file.read(HEAD)
            file.seek(at + head)
            file.write(bytes(octet ^ 0xFF for octet in octets))
