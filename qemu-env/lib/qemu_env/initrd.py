"""What is in the guest's root file system. Kept small: each megabyte costs boot time under emulation."""

import lzma

from . import cpio, paths
from .report import Failure

LIBRARIES = ["libc.so.6", "libgcc_s.so.1", "libteec.so.2"]
MODULES = ["tee", "optee", "virtio_blk", "failover", "net_failover", "virtio_net", "tun"]


def sources():
    """Our own files in it: the guest's scripts, programs and trusted applications."""
    guest = sorted(path for path in (paths.ENV / "guest").rglob("*") if path.is_file())
    return guest + programs() + trusted_applications()


def programs():
    found = sorted(path for path in paths.GUEST_BIN.glob("*") if path.is_file())
    if not any(path.name == "ue-agent" for path in found):
        raise Failure(
            f"{paths.shown(paths.GUEST_BIN)}/ue-agent is missing: build the guest's programs first (`make`, or cargo "
            "build the package ue-agent for aarch64-unknown-linux-gnu and copy it there)"
        )
    return found


def trusted_applications():
    return sorted(paths.GUEST_TA.glob("*.ta"))


def build():
    archive = cpio.Archive()
    for name in (".", "dev", "proc", "sys", "usr/bin", "usr/lib/optee_armtz", "home/radio"):
        archive.folder(name)
    for name in ("bin", "sbin", "usr/sbin"):
        archive.link(name, "usr/bin" if "/" not in name else "bin")
    for name in ("lib", "lib64"):
        archive.link(name, "usr/lib")
    archive.link("usr/lib/aarch64-linux-gnu", ".")

    archive.file("usr/bin/busybox", (paths.SYSROOT / "usr/bin/busybox").read_bytes(), 0o755)
    archive.link("usr/bin/sh", "busybox")
    # Its name belongs to the script that starts it on a guarded store only.
    archive.file("usr/lib/tee-supplicant", (paths.SYSROOT / "usr/sbin/tee-supplicant").read_bytes(), 0o755)
    libraries = paths.SYSROOT / paths.ARCH_LIB
    archive.file("usr/lib/ld-linux-aarch64.so.1", (libraries / "ld-linux-aarch64.so.1").read_bytes(), 0o755)
    for name in LIBRARIES:
        archive.file(f"usr/lib/{name}", (libraries / name).read_bytes(), 0o755)
    for name in MODULES:
        archive.file(f"usr/lib/modules/{name}.ko", module(name))

    guest = paths.ENV / "guest"
    archive.file("init", (guest / "init").read_bytes(), 0o755)
    for name in ("radio", "store-guard", "tee-supplicant", "ue-halt"):
        archive.file(f"usr/bin/{name}", (guest / name).read_bytes(), 0o755)
    for path in sorted((guest / "etc").iterdir()):
        archive.file(f"etc/{path.name}", path.read_bytes())
    for path in programs():
        archive.file(f"usr/bin/{path.name}", path.read_bytes(), 0o755)
    for path in trusted_applications():
        archive.file(f"usr/lib/optee_armtz/{path.name}", path.read_bytes())
    return archive.to_gzip()


def module(name):
    found = list(paths.SYSROOT.glob(f"usr/lib/modules/*/kernel/**/{name}.ko.xz"))
    if len(found) != 1:
        raise Failure(f"the kernel package has {len(found)} modules named {name}, expected one")
    return lzma.decompress(found[0].read_bytes())
