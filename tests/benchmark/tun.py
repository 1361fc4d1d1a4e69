"""UDP through two TUN interfaces in two network namespaces, a veth between them: prosed over the trusted application's
logic, and boringtun (WireGuard in the user's space) as `cargo install` makes it, one thread each. As root."""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import packages

# One IPv4 packet of 1,400 octets, in either's TUN.
OCTETS = 1400 - 20 - 8
SECONDS, ROUNDS = 3, 7
PORT = 5001
ADDRESSES = ("10.88.0.1", "10.88.0.2")
TUN = "tun0"
median = statistics.median


def measure(root):
    """{program: its rounds}: each `per_second`, `cpu_us` a packet of both ends together, `lost` share. In turn."""
    boringtun = install(root)
    runs = {"prosed": [], "boringtun": []}
    for _ in range(ROUNDS):
        runs["prosed"].append(run(root, Prosed(root)))
        runs["boringtun"].append(run(root, Boringtun(boringtun)))
    return runs


def install(root):
    folder = root / "out/tools/boringtun"
    program = folder / "bin/boringtun-cli"
    if not program.exists():
        subprocess.run(["cargo", "install", "--quiet", "--locked", "--root", folder, "boringtun-cli"], check=True,
                       stdin=subprocess.DEVNULL, timeout=1500)
    return program


class Pair:
    """Two namespaces with a veth between them."""

    def __enter__(self):
        self.spaces = [f"pt{os.getpid()}{end}" for end in "ab"]
        try:
            for space in self.spaces:
                ip("netns", "add", space)
            one, other = self.spaces
            ip("-n", one, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", other)
            for number, space in enumerate(self.spaces):
                subprocess.run(["ip", "netns", "exec", space, "sh", "-c",
                                "echo 0 > /proc/sys/net/ipv6/conf/wire/accept_dad"], check=True)
                ip("-n", space, "addr", "add", f"10.99.0.{number + 1}/24", "dev", "wire")
                for interface in ("lo", "wire"):
                    ip("-n", space, "link", "set", interface, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], capture_output=True)

    def words(self, end, *command):
        return ["ip", "netns", "exec", self.spaces[end], *map(os.fspath, command)]


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Prosed:
    def __init__(self, root):
        self.program = root / "target/release/prosed"

    def start(self, pair, end, folder):
        sys.path.insert(0, str(packages.installed()))
        import prosed

        content = folder / "content"
        content.write_bytes(prosed.content(end + 1, epoch_packets=2**31))
        config = folder / "config"
        config.write_text(f'interface = "wire"\nsocket = "{folder}/socket"\nstate = "{folder}/state"\n'
                          f'lock_memory = false\n[group.0a0b0c]\ntun = "{TUN}"\n')
        return subprocess.Popen(pair.words(end, self.program, "--config", config, "--sim", content))


class Boringtun:
    """Keys and peers are told as wg(8) does it, by WireGuard's userspace protocol."""

    SOCKETS = Path("/var/run/wireguard")

    def __init__(self, program):
        self.program = program

    def start(self, pair, end, folder):
        # The socket has the interface's name, in all namespaces the same: each is used and forgotten in turn.
        (self.SOCKETS / f"{TUN}.sock").unlink(missing_ok=True)
        words = ("--foreground", "--disable-drop-privileges", "--threads", "1", "--verbosity", "error", TUN)
        process = subprocess.Popen(pair.words(end, self.program, *words))
        deadline = time.monotonic() + 10
        while not (self.SOCKETS / f"{TUN}.sock").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        keys = [bytes([number]) * 31 + b"\x40" for number in (8, 16)]
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(os.fspath(self.SOCKETS / f"{TUN}.sock"))
            control.sendall(f"set=1\nprivate_key={keys[end].hex()}\nlisten_port=51820\n"
                            f"public_key={public(keys[1 - end]).hex()}\nendpoint=10.99.0.{2 - end}:51820\n"
                            f"allowed_ip=10.88.0.0/24\n\n".encode())
            answer = control.recv(1000)
            if b"errno=0" not in answer:
                raise RuntimeError(f"boringtun does not take its keys: {answer!r}")
        return process


def public(private):
    sys.path.insert(0, str(packages.installed()))
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def run(root, program):
    """One round."""
    load = root / "target/release/examples/udpload"
    with Pair() as pair, contextlib.ExitStack() as stack:
        daemons = []
        for end in range(2):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            daemons.append(program.start(pair, end, folder))
            stack.callback(end_process, daemons[-1])
            until(lambda: Path(f"/proc/{daemons[-1].pid}/net/dev").read_text().count(f"{TUN}:"))
            ip("-n", pair.spaces[end], "addr", "add", f"{ADDRESSES[end]}/24", "dev", TUN)
            ip("-n", pair.spaces[end], "link", "set", TUN, "mtu", "1406", "up")
        count = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm"))) / "count"
        receiver = subprocess.Popen(pair.words(1, load, "receive", f"{ADDRESSES[1]}:{PORT}", count))
        stack.callback(end_process, receiver)
        until(lambda: count.exists() and count.stat().st_size)

        def send(seconds):
            words = pair.words(0, load, "send", f"{ADDRESSES[1]}:{PORT}", str(OCTETS), str(seconds), count)
            return json.loads(subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout)

        # Handshake, epochs, caches.
        until(lambda: send(1)["received"])
        before = sum(map(cpu_s, daemons))
        sent = send(SECONDS)
        used = sum(map(cpu_s, daemons)) - before
    return {"per_second": sent["received"] / sent["seconds"], "cpu_us": used / sent["received"] * 1e6,
            "lost": 1 - sent["received"] / sent["sent"]}


def until(condition, limit_s=20):
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("a tunnel does not come up")
        time.sleep(0.05)


def end_process(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_s(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
