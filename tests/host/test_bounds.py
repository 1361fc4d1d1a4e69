"""What a peer may keep of the manager's server, before it has said who it is: a place, so long, and so many octets."""

import concurrent.futures
import re
import shutil
import socket
import ssl
import tempfile
import time
import unittest
from pathlib import Path

import prose_manager

CONNECTIONS, BURST = 8, 60
# src/serve/listen.rs ends a handshake after 10 s, and a head that does not come after 30.
HANDSHAKE_S, HEAD_S = 10, 30
# A busy machine is late, and never early.
LATE_S = 60
PASSWORD = "correct horse battery staple"


def setUpModule():
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

    def ends_after(self, socket_):
        """How long the server lets it sit there."""
        began = time.monotonic()
        try:
            self.assertEqual(socket_.recv(1 << 16), b"")
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        return time.monotonic() - began

    def test_who_says_nothing_loses_his_place(self):
        quiet = [(self.wire(port), HANDSHAKE_S) for port in self.ports.values()]
        quiet += [(self.secure(port), HEAD_S) for port in self.ports.values()]
        half = self.secure(self.site.port)
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        quiet.append((half, HEAD_S))
        with concurrent.futures.ThreadPoolExecutor(len(quiet)) as side_by_side:
            took = list(side_by_side.map(lambda one: self.ends_after(one[0]), quiet))
        for (_, bound), took_s in zip(quiet, took, strict=True):
            # As it was begun a moment before it was looked at.
            self.assertGreater(took_s, bound - 2, took)
            self.assertLess(took_s, bound + LATE_S, took)

    def test_one_more_than_there_are_places_waits_for_one(self):
        for name, port in self.ports.items():
            with self.subTest(name):
                held = [self.secure(port) for _ in range(CONNECTIONS)]
                more = self.wire(port)
                more.settimeout(1)
                with self.assertRaises(TimeoutError):
                    self.context.wrap_socket(more, server_hostname="localhost")
                for one in held:
                    one.close()
                self.assertEqual(self.ask(port, "GET /healthz HTTP/1.1")[0], 200)

    def test_a_head_is_bounded(self):
        for name, port in self.ports.items():
            with self.subTest(name):
                status, _ = self.ask(port, f"GET /healthz HTTP/1.1\r\nX-More: {'A' * 20_000}")
                self.assertEqual(status, 431)

    def test_a_body_is_bounded_also_where_its_length_is_not_told(self):
        body = b'{"id": "0a0b0c", "name": "' + b"A" * 20_000 + b'"}'
        chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        json = f"POST /v1/groups HTTP/1.1\r\nAuthorization: Bearer {self.token}\r\nContent-Type: application/json"
        for name, head, octets in [
            ("told", f"{json}\r\nContent-Length: {len(body)}", body),
            ("chunked", f"{json}\r\nTransfer-Encoding: chunked", chunked),
        ]:
            with self.subTest(name):
                status, said = self.ask(self.site.operator_port, head, octets)
                self.assertEqual(status, 413, said)
                self.assertIn("too_long", said)

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
