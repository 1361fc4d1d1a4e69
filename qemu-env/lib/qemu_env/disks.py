"""The disk images, made by mke2fs without mounting anything."""

import os
import shutil
import tempfile
from pathlib import Path

from . import paths
from .report import run

STORE_MIB = 32
TEST_LIBRARIES = ["libckteec.so.0", "libcrypto.so.3", "libm.so.6", "libssl.so.3", "libwrap.so.0",
                  "libz.so.1", "libzstd.so.1"]
# The peer that benches compare with comes with the devkit, not with the tests.
PKCS11_TA = "fd02c9da-306c-48c7-a49c-bbd827ae86ee.ta"
# A fixed seed and time: the empty store is the same file each time (files copied in bring their own ctime).
REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "0", "E2FSPROGS_FAKE_TIME": "1"}
UUID = "00000000-0000-4000-8000-000000000001"


def make_store(target):
    """An empty ext4 with default options, as a real device's store would have."""
    make_ext4(target, STORE_MIB, None)


def make_tests(target):
    """OP-TEE's xtest with its libraries and trusted applications, socat, and test programs of our own."""
    with tempfile.TemporaryDirectory(dir=paths.OUT) as folder:
        root = Path(folder)
        for name in ("bin", "lib", "optee_armtz"):
            (root / name).mkdir()
        copy([paths.SYSROOT / "usr/bin/xtest"], root / "bin", 0o755)
        # An ordinary program that speaks and hears multicast.
        (root / "bin/socat").write_bytes((paths.SYSROOT / "usr/bin/socat1").read_bytes())
        (root / "bin/socat").chmod(0o755)
        os.utime(root / "bin/socat", (0, 0))
        copy([paths.SYSROOT / paths.ARCH_LIB / name for name in TEST_LIBRARIES], root / "lib", 0o755)
        copy((paths.SYSROOT / "usr/lib/optee_armtz").glob("*.ta"), root / "optee_armtz", 0o644)
        copy([paths.TA_DEV_KIT / "ta" / PKCS11_TA], root / "optee_armtz", 0o644)
        copy(own_programs(), root / "bin", 0o755)
        copy(own_trusted_applications(), root / "optee_armtz", 0o644)
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        make_ext4(target, (size >> 20) * 5 // 4 + 8, root)


def own_programs():
    return sorted(path for path in paths.TEST_BIN.glob("*") if path.is_file())


def own_trusted_applications():
    return sorted(paths.TEST_TA.glob("*.ta"))


def copy(sources, folder, mode):
    for source in sorted(sources):
        target = folder / source.name
        shutil.copyfile(source, target)
        target.chmod(mode)
        os.utime(target, (0, 0))


def make_ext4(target, mebibytes, content):
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    command = ["mke2fs", "-q", "-t", "ext4", "-U", UUID, "-E", f"hash_seed={UUID},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"]
    if content is not None:
        command += ["-d", content]
    run(
        [*command, partial, f"{mebibytes}M"],
        what=f"making {target.name}",
        hint="e2fsprogs comes with qemu-env/host-tools",
        env={**os.environ, **REPRODUCIBLE, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"},
    )
    os.replace(partial, target)
