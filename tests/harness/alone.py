"""One run of the tests at a time in one tree: UEs and logs are known by fixed names, and a second run would stop the
first one's."""

import sys

from .process import paths  # which makes qemu_env known

from qemu_env import suite, ue_folder  # noqa: E402

_held = None


def take(status=1):
    """Takes the tree's lock until this process ends, or ends it with a message. `qemu-env/clean` asks for it too."""
    global _held
    if suite.error():
        print(f"{sys.argv[0]}: {suite.error()}", file=sys.stderr)
        sys.exit(status)
    paths.TESTS_LOCK.parent.mkdir(exist_ok=True)
    _held = ue_folder.try_lock(paths.TESTS_LOCK)
    if _held is None:
        print(f"{sys.argv[0]}: tests, mutants, forensics, power cuts or a benchmark run in this tree already; a second run "
              "would stop their UEs. Let them end, or use another clone "
              f"({paths.shown(paths.TESTS_LOCK)} is locked)", file=sys.stderr)
        sys.exit(status)
