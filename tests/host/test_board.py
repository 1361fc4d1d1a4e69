"""What a board is given agrees with what the trusted application and the image know."""

import configparser
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import uuid
from pathlib import Path

from harness.process import ROOT, paths

SYSTEM = ROOT / "host/system"
STORE = "/var/lib/optee-client/data/tee"
# optee_client's own name of the unit: some distributions keep it.
UPSTREAM = "tee-supplicant@.service"
# The name space of Linux for TEE clients (drivers/tee/tee_core.c).
NAME_SPACE = uuid.UUID("58ac9ca0-2086-4683-a1b8-ec4bc08e01b6")


def groups_of_sysusers():
    text = (SYSTEM / "sysusers.d/proseal.conf").read_text()
    return {name: int(gid) for name, gid in re.findall(r"^g +(\S+) +(\d+)$", text, re.M)}


class Groups(unittest.TestCase):
    def test_groups_are_those_of_the_protocol(self):
        source = (ROOT / "proto/src/role.rs").read_text()
        gids = [int(gid) for gid in re.findall(r"=> Some\((\d+)\)", source)]
        self.assertEqual(groups_of_sysusers(), dict(zip(["prose", "prose-admin"], gids, strict=True)))
        for name in groups_of_sysusers():
            self.assertIn(f'"{name}"', source)

    def test_the_guest_has_the_same(self):
        lines = [line.split(":") for line in (ROOT / "qemu-env/guest/etc/group").read_text().splitlines()]
        guest = {name: int(gid) for name, _, gid, _ in lines}
        for name, gid in groups_of_sysusers().items():
            self.assertEqual(guest[name], gid)

    def test_the_trusted_application_knows_them_by_linux_names(self):
        source = (ROOT / "ta/src/session.rs").read_text().replace("_", "")
        for gid in groups_of_sysusers().values():
            self.assertIn(uuid.uuid5(NAME_SPACE, f"gid={gid:x}").hex, source)


class Units(unittest.TestCase):
    """systemd's units of a board, beside those that Debian's packages bring."""

    def unit(self, name):
        parser = configparser.RawConfigParser(strict=False, delimiters="=")
        parser.optionxform = str
        parser.read_string((SYSTEM / "systemd" / name).read_text())
        return parser

    def shipped(self):
        """The names of tee-supplicant's units in the packages that the image is made of."""
        folder = paths.SYSROOT / "usr/lib/systemd/system"
        names = {path.name for path in folder.glob("tee-supplicant*") if path.suffix == ".service"}
        self.assertTrue(names, f"no unit in {folder}: qemu-env/packages unpacks them")
        return names

    def instance(self, name):
        """OP-TEE's device is the one instance of a unit that is a template."""
        return name.replace("@.", "@teepriv0.")

    def test_the_guard_comes_before_every_unit_that_is_shipped(self):
        guarded = self.unit("proseal-store-guard.service")["Unit"]["Before"].split()
        told = (SYSTEM / "README.md").read_text()
        for name in {*self.shipped(), UPSTREAM}:
            self.assertIn(self.instance(name), guarded)
            self.assertIn(f"/usr/lib/systemd/system/{name}.d/proseal.conf`", told)

    def test_doctor_names_every_unit_that_is_shipped(self):
        hint = (ROOT / "host/prosectl/src/command/doctor.rs").read_text()
        for name in {*self.shipped(), UPSTREAM}:
            self.assertRegex(hint, rf"{self.instance(name).removesuffix('.service')}[`)]")

    def test_tee_supplicant_starts_between_guard_and_first_session(self):
        guard = "proseal-store-guard.service"
        drop_in = self.unit("tee-supplicant-proseal.conf")
        self.assertEqual(drop_in["Unit"]["Requires"], guard)
        self.assertEqual(drop_in["Unit"]["After"], guard)
        self.assertTrue(drop_in["Service"]["ExecStartPost"].startswith("+/usr/lib/proseal/store-first-session "))

    def test_all_know_one_folder(self):
        """Debian's unit names none: it is the one that is built in."""
        for name in self.shipped():
            text = (paths.SYSROOT / "usr/lib/systemd/system" / name).read_text()
            self.assertIn("ExecStart=/usr/sbin/tee-supplicant\n", text)
        self.assertIn(f"{STORE}\0".encode(), (paths.SYSROOT / "usr/sbin/tee-supplicant").read_bytes())
        guard, drop_in = self.unit("proseal-store-guard.service"), self.unit("tee-supplicant-proseal.conf")
        for unit in (guard, drop_in):
            self.assertEqual(unit["Unit"]["RequiresMountsFor"], STORE)
        for command in (guard["Service"]["ExecStart"], drop_in["Service"]["ExecStartPost"]):
            self.assertEqual(command.split()[-1], STORE)

    def test_systemd_finds_nothing_wrong_with_them(self):
        with tempfile.TemporaryDirectory() as root:
            units = Path(root) / "usr/lib/systemd/system"
            units.mkdir(parents=True)
            for path in (SYSTEM / "systemd").glob("*.service"):
                shutil.copy2(path, units)
                for command in re.findall(r"^Exec\w+=[+!-]*(\S+)", path.read_text(), re.M):
                    program = Path(root) / command.lstrip("/")
                    program.parent.mkdir(parents=True, exist_ok=True)
                    program.write_text("#!/bin/sh\n")
                    program.chmod(0o755)
            for path in units.glob("*.service"):
                done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", path.name],
                                      capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
                # What is not here: units of other packages.
                said = [line for line in done.stderr.splitlines() if path.name in line and "not found" not in line]
                self.assertEqual(said, [], done.stderr)

    def test_servers_are_shut_in(self):
        for name in ("prosed.service", "prose-manager.service"):
            path = SYSTEM / "systemd" / name
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=25", os.fspath(path)],
                                  capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
            self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")

    def test_every_file_is_told_where_it_goes(self):
        told = (SYSTEM / "README.md").read_text()
        for path in SYSTEM.rglob("*"):
            if path.is_file() and path.name != "README.md":
                self.assertIn(f"`{path.relative_to(SYSTEM)}`", told)


class FirstSession(unittest.TestCase):
    """What tee-supplicant's start ends with on a board. Its failure is that of the unit, which systemd then stops."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        self.store = self.folder / "store"
        self.store.mkdir()
        self.mark = self.store / ".dirf.ready"

    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def first_session(self, opens):
        self.program("setpriv", f"touch {self.folder}/asked; shift 2; exec \"$@\"")
        self.program("prosectl", f"touch {self.store}/dirf.db" if opens else "exit 1")
        env = {"PATH": f"{self.folder}:{os.environ['PATH']}", "GUARD": ROOT / "qemu-env/guest/store-guard"}
        command = ["sh", SYSTEM / "store-first-session", self.store]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)

    def test_a_session_that_opens_makes_the_store_ready(self):
        self.assertEqual(self.first_session(opens=True).returncode, 0)
        self.assertTrue(self.mark.exists())

    def test_a_session_that_fails_ends_the_start_and_leaves_no_mark(self):
        ended = self.first_session(opens=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("nothing may be stored yet", ended.stderr)
        self.assertFalse(self.mark.exists())
        # The application is installed meanwhile: the next start of tee-supplicant finds it.
        self.assertEqual(self.first_session(opens=True).returncode, 0)
        self.assertTrue(self.mark.exists())

    def test_a_ready_store_is_asked_nothing(self):
        self.mark.touch()
        self.assertEqual(self.first_session(opens=False).returncode, 0)
        self.assertFalse((self.folder / "asked").exists())


if __name__ == "__main__":
    unittest.main()
