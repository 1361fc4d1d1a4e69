"""Attacks that take more than one boot, one machine or one user: an old disk image, a second device, a wrong clock, a
full disk, other users. What one boot can show is suite `attack` of prose-xtest (host/xtest/src/cases/attack.rs)."""

import json
import os
import shlex
import time
import unittest

import derivation_reference as reference
import manager
from forensics.memory import Paused
from ue import UE

DATA = "/var/lib/optee-client/data"
STORE = f"{DATA}/tee"
GROUP, MEMBER = "0a0b0c", "000001"
# One file of OP-TEE's own holds nothing on a device that has no TA installed in its store: its list of them.
EMPTY = "0"


def importing(generation, pgk_id, *more):
    return ["key", "import", "--group", GROUP, "--member", MEMBER, "--generation", str(generation), "--pgk-id", pgk_id,
            "--key-file", "-", *more]


class Attack(unittest.TestCase):
    def ue(self, name, *options, installs=True):
        """A new device, fresh."""
        ue = UE(name, installs)
        ue.start("--fresh", "--cache", "unsafe", *options)
        self.addCleanup(ue.stop)
        return ue

    def groups(self, ue):
        return ue.done("key", "list")["groups"]

    def lasting(self, groups):
        """All but the counters, and what is left of the time by the floor."""
        passing = ("ptk_id", "epochs_left", "left_s")
        return [{**group, "pgks": [{key: value for key, value in pgk.items() if key not in passing}
                                   for pgk in group["pgks"]]} for group in groups]

    def send(self, ue, generation=1):
        return ue.done("derive", "send", "--group", GROUP, "--generation", str(generation), "--show-keys")

    def sends_not(self, ue, name):
        self.refused(ue.prosectl("--json", "derive", "send", "--group", GROUP, "--generation", "1"), name)

    def refused(self, answer, name):
        said = json.loads(answer.stdout)
        self.assertEqual((said["ok"], said.get("name")), (False, name), answer)


class Replay(Attack):
    def test_attack_yesterdays_disk_brings_no_epoch_and_no_key_back(self):
        """Two lives from one disk image: the counters come back, and no key, nonce or pair of PTK Id and salt does."""
        ue = self.ue("attack-replay")
        pgk = os.urandom(32)
        ue.done(*importing(1, "01"), stdin=pgk)
        ue.stop()
        yesterday = ue.folder / "yesterday"
        yesterday.write_bytes(ue.disk())
        self.addCleanup(yesterday.unlink)

        lives = []
        for _ in range(2):
            ue.start("--cache", "unsafe", "--disk", str(yesterday))
            lives.append([self.send(ue) for _ in range(5)])
            ue.stop()
        first, second = lives
        # Else nothing would be shown.
        self.assertEqual([epoch["ptk_id"] for epoch in first], [epoch["ptk_id"] for epoch in second])
        epochs = first + second
        for epoch in epochs:
            # What the keys are is computed apart: they are these epochs' and no others.
            octets = bytes.fromhex
            ik, ck = reference.derive(pgk, "aead", octets(GROUP), 1, b"\x01", octets(MEMBER), octets(epoch["ptk_id"]),
                                      octets(epoch["salt"]), "")
            self.assertEqual((epoch["ik"], epoch["ck"]), (ik.hex(), ck.hex()))
        self.assertEqual(len({(epoch["ptk_id"], epoch["salt"]) for epoch in epochs}), len(epochs))
        self.assertEqual(len({key for epoch in epochs for key in (epoch["ik"], epoch["ck"])}), 2 * len(epochs))
        # A nonce is salt and sequence number, which begins at 1 in every epoch.
        self.assertEqual(len({(epoch["ck"], epoch["salt"]) for epoch in epochs}), len(epochs))

    def test_attack_yesterdays_disk_after_a_revocation(self):
        """Without RPMB it brings the key back; the next key from the manager, which says `next` again, ends it."""
        ue = self.ue("attack-revocation")
        ue.done(*importing(1, "01"), stdin=os.urandom(32))
        ue.stop()
        yesterday = ue.folder / "yesterday"
        yesterday.write_bytes(ue.disk())
        self.addCleanup(yesterday.unlink)
        ue.start("--cache", "unsafe")
        ue.done("revoke", GROUP, "--below", "2")
        self.sends_not(ue, "unknown_generation")
        ue.stop()

        ue.start("--cache", "unsafe", "--disk", str(yesterday))
        self.send(ue)
        ue.done(*importing(2, "02", "--next", "2"), stdin=os.urandom(32))
        self.sends_not(ue, "unknown_generation")
        self.send(ue, 2)


class SecondDevice(Attack):
    """Two machines. QEMU gives all the same hardware key, so a whole store is at home in each; no single file is."""

    def files(self, ue):
        names = ue.sh(f"cd {STORE}; ls -A").stdout.split()
        return {name: ue.octets("cat", f"{STORE}/{name}") for name in names if not name.startswith(".")}

    def put(self, ue, files):
        """In place: the directory's second name is the guard's mark."""
        for name, octets in files.items():
            put = ue.exec("sh", "-c", f"cat >{STORE}/{name}; sync", stdin=octets)
            self.assertEqual(put.status, 0, put)

    def test_attack_each_file_of_another_device(self):
        other = self.ue("attack-other")
        other.done(*importing(7, "07"), stdin=os.urandom(32))
        others, others_groups = self.files(other), self.groups(other)
        other.stop()

        ue = self.ue("attack-own")
        ue.done(*importing(1, "01"), stdin=os.urandom(32))
        own, own_groups = self.files(ue), self.groups(ue)
        self.assertEqual(set(own), set(others))
        state = max(own, key=lambda name: len(own[name]))
        ue.stop()
        for name in own:
            if own[name] == others[name]:
                # OP-TEE's own: on QEMU two starts can draw the same octets for it. Ours never are the same.
                self.assertNotEqual(name, state)
                continue
            # Before tee-supplicant runs, as one would who has the disk.
            ue.start("--cache", "unsafe", "--append", "proseal.nosupplicant")
            self.put(ue, {**own, name: others[name]})
            self.assertEqual(ue.exec("tee-supplicant").status, 0)
            status = ue.json("status")
            # A foreign list of files fits OP-TEE's own files if these are the same: then the state alone does not fit.
            fits = name == "dirf.db" and all(own[file] == others[file] for file in set(own) - {name, state, EMPTY})
            if name == state or fits:
                self.assertEqual(status["state"], "damaged", status)
                self.sends_not(ue, "damaged")
            elif name == EMPTY:
                self.assertEqual(self.lasting(self.groups(ue)), self.lasting(own_groups))
            else:
                self.assertEqual((status["ok"], status.get("name")), (False, "storage_damaged"), status)
            ue.stop()

        # All of them are that other device, and nothing of this one is left.
        ue.start("--cache", "unsafe", "--append", "proseal.nosupplicant")
        self.put(ue, others)
        self.assertEqual(ue.exec("tee-supplicant").status, 0)
        self.assertEqual(self.lasting(self.groups(ue)), self.lasting(others_groups))
        self.send(ue, 7)
        self.sends_not(ue, "unknown_generation")


class SameStart(unittest.TestCase):
    """OP-TEE in QEMU seeds its random source by the millisecond of its start. Radios that were switched on together have
    met in one, and were one device to their manager."""

    def ue(self, name, *options):
        ue = UE(name)
        self.addCleanup(ue.stop)
        ue.start("--cache", "unsafe", *options)
        return ue

    def test_attack_copies_of_a_machine_have_their_own_identities(self):
        """Its random source and all else is the same in both, until the first statement makes the keys."""
        ue = self.ue("attack-mould", "--fresh")
        self.assertIsNone(ue.done("status")["device"])
        machine, disk = (ue.folder / name for name in ("machine", "disk"))
        self.addCleanup(machine.unlink, missing_ok=True)
        with Paused(ue.name) as paused:
            paused.save(machine)
        ue.stop()
        incoming = f"-incoming {shlex.quote(f'exec:cat {shlex.quote(str(machine))}')}"
        devices = set()
        for name, nonce in (("attack-twin", "11"), ("attack-double", "22")):
            copy = self.ue(name, "--disk", str(disk), "--qemu-args", incoming)
            copy.octets(copy.ctl, "statement", "export", "--nonce", nonce * 32)
            devices.add(copy.done("status")["device"])
        self.assertEqual(len(devices), 2, devices)

    def test_attack_starts_that_are_alike_but_for_the_clock_draw_nothing_twice(self):
        """Time counts instructions: until a device of QEMU's answers, the two starts are alike to each of them."""
        alike = ("--fresh", "--qemu-args", "-icount shift=0,sleep=off")
        said = []
        for clock in ("2026-03-01", "2026-03-02"):
            ue = self.ue("attack-morning", "--rtc", clock, *alike)
            nonce = ue.done("status")["start_nonce"]
            said.append((ue.octets("cat", f"{STORE}/{EMPTY}"), nonce))
            ue.stop()
        (one, first), (other, second) = said
        # What OP-TEE drew before it started this TA: without that the rest would prove nothing.
        self.assertEqual(one, other)
        self.assertNotEqual(first, second)


class Clock(Attack):
    def test_attack_boots_with_the_clock_at_1970_and_2099(self):
        """The normal world's clock moves neither the floor nor a key's state."""
        ue = self.ue("attack-clock", "--rtc", "2026-03-01")
        window = ["--not-before", "2026-01-01T00:00:00Z", "--not-after", "2027-01-01T00:00:00Z", "--receive-grace-s",
                  "0"]
        ue.done(*importing(1, "01", *window), stdin=os.urandom(32))
        before, held = ue.done("status"), self.groups(ue)
        self.send(ue)
        for clock, year in (("1970-01-01", "1970"), ("2099-01-01", "2099"), ("2026-03-01", "2026")):
            with self.subTest(clock):
                ue.stop()
                ue.start("--cache", "unsafe", "--rtc", clock)
                self.assertEqual(ue.exec("date", "-u", "+%Y").stdout.strip(), year)
                status = ue.done("status")
                # It has lived some minutes at most.
                self.assertEqual(status["floor"][:11], before["floor"][:11], status)
                self.assertEqual(self.lasting(self.groups(ue)), self.lasting(held))
                self.send(ue)
                ue.done("derive", "receive", "--group", GROUP, "--generation", "1", "--sender", "00beef", "--ptk-id",
                        "0001", "--salt", "0011223344556677")


class FullDisk(Attack):
    def test_attack_a_full_disk_stops_neither_revocation_nor_erasure(self):
        ue = self.ue("attack-full")
        ue.done(*importing(1, "01"), stdin=os.urandom(32))
        ue.done(*importing(2, "02"), stdin=os.urandom(32))
        # Down to the last block; what dd says does not matter.
        ue.sh(f"dd if=/dev/zero of={DATA}/filler bs=64k; dd if=/dev/zero of={DATA}/filler2 bs=1k; sync")
        ue.done("revoke", GROUP, "--below", "2")
        ue.reboot()
        self.sends_not(ue, "unknown_generation")
        self.send(ue, 2)
        ue.done("erase", "--yes")
        ue.reboot()
        self.assertEqual(ue.done("status")["state"], "factory")


class Users(Attack):
    # Who of the guest's users is what: radio in group prose, admin in prose-admin, root in both. The outsider, whom the
    # test adds, may open the TEE's device and is in neither, nobody not even that.
    DAEMON, ADMINISTRATOR, BOTH, NONE, NOBODY = "radio", "admin", "root", "outsider", "nobody"
    # Done; in no group whose role may; the role may not; wrong state; damaged.
    OK, NG, NP, WS, DM = "ok", "not_in_group", "not_permitted", "wrong_state", "damaged"
    COMMANDS = {
        "status": ["status"],
        "identity": ["identity", "export"],
        "statement": ["statement", "export"],
        "import": ["import", "-"],
        "send": ["derive", "send", "--group", GROUP, "--generation", "1"],
        "receive": ["derive", "receive", "--group", GROUP, "--generation", "1", "--sender", "00beef", "--ptk-id",
                    "0001", "--salt", "0011223344556677"],
        "events": ["events"],
        "suspend": ["suspend", GROUP],
        "resume": ["resume", GROUP],
        "revoke": ["revoke", GROUP, "--below", "1"],
    }
    #              user:  radio admin root  outsider
    TABLE = {
        "factory": {
            "status":    (OK, OK, OK, NG),
            "identity":  (OK, OK, OK, NG),
            "statement": (OK, OK, OK, NG),
            "import":    (WS, WS, WS, NG),
            "send":      (WS, NG, WS, NG),
            "receive":   (WS, NG, WS, NG),
            "events":    (NG, WS, WS, NG),
            "suspend":   (WS, WS, WS, NG),
            "resume":    (WS, WS, WS, NG),
            "revoke":    (NG, WS, WS, NG),
        },
        "enrolled": {
            "status":    (OK, OK, OK, NG),
            "identity":  (OK, OK, OK, NG),
            "statement": (OK, OK, OK, NG),
            "import":    (OK, OK, OK, NG),
            "send":      (OK, NG, OK, NG),
            "receive":   (OK, NG, OK, NG),
            "events":    (NG, OK, OK, NG),
            "suspend":   (OK, OK, OK, NG),
            "resume":    (NP, OK, OK, NG),
            "revoke":    (NG, OK, OK, NG),
        },
        "damaged": {
            "status":    (OK, OK, OK, NG),
            "identity":  (OK, OK, OK, NG),
            "statement": (OK, OK, OK, NG),
            "import":    (DM, DM, DM, NG),
            "send":      (DM, NG, DM, NG),
            "receive":   (DM, NG, DM, NG),
            "events":    (NG, DM, DM, NG),
            "suspend":   (DM, DM, DM, NG),
            "resume":    (DM, DM, DM, NG),
            "revoke":    (NG, DM, DM, NG),
        },
    }  # fmt: skip

    def walk(self, ue, state):
        for command, expected in self.TABLE[state].items():
            users = (self.DAEMON, self.ADMINISTRATOR, self.BOTH, self.NONE, self.NOBODY)
            # `status` asks for the version first, which anyone may who is let at the TEE.
            nobodys = "no_permission" if command == "status" else self.NG
            for user, wanted in zip(users, (*expected, nobodys)):
                with self.subTest(f"{command} of a {state} device by {user}"):
                    stdin = self.package if command == "import" else b""
                    answer = self.as_user(ue, user, ue.ctl, "--json", *self.COMMANDS[command], stdin=stdin)
                    said = json.loads(answer.stdout)
                    self.assertEqual("ok" if said["ok"] else said["name"], wanted, answer)

    def as_user(self, ue, user, *command, stdin=b""):
        return ue.exec("su", user, "-s", "/bin/sh", "-c", " ".join(command), stdin=stdin)

    def add_outsider(self, ue):
        added = ue.sh("set -e; echo outsider:x:1002:1002::/:/bin/sh >>/etc/passwd; echo outsider:x:1002: >>/etc/group\n"
                      "sed -i 's/^teeclnt:.*/&,outsider/' /etc/group")
        self.assertEqual(added.status, 0, added)

    def kernel_keeps_groups_apart(self, ue):
        """Below libteec, where no client of ours looks first: two sessions, one by each group's login."""
        for user, refusal in ((self.DAEMON, "Operation not permitted"), (self.ADMINISTRATOR, "Operation not permitted"),
                              (self.NONE, "Operation not permitted"), (self.NOBODY, "Permission denied")):
            answer = self.as_user(ue, user, "prose-xtest", "--call", "1", "0001")
            self.assertEqual((answer.status, answer.stdout), (2, ""), answer)
            self.assertIn(refusal, answer.stderr)
        answer = self.as_user(ue, self.BOTH, "prose-xtest", "--call", "1", "0001")
        self.assertEqual((answer.status, answer.stdout), (0, "ready\n"), answer)

    def test_attack_users_get_their_roles_commands_and_no_others(self):
        ue = self.ue("attack-users", "--tests", installs=False)
        self.add_outsider(ue)
        self.kernel_keeps_groups_apart(ue)
        self.assertEqual(ue.done("status")["state"], "factory")
        at, by = int(time.time()), manager.Manager()
        device = manager.opening().read_statement(ue.octets(ue.ctl, "identity", "export"))
        groups = [manager.group(GROUP, MEMBER, [manager.pgk(1, os.urandom(32), at)])]
        self.package = by.package(device[1], device[2], 1, groups, at)
        self.walk(ue, "factory")
        enrol = (ue.ctl, "--json", "enrol", "-", "--yes")
        for user in (self.DAEMON, self.NONE, self.NOBODY):
            self.refused(self.as_user(ue, user, *enrol, stdin=by.enrolment()), self.NG)
        enrolled = self.as_user(ue, self.ADMINISTRATOR, *enrol, stdin=by.enrolment())
        self.assertEqual(enrolled.status, 0, enrolled)
        for user in (self.NONE, self.NOBODY):
            self.refused(self.as_user(ue, user, ue.ctl, "--json", "import", "-", stdin=self.package), self.NG)
        self.assertEqual(ue.done("import", "-", stdin=self.package)["outcome"], "applied")
        self.walk(ue, "enrolled")
        ue.stop()

        # No file is larger than the state's.
        ue.start("--cache", "unsafe", "--append", "proseal.nosupplicant")
        self.add_outsider(ue)
        broken = ue.sh(f"cd {STORE}; state=$(ls -S | grep -vx dirf.db | head -n 1); : >$state; sync; tee-supplicant")
        self.assertEqual(broken.status, 0, broken)
        self.assertEqual(ue.done("status")["state"], "damaged")
        self.walk(ue, "damaged")
        for user in (self.DAEMON, self.NONE, self.NOBODY):
            self.refused(self.as_user(ue, user, "prosectl", "--json", "erase", "--yes"), self.NG)
        erased = self.as_user(ue, self.ADMINISTRATOR, "prosectl", "--json", "erase", "--yes")
        self.assertEqual(erased.status, 0, erased)
        self.assertEqual(ue.done("status")["state"], "factory")
