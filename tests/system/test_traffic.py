"""Fifty radios on one link: prosed over the trusted application's logic, each in a network namespace, under the epochs
and keys that a manager rotates. What is written is read once, and each frame is accounted for."""

import atexit
import os
import sys
import time
import unittest
from contextlib import ExitStack

import link
import manager
from harness import packages

RADIOS = 50
# `make soak` has 1,000 refreshes, a test of minutes a tenth.
SECONDS, REFRESHES = (300, 1000) if os.environ.get("PROSEAL_TRAFFIC") == "soak" else (20, 100)
BAD_SECONDS = SECONDS // 2
GRACE = {5: 0, 6: 2**40, 15: True}


def setUpModule():
    global crowd, radios
    sys.path.insert(0, str(packages.installed()))
    import crowd
    import prosed as radios

    link.build()
    radios.build_release()


class Crowd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with ExitStack() as stack:
            cls.start(stack)
            close = stack.pop_all().close
            cls.addClassCleanup(close)
            # An interrupt is no end of a class to unittest, and namespaces would outlive it.
            atexit.register(close)

    @classmethod
    def start(cls, stack):
        cls.manager = manager.Manager()
        names = [f"r{number}" for number in range(RADIOS)]
        cls.link = stack.enter_context(link.Link(names, "--seed", "9"))
        cls.radios = []
        for number in range(RADIOS):
            radio = radios.Enrolled(cls.link, number, cls.manager)
            stack.callback(radio.remove)
            radio.begin()
            cls.radios.append(radio)
        for radio in cls.radios:
            radios.until("it answers", radio.answers, 60)
        cls.sequence = 0
        cls.carry(cls.packages([1]))
        for radio in cls.radios:
            radios.until("it can send", radio.can_send, 60)
        cls.talk = crowd.Talk(cls.radios)
        stack.callback(cls.talk.close)
        # All have heard all, and what the kernel says of groups to the link at first is over.
        cls.talk.run(3)
        cls.talk.wait(time.monotonic() + 5)

    @classmethod
    def pgk(cls, generation, begins):
        key = generation.to_bytes(32, "big")
        return manager.pgk(generation, key, begins, policy={**GRACE, 5: begins})

    @classmethod
    def packages(cls, generations, begins=0):
        """A package for each radio; the last generation begins at that time."""
        now = int(time.time())
        cls.sequence += 1
        pgks = [cls.pgk(generation, begins if generation == generations[-1] else 0) for generation in generations]
        return [radio.package(cls.sequence, pgks, now, generations[0]) for radio in cls.radios]

    @classmethod
    def carry(cls, octets):
        for radio, package in zip(cls.radios, octets):
            assert radio.carry(package) == {"parameters": {"kind": "own", "is_new": True}}

    def account(self, title, before):
        after = crowd.Account(self.link, self.talk)
        sums, remainders = crowd.balance(before, after)
        crowd.told(title, sums)
        self.assertEqual(remainders, [], "frames that nobody can account for")
        self.assertEqual((self.talk.twice, self.talk.false), (0, 0))
        return sums

    def test_1_on_a_clean_link_nothing_is_lost_through_refreshes_and_rotations(self):
        before = crowd.Account(self.link, self.talk)
        already_lost = len(self.talk.lost())
        meanwhile = []
        for generation, quarter in ((2, 1), (3, 3)):
            begins = int(time.time() + SECONDS * quarter / 4) + 4
            packages_of_all = self.packages([generation - 1, generation], begins)
            meanwhile.append((SECONDS * quarter / 4, lambda octets=packages_of_all: self.carry(octets)))
        self.talk.run(SECONDS, REFRESHES, meanwhile)
        sums = self.account(f"clean link, {RADIOS} radios, {SECONDS} s, {REFRESHES} refreshes, 2 rotations", before)
        lost = len(self.talk.lost()) - already_lost
        kernel = sum(sums.get(name, 0) for name in ("kernel drops", "link was full", "lost to slow readers"))
        behind = (RADIOS - 1) * sums.get("kernel drops when sending", 0)
        print(f"figure: lost {lost}, of these for want of room in the kernel {kernel + behind}")
        self.assertEqual(lost, kernel + behind)
        self.assertEqual(sum(application.refused for application in self.talk.applications), 0)
        for radio in self.radios:
            sending = radio.status()["groups"][0]["sending"]
            self.assertEqual(sending["generation"], 3)
        self.assertEqual(sums["sent"], len(range(int(SECONDS * crowd.PER_SECOND * RADIOS))))

    def test_2_on_a_bad_link_nothing_comes_twice_and_nothing_false(self):
        before = crowd.Account(self.link, self.talk)
        for order in ("loss 0.05", "reordering 0.1", "duplication 0.05", "jitter 5"):
            self.link.order(order)
        self.talk.run(BAD_SECONDS, REFRESHES // 2)
        for order in ("loss 0", "reordering 0", "duplication 0", "jitter 0"):
            self.link.order(order)
        self.talk.run(2)
        sums = self.account(f"bad link, {BAD_SECONDS} s, {REFRESHES // 2} refreshes", before)
        self.assertGreater(sums["lost on the link"], 0.03 * sums["received"])
        self.assertGreater(sums["doubled on the link"], 0.03 * sums["received"])
        self.assertGreater(sums["dropped, replayed"], 0)
        # Who misses the first frames of an epoch catches up with a later one: the link loses most of what is lost.
        self.assertGreater(sums["delivered"], 0.9 * (RADIOS - 1) * sums["sent"])
