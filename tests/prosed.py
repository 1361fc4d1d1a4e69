"""Radios for tests: prosed over the trusted application's logic (`--sim`), each in a network namespace of its own, on
one link."""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import cbor2

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "target/debug/prosed"
# For what has to be fast.
RELEASE = ROOT / "target/release/prosed"
PROSECTL = ROOT / "target/debug/prosectl"
GROUP = 0x0A0B0C
TIME = 1_767_225_600
PROFILES, SUITES = {"hkdf-sha256": 1, "3gpp-ts33303": 2}, {"aead": 1, "integrity": 2, "3gpp": 3}
LIMIT_S = 20


def build():
    for words in (["-p", "prosed", "--features", "sim"], ["-p", "prosectl"]):
        subprocess.run(["cargo", "build", "-q", "--locked", "--no-default-features", *words], cwd=ROOT, check=True,
                       stdin=subprocess.DEVNULL)


def content(member, generations=(1,), profile="hkdf-sha256", suite="aead", sequence=1, **policy):
    """What is installed, as docs/commands.md says."""
    def pgk(generation):
        values = {5: TIME, 6: 2**40, 7: PROFILES[profile], 8: SUITES[suite], 9: "", 10: policy.get("epoch_s", 3600),
                  11: policy.get("epoch_packets", 10**6), 12: 600, 13: 0, 14: 0, 15: True}
        return {1: generation, 2: generation & 0xFF, 3: bytes([generation & 0xFF]) * 32, 4: False, **values}

    group = {1: GROUP, 2: member, 3: generations[0], 4: True, 5: [pgk(generation) for generation in generations]}
    return cbor2.dumps({1: bytes(16), 2: sequence, 3: TIME, 5: [group]})


def until(what, condition, limit_s=LIMIT_S):
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.02)
    return found


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def build_release():
    subprocess.run(["cargo", "build", "-q", "--locked", "--release", "-p", "prosed", "--no-default-features",
                    "--features", "sim"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


class Link:
    """Namespaces whose interfaces hang on one bridge: an ad-hoc link without loss."""

    interface = "adhoc0"

    def __init__(self, radios):
        self.name = f"ps{os.getpid() % 100000}"
        self.spaces = [f"{self.name}r{number}" for number in range(radios)]
        self.hub = f"{self.name}h"

    def __enter__(self):
        try:
            ip("netns", "add", self.hub)
            ip("-n", self.hub, "link", "add", "hub", "type", "bridge", "mcast_snooping", "0")
            ip("-n", self.hub, "link", "set", "hub", "up")
            for number, space in enumerate(self.spaces):
                ip("netns", "add", space)
                ip("-n", self.hub, "link", "add", f"port{number}", "type", "veth", "peer", "name", "adhoc0",
                   "netns", space)
                ip("-n", self.hub, "link", "set", f"port{number}", "master", "hub", "up")
                # No duplicate address detection: link-local addresses are there at once.
                ip("netns", "exec", space, "sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/adhoc0/accept_dad")
                ip("-n", space, "link", "set", "lo", "up")
                ip("-n", space, "link", "set", "adhoc0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for space in [*self.spaces, self.hub]:
            subprocess.run(["ip", "netns", "del", space], capture_output=True)


class Api:
    """A connection to the local API."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT_S)
        try:
            self.socket.connect(os.fspath(path))
        except OSError:
            self.socket.close()
            raise
        self.rest = b""

    def say(self, method, more=False, **parameters):
        name = method if "." in method else f"org.proseal.traffic.{method}"
        message = {"method": name, "parameters": parameters, **({"more": True} if more else {})}
        self.socket.sendall(json.dumps(message).encode() + b"\0")

    def hear(self):
        while b"\0" not in self.rest:
            octets = self.socket.recv(65536)
            if not octets:
                raise EOFError("the daemon closed the connection")
            self.rest += octets
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.say(method, **parameters)
        return self.hear()

    def close(self):
        self.socket.close()


class Radio:
    """A daemon in a namespace of a link: this module's, or that of link.py. `octets` are for the trusted application,
    as `sim` says."""

    program = PROGRAM

    def __init__(self, link, number, octets, extra="", member=None, sim="--sim"):
        self.space, self.member = link.spaces[number], f"{(member or number + 1):06x}"
        self.interface, self.sim = link.interface, sim
        self.folder = Path(tempfile.mkdtemp(prefix="prosed-"))
        self.config, self.process = self.folder / "prosed.toml", None
        self.extra = extra
        self.write_config()
        (self.folder / "content").write_bytes(octets)
        self.log = open(self.folder / "log", "wb")

    def write_config(self):
        paths = f'socket = "{self.folder}/socket"\nstate = "{self.folder}/state"\n'
        self.config.write_text(f'interface = "{self.interface}"\n{paths}'
                               f"lock_memory = false\n{self.extra}")

    def start(self, env=None):
        self.begin(env)
        until(f"radio {self.member} can send", self.can_send)
        return self

    def begin(self, env=None):
        """Starts it without waiting for it."""
        command = ["ip", "netns", "exec", self.space, os.fspath(self.program), "--config", os.fspath(self.config),
                   self.sim, os.fspath(self.folder / "content")]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env={**os.environ, **(env or {})})

    def can_send(self):
        if self.process.poll() is not None:
            raise AssertionError(f"prosed ended: {self.said()}")
        with contextlib.suppress(OSError):
            groups = self.status()["groups"]
            return groups and groups[0]["sending"]

    def api(self):
        return Api(self.folder / "socket")

    def call(self, method, **parameters):
        with contextlib.closing(self.api()) as api:
            return api.call(method, **parameters)

    def status(self):
        return self.call("Status")["parameters"]

    def send(self, payload):
        return self.call("Send", group=f"{GROUP:06x}", payload=base64.b64encode(payload).decode())

    def subscribe(self):
        api = self.api()
        api.say("Subscribe", more=True)
        # What is asked next on another connection comes after it.
        self.status()
        return api

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def end(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(LIMIT_S)
        return self.process and self.process.returncode

    def remove(self):
        self.end(signal.SIGKILL)
        self.log.close()
        shutil.rmtree(self.folder)


class Enrolled(Radio):
    """A radio of a manager (tests/manager.py), whose packages it is given by `carry`."""

    program = RELEASE

    def __init__(self, link, number, manager, **more):
        super().__init__(link, number, manager.root + manager.manager, sim="--sim-enrolled", **more)
        self.manager = manager

    def package(self, sequence, pgks, at, below=1):
        """All that it should hold: these PGKs of the group."""
        statement = cbor2.loads(cbor2.loads((self.folder / "content.statement").read_bytes()).value[2])
        group = {1: GROUP, 2: int(self.member, 16), 3: below, 4: True, 5: pgks}
        return self.manager.package(statement[1], statement[2], sequence, [group], at)

    def answers(self):
        """Whether its local API is there, and its trusted application was asked."""
        if self.process.poll() is not None:
            raise AssertionError(f"prosed ended: {self.said()}")
        with contextlib.suppress(OSError):
            return (self.folder / "content.statement").exists() and self.status()

    def carry(self, octets):
        return self.call("Carry", group=f"{GROUP:06x}", object=base64.b64encode(octets).decode())


def payload_of(message):
    return base64.b64decode(message["parameters"]["payload"])


def exact(test, radio):
    """Every frame that came in is counted once."""
    counters = radio.status()["counters"]
    sum_of = counters["delivered"] + counters["objects"] + counters["waiting"] + sum(counters["drops"].values())
    test.assertEqual(counters["received"], sum_of, counters)
    return counters
