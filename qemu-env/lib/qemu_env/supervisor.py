"""The process that owns a UE's QEMU: it holds the time limit, and ends QEMU with whoever the UE is bound to.

It is forked off by `ue start`. When it is killed itself, the kernel kills QEMU (PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
import traceback

PR_SET_PDEATHSIG = 1
KEEP = b"k"


class Caller:
    """The starting process's hold on the UE: when that process dies before `let_go`, the UE ends."""

    def __init__(self, writing_end):
        self._writing_end = writing_end

    def let_go(self):
        try:
            os.write(self._writing_end, KEEP)
        except BrokenPipeError:
            pass  # the UE has ended already
        os.close(self._writing_end)


def start(ue, lock, command, max_seconds, bind_to):
    """Forks the supervisor, which takes the lock along."""
    reading_end, writing_end = os.pipe()
    if os.fork() == 0:
        status = 1
        try:
            os.setsid()
            keep_only(lock, reading_end)
            _run(ue, command, max_seconds, bind_to, reading_end)
            status = 0
        except BaseException:
            traceback.print_exc()  # goes to qemu.log
        finally:
            os._exit(status)
    os.close(lock)
    os.close(reading_end)
    return Caller(writing_end)


def keep_only(*kept):
    """Whatever else this process has inherited is the caller's: a pipe whose reader waits for its end, another lock."""
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > 2 and descriptor not in kept:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(descriptor)


def _run(ue, command, max_seconds, bind_to, caller):
    os.chdir(ue.folder)
    null = os.open("/dev/null", os.O_RDWR)
    log = os.open("qemu.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for descriptor, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, target)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    deadline = time.monotonic() + max_seconds
    reason = "QEMU did not start, see qemu.log"
    try:
        bound = os.pidfd_open(bind_to) if bind_to else None
        qemu = subprocess.Popen(command, preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        ue.write_pid(qemu.pid)
        reason = _watch(qemu, deadline, max_seconds, caller, bound)
        _end(qemu)
    except ProcessLookupError:
        reason = f"process {bind_to}, which it was bound to, had ended"
    finally:
        for socket in ue.folder.glob("*.sock"):
            socket.unlink(missing_ok=True)
        ue.write_end(reason)


def _watch(qemu, deadline, max_seconds, caller, bound):
    """Waits for the first reason to end."""
    process = os.pidfd_open(qemu.pid)
    waiting = select.poll()
    for descriptor in (process, caller, bound):
        if descriptor is not None:
            waiting.register(descriptor, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        ready = {descriptor for descriptor, _ in waiting.poll(max(0, left) * 1000)}
        if process in ready:
            status = qemu.wait()
            return f"killed by signal {-status}" if status < 0 else f"QEMU ended with status {status}"
        if bound in ready:
            return "the process that it was bound to ended"
        if caller in ready:
            if os.read(caller, 1) != KEEP:
                return "the process that started it ended"
            waiting.unregister(caller)
        if left <= 0:
            return f"its time limit of {max_seconds} s was over"


def _end(qemu):
    """TERM makes QEMU write out what it holds; KILL when it does not obey."""
    if qemu.poll() is None:
        qemu.terminate()
        try:
            qemu.wait(5)
        except subprocess.TimeoutExpired:
            qemu.kill()
            qemu.wait()
