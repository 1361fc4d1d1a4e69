"""Where everything lies. Found from this file, so that every command works from any directory."""

from pathlib import Path

from . import suite

ENV = Path(__file__).resolve().parents[2]  # qemu-env/
ROOT = ENV.parent
SHARED = ROOT / "out"  # what all suites have in common
OUT = SHARED / suite.subfolder()
CARGO_OUT = ROOT / "target" / suite.subfolder()

LOCK = ENV / ("packages.lock" if suite.NAME == suite.BASE else f"packages-{suite.NAME}.lock")
CACHE = SHARED / "cache"
BUILD_LOCK = SHARED / ".build.lock"
APT = OUT / "apt"
SYSROOT = OUT / "sysroot"
CLIENT_EXPORT = OUT / "client-export"
PACKAGES_JSON = OUT / "packages.json"
FIRMWARE = OUT / "firmware"
IMAGE = OUT / "image"
GUEST_BIN = OUT / "guest" / "bin"
GUEST_TA = OUT / "guest" / "ta"
TEST_BIN = OUT / "guest" / "tests" / "bin"
TEST_TA = OUT / "guest" / "tests" / "ta"
STAMPS = OUT / "stamps"
UE = OUT / "ue"
TESTS_LOCK = SHARED / ".tests.lock"  # held by whatever runs tests (tests/harness/alone.py)

ARCH_LIB = "usr/lib/aarch64-linux-gnu"
TA_DEV_KIT = SYSROOT / "usr/lib/optee-os-dev/vexpress-qemu_armv8a"
OPTEE_OS = SYSROOT / "usr/lib/optee/vexpress-qemu_armv8a"


def shown(path):
    """The path as a person in the repository would type it."""
    try:
        return str(Path(path).relative_to(ROOT))
    except ValueError:
        return str(path)
