"""One run of the tests at a time in one tree: UEs and logs are known by fixed names, and a second run would stop the
first one's."""

import os
import sys

from .process import paths  # which makes qemu_env known

from qemu_env import suite, ue_folder  # noqa: E402

# The descriptor of the lock that a caller lends.
LENT = "PROSEAL_TESTS_LOCK"
_held = None


def take(status=1):
    """Takes the tree's lock until this process ends, or ends it with a message. `qemu-env/clean` asks for it too. Who
    was lent it has it."""
    global _held
    if _held is None and is_lent():
        _held = int(os.environ[LENT])
        return
    if suite.error():
        print(f"{sys.argv[0]}: {suite.error()}", file=sys.stderr)
        sys.exit(status)
    paths.TESTS_LOCK.parent.mkdir(exist_ok=True)
    _held = ue_folder.try_lock(paths.TESTS_LOCK)
    if _held is None:
        print(f"{sys.argv[0]}: tests, a soak, mutants, forensics, power cuts or a benchmark run in this tree already; "
              "a second run would stop their UEs. Let them end, or use another clone "
              f"({paths.shown(paths.TESTS_LOCK)} is locked)", file=sys.stderr)
        sys.exit(status)


def lent():
    """What a process that is started must be given, to go on under this one's lock: (environment, descriptors)."""
    return {LENT: str(_held)}, (_held,)


def is_lent():
    """Whether a caller has given us his lock: the very file, whatever a variable says."""
    try:
        return os.path.samestat(os.fstat(int(os.environ[LENT])), os.stat(paths.TESTS_LOCK))
    except (KeyError, ValueError, OSError):
        return False
