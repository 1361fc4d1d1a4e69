"""Unpacks the cached packages: a sysroot for the image and the builds, and the client's headers and libraries."""

import os
import shutil
import subprocess

from . import files, paths
from .report import Failure, run

UNPACKED_MIB = 400

# What is taken of the large packages; of all others everything but the documents.
ONLY = {
    "kernel": ["./boot/vmlinuz-*", "*/tee.ko.xz", "*/optee.ko.xz", "*/virtio_blk.ko.xz", "*/failover.ko.xz",
               "*/net_failover.ko.xz", "*/virtio_net.ko.xz", "*/tun.ko.xz"],
    "libc6": ["*/ld-linux-aarch64.so.1", "*/libc.so.6", "*/libm.so.6", "*/libpthread.so.0", "*/libdl.so.2"],
    "u-boot-qemu": ["*/qemu_arm64/u-boot.bin"],
}  # fmt: skip


def unpack(role, deb, folder):
    """`dpkg-deb` gives the tar stream, `tar` picks from it."""
    pick = ["--wildcards", *ONLY[role]] if role in ONLY else ["--exclude=./usr/share/doc", "--exclude=./usr/share/man"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as stream:
        tar = subprocess.run(
            ["tar", "-x", "--no-same-owner", "-C", folder, *pick],
            stdin=stream.stdout, stderr=subprocess.PIPE, timeout=300,
        )  # fmt: skip
        stream.stdout.close()
        bad = stream.wait(timeout=60) != 0
    if bad or tar.returncode != 0:
        raise Failure(f"unpacking {deb} failed: {tar.stderr.decode(errors='replace').strip()}")


def sysroot(packages, role):
    """All packages into one folder, which takes its place only when it is whole."""
    files.need_room(paths.OUT, UNPACKED_MIB, "unpacking the packages")
    partial = files.fresh_folder(paths.SYSROOT.with_name("sysroot.part"))
    _merge_usr(partial)
    for package in packages:
        if not package.is_source:
            unpack(role(package), paths.CACHE / package.file, partial)
    kernels = list(partial.glob("boot/vmlinuz-*"))
    if len(kernels) != 1:
        raise Failure(f"expected one kernel in the kernel package, found {len(kernels)}")
    os.rename(kernels[0], partial / "boot/vmlinuz")
    files.replace_folder(partial, paths.SYSROOT)


def _merge_usr(folder):
    # Older packages still say /lib: it is the same place as /usr/lib, as on every Debian system.
    for name in ("bin", "lib", "sbin"):
        (folder / "usr" / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(f"usr/{name}")


def client_export():
    """The folder that OPTEE_CLIENT_EXPORT names: libteec and libckteec as a cross build wants them."""
    partial = files.fresh_folder(paths.CLIENT_EXPORT.with_name("client-export.part"))
    library = partial / "usr/lib"
    library.mkdir(parents=True)
    folder = paths.SYSROOT / paths.ARCH_LIB
    for source in sorted([*folder.glob("libteec.so*"), *folder.glob("libckteec.so*")]):
        if source.is_symlink():
            (library / source.name).symlink_to(os.readlink(source))
        else:
            shutil.copyfile(source, library / source.name)
    for name in ("libteec.so", "libckteec.so"):
        if not (library / name).exists():
            raise Failure(f"{name} is not in the packages libteec2, libckteec and optee-client-dev")
    shutil.copytree(paths.SYSROOT / "usr/include", partial / "usr/include")
    files.replace_folder(partial, paths.CLIENT_EXPORT)


def source(packages):
    """TF-A's source, with Debian's patches."""
    dsc = next(package.file for package in packages if package.file.endswith(".dsc"))
    folder = paths.OUT / "tf-a"
    shutil.rmtree(folder, ignore_errors=True)
    # No signature check here: the digests of all its files are in the lock, and come from the signed index.
    run(
        ["dpkg-source", "--no-check", "--no-copy", "-x", paths.CACHE / dsc, folder],
        what="unpacking the source of TF-A",
        hint="Is dpkg-dev installed? qemu-env/host-tools installs it",
    )
    return folder
