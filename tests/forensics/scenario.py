"""The life of one PGK in one UE, and what is searched on the way."""

import hmac
import io
import os
import secrets
import string
import tarfile
import time

import derivation_reference as reference
from ue import UE

from .hmac_state import states
from .memory import SECURE_SIZE, Paused
from .report import Report
from .search import search
from .secure_map import SecureMap

GROUP, MEMBER, PEER, PGK_ID = "0a0b0c", "000001", "000002", "01"
OTHER_GROUP = "0a0b0d"
SALT = "0123456789abcdef"
PLANTED_FILE = "/var/lib/optee-client/data/planted"
HIDDEN_FILE = "/.planted"  # for the search of the files alone: a name that `ls` leaves out
STORE = "/var/lib/optee-client/data/tee"
BLOCK = 4096  # octets that OP-TEE seals as one

# The moments of the search.
INSTALLED = "a PGK is installed"
WORKED_ON = "after a further write and read"
STARTED_COLD = "cold start, keys derived"
SEALED = "before the erase"
ERASED = "erased"
ERASED_COLD = "erased, cold start"
BEGUN_ANEW = "another PGK is installed"
UNREVOKED = "before the revocation"
REVOKED = "revoked"
# The places.
NORMAL_RAM, SECURE_RAM, DISK, FILES = "non-secure RAM", "secure RAM", "disk", "guest's files"


def run(name):
    """Lives it in a fresh UE of this name; the report of all searches."""
    Report.forget()
    life = Life(UE(name, installs=True))
    life.ue.start("--fresh")
    try:
        life.install()
        life.work_on()
        life.ue.reboot()
        life.derive()
        life.erase()
        life.ue.reboot()
        life.look_again()
        life.begin_anew()
        life.revoke()
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
        pgk = os.urandom(32)
        self.planted, self.hidden, self.planted_again = letters(), letters(), letters()
        # The PRK is as good as the PGK: everything derived comes from it.
        prk = hmac.digest(bytes(32), pgk, "sha256")
        # What the TA keeps of it from the first derivation on, and what profile 3gpp-ts33303 would keep of the PGK.
        self.held = {"PGK": pgk, "PRK": prk, **states("PRK", prk), **states("PGK", pgk)}

    def install(self):
        self._import(GROUP, self.held["PGK"])
        # The test build takes the key in clear, so this life's normal world has seen it: what stays is only told.
        self._search_normal_ram(INSTALLED, self.held)
        self._search_secure_ram(INSTALLED, self.held)

    def work_on(self):
        self.ue.done("derive", "send", "--group", GROUP)  # writes: it reserves PTK Ids
        self.ue.done("status")
        self._search_secure_ram(WORKED_ON, self.held)

    def derive(self):
        """Everything that a radio does, by prosectl, which ends and wipes; and one client that goes on holding keys."""
        sent = self.ue.done("derive", "send", "--group", GROUP)
        self.ue.done(*self._receive("0001"))
        held = self.held | self._keys("sender's", MEMBER, sent["ptk_id"], sent["salt"])
        held |= self._keys("receiver's", PEER, "0001", SALT)
        live = self._keys("client's", PEER, "0002", SALT)
        self._keep_in_a_shell(f"$({self.ue.ctl} --json {' '.join(self._receive('0002'))} --show-keys)")
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
        """Status makes the TA read what the store still has. Something is planted again, to be found this time too."""
        self.ue.done("status")
        self._plant(self.planted_again, PLANTED_FILE)
        self._search_secure_ram(ERASED_COLD, self.held)
        held = self.held | {"planted again": self.planted_again.encode()}
        self._search_normal_ram(ERASED_COLD, held)
        self._search_disk(ERASED_COLD, held)

    def begin_anew(self):
        """The secure RAM has nothing to find after the erase but another PGK, and what the other profile keeps of it."""
        other = os.urandom(32)
        self.held |= {"other PGK": other, **states("other PGK", other)}
        self._import(OTHER_GROUP, other, "1", "--profile", "3gpp-ts33303", "--accept-rollback")
        self.ue.done("derive", "send", "--group", OTHER_GROUP)
        self._search_secure_ram(BEGUN_ANEW, self.held)

    def revoke(self):
        """The revoked PGK goes from both versions of its blocks, and from memory; its successor stays."""
        self.held["next PGK"] = os.urandom(32)
        self._import(OTHER_GROUP, self.held["next PGK"], "2")
        sealed = self._sealed_state()
        self.ue.sh("sync")
        self._search_disk(UNREVOKED, sealed)
        self.ue.done("revoke", OTHER_GROUP, "--below", "2")
        self.ue.sh("sync")
        self._search_disk(REVOKED, sealed)
        self.ue.done("status")
        self._search_secure_ram(REVOKED, self.held)

    def _import(self, group, pgk, generation="1", *more):
        self.ue.done("key", "import", "--group", group, "--member", MEMBER, "--generation", generation, "--pgk-id",
                     f"{int(generation):02x}", "--key-file", "-", *more, stdin=pgk)

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
