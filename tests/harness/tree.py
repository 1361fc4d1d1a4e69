"""A copy of this tree, for builds with something changed in it."""

import os
import shutil
import subprocess

from .process import ROOT

# In the copy's root: what is built there, and what git keeps.
OWN = ("target", "out", ".git")


def sync(copy):
    """Makes the copy's files those of this tree; what is the same stays, so that builds are short. What this tree does
    not have goes: a file of an earlier one, or one that a patch has added, would be built with the rest."""
    if (ROOT / "out") not in copy.parents:
        raise ValueError(f"{copy} is not in this tree's out")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True,
                            check=True, timeout=60).stdout.decode().split("\0")
    names = {name for name in listed if name and (ROOT / name).is_file()}
    for path in files(copy) - {copy / name for name in names}:
        path.unlink()
    for name in sorted(names):
        source, target = ROOT / name, copy / name
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            # A new time, also where an old content comes back: cargo goes by it.
            shutil.copyfile(source, target)
            shutil.copymode(source, target)


def files(copy):
    found = set()
    for folder, folders, names in os.walk(copy):
        if folder == os.fspath(copy):
            folders[:] = [name for name in folders if name not in OWN]
        found |= {copy.joinpath(folder, name) for name in names}
    return found


def copy_folder(source, target):
    """A copy that was interrupted does not pass for a whole one."""
    partial = target.with_name(target.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)
    os.rename(partial, target)
