"""The life of a device's identity and of PGKs in one UE, and what is searched on the way.

All PGKs but the last come by sealed packages, which are made in this process: their octets are nowhere in the clear but
here and where the TA opens them.
"""

import hmac
import io
import os
import secrets
import string
import tarfile
import time

import derivation_reference as reference
import manager
from ue import UE

from . import private_keys
from .hmac_state import states
from .memory import SECURE_SIZE, Paused
from .report import Report
from .search import search
from .secure_map import SecureMap

GROUP, MEMBER, PEER, PGK_ID = "0a0b0c", "000001", "000002", "01"
OTHER_GROUP, LAST_GROUP = "0a0b0d", "0a0b0e"
SALT = "0123456789abcdef"
PLANTED_FILE = "/var/lib/optee-client/data/planted"
HIDDEN_FILE = "/.planted"  # for the search of the files alone: a name that `ls` leaves out
STORE = "/var/lib/optee-client/data/tee"
BLOCK = 4096  # octets that OP-TEE seals as one

# The moments of the search.
IDENTIFIED = "an identity is made"
NOT_OPENED = "a package for another key is refused"
IMPORTED = "a package is imported"
WORKED_ON = "after a further write and read"
AWAKE = "cold start, status"
STARTED_COLD = "cold start, keys derived"
SEALED = "before the erase"
ERASED = "erased"
ERASED_COLD = "erased, cold start"
IDENTIFIED_ANEW = "another identity is made"
NOT_OPENED_ANEW = "a package for another key than its is refused"
BEGUN_ANEW = "another PGK is imported"
UNREVOKED = "before the revocation"
REVOKED = "revoked"
IN_CLEAR = "a PGK is taken in clear"
# The device's private keys, and those of the identity after the erase.
OPENING, SIGNING = "opening key", "signing key"
OTHER_OPENING, OTHER_SIGNING = "other opening key", "other signing key"
# The places.
NORMAL_RAM, SECURE_RAM, DISK, FILES = "non-secure RAM", "secure RAM", "disk", "guest's files"


def run(name):
    """Lives it in a fresh UE of this name; the report of all searches."""
    Report.forget()
    life = Life(UE(name))
    life.ue.start("--fresh", "--tests")
    try:
        life.identify()
        life.import_package()
        life.work_on()
        life.ue.reboot()
        life.derive()
        life.erase()
        life.ue.reboot()
        # What is no new device after an erase has failed already; the rest of this life would say nothing.
        if life.look_again() == "factory":
            life.begin_anew()
            life.revoke()
            life.take_in_clear()
    finally:
        life.ue.stop()
    life.report.write()
    return life.report


def letters():
    """As long as a key; letters, since a shell is to hold them."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(32))


class Life:
    def __init__(self, ue):
        self.ue = ue
        self.report = Report()
        self.now = int(time.time())
        pgk = os.urandom(32)
        self.planted_first, self.planted, self.hidden, self.planted_again = (letters() for _ in range(4))
        # The PRK is as good as the PGK: everything derived comes from it.
        prk = hmac.digest(bytes(32), pgk, "sha256")
        # What the TA keeps of it from the first derivation on, and what profile 3gpp-ts33303 would keep of the PGK.
        self.held = {"PGK": pgk, "PRK": prk, **states("PRK", prk), **states("PGK", pgk)}

    def identify(self):
        self._identify(IDENTIFIED, SIGNING, NOT_OPENED, OPENING, self._groups())

    def import_package(self):
        self._import(1, self._groups())
        self._keep_in_a_shell("$(cat)", self.planted_first)
        self._search_secure_ram(IMPORTED, self.held)
        self._search_normal_ram(IMPORTED, self.held | {"planted first": self.planted_first.encode()})

    def work_on(self):
        self.ue.done("derive", "send", "--group", GROUP)  # writes: it reserves PTK Ids
        self.ue.done("status")
        self._search_secure_ram(WORKED_ON, self.held)

    def derive(self):
        """Everything that a radio does, by prosectl, which ends and wipes; and one client that goes on holding keys."""
        self.ue.done("status")  # reads all that the device has
        self._search_secure_ram(AWAKE, self.held)
        sent = self.ue.done("derive", "send", "--group", GROUP)
        self.ue.done(*self._receive("0001"))
        held = self.held | self._keys("sender's", MEMBER, sent["ptk_id"], sent["salt"])
        held |= self._keys("receiver's", PEER, "0001", SALT)
        live = self._keys("client's", PEER, "0002", SALT)
        self._keep_in_a_shell(f"$(prosectl --json {' '.join(self._receive('0002'))} --show-keys)")
        self._plant(self.planted, PLANTED_FILE)

        self._search_secure_ram(STARTED_COLD, held | live)
        held |= live | {"planted": self.planted.encode()}
        self._search_normal_ram(STARTED_COLD, held)
        self._search_disk(STARTED_COLD, held)
        self._write(self.hidden, HIDDEN_FILE)
        files = self._files()
        self._search_octets(STARTED_COLD, FILES, files, held | {"hidden": self.hidden.encode()}, len(files))

    def erase(self):
        sealed = self._sealed_state()
        self.ue.sh("sync")
        self._search_disk(SEALED, sealed)
        self.ue.done("erase", "--yes")
        self.ue.sh("sync")
        self._search_disk(ERASED, sealed)
        self._search_secure_ram(ERASED, self.held)

    def look_again(self):
        """Status makes the TA read what the store still has; the device's state by it. Something is planted again, to be
        found this time too."""
        state = self.ue.done("status")["state"]
        self._plant(self.planted_again, PLANTED_FILE)
        self._search_secure_ram(ERASED_COLD, self.held)
        held = self.held | {"planted again": self.planted_again.encode()}
        self._search_normal_ram(ERASED_COLD, held)
        self._search_disk(ERASED_COLD, held)
        return state

    def begin_anew(self):
        """The secure RAM has nothing to find after the erase but another identity's keys, another PGK, and what the other
        profile keeps of it."""
        other = os.urandom(32)
        self.held |= {"other PGK": other, **states("other PGK", other)}
        self._identify(IDENTIFIED_ANEW, OTHER_SIGNING, NOT_OPENED_ANEW, OTHER_OPENING, self._others(other))
        self._import(1, self._others(other))
        self.ue.done("derive", "send", "--group", OTHER_GROUP)
        self._search_secure_ram(BEGUN_ANEW, self.held)

    def revoke(self):
        """The revoked PGK goes from both versions of its blocks, and from memory; its successor stays."""
        self.held["next PGK"] = os.urandom(32)
        self._import(2, self._others(self.held["other PGK"], self.held["next PGK"]))
        sealed = self._sealed_state()
        self.ue.sh("sync")
        self._search_disk(UNREVOKED, sealed)
        self.ue.done("revoke", OTHER_GROUP, "--below", "2")
        self.ue.sh("sync")
        self._search_disk(REVOKED, sealed)
        self.ue.done("status")
        self._search_secure_ram(REVOKED, self.held)

    def take_in_clear(self):
        """As the test build may, whose request then has a PGK in it. The normal world has seen this one."""
        self.held["PGK in clear"] = os.urandom(32)
        answer = self.ue.exec("prosectl-test", "key", "import", "--group", LAST_GROUP, "--member", MEMBER, "--generation",
                              "1", "--pgk-id", PGK_ID, "--key-file", "-", stdin=self.held["PGK in clear"])
        if answer.status:
            raise RuntimeError(f"a PGK in clear: {answer}")
        self._search_secure_ram(IN_CLEAR, self.held)

    def _identify(self, made, signing, refused, opening, groups):
        """Each private key is in OP-TEE's buffers after it was used, until the next object is read."""
        self._meet_manager()
        self._find(made, signing, self.device[3], manager.form().public_of_ed25519, private_keys.of_signing)
        # Opening fails, so that nothing is read behind the key.
        foreign = manager.form().public_of_x25519(os.urandom(32))
        answer = self.ue.json("import", "-", stdin=self._package(1, groups, foreign))
        if answer.get("name") != "not_opened":
            raise RuntimeError(f"{refused}: {answer}")
        self._find(refused, opening, self.device[2], manager.form().public_of_x25519, private_keys.of_opening)

    def _meet_manager(self):
        """The device makes its identity and is enrolled."""
        self.device = manager.opening().read_statement(self.ue.octets(self.ue.ctl, "identity", "export"))
        self.manager = manager.Manager()
        self.ue.done("enrol", "-", "--yes", stdin=self.manager.enrolment())

    def _groups(self):
        return [manager.group(GROUP, MEMBER, [manager.pgk(1, self.held["PGK"], self.now)])]

    def _others(self, *pgks):
        policy = {7: 2, 8: 3, 15: True}  # 3gpp-ts33303, 3gpp, where storage can be rolled back
        numbered = enumerate(pgks, 1)
        return [manager.group(OTHER_GROUP, MEMBER, [manager.pgk(n, pgk, self.now, policy=policy) for n, pgk in numbered])]

    def _package(self, sequence, groups, x25519=None):
        return self.manager.package(self.device[1], x25519 or self.device[2], sequence, groups, self.now)

    def _import(self, sequence, groups):
        answer = self.ue.done("import", "-", stdin=self._package(sequence, groups))
        if answer["outcome"] != "applied":
            raise RuntimeError(f"a package: {answer}")

    def _find(self, moment, name, public, public_of, secrets):
        """A private key in the secure RAM; from now on what is made of it is searched for too."""
        with Paused(self.ue.name) as paused:
            found = private_keys.beside(paused.secure_ram().whole(), public, public_of)
        if not found:
            raise RuntimeError(f"{moment}: the {name} is not beside its public half, so it cannot be searched for")
        self.held |= secrets(name, found[0][1])
        self._search_secure_ram(moment, self.held)

    def _receive(self, ptk_id):
        return ["derive", "receive", "--group", GROUP, "--generation", "1", "--sender", PEER, "--ptk-id", ptk_id,
                "--salt", SALT]

    def _keys(self, whose, sender, ptk_id, salt):
        octets = [bytes.fromhex(text) for text in (PGK_ID, sender, ptk_id, salt)]
        ik, ck = reference.derive(self.held["PGK"], "aead", bytes.fromhex(GROUP), 1, *octets, "")
        return {f"{whose} IK": ik, f"{whose} CK": ck}

    def _sealed_state(self):
        """Of each sealed block of the state's file, which is the one written last, the octets that tell it."""
        name = self.ue.sh(f"ls -t {STORE} | grep -vx dirf.db").stdout.split()[0]
        file = self.ue.octets("cat", f"{STORE}/{name}")
        blocks = {at: file[at:at + BLOCK] for at in range(0, len(file), BLOCK)}
        # Not the heads and the hashes, which are mostly zeros.
        return {f"sealed block at {at}": block[:32] for at, block in blocks.items() if len(set(block)) == 256}

    def _keep_in_a_shell(self, value, stdin=""):
        """A process in the guest that goes on living with `value` in a variable."""
        script = f'kept="{value}"; (while :; do sleep 60; done; echo "$kept") </dev/null >/dev/null 2>&1 &'
        answer = self.ue.exec("sh", "-c", script, stdin=stdin.encode())
        if answer.status:
            raise RuntimeError(f"a process that holds a key: {answer}")

    def _plant(self, text, file):
        """In the normal world's memory and on the disk."""
        self._keep_in_a_shell("$(cat)", text)
        self._write(text, file)

    def _write(self, text, file):
        answer = self.ue.exec("sh", "-c", f"cat >{file} && sync", stdin=text.encode())
        if answer.status:
            raise RuntimeError(f"writing {file}: {answer}")

    def _files(self):
        """All files of the guest; /tmp and /run too, /proc, /sys and /dev have none of their own, and /tests is the medium
        of the tests' programs."""
        octets = self.ue.octets("sh", "-c", "cd / && tar -cf - $(ls -A | grep -vx -e proc -e sys -e dev -e tests)")
        with tarfile.open(fileobj=io.BytesIO(octets)) as tar:
            names = tar.getnames()
        for name in (HIDDEN_FILE, PLANTED_FILE, "/init", "/etc/passwd", "/usr/bin/prosectl"):
            if name[1:] not in names:
                raise RuntimeError(f"{name} is not among the guest's {len(names)} files")
        return octets

    def _search_secure_ram(self, moment, held):
        start = time.monotonic()
        with Paused(self.ue.name) as paused:
            ram = paused.secure_ram()
            octets = ram.whole()
            owners = SecureMap(octets, self.ue.secure_log())
        searched, hits = search([(ram.base, octets)], held)
        self.report.add(moment, SECURE_RAM, held, searched, time.monotonic() - start, hits, wanted=SECURE_SIZE,
                        owner=owners.owner)

    def _search_normal_ram(self, moment, held):
        start = time.monotonic()
        with Paused(self.ue.name) as paused:
            searched, hits = search(paused.normal_ram().pieces(), held)
            wanted = paused.normal_size()
        self.report.add(moment, NORMAL_RAM, held, searched, time.monotonic() - start, hits, wanted=wanted)

    def _search_disk(self, moment, held):
        """All of what the guest itself takes for its disk, in sectors."""
        sectors = int(self.ue.sh("for disk in /sys/block/vd*; do grep -q store $disk/serial && cat $disk/size; done").stdout)
        self._search_octets(moment, DISK, self.ue.disk(), held, sectors * 512)

    def _search_octets(self, moment, place, octets, held, wanted):
        start = time.monotonic()
        searched, hits = search([(0, octets)], held)
        self.report.add(moment, place, held, searched, time.monotonic() - start, hits, wanted=wanted)
