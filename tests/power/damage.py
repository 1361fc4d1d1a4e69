"""A disk that fails: where a file of the guest lies on it, read errors there, and octets that change."""

import os
import re
import struct
import subprocess

FOLDER = "/tee/"  # OP-TEE's store on its disk
HEADS = 128  # octets: nearly all of the two heads; without both counters OP-TEE's answer is another
BLOCK_SIZE_AT = 1024 + 24  # ext4's superblock: 2^(10 + n) octets


def blocks(disk, name):
    """Where each block of the store's file begins, and how many octets it has."""
    said = subprocess.run(["debugfs", "-R", f"blocks {FOLDER}{name}", disk], capture_output=True, text=True, timeout=60,
                          check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}).stdout
    if not re.fullmatch(r"(\d+ )+\s*", said):
        raise RuntimeError(f"debugfs: no blocks of {name}: {said!r}")
    with open(disk, "rb") as file:
        file.seek(BLOCK_SIZE_AT)
        size = 1024 << struct.unpack("<I", file.read(4))[0]
    return [int(number) * size for number in said.split()], size


def read_errors(disk, name):
    """For `--store-driver`: each read of this file's first block fails, in this start only."""
    sector = blocks(disk, name)[0][0] // 512
    return ("driver=blkdebug,image.driver=raw,image.file.filename=disk,inject-error.0.event=none,"
            f"inject-error.0.iotype=read,inject-error.0.errno=5,inject-error.0.sector={sector}")


def invert(disk, name):
    """Inverts the heads of OP-TEE's hash tree, where the file begins, while the UE is off."""
    places, _ = blocks(disk, name)
    with open(disk, "r+b") as file:
        file.seek(places[0])
        octets = file.read(HEADS)
        file.seek(places[0])
        file.write(bytes(octet ^ 0xFF for octet in octets))
