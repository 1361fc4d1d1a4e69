"""Small file jobs: digests, whole-or-nothing writes, room on the disk, stamps."""

import fcntl
import hashlib
import json
import os
import shutil
import time

from . import paths
from .report import Failure, say

_build_lock = None
# Longer than any step's own limit.
BUILD_WAIT_S = 2400


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path, data):
    """A reader sees the old file or the new one, never a part: an interrupted build resumes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data if isinstance(data, bytes) else data.encode())
    os.replace(partial, path)


def copy_whole(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    shutil.copyfile(source, partial)
    os.replace(partial, target)


def replace_folder(partial, target):
    """Puts a finished folder in the place of an older one."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.rename(target, old)
    os.rename(partial, target)
    shutil.rmtree(old, ignore_errors=True)


def fresh_folder(path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def need_room(folder, mebibytes, what):
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free >> 20
    if free < mebibytes:
        raise Failure(f"{what} needs {mebibytes} MiB free in {folder}, but only {free} MiB are; make room there")


def is_only_build():
    """Takes the lock of builds if it is free; it ends with this process."""
    global _build_lock
    paths.BUILD_LOCK.parent.mkdir(exist_ok=True)
    lock = open(paths.BUILD_LOCK, "w")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    _build_lock = lock
    return True


def one_build_at_a_time():
    """Two builds in one repository would remove each other's folders."""
    if is_only_build():
        return
    say("another build is running here; waiting for it")
    deadline = time.monotonic() + BUILD_WAIT_S
    while not is_only_build():
        if time.monotonic() > deadline:
            raise Failure(
                f"another build still runs here after {BUILD_WAIT_S} s; if it hangs, end it: `lslocks` names the process "
                f"that holds {paths.shown(paths.BUILD_LOCK)}"
            )
        time.sleep(0.2)


class Stamp:
    """Remembers the inputs of a finished step, so that a step with nothing changed does nothing."""

    def __init__(self, step, inputs, outputs):
        digest = hashlib.sha256()
        for item in inputs:
            if isinstance(item, str):
                item = item.encode()
            elif not isinstance(item, bytes):
                item = f"{paths.shown(item)} {item.stat().st_mode:o} {sha256(item)}".encode()
            digest.update(len(item).to_bytes(8, "little") + item)
        self.file = paths.STAMPS / f"{step}.json"
        self.inputs = digest.hexdigest()
        self.outputs = outputs

    def is_fresh(self):
        try:
            known = json.loads(self.file.read_text())
        except (OSError, ValueError):
            return False
        return known.get("inputs") == self.inputs and known.get("outputs") == self._seen()

    def drop(self):
        """Before work begins: what follows is unfinished until `set`."""
        self.file.unlink(missing_ok=True)

    def set(self):
        write_whole(self.file, json.dumps({"inputs": self.inputs, "outputs": self._seen()}, indent=1) + "\n")

    def _seen(self):
        # Size and time of change are enough to notice a file that was removed or written by other hands.
        seen = {}
        for path in self.outputs:
            try:
                status = path.stat()
                seen[paths.shown(path)] = None if path.is_dir() else [status.st_size, status.st_mtime_ns]
            except FileNotFoundError:
                seen[paths.shown(path)] = "missing"
        return seen


def own_code(*modules):
    """The tooling's own files are inputs too: a changed recipe builds anew."""
    here = paths.ENV / "lib" / "qemu_env"
    return [here / f"{module}.py" for module in modules]
