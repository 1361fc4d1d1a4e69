"""The oracle of the power cuts can fail, and the log of writes is read as it is: on what is made here."""

import dataclasses
import random
import struct
import unittest

import manager
from power import oracle, work, writelog
from power.boundaries import BEFORE_ALL, Recording
from power.life import Life
from power.oracle import Epochs, Group, Model, Seen

A, B = work.GROUPS
KEY, OTHER = bytes(32), bytes(range(32))
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
# Generations 2 and 3 are held, 1 has ended.
HELD = Model(oracle.ENROLLED).installed(A, 1, KEY, 1).installed(A, 2, KEY, 2).has_told(LATE).installed(A, 3, OTHER, 1)


def seen(model, **changes):
    """The device, if it is exactly this."""
    groups = {name: dataclasses.replace(group, pgks={g: True for g in group.pgks}) for name, group in model.groups.items()}
    return dataclasses.replace(Seen(model.state, model.sequence, model.floor, groups), **changes)


def with_pgks(pgks, following=4):
    return {A: Group(following, pgks)}


class Oracle(unittest.TestCase):
    def wrong(self, found, in_flight=None, model=HELD):
        return oracle.judge(model, in_flight, found)[0]

    def test_what_was_acknowledged_is_right(self):
        self.assertEqual((HELD.held(), HELD.ended, HELD.sequence), ([(A, 2), (A, 3)], {(A, 1)}, 3))
        self.assertEqual(self.wrong(seen(HELD)), [])
        self.assertEqual(self.wrong(seen(Model()), model=Model()), [])

    def test_a_key_that_was_lost(self):
        self.assertEqual(self.wrong(seen(HELD, groups=with_pgks({3: True}))),
                         [f"generation 2 of group {A} is lost: it was acknowledged"])

    def test_a_group_that_was_lost(self):
        self.assertEqual(len(self.wrong(seen(HELD, groups={}))), 2)

    def test_a_key_that_is_back(self):
        self.assertEqual(self.wrong(seen(HELD, groups=with_pgks({1: True, 2: True, 3: True}))),
                         [f"generation 1 of group {A} is back: it had ended"])

    def test_a_key_that_is_not_listed_and_derives(self):
        self.assertEqual(self.wrong(seen(HELD, answering=frozenset({(A, 1)}))),
                         [f"generation 1 of group {A} has ended, and derives"])

    def test_a_key_from_nowhere(self):
        self.assertEqual(self.wrong(seen(HELD, groups=with_pgks({2: True, 3: True, 9: None}))),
                         [f"generation 9 of group {A} came out of nowhere"])

    def test_another_key_under_the_name(self):
        self.assertEqual(self.wrong(seen(HELD, groups=with_pgks({2: True, 3: False}))),
                         [f"generation 3 of group {A} is not the key that was installed"])

    def test_next_that_fell(self):
        self.assertEqual(self.wrong(seen(HELD, groups=with_pgks({2: True, 3: True}, 3))),
                         [f"next of group {A} is 3, not 4"])

    def test_a_floor_that_fell(self):
        for floor in (EARLY, ""):
            self.assertEqual(self.wrong(seen(HELD, floor=floor)),
                             [f"its floor has fallen: {floor or 'none'} after {LATE}"])

    def test_a_floor_that_was_told_is_kept_from_the_next_write_on(self):
        later = "2026-01-01T01:00:00Z"
        model = oracle.judge(HELD, None, seen(HELD, floor=later))[1]
        self.assertEqual((model.floor, model.told), (LATE, later))
        self.assertEqual(model.installed(A, 4, KEY, 1).floor, later)
        self.assertEqual(model.erased().installed(A, 4, KEY, 1).floor, "")

    def test_what_was_told_and_not_written_goes_with_the_power(self):
        told = HELD.has_told("2026-01-01T01:00:00Z")
        wrong, model = oracle.judge(told, None, seen(HELD))
        self.assertEqual((wrong, model.told), ([], LATE))
        # The next life begins there, and its first write takes no more along.
        self.assertEqual(model.installed(A, 4, KEY, 1).floor, LATE)

    def test_an_older_state(self):
        before = Model(oracle.ENROLLED).installed(A, 1, KEY, 1).installed(A, 2, KEY, 2)
        self.assertIn("its sequence is 2, not 3", self.wrong(seen(before)))

    def test_a_device_that_forgot_what_it_was(self):
        for state in (oracle.FACTORY, oracle.DAMAGED):
            wrong = self.wrong(seen(Model(state=state)))
            self.assertIn(f"the device is {state}, not enrolled", wrong)

    def test_an_identity_that_was_made_is_the_devices_from_then_on(self):
        identity, made = work.Identity(), seen(Model(), device="aa")
        for found, device in ((seen(Model()), ""), (made, "aa")):
            wrong, model = oracle.judge(Model(), identity, found)
            self.assertEqual((wrong, model.device), ([], device))
        known = Model().identified("aa", KEY)
        self.assertEqual(identity.outcomes(known), [known])
        self.assertEqual(self.wrong(made, model=known), [])
        for other in ("", "bb"):
            self.assertEqual(self.wrong(seen(Model(), device=other), model=known),
                             [f"its identity is {other or 'none'}, not aa"])
        self.assertEqual(self.wrong(seen(Model()), model=Model().identified()), ["it has no identity"])

    def test_an_identity_that_is_told_must_be_the_one_before(self):
        life = Life(Model().identified("aa", KEY))
        self.assertEqual(life.acknowledged(work.Identity(), {"device": "aa", "x25519": KEY.hex()}), [])
        self.assertEqual(life.acknowledged(work.Identity(), {"device": "bb", "x25519": KEY.hex()}),
                         ["its identity is bb, not aa"])

    def test_an_identity_that_was_erased_is_none_again(self):
        erased = Model().identified("aa", KEY).erased(oracle.DAMAGED).erased().identified("bb", KEY).erased()
        for former in ("aa", "bb"):
            back = [f"its identity {former} is back: it was erased"]
            self.assertEqual(Life(erased).acknowledged(work.Identity(), {"device": former, "x25519": KEY.hex()}), back)
            found = seen(erased, device=former)
            self.assertEqual(self.wrong(found, model=erased.identified()), back)
            self.assertNotEqual(self.wrong(found, work.Identity(), model=erased), [])
        self.assertEqual(Life(erased).acknowledged(work.Identity(), {"device": "cc", "x25519": KEY.hex()}), [])
        self.assertEqual(self.wrong(seen(erased, device="cc"), work.Identity(), model=erased), [])

    def test_an_enrolment_that_was_lost_or_is_in_flight(self):
        first, second = manager.Manager(), manager.Manager()
        known = Model().identified("aa", KEY)
        after = known.enrolled(first)
        factory = seen(known, device="aa")
        enrolled = seen(after, device="aa", manager=first.manager.hex())
        for found, model in ((factory, known), (enrolled, after)):
            self.assertEqual(oracle.judge(known, work.Enrol(first), found), ([], model))
        self.assertEqual(self.wrong(factory, model=after),
                         ["the device is factory, not enrolled", f"its manager is none, not {first.manager.hex()}"])
        self.assertEqual(self.wrong(enrolled, model=known.enrolled(second)),
                         [f"its manager is {first.manager.hex()}, not {second.manager.hex()}"])

    def test_a_signers_version_that_fell(self):
        by = manager.Manager(version=3)
        after = HELD.installed(A, 4, KEY, 1, by)
        self.assertEqual(after.signer_version, 3)
        found = seen(after, manager=by.manager.hex(), signer_version=2)
        self.assertEqual(self.wrong(found, model=after), ["its signer's version is 2, not 3"])

    def test_the_time_of_a_package_is_a_floor_and_that_of_a_notice_is_none(self):
        when = "2026-01-01T02:00:00Z"
        self.assertEqual(HELD.installed(A, 4, KEY, 1, at=when).floor, when)
        self.assertEqual(HELD.installed(A, 4, KEY, 1, at=EARLY).floor, LATE)
        self.assertEqual(HELD.ended_below(A, 3, manager.Manager()).floor, LATE)

    def test_a_notice_in_flight_took_effect_or_did_not(self):
        by = manager.Manager()
        notice = work.Notice(A, 9, by)
        after = HELD.ended_below(A, 9, by)
        self.assertEqual((after.held(), after.groups[A].next, after.sequence), ([], 9, HELD.sequence))
        whole = {"manager": by.manager.hex(), "signer_version": 1}
        self.assertEqual(oracle.judge(HELD, notice, seen(HELD)), ([], HELD))
        self.assertEqual(oracle.judge(HELD, notice, seen(after, **whole)), ([], after))
        for halves in (seen(after, **whole, groups={A: Group(4, {})}),
                       seen(after, **whole, groups={A: Group(9, {3: True})}),
                       seen(HELD, groups={A: Group(9, {2: True, 3: True})})):
            self.assertNotEqual(self.wrong(halves, notice), [])

    def test_what_is_brought_again_has_no_effect_and_says_so(self):
        package = work.Install(A, 4, KEY, 3, sequence=4)
        notice, lower = work.Notice(A, 6, manager.Manager()), work.Notice(A, 5, manager.Manager())
        life = Life(HELD)
        for operation, again in ((package, "same"), (notice, "same")):
            self.assertEqual(life.acknowledged(operation, {"outcome": "applied"}), [])
            model = life.model
            self.assertEqual(life.acknowledged(operation, {"outcome": again}), [])
            self.assertEqual(life.model, model)
            self.assertEqual(life.acknowledged(operation, {"outcome": "applied"}), [f"{operation}: applied, not {again}"])
        self.assertEqual(life.acknowledged(lower, {"outcome": "superseded"}), [])
        self.assertEqual(life.model, model)

    def test_a_statement_that_says_something_else(self):
        held = manager.form().held_digest([(int(A, 16), 2), (int(A, 16), 3)]).hex()
        said = {"state": "enrolled", "device": "", "sequence": 3, "held_digest": held, "root_digest": None}
        self.assertEqual(Life(HELD).acknowledged(work.State(), said), [])
        for name, value in (("sequence", 2), ("held_digest", "00"), ("root_digest", "00"), ("state", "factory")):
            wrong = Life(HELD).acknowledged(work.State(), {**said, name: value})
            self.assertEqual(wrong, [f"its statement says of {name} {value}, not {said[name]}"])

    def test_an_install_in_flight_took_effect_or_did_not(self):
        install = work.Install(A, 4, OTHER, 3)
        after = HELD.installed(A, 4, OTHER, 3)
        self.assertEqual(oracle.judge(HELD, install, seen(HELD)), ([], HELD))
        self.assertEqual(oracle.judge(HELD, install, seen(after)), ([], after))
        self.assertNotEqual(self.wrong(seen(after)), [])

    def test_an_install_in_flight_that_took_effect_by_halves(self):
        install = work.Install(A, 4, OTHER, 3)
        after = HELD.installed(A, 4, OTHER, 3)
        for halves in (
            seen(HELD, groups=with_pgks({2: True, 3: True, 4: True}, 5)),
            seen(HELD, groups=with_pgks({3: True})),
            seen(after, sequence=3),
            seen(after, groups=with_pgks({3: True, 4: True})),
        ):
            self.assertNotEqual(self.wrong(halves, install), [])

    def test_a_revocation_that_was_lost_or_is_in_flight(self):
        after, revoke = HELD.revoked(A, 3), work.Revoke(A, 3)
        self.assertEqual(self.wrong(seen(HELD), model=after), [f"generation 2 of group {A} is back: it had ended"])
        for found in (HELD, after):
            self.assertEqual(self.wrong(seen(found), revoke), [])

    def test_a_suspension_that_was_lost_or_came_by_itself(self):
        after = HELD.suspended(A, True)
        self.assertEqual(self.wrong(seen(HELD), model=after), [f"group {A} is not suspended"])
        self.assertEqual(self.wrong(seen(after)), [f"group {A} is suspended"])
        self.assertEqual(self.wrong(seen(after), work.Suspend(A, True)), [])

    def test_an_erase_in_flight(self):
        for after in (HELD, HELD.erased(), HELD.erased(oracle.DAMAGED)):
            self.assertEqual(self.wrong(seen(after), work.Erase()), [])
        self.assertNotEqual(self.wrong(seen(HELD, groups=with_pgks({3: True})), work.Erase()), [])

    def test_what_was_erased_is_back_under_a_new_device(self):
        anew = HELD.erased().installed(A, 4, KEY, 1)
        self.assertEqual(self.wrong(seen(anew, groups=with_pgks({3: True, 4: True}, 5)), model=anew),
                         [f"generation 3 of group {A} is back: it had ended"])

    def test_epochs(self):
        epochs = Epochs([(A, 1, 1, "s"), (A, 1, 2, "t"), (B, 2, 1, "s")])
        self.assertEqual(epochs.add(A, 1, 65, "u"), [])
        self.assertEqual(epochs.add(A, 1, 65, "v"), [f"PTK Id 65 of generation 1 of group {A} comes after 65"])
        self.assertEqual(epochs.add(A, 1, 3, "v"), [f"PTK Id 3 of generation 1 of group {A} comes after 65"])
        self.assertEqual(epochs.add(B, 2, 1, "s"), ["generation 2, PTK Id 1, salt s was given out before",
                                                    f"PTK Id 1 of generation 2 of group {B} comes after 1"])


class Work(unittest.TestCase):
    def test_what_is_drawn_can_be_carried_out(self):
        opening = manager.opening()
        x25519 = manager.form().public_of_x25519(KEY)
        draw, life, kinds, devices = work.Draw(random.Random(1)), Life(), set(), 0
        for number in range(1000):
            operation, model = draw.operation(life.model), life.model
            kinds.add(type(operation))
            if isinstance(operation, work.Send):
                self.assertIn((operation.group, operation.generation), model.sending())
            if isinstance(operation, work.Revoke):
                self.assertLess(min(model.groups[operation.group].pgks), operation.below)
                self.assertLessEqual(operation.below, model.groups[operation.group].next)
            if isinstance(operation, work.Imported):
                self.assertEqual(operation.outcome(model), "applied")
            if isinstance(operation, work.Notice):
                trust = opening.Trust(model.manager.root, model.manager.manager, model.signer_version)
                opening.read_notice(operation.octets, trust)
            if isinstance(operation, work.Install):
                self.assertTrue(1 <= operation.ends <= operation.generation)
                before = model.groups.get(operation.group, Group(1, {}))
                self.assertGreaterEqual(operation.generation, before.next)
                self.opens(operation, model)
            life.model = operation.outcomes(model)[-1]
            if isinstance(operation, work.Identity):
                devices += 1
                life.model = life.model.identified(f"{devices:032x}", x25519)
            for group in life.model.groups.values():
                self.assertLessEqual(len(group.pgks), work.PGKS)
                self.assertEqual(len({int(work.pgk_id(g), 16) % 32 for g in group.pgks}), len(group.pgks))
        self.assertEqual(kinds, {work.Identity, work.Enrol, work.Install, work.Notice, work.Revoke, work.Suspend, work.Send,
                                 work.State, work.Look, work.Erase})
        self.assertGreater(devices, 5)

    def opens(self, operation, model):
        """The package brings what the oracle expects of it."""
        opening, device = manager.opening(), bytes.fromhex(model.device)
        trust = opening.Trust(model.manager.root, model.manager.manager, model.signer_version)
        _, content, _ = opening.read_package(operation.octets, trust, KEY, device)
        after = operation.applied_to(model)
        self.assertEqual(content[2], after.sequence)
        brought = {f"{group[1]:06x}": {pgk[1]: pgk[3] for pgk in group[5]} for group in content[5]}
        self.assertEqual(brought, {name: group.pgks for name, group in after.groups.items()})

    def test_the_seed_repeats_them(self):
        device = Model().identified("00" * 16, manager.form().public_of_x25519(KEY))
        one, other = [], []
        for drawn in (one, other):
            draw, model = work.Draw(random.Random(7)), device
            for _ in range(9):
                operation = draw.operation(model)
                drawn.append(str(operation))
                model = operation.outcomes(model)[-1]
        self.assertEqual(one, other)


def entry(sector, data=b"", flags=0, sectors=None):
    head = writelog.ENTRY.pack(sector, len(data) // 512 if sectors is None else sectors, flags, 0)
    return head + bytes(512 - len(head)) + data


def log_of(*entries, count=None):
    head = writelog.SUPERBLOCK.pack(writelog.MAGIC, 1, len(entries) if count is None else count, 512)
    return head + bytes(512 - len(head)) + b"".join(entries)


def sector(octet, count=1):
    return bytes([octet]) * 512 * count


FLUSH = entry(0, flags=writelog.FLUSH)


class WriteLog(unittest.TestCase):
    def test_the_head_is_that_of_dm_log_writes(self):
        octets = struct.pack("<QQQI", 0x6A736677736872, 1, 0, 512)
        self.assertEqual(writelog.parse(octets + bytes(512 - len(octets))), [])

    def test_a_replay_in_order(self):
        log = log_of(entry(1, sector(1, 2)), FLUSH, entry(2, sector(2)), entry(2, sector(3), writelog.FUA))
        entries = writelog.parse(log)
        disk = bytearray(4 * 512)
        writelog.replay(disk, entries)
        self.assertEqual(disk, sector(0) + sector(1) + sector(3) + sector(0))
        self.assertEqual([one.end for one in entries], [2048, 2560, 3584, 4608])
        self.assertEqual(writelog.flushes(entries), [1])

    def test_what_is_not_counted_is_not_read(self):
        self.assertEqual(len(writelog.parse(log_of(entry(0, sector(1)), b"half of an entry", count=1))), 1)

    def test_what_does_not_fit_is_an_error(self):
        whole = entry(0, sector(1, 2))
        for broken in (
            bytes(512),
            log_of(whole)[:-1],
            log_of(whole, count=2),
            log_of(entry(0, flags=writelog.DISCARD, sectors=1)),
            log_of(entry(0, flags=writelog.MARK)),
            log_of(entry(0, sector(1), flags=16)),
        ):
            with self.subTest(len(broken)), self.assertRaises(ValueError):
                writelog.parse(broken)
        with self.assertRaises(ValueError):
            writelog.replay(bytearray(1024), writelog.parse(log_of(entry(1, sector(1, 2)))))

    def test_a_disk_at_a_flush_has_all_before_and_a_half_of_what_follows(self):
        later = [entry(at, sector(9)) for at in range(1, 7)]
        entries = writelog.parse(log_of(entry(0, sector(1)), FLUSH, *later, FLUSH, entry(7, sector(8))))
        disks = set()
        for seed in range(50):
            disk = writelog.disk_at(bytes(8 * 512), entries, 1, random.Random(seed))
            self.assertEqual((disk[0], disk[7 * 512]), (1, 0))
            self.assertEqual(sum(disk[at * 512] == 9 for at in range(1, 7)), 3)
            disks.add(bytes(disk))
        self.assertGreater(len(disks), 10)
        self.assertEqual(sum(writelog.disk_at(bytes(8 * 512), entries, BEFORE_ALL, random.Random(1))), 0)

    def test_what_a_cut_may_have_seen_acknowledged(self):
        # Each write is 1024 octets of the log behind its head of 512, each flush 512.
        entries = writelog.parse(log_of(entry(0, sector(1)), FLUSH, entry(1, sector(2)), FLUSH))
        recording = Recording.__new__(Recording)
        recording.entries = entries
        ends = [one.end for one in entries]
        first, second = work.Install(A, 1, KEY), work.Install(A, 2, OTHER)
        applied = {"outcome": "applied"}
        recording.operations = [(first, applied, 512, ends[1]), (second, applied, ends[1], ends[3])]

        def at(flush):
            life, in_flight = recording.at(flush)
            return life.model.sequence, in_flight

        # Before its flush has ended the first may be there or not; then it must be, and the second may.
        self.assertEqual([at(flush) for flush in (BEFORE_ALL, 1, 3)], [(0, first), (1, second), (2, None)])


if __name__ == "__main__":
    unittest.main()
