"""Attacks on radios from their link: old captures after a kill and after a week, and floods. What gets in, what they
cost, and that no packet of anybody else is lost by them."""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import link
from harness import packages

GROUP = "0a0b0c"
ADDRESS, PORT = "ff12::7073:a:b0c", 46360
FLOOD_S = 3
# docs/packet.md: calls of the TEE in a second, and in a burst.
CALLS_PER_SECOND, CALLS_BURST = 20, 100


def setUpModule():
    global radios, packet_reference, attacker
    sys.path.insert(0, str(packages.installed()))
    import attacker
    import packet_reference
    import prosed as radios

    link.build()
    radios.build_release()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def radio(self, one, number, **more):
        radio = radios.Radio(one, number, radios.content(number + 1, **more))
        radio.program = radios.RELEASE
        self.addCleanup(radio.remove)
        return radio

    def attacker(self, one, number):
        command = ["ip", "netns", "exec", one.spaces[number], sys.executable, attacker.__file__, one.interface, ADDRESS,
                   str(PORT)]
        self.agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.agent.wait)
        self.addCleanup(self.agent.stdout.close)
        self.addCleanup(self.agent.stdin.close)
        self.agent.stdout.readline()

    def begin(self, order, *words):
        self.agent.stdin.write(" ".join(map(str, (order, *words))) + "\n")
        self.agent.stdin.flush()

    def ended(self):
        return json.loads(self.agent.stdout.readline())

    def order(self, *words):
        self.begin(*words)
        return self.ended()

    def file(self, frames):
        path = self.folder / f"{len(os.listdir(self.folder))}.frames"
        attacker.write(path, frames)
        return path

    def still(self, radio):
        """Its counters, when no frame comes any more and none waits."""
        seen = None
        while (now := radios.exact(self, radio)) != seen or now["waiting"]:
            seen = now
            time.sleep(0.3)
        return seen

    def send(self, radio, count, start=0):
        for number in range(start, start + count):
            self.assertEqual(radio.send(f"{radio.member} {number}".encode()), {"parameters": {}})


class Captures(Case):
    def test_after_a_kill_in_mid_epoch_its_capture_brings_nothing(self):
        with link.Link(["a", "b", "victim", "attacker"]) as one:
            a, b, victim = (self.radio(one, number).start() for number in range(3))
            self.attacker(one, 3)
            self.order("hear", self.folder / "capture")
            reader = victim.subscribe()
            self.addCleanup(reader.close)
            for turn in range(60):
                self.send(a, 1, turn)
                self.send(b, 1, turn)
            radios.until("all is read", lambda: victim.status()["counters"]["delivered"] == 120)
            captured = self.order("heard")["frames"]
            self.assertEqual(captured, 120)
            victim.end(9)
            victim.start()
            self.order("send", self.folder / "capture", 0, 0)
            counters = self.still(victim)
            self.assertEqual((counters["received"] + counters["kernel_drops"], counters["delivered"]), (captured, 0))
            print(f"after a kill: {captured} frames replayed, 0 accepted: {dropped(counters)}")
            # And nobody is deaf for that.
            for radio in (a, b):
                radio.call("Refresh", group=GROUP)
                self.send(radio, 1, 60)
            radios.until("both are heard again", lambda: victim.status()["counters"]["delivered"] == 2)

    def test_a_week_old_capture(self):
        with link.Link(["heard", "unheard", "victim", "attacker"]) as one:
            heard, unheard, victim = (self.radio(one, number) for number in range(3))
            heard.start()
            unheard.start()
            self.attacker(one, 3)
            captures = {}
            for radio in (heard, unheard):
                captures[radio] = self.folder / radio.member
                self.order("hear", captures[radio])
                self.send(radio, 50)
                radio.call("Refresh", group=GROUP)
                self.send(radio, 50, 50)
                self.assertEqual(self.order("heard")["frames"], 100)
            # A week later: both are two epochs further, and the victim has heard only one of them.
            for radio in (heard, unheard):
                for turn in range(2):
                    radio.call("Refresh", group=GROUP)
                    self.send(radio, 1, 100 + turn)
            victim.start()
            self.send(heard, 1, 200)
            radios.until("it is heard", lambda: victim.status()["counters"]["delivered"] == 1)
            self.order("send", captures[heard], 0, 0)
            counters = self.still(victim)
            self.assertEqual((counters["received"], counters["delivered"]), (101, 1))
            self.assertEqual(counters["drops"]["old_epoch"], 100)
            print(f"week-old capture of a sender heard since: 100 frames, 0 accepted: {dropped(counters)}")
            # docs/packet.md: of whom it never heard it cannot tell. It ends with his first live frame.
            self.order("send", captures[unheard], 100, 0)
            taken = self.still(victim)["delivered"] - 1
            self.assertGreater(taken, 0)
            self.send(unheard, 1, 200)
            radios.until("he is heard", lambda: victim.status()["counters"]["delivered"] == taken + 2)
            self.order("send", captures[unheard], 100, 0)
            counters = self.still(victim)
            self.assertEqual(counters["delivered"], taken + 2)
            print(f"of one never heard: {taken} of 100 accepted once, and 0 after his first live frame")


class Floods(Case):
    """All from one attacker, against a victim who hears a live sender."""

    def setUp(self):
        super().setUp()
        self.one = self.enterContext(radios.Link(3))
        self.live, self.victim = (self.radio(self.one, number).start() for number in range(2))
        self.attacker(self.one, 2)
        self.written = 0
        self.talk(10)
        radios.until("he is heard", lambda: self.victim.status()["counters"]["delivered"] == 10)

    def talk(self, count, pause_s=0.0):
        for _ in range(count):
            self.send(self.live, 1, self.written)
            self.written += 1
            time.sleep(pause_s)

    def flood(self, title, frames, per_second=0, seconds=FLOOD_S, meanwhile=None):
        """What the victim has counted of it, with its figures; the live sender talks meanwhile and nothing of his is
        lost but what the kernel had no room for."""
        path = self.file(frames)
        before, cpu_s, written = self.still(self.victim), self.cpu_s(), self.written
        self.begin("send", path, per_second, seconds)
        until = time.monotonic() + seconds
        if meanwhile:
            meanwhile()
        while time.monotonic() < until:
            self.talk(1, 0.02)
        sent = self.ended()
        after, cpu_s = self.still(self.victim), self.cpu_s() - cpu_s
        grown = {name: after[name] - before[name] for name in ("received", "delivered", "kernel_drops", "tee_calls")}
        drops = {name: value - before["drops"][name] for name, value in after["drops"].items()}
        lost = self.written - written - grown["delivered"]
        self.assertLessEqual(lost, grown["kernel_drops"])
        if not grown["kernel_drops"]:
            self.assertEqual(lost, 0)
        came = grown["received"] + grown["kernel_drops"]
        self.assertEqual(came, sent["sent"] + self.written - written, "frames that nobody can account for")
        self.assertLessEqual(grown["tee_calls"], CALLS_BURST + CALLS_PER_SECOND * (sent["seconds"] + 2))
        rate, each_us = grown["received"] / sent["seconds"], cpu_s / grown["received"] * 1e6
        print(f"{title}: {rate:,.0f} frames a second, {each_us:.1f} us of CPU each, {grown['tee_calls']} TEE calls, "
              f"{lost} of {self.written - written} live packets lost, kernel drops {grown['kernel_drops']:,}; "
              + ", ".join(f"{name} {value:,}" for name, value in drops.items() if value))
        return grown, drops

    def cpu_s(self):
        fields = Path(f"/proc/{self.victim.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def epoch(self, sender, ptk_id, has_tag):
        """A frame that announces an epoch that nobody has: with the group's admission tag, or with none."""
        vector = {"profile": "hkdf-sha256", "suite": "aead", "pgk": "01" * 32, "group": GROUP, "generation": 1,
                  "pgk_id": "01", "sender": sender, "ptk_id": f"{ptk_id:04x}", "salt": os.urandom(8).hex(), "sn": 1,
                  "sdu": 3, "extension": True, "admission": self.admission() if has_tag else os.urandom(16).hex()}
        return packet_reference.write_header(vector) + os.urandom(60)

    def admission(self):
        vector = {"profile": "hkdf-sha256", "suite": "aead", "pgk": "01" * 32, "group": GROUP, "generation": 1,
                  "pgk_id": "01", "sender": "000001", "ptk_id": "0001", "salt": "00" * 8}
        return packet_reference.keys_of(vector)["admission"]

    def strangers(self, has_tag, count=5000):
        return [self.epoch(os.urandom(3).hex(), 1 + number % 60000, has_tag) for number in range(count)]

    def test_random_frames(self):
        group = bytes.fromhex(GROUP)
        heads = (b"", b"\x10" + group, b"\x12" + group, b"\x10" + group + os.urandom(3) + b"\x61")
        frames = [heads[number % 4] + os.urandom(number % 200) for number in range(5000)]
        grown, _ = self.flood("random frames", frames)
        self.assertEqual(grown["tee_calls"], 0)

    def test_forged_epochs_under_random_senders(self):
        grown, drops = self.flood("forged epochs, random senders, no admission tag", self.strangers(False))
        self.assertEqual((grown["tee_calls"], drops["admission"] + grown["delivered"]), (0, grown["received"]))
        grown, drops = self.flood("the same with an admission tag", self.strangers(True))
        self.assertGreater(grown["tee_calls"], 0)
        self.assertEqual(drops["admission"], 0)

    def test_forged_epochs_under_a_live_sender_across_100_of_his_refreshes(self):
        def refreshes():
            for _ in range(100):
                self.live.call("Refresh", group=GROUP)
                self.talk(3, 0.02)

        ahead = int(self.live.status()["groups"][0]["sending"]["ptk_id"], 16)
        for title, has_tag, per_second in (("no admission tag", False, 5000), ("an admission tag", True, 300)):
            frames = [self.epoch(self.live.member, ahead + number % 250, has_tag) for number in range(5000)]
            title = f"forged epochs of a live sender, 100 refreshes, {title}"
            grown, _ = self.flood(title, frames, per_second, 9, refreshes)
            ahead = int(self.live.status()["groups"][0]["sending"]["ptk_id"], 16)
            if not has_tag:
                # His own epochs only, of which each has a call or shares one.
                self.assertLessEqual(grown["tee_calls"], 100)

    def test_replayed_frames(self):
        self.order("hear", self.folder / "capture")
        self.talk(500)
        self.assertEqual(self.order("heard")["frames"], 500)
        self.still(self.victim)
        grown, drops = self.flood("replayed frames", attacker.read(self.folder / "capture"))
        self.assertEqual((grown["tee_calls"], drops["replayed"] + drops["too_old"] + grown["delivered"]),
                         (0, grown["received"]))


def dropped(counters):
    return ", ".join(f"{name} {value:,}" for name, value in counters["drops"].items() if value)
