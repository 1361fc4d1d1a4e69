"""Running commands: bounded in time, output kept."""

import os
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out/test"


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
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                   env={**os.environ, **(env or {})}, start_new_session=True)
        try:
            status = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:
                # The command's own session: it and what it started.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    output = path.read_text(errors="replace")
    return Finished(status, output, time.monotonic() - start)
