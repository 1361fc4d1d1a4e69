"""What a board is given agrees with what the trusted application and the image know."""

import configparser
import re
import unittest
import uuid

from harness.process import ROOT

SYSTEM = ROOT / "host/system"
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
    def unit(self, name):
        parser = configparser.RawConfigParser(strict=False, delimiters="=")
        parser.optionxform = str
        parser.read_string((SYSTEM / "systemd" / name).read_text())
        return parser

    def test_tee_supplicant_starts_between_guard_and_mark(self):
        guard, ready = "proseal-store-guard.service", "proseal-store-ready.service"
        supplicant = "tee-supplicant@teepriv0.service"
        self.assertEqual(self.unit(guard)["Unit"]["Before"], supplicant)
        self.assertEqual(self.unit("tee-supplicant@.service.d/proseal.conf")["Unit"]["Requires"], guard)
        self.assertEqual(self.unit("tee-supplicant@.service.d/proseal.conf")["Unit"]["After"], guard)
        self.assertEqual(self.unit(ready)["Unit"]["After"], supplicant)

    def test_every_file_is_told_where_it_goes(self):
        told = (SYSTEM / "README.md").read_text()
        for path in SYSTEM.rglob("*"):
            if path.is_file() and path.name != "README.md":
                self.assertIn(f"`{path.relative_to(SYSTEM)}`", told)


if __name__ == "__main__":
    unittest.main()
