"""Suite `traffic`: radios with real OP-TEE talk one-to-many through what a field day brings. Each test is an event of
docs/events.md, and looks at the radio that is hit as well as at those who hear it."""

import json
import re
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import prose_manager
import radios
from forensics import fault
from forensics.memory import Paused
from harness.process import ROOT
from radios import GROUP, NAME, TUN, Network, until

EVENTS = ROOT / "docs/events.md"
# Short, so that a test sees several epochs.
EPOCH_S, EPOCH_PACKETS = 20, 400
# A voice packet each 20 ms: what a radio may be silent for at a change of keys.
GAP_S = 2.0


def events():
    """The events that have a row, by their number."""
    return dict(re.findall(r"^\| traffic_(\d{4}) \| ([^|]+?) \|", EVENTS.read_text(), re.M))


class Table(unittest.TestCase):
    def test_each_event_has_a_test_and_each_test_a_row(self):
        names = unittest.defaultTestLoader.getTestCaseNames(Traffic)
        tested = [re.match(r"test_traffic_(\d{4})_", name)[1] for name in names]
        self.assertEqual(sorted(events()), sorted(tested))
        rows = [line for line in EVENTS.read_text().splitlines() if line.startswith("| traffic_")]
        for row in rows:
            columns = [column.strip() for column in row.strip("|").split("|")]
            self.assertEqual(len(columns), 5, row)
            self.assertTrue(all(columns), row)


class Traffic(unittest.TestCase):
    """In this order: one group through all events."""

    taken_back = 0

    @classmethod
    def setUpClass(cls):
        prose_manager.build()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.network = Network(folder.name, ["alpha", "bravo", "charlie", "delta"], link="traffic")
        cls.addClassCleanup(cls.network.close)
        cls.alpha, cls.bravo, cls.charlie, cls.delta = cls.network
        cls.manager = cls.network.manager
        members = [cls.alpha, cls.bravo, cls.charlie]
        cls.network.start("--epoch", f"{EPOCH_S}s", "--epoch-packets", str(EPOCH_PACKETS), "--overlap", "10m",
                          members=members)  # fmt: skip
        cls.network.enrol(*cls.network)
        cls.network.join(*members)
        # What the system itself says first on a new interface is over.
        time.sleep(2)

    def setUp(self):
        print(self.id().split(".")[-1], flush=True)

    # What the tests are made of.

    def hear(self, speaker, *listeners, packets=100, during=None, **options):
        """One speaks, the others listen; `during` runs meanwhile. The speaker's end, and the listeners."""
        heard = [listener.listen() for listener in listeners]
        with ThreadPoolExecutor() as side_by_side:
            for listener in heard:
                listener.__enter__()
            try:
                speech = side_by_side.submit(speaker.talk, packets, **options)
                if during is not None:
                    during()
                said = speech.result()
            except BaseException:
                for listener in heard:
                    listener.__exit__(BaseException)
                raise
            for listener in heard:
                listener.__exit__(None)
        for listener in heard:
            self.assertEqual((listener.twice(), listener.strange), (0, 0), listener.name)
        return said, heard

    def all_hear(self, speaker, *listeners, packets=100, refused=0, **options):
        """Nothing is lost."""
        said, heard = self.hear(speaker, *listeners, packets=packets, **options)
        self.assertLessEqual(said["refused"], refused, said)
        for listener in heard:
            self.assertLessEqual(len(listener.lost(packets)), said["refused"], (listener.name, listener.lost(packets)))
        return said, heard

    def none_hears(self, speaker, *listeners, packets=50):
        said, heard = self.hear(speaker, *listeners, packets=packets)
        for listener in heard:
            self.assertEqual(listener.numbers(), [], listener.name)
        return said

    def all_talk(self, *members, packets=50):
        for speaker in members:
            self.all_hear(speaker, *[radio for radio in members if radio is not speaker], packets=packets)

    def epochs(self):
        """How many epochs the others than bravo have begun."""
        return sum(int(radio.sending()["ptk_id"], 16) for radio in (self.alpha, self.charlie))

    def drops(self, radio):
        return radio.counters()["drops"]

    def update(self, *members):
        for radio in members:
            radio.done("update", "--wait", "20")

    def new_key(self):
        """The keys that were are ended, and all go on under a new one: a device holds four at most."""
        self.manager.done("key", "replace", NAME, "--yes")
        self.update(self.alpha, self.bravo, self.charlie)
        until("all agree", self.agree)

    def agree(self):
        generations = {radio.generation() for radio in (self.alpha, self.bravo, self.charlie)}
        return len(generations) == 1 and None not in generations

    # The events.

    def test_traffic_1001_an_epoch_is_used_up(self):
        before = self.alpha.sending()
        _, heard = self.all_hear(self.alpha, self.bravo, self.charlie, packets=EPOCH_PACKETS * 2 + 100)
        after = self.alpha.sending()
        self.assertGreaterEqual(int(after["ptk_id"], 16), int(before["ptk_id"], 16) + 2)
        self.assertEqual(after["generation"], before["generation"])
        gaps = [listener.gap() for listener in heard]
        print(f"the longest gap at a refresh: {max(gaps) * 1000:.0f} ms")
        self.assertLess(max(gaps), GAP_S)

    def test_traffic_1002_an_epoch_grows_old(self):
        before = self.bravo.sending()
        self.all_hear(self.bravo, self.alpha, self.charlie, packets=EPOCH_S * 2 + 20, interval=500)
        self.assertGreater(int(self.bravo.sending()["ptk_id"], 16), int(before["ptk_id"], 16))

    def test_traffic_1003_an_epoch_is_ended_by_hand(self):
        before = self.alpha.sending()

        def refreshes():
            for _ in range(5):
                self.alpha.done("traffic", "refresh", GROUP)

        self.all_hear(self.alpha, self.bravo, self.charlie, packets=300, during=refreshes)
        self.assertGreaterEqual(int(self.alpha.sending()["ptk_id"], 16), int(before["ptk_id"], 16) + 3)

    def test_traffic_1004_the_key_is_rotated(self):
        old = self.alpha.generation()

        def rotates():
            self.manager.done("key", "rotate", NAME)
            self.update(self.alpha)
            until("alpha follows", lambda: self.alpha.generation() > old)

        # The others hold the next generation already.
        _, heard = self.all_hear(self.alpha, self.bravo, self.charlie, packets=1000, during=rotates)
        print(f"the longest gap at a rotation: {max(listener.gap() for listener in heard) * 1000:.0f} ms")
        self.assertLess(max(listener.gap() for listener in heard), GAP_S)
        self.update(self.bravo, self.charlie)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1005_a_radio_is_suspended_and_resumed(self):
        self.bravo.done("suspend", GROUP)
        until("prosed knows", lambda: self.bravo.group()["suspended"])
        said, heard = self.hear(self.bravo, self.alpha)
        self.assertEqual(heard[0].numbers(), [])
        self.none_hears(self.alpha, self.bravo)
        self.assertIn("suspended", self.bravo.prosectl("traffic", "status").stdout)
        self.all_hear(self.alpha, self.charlie)
        self.bravo.done("resume", GROUP)
        until("bravo can send", self.bravo.sending)
        self.all_talk(self.alpha, self.bravo)

    def test_traffic_1006_one_comes_late(self):
        late = self.charlie.listen()

        def comes():
            self.charlie.restart_prosed()
            until("charlie is there", self.charlie.sending)
            self.since = self.charlie.clock()

        with late:
            self.hear(self.alpha, self.bravo, packets=1200, during=comes)
        after = [at for at, _, number in late.heard if at >= self.since - 1]
        self.assertTrue(after, "charlie hears the rest")
        # From the moment that it was seen to be ready, which is a little later than it was.
        print(f"heard {after[0] - self.since:+.2f} s after it was seen to be ready")
        self.assertLess(after[0] - self.since, 1.2)
        self.assertEqual(late.numbers()[-1], 1199)

    def test_traffic_1007_a_radio_starts_anew(self):
        before = self.bravo.sending()
        self.bravo.reboot()
        until("bravo can send", self.bravo.sending, 120)
        self.assertGreater(int(self.bravo.sending()["ptk_id"], 16), int(before["ptk_id"], 16))
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1008_the_power_goes(self):
        before = self.bravo.sending()
        said, heard = self.hear(self.alpha, self.charlie, packets=200, during=self.bravo.cut)
        self.assertEqual(heard[0].lost(200), [])
        self.network.start_again(self.bravo)
        until("bravo can send", self.bravo.sending, 120)
        self.assertGreater(int(self.bravo.sending()["ptk_id"], 16), int(before["ptk_id"], 16))
        # Of an epoch that it heard before it takes only what cannot be a replay: what is above the number that it had
        # written ahead, or of the next epoch.
        _, heard = self.hear(self.alpha, self.bravo, packets=EPOCH_PACKETS + 50)
        lost = heard[0].lost(EPOCH_PACKETS + 50)
        self.assertEqual(lost, list(range(len(lost))), "nothing is lost after the first that is heard")
        self.assertLess(len(lost), EPOCH_PACKETS)
        self.hear(self.charlie, self.bravo, packets=EPOCH_PACKETS + 50)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1009_an_outsider_listens_and_speaks(self):
        """It is on the link, its manager knows it, and nobody has let it in."""
        refused = self.delta.json("join", GROUP)
        self.assertEqual((refused["ok"], refused.get("name")), (False, "not_authorised"), refused)
        before, epochs = self.bravo.counters(), self.epochs()
        address = f"ff12::7073:{int(GROUP[:2], 16):x}:{GROUP[2:].lstrip('0')}"

        def speaks():
            # To the group's own address and port, 500 a second.
            self.delta.talk(1500, stream=666, interface=radios.LINK, group=address, port=46360, interval=2, octets=120)

        _, heard = self.all_hear(self.alpha, self.bravo, self.charlie, packets=200, during=speaks)
        for listener in heard:
            self.assertEqual(listener.numbers(666), [])
        after = self.bravo.counters()
        dropped = sum(after["drops"].values()) - sum(before["drops"].values())
        self.assertGreaterEqual(dropped, 1400, after)
        # A call for each new epoch of a member, and none for the outsider.
        self.assertLessEqual(after["tee_calls"] - before["tee_calls"], self.epochs() - epochs)
        self.assertIsNone(self.delta.group())

    def test_traffic_1010_tee_supplicant_dies(self):
        self.bravo.sh("kill -KILL $(pidof tee-supplicant)")
        # What is under way needs no storage.
        self.all_hear(self.bravo, self.alpha, packets=50)
        self.all_hear(self.alpha, self.bravo, packets=50)
        self.bravo.sh("kill $(cat /run/prosed.pid); sleep 3; kill -KILL $(pidof prosed); tee-supplicant")
        until("bravo can send", self.bravo.sending, 120)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1022_the_trusted_application_panics(self):
        start, before = self.bravo.done("status")["start_nonce"], self.bravo.sending()

        def strikes(asks):
            fault.strike(self.bravo.name)
            asks.done("traffic", "refresh", GROUP)

        # Its own next epoch, and one that it must hear, are what meets the dead application.
        self.all_hear(self.bravo, self.alpha, self.charlie, packets=300, during=lambda: strikes(self.bravo))
        again = self.bravo.done("status")["start_nonce"]
        self.assertNotEqual(again, start)
        self.all_hear(self.alpha, self.bravo, self.charlie, packets=300, during=lambda: strikes(self.alpha))
        self.assertNotEqual(self.bravo.done("status")["start_nonce"], again)
        self.assertGreater(int(self.bravo.sending()["ptk_id"], 16), int(before["ptk_id"], 16))
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1023_a_machine_stands_still_and_goes_on(self):
        before = self.charlie.counters()["delivered"]

        def stands_still():
            with Paused(self.bravo.name):
                heard_then = self.charlie.counters()["delivered"]
                time.sleep(3)
                self.assertGreater(self.charlie.counters()["delivered"], heard_then, "speech goes on meanwhile")

        _, heard = self.hear(self.alpha, self.bravo, self.charlie, packets=600, during=stands_still)
        still, other = heard
        self.assertEqual(other.lost(600), [])
        self.assertGreater(self.charlie.counters()["delivered"], before + 500)
        # What came meanwhile waits at its door as far as there is room; what comes after is heard.
        print(f"of 600 packets the one that stood still did not hear {len(still.lost(600))}")
        self.assertEqual(still.numbers()[-1], 599)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1011_the_link_goes_down_and_up(self):
        self.network.order("down bravo")
        self.none_hears(self.alpha, self.bravo)
        self.none_hears(self.bravo, self.alpha)
        self.all_hear(self.alpha, self.charlie)
        self.network.order("up bravo")
        # A new epoch may have begun meanwhile: it is told once a second.
        self.hear(self.alpha, self.bravo)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1012_a_clock_is_wrong(self):
        for clock in ("2026-11-28 03:00", "1999-01-01", "2090-01-01"):
            with self.subTest(clock):
                self.assertEqual(self.bravo.sh(f"date -u -s '{clock}'").status, 0)
                self.all_talk(self.alpha, self.bravo)
                self.bravo.restart_prosed()
                until("bravo can send", self.bravo.sending)
                self.all_talk(self.alpha, self.bravo)
                # No clock of its own makes it use up epochs.
                self.assertLess(int(self.bravo.sending()["ptk_id"], 16), 0x1000)
        refused = self.bravo.json("update")
        self.assertEqual((refused["ok"], refused.get("name")), (False, "wrong_manager"), refused)
        self.assertIn("clock", refused["hint"])
        self.bravo.sh(f"date -u -s @{int(time.time())}")

    def test_traffic_1021_ordinary_programs_talk(self):
        """Programs of Debian and busybox, unchanged."""
        place = f"[ff12::99%{TUN}]:6000"
        with ThreadPoolExecutor() as side_by_side:
            listening = [
                side_by_side.submit(radio.sh, f"timeout 12 socat -u UDP6-RECV:6000,ipv6-join-group=[ff12::99]:{TUN} STDOUT")
                for radio in (self.bravo, self.charlie)
            ]
            time.sleep(4)
            for word in ("one", "two", "three"):
                said = self.alpha.sh(f"echo {word} | socat -u STDIN UDP6-DATAGRAM:{place}")
                self.assertEqual(said.status, 0, said)
            for heard in listening:
                self.assertEqual(heard.result().stdout.split(), ["one", "two", "three"])
        answered = self.alpha.sh(f"ping -6 -c 3 -I {TUN} ff02::1")
        self.assertEqual(answered.status, 0, answered)

    def test_traffic_1013_a_radio_is_off_over_two_rotations(self):
        self.new_key()
        self.charlie.stop()
        for _ in range(2):
            before = self.alpha.generation()
            self.manager.done("key", "rotate", NAME)
            self.update(self.alpha, self.bravo)
            until("alpha and bravo follow", lambda: self.alpha.generation() == self.bravo.generation() > before)
        newest = self.alpha.generation()
        self.network.start_again(self.charlie)
        until("charlie can send", self.charlie.sending, 120)
        self.assertLess(self.charlie.generation(), newest)
        # Who lags is heard, since keys overlap; it hears nothing, and counts why.
        self.all_hear(self.charlie, self.alpha, self.bravo)
        before = self.drops(self.charlie)["unknown_index"]
        self.none_hears(self.alpha, self.charlie)
        self.assertGreaterEqual(self.drops(self.charlie)["unknown_index"], before + 50)
        self.update(self.charlie)
        until("charlie follows", lambda: self.charlie.generation() == newest)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1014_two_radios_have_one_member_id(self):
        """On QEMU a copied disk is a copied radio: all have one hardware key."""
        self.bravo.sh("sync")
        self.delta.stop()
        self.bravo.stop()
        (self.delta.folder / "disk").write_bytes(self.bravo.disk())
        self.network.start_again(self.bravo)
        self.network.start_again(self.delta)
        for radio in (self.bravo, self.delta):
            until(f"{radio.name} can send", radio.sending, 120)
        before = self.drops(self.bravo)["own_member"]
        self.hear(self.delta, self.alpha)
        self.assertGreater(self.drops(self.bravo)["own_member"], before)
        self.assertIn(f"two radios send as member {self.bravo.group()['member']}", self.bravo.console())
        self.delta.stop()
        self.bravo.done("traffic", "refresh", GROUP)
        self.hear(self.bravo, self.alpha)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def test_traffic_1015_storage_is_rolled_back(self):
        self.new_key()
        self.charlie.stop()
        yesterday = self.charlie.disk()
        self.network.start_again(self.charlie)
        until("charlie can send", self.charlie.sending, 120)
        # More than a block of PTK Ids.
        begun = self.charlie.sh(f"for i in $(seq 70); do prosectl derive send --group {GROUP} >/dev/null || exit 1; done")
        self.assertEqual(begun.status, 0, begun)
        self.charlie.restart_prosed()
        until("charlie can send", self.charlie.sending)
        self.all_hear(self.charlie, self.alpha, self.bravo)
        self.charlie.stop()
        (self.charlie.folder / "disk").write_bytes(yesterday)
        self.network.start_again(self.charlie)
        until("charlie can send", self.charlie.sending, 120)
        before = self.drops(self.alpha)["old_epoch"]
        self.none_hears(self.charlie, self.alpha, self.bravo)
        self.assertGreater(self.drops(self.alpha)["old_epoch"], before)
        # It hears the others; it is heard again under the next generation.
        self.all_hear(self.alpha, self.charlie)
        self.manager.done("key", "rotate", NAME)
        self.update(self.alpha, self.bravo, self.charlie)
        until("all agree", self.agree)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def exclude_charlie(self):
        """The manager reaches alpha only."""
        self.old = self.alpha.generation()
        for radio in (self.bravo, self.charlie):
            if radio.runs():
                self.network.reach(radio, False)
        self.manager.done("exclude", NAME, self.charlie.subscriber, "--yes")
        self.update(self.alpha)
        self.bundle = "/tmp/bundle"
        self.alpha.sh(f"rm -rf {self.bundle}")
        self.alpha.done("bundle", GROUP, "--out", self.bundle)

    def take_charlie_back(self):
        for radio in (self.bravo, self.charlie):
            self.network.reach(radio, True)
        # Who was excluded comes back by the operator's own hand, under another member id.
        type(self).taken_back += 1
        self.manager.done("member", "add", NAME, self.charlie.subscriber, f"{0x100 + self.taken_back:06x}")
        self.update(self.charlie, self.alpha, self.bravo)
        until("charlie can send", self.charlie.sending)
        until("bravo can send", self.bravo.sending)
        until("all agree", self.agree)
        self.all_talk(self.alpha, self.bravo, self.charlie)

    def is_silent(self, radio):
        until(f"{radio.name} is silent", lambda: not radio.group() or not radio.group()["generations"])
        said = radio.prosectl("traffic", "status").stdout
        self.assertRegex(said, "no key|no group")
        return said

    def test_traffic_1016_a_radio_is_lost_and_packages_are_in_reach(self):
        self.exclude_charlie()

        def carries():
            self.alpha.done("traffic", "carry", GROUP, self.bundle)

        _, heard = self.hear(self.alpha, self.bravo, self.charlie, packets=1500, during=carries)
        until("bravo goes on", lambda: (self.bravo.generation() or 0) > self.old)
        print(f"bravo's gap at the exclusion: {heard[0].gap():.2f} s")
        self.assertEqual(heard[0].numbers()[-1], 1499)
        self.is_silent(self.charlie)
        self.none_hears(self.alpha, self.charlie)
        self.none_hears(self.charlie, self.alpha, self.bravo)
        self.all_talk(self.alpha, self.bravo)
        self.take_charlie_back()

    def test_traffic_1017_a_radio_is_lost_and_only_the_notice_is_in_reach(self):
        self.exclude_charlie()
        self.alpha.done("traffic", "carry", GROUP, f"{self.bundle}/notice")
        self.hear(self.alpha, packets=100)
        for radio in (self.bravo, self.charlie):
            self.is_silent(radio)
        self.none_hears(self.alpha, self.bravo, self.charlie)
        self.take_charlie_back()

    def test_traffic_1018_a_radio_was_off_at_the_exclusion_and_one_keeps_its_package(self):
        self.bravo.stop()
        self.exclude_charlie()
        self.alpha.done("traffic", "carry", GROUP, self.bundle)
        self.hear(self.alpha, packets=100)
        self.network.start_again(self.bravo)
        self.network.reach(self.bravo, False)
        until("bravo answers", self.bravo.group, 120)
        # Its first frames are under a key that alpha does not hold any more: so alpha tells it.
        self.hear(self.bravo, packets=200)
        until("bravo goes on", lambda: (self.bravo.generation() or 0) > self.old)
        self.all_talk(self.alpha, self.bravo)
        self.take_charlie_back()

    def test_traffic_1019_a_radio_was_off_at_the_exclusion_and_nobody_has_its_package(self):
        self.bravo.stop()
        self.exclude_charlie()
        self.alpha.sh("rm -rf /var/lib/proseal/prosed/carried*; rm -f /tmp/bundle/*.package")
        self.alpha.restart_prosed()
        until("alpha can send", self.alpha.sending)
        self.alpha.done("traffic", "carry", GROUP, f"{self.bundle}/notice")
        self.network.start_again(self.bravo)
        self.network.reach(self.bravo, False)
        until("bravo answers", self.bravo.group, 120)
        self.hear(self.bravo, packets=200)
        self.is_silent(self.bravo)
        self.none_hears(self.alpha, self.bravo)
        self.take_charlie_back()

    def test_traffic_1020_the_keys_end_and_no_manager_is_there(self):
        old = self.alpha.generation()
        self.manager.done("group", "set", NAME, "--lifetime", "1m", "--overlap", "5s", "--receive-grace", "5s", "--ahead", "0")
        self.manager.done("key", "replace", NAME, "--yes")
        self.update(self.alpha, self.bravo, self.charlie)
        for radio in (self.alpha, self.bravo, self.charlie):
            self.network.reach(radio, False)
        until("they talk under the short key", lambda: self.agree() and self.alpha.generation() > old)
        self.all_talk(self.alpha, self.bravo)
        until("its time is over", lambda: not self.alpha.sending(), 180)
        said = self.alpha.prosectl("traffic", "status").stdout
        self.assertRegex(said, "sending: no|no key")
        self.assertEqual(self.alpha.json("update").get("name"), "unreachable")
        self.none_hears(self.alpha, self.bravo, self.charlie)
        for radio in (self.alpha, self.bravo, self.charlie):
            self.network.reach(radio, True)
        self.manager.done("group", "set", NAME, "--lifetime", "30d", "--overlap", "1h", "--receive-grace", "1h", "--ahead", "1")
        self.manager.done("key", "replace", NAME, "--yes")
        self.update(self.alpha, self.bravo, self.charlie)
        for radio in (self.alpha, self.bravo, self.charlie):
            until(f"{radio.name} can send", radio.sending)
        self.all_talk(self.alpha, self.bravo, self.charlie)


if __name__ == "__main__":
    unittest.main()
