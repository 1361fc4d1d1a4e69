"""Which Debian suite OP-TEE is taken from: OPTEE_SUITE in the environment. All else in the image is the base suite's."""

import os

BASE = "trixie"
KNOWN = (BASE, "sid")
# OP-TEE, its devkit, its client; and xtest, which needs a client of its own age, and whose trusted applications are
# signed with the devkit's key, another one in each version.
OPTEE = [
    "libckteec0t64", "libteec2", "optee-client-dev", "optee-os", "optee-os-dev", "optee-test-qemu", "tee-supplicant",
]  # fmt: skip

NAME = os.environ.get("OPTEE_SUITE") or BASE


def subfolder(name=NAME):
    """Each suite has a tree of its own, so that several images stand side by side; the base suite's has no name."""
    return "" if name == BASE else name


def used():
    """The suites that packages come from."""
    return (BASE,) if NAME == BASE else (BASE, NAME)


def error():
    """What is wrong with the chosen name, if anything. Not raised here: a module is read before a command can speak."""
    if NAME in KNOWN:
        return None
    return f"OPTEE_SUITE: OP-TEE cannot be taken from {NAME!r}; there are {' and '.join(KNOWN)} ({BASE} if it is not set)"
