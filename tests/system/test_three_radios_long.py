"""Radios with real OP-TEE for longer: three talk at once through refreshes and rotations, a fourth floods them; what
protection costs in time; and where no key is while they talk. `make soak` has the long form."""

import hashlib
import hmac
import itertools
import os
import secrets
import struct
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import captured
import prose_manager
from harness import packages
from radios import GROUP, LINK, NAME, TUN, Network, percentiles, until

IS_SOAK = os.environ.get("PROSEAL_TRAFFIC") == "soak"
# Of each radio. Both forms have two rotations.
PACKETS, REFRESHES = (10_000, 100) if IS_SOAK else (2_000, 20)
ROUNDS, QUESTIONS = (20 if IS_SOAK else 4), 50
FLOOD_S = 60 if IS_SOAK else 20
FLOOD_PER_SECOND = 500
PER_SECOND = 50  # voice packets
UDP = 17  # IPv6's next header
# docs/packet.md: calls of the TEE in a second, and in a burst.
CALLS_PER_SECOND, CALLS_BURST = 20, 100
OTHER_GROUP = "0a0b0d"
OCTETS = bytes.fromhex(GROUP)
PLACE = f"ff12::7073:{OCTETS[0]:x}:{int.from_bytes(OCTETS[1:], 'big'):x}"


def setUpModule():
    global wiretap, packet_reference, manager, Paused, search, private_keys, states
    sys.path.insert(0, str(packages.installed()))
    import manager
    import packet_reference
    import wiretap
    from forensics import private_keys
    from forensics.hmac_state import states
    from forensics.memory import Paused
    from forensics.search import search

    prose_manager.build()


def figure(text):
    print(f"figure: {text}", flush=True)


def milliseconds(seconds):
    """Median, 99th percentile and longest, for people."""
    middle, late = percentiles(seconds)
    return f"{middle * 1000:.1f} ms median, {late * 1000:.1f} ms p99, {max(seconds) * 1000:.0f} ms at most"


def grown(before, after):
    """prosed's counters since then, those that are not 0."""
    since = {}
    for name, value in after.items():
        more = grown(before[name], value) if isinstance(value, dict) else value - before[name]
        since |= {name: more} if more or isinstance(value, dict) or name == "tee_calls" else {}
    return since


class Group(unittest.TestCase):
    """In this order: one group through all."""

    @classmethod
    def setUpClass(cls):
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.capture = folder / "link.pcap"
        cls.network = Network(folder, ["golf", "hotel", "india", "zulu"], link="long", hub=f"--capture {cls.capture}")
        cls.addClassCleanup(cls.network.close)
        cls.members, cls.outsider = cls.network.radios[:3], cls.network.radios[3]
        cls.manager = cls.network.manager
        cls.network.start("--epoch-packets", str(PACKETS // REFRESHES), "--epoch", "1h", "--overlap", "10m",
                          members=cls.members)  # fmt: skip
        cls.network.enrol(*cls.network)
        cls.network.join(*cls.members)
        cls.home = wiretap.Home(folder / "home")
        # PGKs whose time is over are not kept by the manager either.
        cls.pgks = {}
        # What the system itself says first on a new interface is over.
        time.sleep(2)

    def setUp(self):
        print(self.id().split(".")[-1], flush=True)

    def note_pgks(self):
        self.pgks.update(self.home.pgks(OCTETS))

    def on_the_link(self):
        """All frames of the members so far, with their epochs' salts."""
        # Answered when the capture has all.
        self.network.order("count")
        heard = [frame for frame in captured.frames(self.capture)
                 if frame.kind == captured.DATA and frame.card != self.outsider.card]  # fmt: skip
        return heard, wiretap.salts(heard)

    def by_index(self):
        return {pgk.pgk_id[0] & 0x1F: pgk for pgk in self.pgks.values()}

    def speech(self):
        """{(stream, number): frame} of all voice packets on the link, opened with the manager's keys."""
        (heard, salt_of), by_index, found = self.on_the_link(), self.by_index(), {}
        for frame in heard:
            payload = wiretap.opened(frame, by_index[frame.index], salt_of[wiretap.epoch(frame)])
            # IPv6 and UDP, then stream and number.
            if payload[6] == UDP and len(payload) >= 65:
                found.setdefault(struct.unpack_from(">II", payload, 48), frame)
        return found

    def rotate(self):
        """The manager's reach is one radio first; the others hold the next key and follow what they hear."""
        old = self.members[0].generation()
        self.manager.done("key", "rotate", NAME)
        self.note_pgks()
        self.members[0].done("update", "--wait", "20")
        until("all follow", lambda: all((radio.generation() or 0) > old for radio in self.members), 120)
        for radio in self.members[1:]:
            radio.done("update", "--wait", "20")

    def test_1_all_talk_through_refreshes_and_rotations(self):
        self.note_pgks()
        seconds = PACKETS / PER_SECOND
        before = [radio.counters() for radio in self.members]
        heard = [radio.listen() for radio in self.members]
        with ExitStack() as listening, ThreadPoolExecutor() as side_by_side:
            for listener in heard:
                listening.enter_context(listener)
            start = time.monotonic()
            speeches = [side_by_side.submit(radio.talk, PACKETS, stream=stream) for stream, radio in enumerate(self.members)]
            for share in (1 / 4, 1 / 2):
                time.sleep(max(0, start + seconds * share - time.monotonic()))
                self.rotate()
            said = [speech.result() for speech in speeches]
        self.assertEqual([one["refused"] for one in said], [0, 0, 0])
        lost = {}
        for number, listener in enumerate(heard):
            others = [stream for stream in range(len(heard)) if stream != number]
            self.assertEqual((listener.twice(), listener.strange), (0, 0), listener.name)
            self.assertEqual({stream for _, stream, _ in listener.heard}, set(others), listener.name)
            for stream in others:
                lost[listener.name, stream] = listener.lost(PACKETS, stream)
        counted = [grown(old, radio.counters()) for radio, old in zip(self.members, before)]
        figure(f"{len(heard)} radios, {PACKETS} packets each way, {len(heard) * 2 * PACKETS:,} to be heard: "
               f"{sum(map(len, lost.values()))} lost, 0 twice, 0 false; TEE calls {[one['tee_calls'] for one in counted]}")
        self.assertEqual(sum(map(len, lost.values())), 0, f"{lost} {counted}")
        self.judge_changes(heard)

    def judge_changes(self, heard):
        """How long a listener waits for the first packet of a new epoch, or under a new key."""
        on_link, gaps = self.speech(), {"steady": [], "refresh": [], "rotation": []}
        self.assertEqual(len(on_link), len(heard) * PACKETS)
        generations = set()
        for listener in heard:
            at = {(stream, number): at for at, stream, number in listener.heard}
            for (stream, number), time_of in at.items():
                frame, before = on_link[stream, number], on_link.get((stream, number - 1))
                generations.add(frame.index)
                if before is None:
                    continue
                kind = ("rotation" if frame.index != before.index else
                        "refresh" if wiretap.epoch(frame) != wiretap.epoch(before) else "steady")  # fmt: skip
                gaps[kind].append(time_of - at[stream, number - 1])
        for kind, name in (("steady", "in an epoch"), ("refresh", "over a refresh"), ("rotation", "over a rotation")):
            figure(f"from one packet to the next, {name} ({len(gaps[kind])}): {milliseconds(gaps[kind])}")
        self.assertEqual(len(generations), 3)
        # At a rotation an epoch ends before its packets are used up.
        self.assertGreaterEqual(len(gaps["refresh"]), (REFRESHES - 4) * len(heard) * 2)
        self.assertGreaterEqual(len(gaps["rotation"]), 2 * len(heard) * 2)
        self.assertLess(percentiles(gaps["refresh"])[0], 0.5)
        frames = self.on_the_link()[0]
        nonces = {(wiretap.epoch(frame), wiretap.number(frame)) for frame in frames}
        self.assertEqual(len(nonces), len(frames), "a nonce came twice")

    def test_2_what_protection_adds(self):
        asking, answering = self.members[:2]
        # TUN of the group, and the link without any protection: in turns, since the machine is not always as fast.
        plain, protected, lost = [], [], 0
        with answering.answer(TUN), answering.answer(LINK, port=5005):
            for _ in range(ROUNDS):
                for times, interface, port in ((plain, LINK, 5005), (protected, TUN, 5004)):
                    took, unanswered = asking.ask(QUESTIONS, interface, port=port)
                    times += took
                    lost += unanswered
        (fast, late), (fast_protected, late_protected) = percentiles(plain), percentiles(protected)
        figure(f"round trip of {len(plain)} questions: {fast / 1000:.2f} ms median, {late / 1000:.2f} ms p99 without; "
               f"{fast_protected / 1000:.2f} ms, {late_protected / 1000:.2f} ms through prosed, both ways at both ends")
        figure(f"protection adds to one way {(fast_protected - fast) / 2000:.2f} ms in the median, "
               f"{(late_protected - late) / 2000:.2f} ms in the 99th percentile")
        self.assertLess(fast_protected - fast, 50_000)
        self.assertLessEqual(lost, len(plain) // 50)

    def crafted(self):
        """Frames of somebody who has heard all and holds no key: epochs that nobody began, of members and of others, and
        what he has heard, as it was and with other epochs."""
        frames, _ = self.on_the_link()
        newest = frames[-1]
        announced = [frame.octets for frame in frames if wiretap.announced(frame)][-100:]
        senders = sorted({bytes.fromhex(frame.member) for frame in frames})
        ptk_ids = itertools.cycle(range(0x8000, 0xFFFF))

        def epoch(sender, index):
            header = bytes((0x12,)) + OCTETS + sender + bytes((index,)) + next(ptk_ids).to_bytes(2, "big") + b"\x00\x01\x00\x00"
            return header + secrets.token_bytes(16 + 60 + 16)

        crafted = []
        for number in range(1000):
            crafted.append(epoch(senders[number % len(senders)], newest.index))
            crafted.append(epoch(secrets.token_bytes(3), newest.index))
            again = announced[number % len(announced)]
            crafted.append(again)
            crafted.append(again[:8] + next(ptk_ids).to_bytes(2, "big") + again[10:])
        return crafted

    def talk_under(self, during=None):
        """One talks, two hear; how many packets were lost, how many there were, and what the listeners counted."""
        speaker, *listeners = self.members
        packets = FLOOD_S * PER_SECOND
        before = [radio.counters() for radio in listeners]
        epochs = sum(int(radio.sending()["ptk_id"], 16) for radio in self.members)
        heard = [radio.listen() for radio in listeners]
        with ExitStack() as listening, ThreadPoolExecutor() as side_by_side:
            for listener in heard:
                listening.enter_context(listener)
            speech = side_by_side.submit(speaker.talk, packets, stream=7)
            if during:
                during()
            said = speech.result()
        lost = said["refused"] * len(listeners) + sum(len(listener.lost(packets, 7)) for listener in heard)
        for listener in heard:
            self.assertEqual((listener.twice(), listener.strange), (0, 0))
            self.assertEqual({stream for _, stream, _ in listener.heard}, {7})
        begun = sum(int(radio.sending()["ptk_id"], 16) for radio in self.members) - epochs
        counted = [grown(old, radio.counters()) for radio, old in zip(listeners, before)]
        return lost, packets * len(listeners), counted, begun

    def test_3_an_outsider_floods_with_crafted_epochs(self):
        octets = b"".join(len(frame).to_bytes(4, "big") + frame for frame in self.crafted())
        done = self.outsider.exec("sh", "-c", "cat >/tmp/crafted", stdin=octets)
        self.assertEqual(done.status, 0, done)
        lost_without, of, _, _ = self.talk_under()
        flood = {}

        def floods():
            flood.update(self.outsider.repeat("/tmp/crafted", FLOOD_S * FLOOD_PER_SECOND, 1000 // FLOOD_PER_SECOND,
                                              group=PLACE, port=captured.PORT))  # fmt: skip

        lost_with, of, counted, begun = self.talk_under(floods)
        seconds = flood["ms"] / 1000
        drops, calls = [sum(one["drops"].values()) for one in counted], [one["tee_calls"] for one in counted]
        figure(f"flood for {seconds:.0f} s: {flood['sent'] / seconds:.0f} crafted frames a second sent, "
               f"{min(drops) / seconds:.0f} to {max(drops) / seconds:.0f} dropped at the radios")
        figure(f"honest packets lost: {lost_with} of {of}, without the flood {lost_without}; TEE calls {calls}, "
               f"honest epochs begun {begun}, the bucket allows {CALLS_BURST + CALLS_PER_SECOND * seconds:.0f}")
        # He was heard: a flood that never came in would prove nothing.
        self.assertGreater(min(drops), 0.9 * flood["sent"])
        self.assertGreater(flood["sent"], 0.9 * FLOOD_S * FLOOD_PER_SECOND)
        self.assertLess(lost_with - lost_without, 0.01 * of, counted)
        for number in calls:
            self.assertLessEqual(number, CALLS_BURST + CALLS_PER_SECOND * seconds)
            # All of it for the members' own epochs, and what they announce again: none for the outsider.
            self.assertLessEqual(number, begun + 10)

    def test_4_no_key_is_where_it_must_not_be(self):
        self.note_pgks()
        frames, salt_of = self.on_the_link()
        kept = {}
        for generation, pgk in sorted(self.pgks.items()):
            prk = hmac.digest(bytes(32), pgk.key, "sha256")
            kept |= {f"PGK {generation}": pgk.key, f"PRK {generation}": prk, **states(f"PRK {generation}", prk)}
        for radio in self.members:
            kept |= self.private_keys(radio)
        # The epoch that one sends under is known to those who hear him, in the clear.
        newest = frames[-1]
        member, ptk_id = bytes.fromhex(newest.member), newest.ptk_id.to_bytes(2, "big")
        _, live = self.by_index()[newest.index].epoch(member, ptk_id, salt_of[wiretap.epoch(newest)])
        planted = secrets.token_bytes(32)
        self.outsider.put("/var/lib/optee-client/data/planted", planted.hex())
        searched = 0
        for radio in self.network:
            radio.sh("sync")
            disk, (octets, found) = radio.disk(), ({}, {})
            octets["disk"], found["disk"] = search([(0, disk)], kept | {"planted": planted})
            with Paused(radio.name) as paused:
                octets["RAM"], found["RAM"] = search(paused.normal_ram().pieces(), kept | {"live CK": live, "planted": planted})
                self.assertEqual(octets["RAM"], paused.normal_size())
            searched += sum(octets.values())
            names = {place: {hit.secret for hit in hits} for place, hits in found.items()}
            is_outsider = radio is self.outsider
            self.assertEqual(names["disk"], {"planted"} if is_outsider else set(), radio.name)
            # Its page is still in the file system's cache.
            self.assertEqual(names["RAM"], {"planted"} if is_outsider else {"live CK"}, radio.name)
        octets, found = search([(0, self.capture.read_bytes())], kept | {"live CK": live, "cipher text": newest.octets[-32:]})
        self.assertEqual({hit.secret for hit in found}, {"cipher text"}, "what is on the link is found there")
        searched += octets
        figure(f"{searched:,} octets of RAM, disks and capture of {len(self.network.radios)} radios searched for "
               f"{len(kept)} secrets: none found; planted ones and keys in use were")

    def private_keys(self, radio):
        """A radio's own, read from its secure RAM right after each was used."""
        opening = manager.opening()
        read = opening.read_statement(radio.octets("prosectl", "statement", "export"))
        device, x25519, ed25519 = read[1], read[2], read[3]
        found = private_keys.of_signing(f"{radio.name}'s signing key",
                                        self.beside(radio, ed25519, manager.form().public_of_ed25519))  # fmt: skip
        # A package that the manager could have made but for the key it is sealed to: the last thing is that it fails to open.
        seed, version, delegation = self.home.signer()
        content = {1: device, 2: radio.done("status")["sequence"] + 1, 3: int(time.time()), 5: []}
        foreign = manager.form().public_of_x25519(os.urandom(32))
        package = manager.making().make_package(seed, version, delegation, foreign, device, content)
        self.assertEqual(radio.json("import", "-", stdin=package).get("name"), "not_opened")
        return found | private_keys.of_opening(f"{radio.name}'s opening key",
                                               self.beside(radio, x25519, manager.form().public_of_x25519))  # fmt: skip

    def beside(self, radio, public, public_of):
        with Paused(radio.name) as paused:
            found = private_keys.beside(paused.secure_ram().whole(), public, public_of)
        self.assertTrue(found, f"{radio.name}: no private key beside its public half")
        return found[0][1]

    def test_5_what_was_captured_opens_with_its_own_keys_only(self):
        self.manager.done("group", "add", OTHER_GROUP, "--name", "others")
        self.manager.done("key", "rotate", "others")
        (other,) = list(self.home.pgks(bytes.fromhex(OTHER_GROUP)).values())[:1]
        frames, salt_of = self.on_the_link()
        by_index, opened = self.by_index(), 0
        for frame in frames[:: max(1, len(frames) // 300)]:
            own, salt = by_index[frame.index], salt_of[wiretap.epoch(frame)]
            wiretap.opened(frame, own, salt)
            opened += 1
            strangers = [pgk for pgk in by_index.values() if pgk is not own]
            # The other group's key, as if it were this group's.
            strangers += [wiretap.Pgk(OCTETS, own.generation, own.pgk_id, other.key, own.label)]
            wrong = [(pgk, salt, None) for pgk in strangers]
            wrong += [(own, salt, frame.ptk_id ^ 1 or 2)]
            wrong += [(own, next(value for epoch, value in salt_of.items() if epoch != wiretap.epoch(frame)), None)]
            for pgk, of_epoch, ptk_id in wrong:
                with self.assertRaises(packet_reference.Dropped):
                    wiretap.opened(frame, pgk, of_epoch, ptk_id)
        figure(f"{opened} frames of the capture open under their own keys, none of them under another epoch's, "
               f"generation's or group's")
        digests = {hashlib.sha256(pgk.key).digest() for pgk in [*self.pgks.values(), other]}
        self.assertEqual(len(digests), len(self.pgks) + 1)


if __name__ == "__main__":
    unittest.main()
