"""One UE's folder, out/ue/NAME: its files, and whether it runs.

A UE runs as long as somebody holds the lock on its file `lock`: that is its supervisor, from before QEMU's start to
after its end. So a stale process id can never be taken for a running UE.
"""

import fcntl
import json
import os
import re
import signal
import socket
import struct
import time

from . import files, paths
from .report import Failure

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class Ue:
    def __init__(self, name):
        if not NAME.fullmatch(name):
            raise Failure(f"{name!r} is no name for a UE: small letters, digits and '-', at most 31")
        self.name = name
        self.folder = paths.UE / name
        self.disk = self.folder / "disk"
        self.console_log = self.folder / "console.log"
        self.secure_log = self.folder / "secure.log"
        self._pid = self.folder / "pid"
        self._options = self.folder / "options.json"
        self._ended = self.folder / "ended"

    def lock(self):
        """The lock's descriptor, or None while the UE runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return try_lock(self.folder / "lock")

    def is_running(self):
        return is_locked(self.folder / "lock")

    def need_running(self):
        if not self.is_running():
            raise Failure(f"{self.name} is not running{self.why_ended()}; start it by `qemu-env/ue start {self.name}`")

    def wait_until_ended(self, seconds):
        deadline = time.monotonic() + seconds
        while self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def write_pid(self, pid):
        """Written by the supervisor when QEMU runs, removed after its end."""
        files.write_whole(self._pid, f"{pid}\n")
        self._ended.unlink(missing_ok=True)

    def write_end(self, reason):
        self._pid.unlink(missing_ok=True)
        files.write_whole(self._ended, reason + "\n")

    def state(self):
        """{pid, started (seconds since 1970)}, or nothing in the moments before QEMU's start and after its end."""
        try:
            return {"pid": int(self._pid.read_text()), "started": self._pid.stat().st_mtime}
        except (OSError, ValueError):
            return {}

    def why_ended(self):
        try:
            return f" ({self._ended.read_text().strip()})"
        except OSError:
            return ""

    def write_options(self, options):
        files.write_whole(self._options, json.dumps(options, indent=1) + "\n")

    def options(self):
        try:
            return json.loads(self._options.read_text())
        except (OSError, ValueError):
            raise Failure(f"{self.name} was never started") from None

    def signal_qemu(self, number):
        """Signals this UE's QEMU and no other process: the descriptor pins the process, then its folder is checked."""
        pid = self.state().get("pid")
        if pid is None:
            return False
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        try:
            if not is_qemu_of(pid, self.folder):
                return False
            signal.pidfd_send_signal(descriptor, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)

    def connect(self, name, timeout):
        """Connects to one of QEMU's sockets here. The way over /proc keeps the address short: a socket's address has
        room for 108 bytes only, and a repository may lie deep."""
        folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(f"/proc/self/fd/{folder}/{name}")
        except OSError:
            connection.close()
            raise
        finally:
            os.close(folder)
        return connection


# struct flock of 64-bit Linux for a whole file: type, whence, start, length, pid (0 for a lock of this kind).
FLOCK = struct.Struct("@hhqqi4x")
WHOLE = FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def try_lock(path):
    """The descriptor of a file locked for us, or None when somebody else holds the lock. Such a lock belongs to the
    open file, and so to whoever inherits it, and, other than flock's, can be asked for without being taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT, 0o644)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, WHOLE)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path):
    """Only asks: a lock taken for a look would be in the way of who wants it in earnest."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        holder, *_ = FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, WHOLE))
        return holder != fcntl.F_UNLCK
    finally:
        os.close(descriptor)


def is_qemu_of(pid, folder):
    """QEMU runs inside its UE's folder and has it in its command line."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
        return b"qemu-system" in words[0] and os.fsencode(f"proseal:{folder}") in words
    except OSError:
        return False


def all_ues():
    names = sorted(path.name for path in paths.UE.glob("*") if path.is_dir() and NAME.fullmatch(path.name))
    return [Ue(name) for name in names]
