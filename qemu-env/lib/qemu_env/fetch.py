"""Decides which version of each package is taken, and brings it into the cache."""

import os
import re

from . import files, lock, paths
from .apt import NAMES, Apt, need_tools
from .report import Failure, say

# What the guest, the firmware and the builds need. The kernel is what the last one depends on.
BINARY = [
    "busybox-static", "libc6", "libckteec0t64", "libgcc-s1", "libssl3t64", "libteec2", "libwrap0",
    "libzstd1", "optee-client-dev", "optee-os", "optee-os-dev", "optee-test-qemu", "socat", "tee-supplicant",
    "u-boot-qemu", "zlib1g",
]  # fmt: skip
KERNEL_META = "linux-image-cloud-arm64"
KERNEL = re.compile(r"linux-image-\d[^ ]*-cloud-arm64")
SOURCE = "arm-trusted-firmware"
# The devkit has the key that OP-TEE checks signatures with: never of two versions.
TOGETHER = {"optee-os", "optee-os-dev"}
DOWNLOAD_MIB = 300


def role(package):
    """What stays the same when versions change: the kernel carries its version in its name."""
    if package.is_source:
        return "source"
    return "kernel" if KERNEL.fullmatch(package.name) else package.name


def of_suite(apt):
    """All packages as the suites have them now."""
    found = apt.current([*BINARY, KERNEL_META])
    depends = found[KERNEL_META][1]
    kernel = KERNEL.search(depends)
    if kernel is None:
        raise Failure(f"{KERNEL_META} depends on {depends!r}: no versioned kernel is named there")
    packages = [found[name][0] for name in BINARY]
    packages.append(apt.current([kernel.group()])[kernel.group()][0])
    return packages + apt.current_source(SOURCE)


def read_lock():
    try:
        packages = lock.parse(paths.LOCK.read_text())
    except FileNotFoundError:
        raise Failure(f"{paths.shown(paths.LOCK)} is missing; write it by `qemu-env/packages --update-lock`") from None
    missing = {*BINARY, "kernel", "source"} - {role(package) for package in packages}
    if missing:
        raise Failure(f"{paths.LOCK.name} lacks {', '.join(sorted(missing))}; write it anew by `--update-lock`")
    return packages


def in_cache(package):
    """Is the right file there? A locked name with other content is an error, never a reason to take it."""
    path = paths.CACHE / package.file
    if not path.exists():
        return False
    digest = files.sha256(path)
    if digest != package.sha256:
        raise Failure(
            f"{paths.shown(path)} has SHA-256 {digest}, but {package.sha256} is expected for "
            f"{package.name} {package.version}. Remove the file to fetch it again; if the mirror then gives the same "
            "digest, do not trust it"
        )
    return True


def resolve(strict):
    """The packages to build from, all in the cache: [(package, locked)]. The network is used only for what is
    missing."""
    locked = read_lock()
    missing = [package for package in locked if not in_cache(package)]
    if not missing:
        return [(package, True) for package in locked]
    need_tools()
    files.need_room(paths.CACHE, DOWNLOAD_MIB, "downloading the packages")
    apt = Apt()
    apt.update()
    gone = {role(package) for package in missing if not apt.has(package)}
    if gone & TOGETHER:
        gone |= TOGETHER
    taken = [(package, True) for package in locked if role(package) not in gone]
    if gone:
        drifted = [package for package in of_suite(apt) if role(package) in gone]
        warn_of_drift(drifted, locked, strict)
        taken += [(package, False) for package in drifted]
    bring(apt, [package for package, _ in taken if not in_cache(package)])
    return taken


def warn_of_drift(drifted, locked, strict):
    before = {role(package): f"{package.name} {package.version}" for package in locked}
    changes = {f"{before[role(package)]} -> {package.name} {package.version}" for package in drifted}
    text = f"the mirror no longer has the locked version of: {'; '.join(sorted(changes))}"
    if strict:
        raise Failure(f"{text}. LOCKED=1 forbids another; `qemu-env/packages --update-lock` takes the suite's")
    say(f"WARNING: DRIFT from {paths.LOCK.name}: {text} (taken from Debian {NAMES}, recorded in manifest.json)")


def bring(apt, packages):
    """Downloads, checks, and only then gives each file its name in the cache."""
    if not packages:
        return
    partial = paths.CACHE / ".partial"
    partial.mkdir(parents=True, exist_ok=True)
    say(f"downloading {len(packages)} files into {paths.shown(paths.CACHE)}")
    try:
        apt.download(packages, partial)
    finally:
        # What arrived whole before a failure is kept: the next run fetches only the rest.
        for package in packages:
            path = partial / package.file
            if path.exists() and files.sha256(path) == package.sha256:
                os.replace(path, paths.CACHE / package.file)
    for package in packages:
        path = partial / package.file
        if path.exists():
            digest = files.sha256(path)
            path.unlink()
            raise Failure(
                f"{package.name} {package.version} from the mirror has SHA-256 {digest}, not {package.sha256}. "
                "The mirror or the lock file is wrong: do not go on before you know which"
            )
        if not in_cache(package):
            raise Failure(f"{package.name} {package.version}: apt said nothing, but {package.file} did not arrive")


def update_lock():
    """Rewrites the lock from the suite. The index is signed, so its digests are Debian's."""
    need_tools()
    apt = Apt()
    apt.update()
    packages = of_suite(apt)
    files.write_whole(paths.LOCK, lock.render(packages))
    say(f"wrote {len(packages)} lines to {paths.shown(paths.LOCK)}")
