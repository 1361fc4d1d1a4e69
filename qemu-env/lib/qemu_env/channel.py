"""Runs a command in a UE through the guest's agent. The protocol is described in qemu-env/agent/src/frame.rs."""

import os
import select
import struct
import time

from .machine import PORTS
from .report import Failure
from .ue_folder import try_lock

HEADER = struct.Struct("<cI")
MAGIC = b"ue-agent"
AGENT_STARTED = b"\0"  # no frame begins so
CHUNK = 32 * 1024 - HEADER.size
WINDOW = 256 * 1024
END_SECONDS = 5


class Channel:
    """One of the agent's ports, held alone from `__enter__` to `__exit__`."""

    def __init__(self, ue, seconds):
        self._ue = ue
        self._deadline = time.monotonic() + seconds
        self._lock = None
        self._socket = None
        self._bytes = bytearray()

    def __enter__(self):
        try:
            port = self._take_port()
            self._greet(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Hanging up is what tells the agent to end a command that still runs.
        for held in (self._socket, self._lock):
            if held is not None:
                held.close()
        self._socket = self._lock = None

    def _take_port(self):
        while True:
            for port in range(PORTS):
                descriptor = try_lock(self._ue.folder / f"agent{port}.lock")
                if descriptor is not None:
                    self._lock = os.fdopen(descriptor, "rb")
                    return port
            self._check_time("all its ports are busy with other commands")
            time.sleep(0.02)

    def _greet(self, port):
        """A first try can fall into what the agent still holds of a died session; hanging up clears that."""
        patience = 0.5
        while True:
            try:
                self._socket = self._ue.connect(f"agent{port}.sock", timeout=patience)
                if self._exchange_hello(patience):
                    self._socket.settimeout(None)
                    return
            except OSError:
                pass  # QEMU has not made its socket yet, or is just ending
            if self._socket is not None:
                self._socket.close()
            if not self._ue.is_running():
                raise Failure(f"{self._ue.name} is not running{self._ue.why_ended()}")
            self._check_time("its agent does not answer")
            time.sleep(0.05)
            patience = min(2 * patience, 4)

    def _exchange_hello(self, patience):
        hello = MAGIC + os.urandom(16)
        hello = HEADER.pack(b"H", len(hello)) + hello
        self._socket.sendall(hello)
        end = time.monotonic() + patience
        seen = bytearray()
        while time.monotonic() < end:
            data = self._socket.recv(65536)
            if not data:
                return False
            seen += data
            at = seen.find(hello)
            if at >= 0:
                self._bytes = seen[at + len(hello) :]
                return self._bytes[:1] != AGENT_STARTED  # which has forgotten the greeting
            # What cannot be the beginning of the answer is stale.
            del seen[: -len(hello)]
        return False

    def _check_time(self, why):
        if time.monotonic() > self._deadline:
            raise Failure(f"{self._ue.name}: {why}; `qemu-env/ue list` shows its state")

    def _send(self, kind, payload=b""):
        # The agent always reads, so this does not block for long.
        self._socket.sendall(HEADER.pack(kind, len(payload)) + payload)

    def _frames(self):
        """All whole frames that have arrived."""
        if self._bytes[:1] == AGENT_STARTED:
            raise Failure(f"{self._ue.name}: the agent ended while the command ran, and was started again")
        while len(self._bytes) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._bytes)
            if len(self._bytes) < HEADER.size + length:
                return
            payload = bytes(self._bytes[HEADER.size : HEADER.size + length])
            del self._bytes[: HEADER.size + length]
            yield kind, payload

    def run(self, words, stdin=0, stdout=1, stderr=2, seconds=None):
        """Runs one command on these descriptors (stdin None: empty) and returns its exit status. It may take its time,
        or so many seconds."""
        try:
            return self._converse(words, stdin, stdout, stderr, seconds)
        except TimeoutError:
            raise Failure(f"{self._ue.name}: {words[0]} did not end within {seconds} s") from None
        except OSError as error:
            raise self._lost(error) from None

    def _converse(self, words, stdin, stdout, stderr, seconds):
        """The same; OSError here is of the agent's socket, and of nothing else."""
        deadline = None if seconds is None else time.monotonic() + seconds
        self._socket.settimeout(seconds)
        self._send(b"C", b"".join(os.fsencode(word) + b"\0" for word in words))
        credit = WINDOW
        if stdin is None:
            self._send(b"Z")
        while True:
            for kind, payload in self._frames():
                if kind == b"A":
                    credit += int.from_bytes(payload, "little")
                elif kind == b"O":
                    write(stdout, payload)
                elif kind == b"E":
                    write(stderr, payload)
                elif kind == b"X":
                    return payload[0]
                else:
                    raise Failure(f"{self._ue.name}: the agent sent a frame of unknown kind {kind!r}")
            waiting = [self._socket] + ([stdin] if stdin is not None and credit > 0 else [])
            left = deadline and deadline - time.monotonic()
            ready, _, _ = select.select(waiting, [], [], left and max(0, left))
            # Also one that never stops talking has to end.
            if deadline and time.monotonic() > deadline:
                raise TimeoutError
            if stdin in ready:
                data = read(stdin, min(CHUNK, credit))
                if data:
                    self._send(b"I", data)
                    credit -= len(data)
                else:
                    self._send(b"Z")
                    stdin = None
            if self._socket in ready:
                data = self._socket.recv(1 << 18)
                if not data:
                    raise ConnectionError("it hung up")
                self._bytes += data

    def _lost(self, error):
        """Most often QEMU has just ended: why, is written a moment later."""
        if self._ue.wait_until_ended(END_SECONDS):
            return Failure(f"{self._ue.name} ended while the command ran{self._ue.why_ended()}")
        return Failure(f"{self._ue.name}: lost the connection to its agent while the command ran: {error}")


class OutputClosed(Exception):
    """Nobody reads any more what the command writes."""


def read(descriptor, count):
    try:
        return os.read(descriptor, count)
    except OSError:
        return b""  # standard input is closed or is no file to read from


def write(descriptor, data):
    """Its errors are not the socket's, so they are no OSError."""
    if descriptor is None:
        return
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except BrokenPipeError:
        raise OutputClosed from None
    except OSError as error:
        raise Failure(f"writing what the command says: {error.strerror}") from None


def answers(ue, seconds):
    """Does the agent answer? Commands on all ports count as an answer."""
    try:
        with Channel(ue, seconds):
            return True
    except Failure:
        return False
