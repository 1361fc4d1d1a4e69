"""What a peer may keep of the manager's server: a place, so long, and so many octets."""

import base64
import concurrent.futures
import re
import shutil
import socket
import ssl
import sys
import tempfile
import time
import unittest
from pathlib import Path

import prose_manager
import radio
from harness import packages

CONNECTIONS, BURST = 8, 60
# src/serve/listen.rs ends a handshake after 10 s, and a head that does not come after 30.
HANDSHAKE_S, HEAD_S = 10, 30
# So late a busy machine may be.
LATE_S = 60
PASSWORD = "correct horse battery staple"


def setUpModule():
    sys.path.insert(0, str(packages.installed()))
    prose_manager.build()


class Bounds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = Path(tempfile.mkdtemp(prefix="prose-bounds-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.site = prose_manager.Manager(folder)
        cls.site.done("init")
        with open(folder / "home/manager.toml", "a") as config:
            config.write(f"connections = {CONNECTIONS}\nrate = 20\nburst = {BURST}\n")
        cls.site.done("operator", "add", "alice", typed=PASSWORD + "\n")
        cls.token = cls.site.done("operator", "token", "alice")["token"]
        cls.context = ssl.create_default_context(cadata=cls.site.written("authority").decode())
        cls.site.serve()
        cls.addClassCleanup(cls.site.stop)
        cls.ports = {"device": cls.site.port, "operator": cls.site.operator_port}

    def wire(self, port):
        wire = socket.create_connection(("localhost", port), timeout=LATE_S)
        self.addCleanup(wire.close)
        return wire

    def secure(self, port):
        secure = self.context.wrap_socket(self.wire(port), server_hostname="localhost")
        self.addCleanup(secure.close)
        return secure

    def ask(self, port, head, body=b""):
        """The answer to one request on a connection of its own: status and all that came."""
        with self.secure(port) as secure:
            secure.sendall(f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode() + body)
            said = b"".join(iter(lambda: secure.recv(1 << 16), b"")).decode()
        return int(re.match(r"HTTP/1\.1 (\d{3}) ", said)[1]), said

    def ends_after(self, quiet):
        """How long the server lets one sit there, from before it came."""
        wire, began, bound = quiet
        wire.settimeout(bound + LATE_S)
        try:
            self.assertEqual(wire.recv(1 << 16), b"")
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        return time.monotonic() - began

    def test_who_says_nothing_loses_his_place(self):
        quiet = []
        for port in self.ports.values():
            for make, bound in ((self.wire, HANDSHAKE_S), (self.secure, HEAD_S), (self.half, HEAD_S)):
                began = time.monotonic()
                quiet.append((make(port), began, bound))
        with concurrent.futures.ThreadPoolExecutor(len(quiet)) as side_by_side:
            took = list(side_by_side.map(self.ends_after, quiet))
        for (_, _, bound), took_s in zip(quiet, took, strict=True):
            self.assertGreater(took_s, bound, took)
            self.assertLess(took_s, bound + LATE_S, took)

    def half(self, port):
        """One that begins a head and does not end it."""
        half = self.secure(port)
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        return half

    def test_one_more_than_there_are_places_waits_for_one(self):
        for name, port in self.ports.items():
            with self.subTest(name):
                held = [self.secure(port) for _ in range(CONNECTIONS)]
                more = self.context.wrap_socket(self.wire(port), server_hostname="localhost", do_handshake_on_connect=False)
                self.addCleanup(more.close)
                more.settimeout(1)
                with self.assertRaises(TimeoutError):
                    more.do_handshake()
                held.pop().close()
                more.settimeout(LATE_S)
                more.do_handshake()
                more.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertIn(b"200 OK", more.recv(1 << 16))
                for one in [*held, more]:
                    one.close()

    def test_a_head_is_bounded(self):
        for name, port in self.ports.items():
            with self.subTest(name):
                status, _ = self.ask(port, f"GET /healthz HTTP/1.1\r\nX-More: {'A' * 20_000}")
                self.assertEqual(status, 431)

    def test_a_body_is_bounded_also_where_its_length_is_not_told(self):
        said = self.ask(self.site.port, "POST /v1/nonce HTTP/1.1")[1]
        nonce = base64.urlsafe_b64decode(re.search(r'"nonce":"([^"]*)"', said)[1] + "=")
        statement = base64.urlsafe_b64encode(radio.Radio(bytes(32)).statement(nonce)).decode().rstrip("=")
        for name, path, proof, most in [
            ("device", "enrol", f"ProSeal-Statement {statement}", 4096),
            ("operator", "groups", f"Bearer {self.token}", 16_384),
        ]:
            head = f"POST /v1/{path} HTTP/1.1\r\nAuthorization: {proof}\r\nContent-Type: application/json"
            for over, problem in ((0, "usage"), (1, "too_long")):
                body = b'{"name":"' + b"A" * (most + over - 11) + b'"}'
                chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
                for told, octets in [(f"Content-Length: {len(body)}", body), ("Transfer-Encoding: chunked", chunked)]:
                    with self.subTest(name, over=over, told=told):
                        status, said = self.ask(self.ports[name], f"{head}\r\n{told}", octets)
                        self.assertEqual(status, 413 if over else 422, said)
                        self.assertIn(f'"{problem}"', said)

    def test_who_asks_too_often_waits_on_either_side(self):
        for name, port in self.ports.items():
            with self.subTest(name):
                with self.secure(port) as secure:
                    said, asked = b"", b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    secure.sendall(asked * (2 * BURST) + asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                    said = b"".join(iter(lambda: secure.recv(1 << 16), b"")).decode()
                statuses = re.findall(r"HTTP/1\.1 (\d{3}) ", said)
                self.assertEqual(len(statuses), 2 * BURST + 1)
                self.assertGreaterEqual(statuses.count("404"), BURST // 2, statuses)
                self.assertGreater(statuses.count("429"), 0, statuses)
                self.assertIn("retry-after: 1", said.lower())
                time.sleep(1.5)


if __name__ == "__main__":
    unittest.main()
