"""Running commands: bounded in time, ended with all that they started, output kept."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "qemu-env/lib"))

from qemu_env import paths  # noqa: E402

OUT = paths.OUT / "test"
GRACE_S, GENTLE_S = 5, 30


class Finished:
    """A command that ended: status (None if it ran out of time), output, seconds."""

    def __init__(self, status, output, seconds):
        self.status, self.output, self.seconds = status, output, seconds

    @property
    def ok(self):
        return self.status == 0

    @property
    def message(self):
        what = "ran out of time" if self.status is None else f"exit status {self.status}"
        return f"{self.output}\n{what}"


def run(command, limit_s, log, env=None):
    """Runs `command` in the repository's root, its output to out/test/LOG."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / log
    start = time.monotonic()
    with open(path, "wb") as out:
        status = bounded(command, limit_s, env, stdout=out, stderr=subprocess.STDOUT)
    return Finished(status, path.read_text(errors="replace"), time.monotonic() - start)


def show(command, limit_s):
    """Runs `command` in the repository's root; its output is seen, and not kept."""
    start = time.monotonic()
    return Finished(bounded(command, limit_s), "see above", time.monotonic() - start)


def bounded(command, limit_s, env=None, cwd=ROOT, gently=False, **streams):
    """The exit status, or None if the time was over. What is ended `gently` may put the machine in order first: the
    command alone is interrupted, as by Ctrl-C, and what it started is not."""
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                               start_new_session=True, **streams)
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            if gently:
                os.kill(process.pid, signal.SIGINT)
                end(process, GENTLE_S)
            else:
                os.killpg(process.pid, signal.SIGTERM)
                end(process, GRACE_S)


def end(process, grace_s):
    """Ends the command's session, it and what it started. Its number stays its own until it is waited for."""
    # The first process may end before what it started: it is looked at, not yet waited for.
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def line(stream, seconds):
    """The next line of a process's unread output, without its end; an error when it does not come. Nothing beyond it is
    read, so that the next call finds what follows."""
    deadline, octets = time.monotonic() + seconds, b""
    while not octets.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
        octet = os.read(stream.fileno(), 1) if ready else b""
        if not octet:
            raise AssertionError(f"{'the output ended' if ready else f'no line within {seconds} s'}, after {octets!r}")
        octets += octet
    return octets[:-1].decode(errors="replace")
