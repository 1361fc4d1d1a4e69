"""An ad-hoc link between network namespaces, each one radio, through prose-hub: for tests on this machine, as root."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HUB = ROOT / "target/release/prose-hub"
# The interface's name in each namespace.
INTERFACE = "radio"
LIMIT_S = 60


def build():
    subprocess.run(["cargo", "build", "--locked", "--release", "-q", "-p", "prose-hub"], cwd=ROOT, check=True, timeout=900)


class Link:
    """Radios by their names on one link. `options` are prose-hub's; what they count is what `close` returns."""

    interface = INTERFACE

    def __init__(self, radios, *options):
        self.radios = list(radios)
        # Names of this process: two runs do not meet.
        self.taps = {name: f"ps{os.getpid()}-{number}" for number, name in enumerate(self.radios)}
        self.counts = None
        words = [word for tap in self.taps.values() for word in ("--tap", tap)]
        self.hub = subprocess.Popen([HUB, *words, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            # Answered when the interfaces are there.
            self.order("count")
            for name, tap in self.taps.items():
                self._make(name, tap)
        except BaseException:
            self.close()
            raise

    @property
    def spaces(self):
        """The namespaces, in the order of their radios."""
        return list(self.taps.values())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def namespace(self, radio):
        return self.taps[radio]

    def words(self, radio, *command):
        """A command as it is run at a radio."""
        return ["ip", "netns", "exec", self.namespace(radio), *command]

    def start(self, radio, *command, **options):
        return subprocess.Popen(self.words(radio, *command), **options)

    def order(self, line):
        """Tells the hub; what it answers."""
        self.hub.stdin.write(f"{line}\n")
        self.hub.stdin.flush()
        answer = json.loads(self.hub.stdout.readline() or '{"ok": false, "message": "the hub has ended"}')
        if not answer.pop("ok"):
            raise ValueError(answer["message"])
        return answer

    def close(self):
        """Ends it; what became of all frames, by radio."""
        if self.hub.poll() is None:
            try:
                last = self.hub.communicate(timeout=LIMIT_S)[0].splitlines()[-1]
                by_tap = json.loads(last)["ports"]
                self.counts = {name: by_tap[tap] for name, tap in self.taps.items()}
            finally:
                self.hub.kill()
                self.hub.wait()
        for tap in self.taps.values():
            if Path(f"/run/netns/{tap}").exists():
                ip("netns", "delete", tap)
        return self.counts

    def _make(self, name, tap):
        ip("netns", "add", tap)
        ip("link", "set", tap, "netns", tap, "name", INTERFACE)
        # An address that is there at once: nobody else has it here. And no router is looked for: what a radio sends
        # is what its programs send.
        quiet = f"cd /proc/sys/net/ipv6/conf/{INTERFACE} && echo 0 >accept_dad && echo 0 >router_solicitations"
        subprocess.run(self.words(name, "sh", "-c", quiet), check=True, timeout=LIMIT_S)
        for interface in ("lo", INTERFACE):
            ip("-n", tap, "link", "set", interface, "up")


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode:
        sys.exit(f"ip {' '.join(words)}: {done.stderr.strip()} (network namespaces need root)")


def adds_up(count):
    """Whether each frame has become something, and only one thing."""
    went = sum(count[name] for name in ("lost", "down", "full", "delivered", "under_way"))
    return count["offered"] + count["doubled"] == went
