"""The real group manager beside a test or a story: its commands, and its server on loopback."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CALL_S = 60


def build():
    subprocess.run(["cargo", "build", "--locked", "--release", "-q", "-p", "prose-manager"], cwd=ROOT, check=True,
                   timeout=1500)  # fmt: skip


class Manager:
    """The group manager, on this machine, in a folder of its own."""

    PROGRAM = ROOT / "target/release/prose-manager"

    def __init__(self, folder):
        self.folder = Path(folder)
        self.server = None

    def json(self, *words, typed=""):
        """The object that prose-manager prints with `--json`; `typed`: its standard input."""
        line = [self.PROGRAM, "--json", "--home", self.folder / "home", *words]
        finished = subprocess.run(line, input=typed.encode(), capture_output=True, timeout=CALL_S, check=False)
        try:
            return json.loads(finished.stdout)
        except ValueError:
            raise RuntimeError(f"prose-manager {words}: {finished}") from None

    def done(self, *words, typed=""):
        """The same, where anything but success ends the program."""
        answer = self.json(*words, typed=typed)
        if not answer["ok"]:
            raise RuntimeError(f"prose-manager {words}: {answer['message']}; {answer['hint']}")
        return answer

    def written(self, *words):
        """The octets of the file that a command writes."""
        path = self.folder / "file"
        path.unlink(missing_ok=True)
        self.done(*words, "--out", path)
        return path.read_bytes()

    def take(self, statement, *words):
        """What a radio says of itself."""
        path = self.folder / "statement"
        path.write_bytes(statement)
        return self.done("device", "import", path, *words)

    def serve(self, port=0):
        """Starts the server, on ports of its own choice unless one is named; it ends with `stop`."""
        line = [self.PROGRAM, "--json", "--home", self.folder / "home", "serve", "--name", "manager",
                "--listen", f"127.0.0.1:{port}", "--operator-listen", "127.0.0.1:0"]
        with open(self.folder / "server.log", "ab") as log:
            self.server = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        answer = json.loads(self.server.stdout.readline() or "{}")
        if not answer.get("ok"):
            raise RuntimeError(f"prose-manager serve: {answer} {self.log()}")
        self.port, self.operator_port = (int(answer[name].rsplit(":", 1)[1]) for name in ("devices", "operators"))

    def stop(self):
        """Ends the server as a system does; its exit status."""
        if self.server is None:
            return None
        self.server.terminate()
        try:
            return self.server.wait(CALL_S)
        finally:
            self.server.kill()
            self.server.stdout.close()
            self.server = None

    def log(self):
        return (self.folder / "server.log").read_text(errors="replace")

    def invite(self, subscriber, *words):
        """A token file for a UE, which finds the manager as it is told by `--reach`."""
        return self.written("device", "invite", subscriber, "--url", f"https://manager:{self.port}", *words)
