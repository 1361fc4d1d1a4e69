"""A copy of this tree, for builds with something changed in it."""

import shutil
import subprocess

from .process import ROOT


def sync(copy):
    """Makes the copy's files those of this tree; what is the same stays, so that builds are short."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True,
                           check=True, timeout=60).stdout.decode().split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, copy / name
        if not source.is_file():
            target.unlink(missing_ok=True)
        elif not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            # A new time, also where an old content comes back: cargo goes by it.
            shutil.copyfile(source, target)
            shutil.copymode(source, target)
