"""The manager's two interfaces, asked by schemathesis for whatever their own documents allow, and what they do not."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

import prose_manager
import radio
from harness import packages
from harness.process import OUT, ROOT

PASSWORD = "correct horse battery staple"
GROUP = "0a0b0c"
RADIOS = 12
LIMIT_S = 300


def setUpModule():
    sys.path.insert(0, str(packages.installed()))
    prose_manager.build()


class Interfaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="prose-api-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.site = prose_manager.Manager(cls.folder)
        cls.site.done("init")
        with open(cls.folder / "home/manager.toml", "a") as config:
            config.write("rate = 100000\nburst = 100000\nlog = \"warn\"\n")
        cls.site.done("operator", "add", "alice", typed=PASSWORD + "\n")
        cls.site.done("group", "add", GROUP, "--name", "patrol", "--joining", "approved")
        cls.root = bytes.fromhex(cls.site.done("enrolment", "--out", cls.folder / "enrol")["root_digest"])
        for number in range(1, RADIOS + 1):
            one = radio.Radio(cls.root)
            cls.site.take(one.statement(), "--name", f"r{number}")
            cls.site.done("device", "approve", one.id.hex())
        pending = [radio.Radio(cls.root) for _ in range(RADIOS)]
        for one in pending:
            cls.site.take(one.statement())
        cls.pending = [one.id.hex() for one in pending]
        cls.site.done("authority", "--out", cls.folder / "authority.pem")
        cls.site.serve()
        cls.addClassCleanup(cls.site.stop)

    def document(self, side, token):
        """As the server itself gives it."""
        context = ssl.create_default_context(cafile=self.folder / "authority.pem")
        url = f"https://localhost:{self.site.operator_port}/v1/openapi/{side}.json"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, context=context, timeout=prose_manager.CALL_S) as answer:
            path = self.folder / f"{side}.json"
            path.write_bytes(answer.read())
        return path

    def test_0_nothing_older_than_tls_1_3_is_spoken(self):
        for version, is_spoken in [(ssl.TLSVersion.TLSv1_2, False), (ssl.TLSVersion.TLSv1_3, True)]:
            context = ssl.create_default_context(cafile=self.folder / "authority.pem")
            context.minimum_version = context.maximum_version = version
            for port in (self.site.port, self.site.operator_port):
                with self.subTest(version=version, port=port):
                    with socket.create_connection(("localhost", port), timeout=prose_manager.CALL_S) as wire:
                        if not is_spoken:
                            with self.assertRaisesRegex(ssl.SSLError, "(?i)version"):
                                context.wrap_socket(wire, server_hostname="localhost")
                            continue
                        with context.wrap_socket(wire, server_hostname="localhost") as secure:
                            self.assertEqual(secure.version(), "TLSv1.3")

    def ask(self, side, port, **credential):
        token = self.site.done("operator", "token", "alice")["token"]
        url = f"https://localhost:{port}"
        known = {"url": url, "authority": str(self.folder / "authority.pem"), "side": side, "pending": self.pending,
                 **(credential or {"token": token})}  # fmt: skip
        path = os.pathsep.join(map(str, [ROOT / "tests", packages.installed(), packages.installed(packages.API_REQUIREMENTS)]))
        line = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", ROOT / "tests/schemathesis.toml",
                "run", self.document(side, token), "--url", url, "--tls-verify", self.folder / "authority.pem",
                "--checks", "all"]  # fmt: skip
        env = {**os.environ, "PYTHONPATH": path, "SCHEMATHESIS_HOOKS": "api_hooks", "PROSE_API": json.dumps(known)}
        OUT.mkdir(parents=True, exist_ok=True)
        with open(OUT / f"api-{side}.log", "w+") as log:
            status = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=env,
                                    cwd=self.folder, timeout=LIMIT_S).returncode  # fmt: skip
            log.seek(0)
            said = log.read()
        self.assertEqual(status, 0, said[-20000:])
        print(said[-2000:])

    def test_the_operators_interface_is_as_its_document_says(self):
        self.ask("operator", self.site.operator_port)

    def test_the_devices_interface_is_as_its_document_says(self):
        seed = os.urandom(32)
        one = radio.Radio(self.root, seed)
        self.site.take(one.statement(), "--name", "asker")
        self.site.done("device", "approve", one.id.hex())
        self.site.done("member", "add", "patrol", "asker", "000001")
        self.ask("device", self.site.port, seed=seed.hex(), root=self.root.hex())
