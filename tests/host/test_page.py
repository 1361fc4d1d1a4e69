"""The operator's page in headless Chromium, by keys alone and without scripts; pictures in out/screenshots."""

import base64
import copy
import hashlib
import shutil
import socket
import ssl
import sys
import tempfile
import time
import unittest
from pathlib import Path

import chromium
import prose_manager
import radio
from harness import packages
from harness.process import ROOT, paths

SHOTS = paths.OUT / "screenshots"
PASSWORD = "correct horse battery staple"
GROUP = "0a0b0c"
TABS = 80


def setUpModule():
    sys.path.insert(0, str(packages.installed()))
    prose_manager.build()
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)


class Site(prose_manager.Manager):
    """A manager that serves a group of six radios, and what can be wrong with them."""

    def __init__(self, folder):
        super().__init__(folder)
        self.done("init")
        with open(self.folder / "home/manager.toml", "a") as config:
            config.write('log = "debug"\n')
        for name, role in (("alice", "operator"), ("victor", "viewer")):
            self.done("operator", "add", name, "--role", role, typed=PASSWORD + "\n")
        self.done("group", "add", GROUP, "--name", "patrol")
        self.done("group", "add", "0a0b0d", "--name", "rescue", "--suite", "integrity", "--ahead", "2")
        fingerprint = self.done("enrolment", "--out", self.folder / "enrol")["fingerprint"]
        self.root = bytes.fromhex(fingerprint.replace(" ", ""))
        self.radios = {}
        for number in range(1, 7):
            self.add(f"unit-{number}", number)
        for number in (1, 2, 4, 5):
            self.report(f"unit-{number}")
        self.done("key", "rotate", "patrol")
        self.report("unit-1")
        # Its storage was put back.
        old = copy.copy(self.radios["unit-4"])
        self.report("unit-4")
        self.take(old.statement())
        self.take(radio.Radio(self.root).statement(), "--name", "unit-7")

    def add(self, name, number):
        one = self.radios[name] = radio.Radio(self.root)
        self.take(one.statement(), "--name", name)
        self.done("device", "approve", one.id.hex())
        more = ["--receive-only"] if number == 3 else []
        self.done("member", "add", "patrol", name, f"{number:06x}", *more)
        if number < 3:
            self.done("member", "add", "rescue", name, f"{number:06x}")

    def report(self, name):
        """The radio applies its newest package, and says so."""
        package = self.folder / "package"
        package.unlink(missing_ok=True)
        made = self.done("package", name, "--out", package)
        held = []
        for there in self.done("device", "show", name)["groups"]:
            group = self.done("group", "show", there["group"])
            held += [(int(there["group"], 16), one["generation"]) for one in group["generations"]]
        one = self.radios[name]
        one.apply(bytes.fromhex(made["digest"]), made["sequence"], held, int(time.time()))
        self.take(one.statement())

    def spki(self):
        """The server's key, whose certificate this manager's own authority has signed."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        context = ssl.create_default_context(cadata=self.written("authority").decode())
        with context.wrap_socket(self.connect(), server_hostname="localhost") as tls:
            leaf = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(hashlib.sha256(leaf.public_key().public_bytes(*form)).digest()).decode()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.operator_port), prose_manager.CALL_S)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = Path(tempfile.mkdtemp(prefix="prose-page-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.site = Site(folder)
        cls.site.serve()
        cls.addClassCleanup(cls.site.stop)
        profile = folder / "chromium"
        profile.mkdir()
        cls.tab = cls.enterClassContext(chromium.Chromium(profile, cls.site.spki()))
        cls.audit = (ROOT / "tests/accessible.js").read_text()

    def setUp(self):
        self.tab.call("Network.clearBrowserCookies")
        self.tab.scheme("light")
        self.tab.size(1280, 800)

    def open(self, path):
        self.tab.open(f"https://localhost:{self.site.operator_port}{path}")

    def path(self):
        return self.tab.evaluate("location.pathname + location.search")

    def look(self, name, expected):
        """The page that is there: its heading, what is wrong with it in each light and width, and its picture."""
        self.assertEqual(self.tab.evaluate("document.querySelector('h1').textContent"), expected)
        for scheme, width in (("dark", 1280), ("light", 420), ("light", 1280)):
            self.tab.scheme(scheme)
            self.tab.size(width, 800)
            self.assertEqual(self.tab.evaluate(self.audit), [], (name, scheme, width))
            more = "" if (scheme, width) == ("light", 1280) else f"-{scheme if width == 1280 else 'narrow'}"
            self.tab.shoot(SHOTS / f"{name}{more}.png")
        refused = [said for said in self.tab.complaints() if "401 (Unauthorized)" not in said]
        self.assertEqual(refused, [])

    def reach(self, name):
        """Goes by Tab to the thing of this name, and sees that it can be seen to be there."""
        for _ in range(TABS):
            self.tab.press("Tab")
            there = self.tab.evaluate(
                "(document.activeElement.getAttribute('aria-label') || document.activeElement.labels?.[0]?.textContent"
                " || document.activeElement.textContent).trim()"
            )
            if there == name:
                outline = self.tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                self.assertNotEqual(outline, "none", f"{name} has no outline when it is reached")
                return
        self.fail(f"no {name} within {TABS} tabs of {self.path()}")

    def press(self, name):
        self.reach(name)
        self.tab.forget()
        self.tab.press("Enter")
        self.tab.wait("Page.loadEventFired")

    def sign_in(self, name, password=PASSWORD):
        self.open("/groups")
        self.assertEqual(self.path(), "/sign-in")
        # The first field has the cursor by itself, some time after the page is loaded.
        self.tab.until("document.activeElement.name === 'name'")
        self.tab.type(name)
        self.reach("Password")
        self.tab.type(password)
        self.press("Sign in")

    def cells(self, row):
        """The texts of the row whose header is this."""
        return self.tab.evaluate(
            f"[...document.querySelectorAll('tbody tr')].filter(row => row.cells[0].textContent === '{row}')"
            ".map(row => [...row.cells].map(cell => cell.textContent.trim()))[0]"
        )

    def test_an_operator_signs_in_rotates_excludes_and_declares_a_radio_lost(self):
        self.sign_in("alice", "wrong")
        self.assertEqual(self.path(), "/sign-in")
        self.look("sign-in-wrong", "Sign in")
        self.sign_in("alice")
        self.assertEqual(self.path(), "/groups")
        self.look("groups", "Groups")
        self.assertEqual(self.cells("patrol")[1:3], [GROUP, "6"])
        self.assertEqual(
            self.tab.evaluate("document.querySelector('.alarms').textContent").strip(), "unit-4: older state than before"
        )

        self.press("patrol")
        self.look("group", "Group patrol")
        self.assertEqual(self.cells("unit-1")[3], "applied")
        self.assertEqual(self.cells("unit-2")[3], "lags: a new one is due")
        self.assertEqual(self.cells("unit-3")[1:3], ["000003", "no"])
        self.assertEqual(self.cells("unit-4")[7], "older state than before")
        self.assertEqual(self.tab.evaluate("document.querySelectorAll('svg rect.key').length"), 3)

        before = self.current()
        self.press("Rotate the key…")
        self.look("rotate", "Rotate the key of group patrol?")
        self.assertEqual(self.current(), before)
        self.press("No, go back")
        self.assertEqual(self.path(), f"/groups/{GROUP}")
        self.press("Rotate the key…")
        self.press("Rotate the key")
        self.assertEqual(self.path(), f"/groups/{GROUP}?done=rotated")
        self.look("rotated", "Group patrol")
        self.assertGreater(self.current(), before)

        before = self.current()
        self.press("Exclude unit-2")
        self.look("exclude", "Exclude unit-2 from group patrol?")
        self.press("Exclude the device")
        self.assertEqual(self.path(), f"/groups/{GROUP}?done=excluded")
        self.look("excluded", "Group patrol")
        self.assertGreater(self.current(), before)
        self.assertIsNone(self.cells("unit-2"))

        self.press("Devices")
        self.look("devices", "Devices")
        self.assertEqual(self.cells("unit-7")[2], "pending")
        self.press("unit-1 is lost")
        self.look("lost", "Device unit-1 is lost?")
        self.press("It is lost")
        self.look("device-lost", "Device unit-1")
        self.assertEqual(self.site.done("device", "show", "unit-1")["standing"], "lost")
        self.assertNotIn("unit-1", [one["name"] for one in self.site.done("member", "list", "rescue")["members"]])
        who = {change["who"] for change in self.site.done("status")["changes"][:3]}
        self.assertEqual(who, {"operator alice"})

        self.press("Sign out")
        self.assertEqual(self.path(), "/sign-in")
        self.open("/devices")
        self.assertEqual(self.path(), "/sign-in")

    def test_a_viewer_looks_and_is_asked_nothing(self):
        self.sign_in("victor")
        self.press("patrol")
        self.look("group-viewer", "Group patrol")
        acts = "document.querySelectorAll('a[href*=rotate], a[href*=exclude], a[href*=lost]').length"
        self.assertEqual(self.tab.evaluate(acts), 0)
        self.open(f"/groups/{GROUP}/rotate")
        self.assertEqual(self.tab.evaluate("document.querySelector('h1').textContent"), "That is not allowed")

    def test_a_page_of_somebody_else_cannot_send_a_form_here(self):
        self.sign_in("alice")
        before = self.current()
        page = f"""<form method=post action='https://localhost:{self.site.operator_port}/groups/{GROUP}/rotate'>
            <button>Go</button></form>"""
        self.tab.open("data:text/html," + page.replace("\n", ""))
        self.press("Go")
        # Browsers bring no cookie of another site's form, and say where it is from.
        self.assertEqual(self.tab.evaluate("document.querySelector('h1').textContent"), "That is not allowed")
        self.assertEqual(self.current(), before)

    def test_nothing_secret_is_in_the_log(self):
        self.sign_in("alice", "mistyped")
        self.sign_in("alice")
        (cookie,) = self.tab.call("Network.getCookies")["cookies"]
        log = self.site.log()
        self.assertIn("/sign-in", log)
        for secret in ("horse", "mistyped", cookie["value"], "argon2id"):
            self.assertNotIn(secret, log)

    def current(self):
        group = self.site.done("group", "show", GROUP)
        return next(one["generation"] for one in group["generations"] if one["state"] == "in_use")
