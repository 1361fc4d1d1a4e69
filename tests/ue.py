"""A live UE, for tests and the story: what `qemu-env/ue` does, in Python."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "qemu-env/lib"))

from qemu_env import life, link, paths  # noqa: E402
from qemu_env.ue_folder import Ue  # noqa: E402

TOOL = os.fspath(ROOT / "qemu-env/ue")
CALL_S = 120


class Answer:
    """What a command in the UE said: status, stdout, stderr (text)."""

    def __init__(self, finished):
        self.status = finished.returncode
        self.stdout = finished.stdout.decode(errors="replace")
        self.stderr = (finished.stderr or b"").decode(errors="replace")

    def __repr__(self):
        return f"status {self.status}\n{self.stdout}\n{self.stderr}"


class UE:
    """One UE by its name. It ends with this process at the latest. With `installs` its prosectl is the tests' tool,
    which speaks to the test build and installs keys in clear; it comes with the tests' disk."""

    def __init__(self, name, installs=False):
        self.name = name
        self.ctl, self.options = ("prosectl-test", ["--tests"]) if installs else ("prosectl", [])
        self.folder = paths.UE / name
        # The address of its network card on a link.
        self.card = link.address(name)

    def tool(self, *arguments, stdin=b""):
        finished = subprocess.run([TOOL, *arguments], input=stdin, capture_output=True, timeout=CALL_S * 2, check=False)
        answer = Answer(finished)
        if answer.status:
            raise RuntimeError(f"ue {' '.join(arguments)}: {answer}")
        return answer

    def start(self, *options):
        return self.tool("start", self.name, "--bind-to", str(os.getpid()), *self.options, *options)

    def first_answer(self):
        """Asks the trusted application; how many seconds after QEMU's start it answered."""
        self.done("status")
        return time.time() - (self.folder / "pid").stat().st_mtime

    def reboot(self):
        return self.tool("reboot", self.name)

    def stop(self):
        return self.tool("stop", self.name)

    def cut(self):
        """A power cut, of a UE that runs or does not."""
        if Ue(self.name).is_running():
            life.kill(Ue(self.name))

    def exec(self, *command, stdin=b"", limit_s=CALL_S, progress=False):
        """Runs a command in the UE; its streams and status. With `progress` its stderr is shown as it comes."""
        line = [TOOL, "exec", self.name, "--", *command]
        stderr = None if progress else subprocess.PIPE
        finished = subprocess.run(
            line, input=stdin, stdout=subprocess.PIPE, stderr=stderr, timeout=limit_s, check=False
        )
        return Answer(finished)

    def octets(self, *command):
        """The octets that a command in the UE writes."""
        line = [TOOL, "exec", self.name, "--", *command]
        return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=CALL_S, check=True).stdout

    def sh(self, script):
        """Runs a shell script in the UE."""
        return self.exec("sh", "-s", stdin=script.encode())

    def prosectl(self, *arguments, stdin=b""):
        return self.exec(self.ctl, *arguments, stdin=stdin)

    def json(self, *arguments, stdin=b""):
        """The object that prosectl prints with `--json`."""
        answer = self.prosectl("--json", *arguments, stdin=stdin)
        try:
            return json.loads(answer.stdout)
        except ValueError:
            raise RuntimeError(f"prosectl {' '.join(arguments)}: {answer}") from None

    def done(self, *arguments, stdin=b""):
        """The same, where anything but success ends the program."""
        answer = self.json(*arguments, stdin=stdin)
        if not answer["ok"]:
            raise RuntimeError(f"prosectl {' '.join(arguments)}: {answer['message']}; {answer['hint']}")
        return answer

    def held(self):
        """The groups that are held, but for the time that passes."""
        groups = self.done("key", "list")["groups"]
        for pgk in (pgk for group in groups for pgk in group["pgks"]):
            del pgk["left_s"]
        return groups

    def disk(self):
        return (self.folder / "disk").read_bytes()

    def secure_log(self):
        """OP-TEE's log, of all boots of this folder."""
        return (self.folder / "secure.log").read_text(errors="replace")
