"""The account of a scene: what is lost, comes twice, or was said by nobody."""

import unittest
from collections import Counter
from types import SimpleNamespace

from radios import Listener
from scene import Scene, Speaker, account, needle, table

ALPHA, BRAVO = Speaker("demo-alpha", "unit-1"), Speaker("demo-bravo", "unit-2")
OUTSIDER = SimpleNamespace(short="delta", stream=7, behind=0.0)


class Account(unittest.TestCase):
    def heard_by(self, radio, heard, strange=0):
        """What is told of a scene in which alpha and bravo said three packets each."""
        listener = Listener.__new__(Listener)
        listener.heard, listener.strange = heard, strange
        self.scene = Scene("1 talk", 0, 1, {"alpha": 3, "bravo": 3}, "delta")
        found = account(self.scene, [ALPHA, BRAVO], radio, listener, (5, Counter(admission=1)), (7, Counter(admission=4)))
        self.scene.rows.append(found)
        return found

    def bravo(self, *numbers, strange=0):
        BRAVO.behind = 0.5
        return self.heard_by(BRAVO, [(10 + number, ALPHA.stream, number) for number in numbers], strange)

    def test_all_is_heard_once(self):
        found = self.bravo(0, 1, 2)
        self.assertEqual((found.sent, found.heard, found.lost, found.twice, found.strange), (3, 3, 0, 0, 0))
        self.assertEqual((found.gap_ms, found.calls, found.drops), ("1000", 2, Counter(admission=3)))
        self.assertEqual(found.at, [10.5, 11.5, 12.5])

    def test_what_is_missed_is_named(self):
        found = self.bravo(0, 2)
        self.assertEqual((found.heard, found.lost, found.missed, found.gap_ms), (2, 1, {"alpha": [1]}, "2000"))
        self.assertEqual(self.bravo().gap_ms, "-")

    def test_what_comes_twice_is_not_heard_more(self):
        found = self.bravo(0, 1, 2, 2)
        self.assertEqual((found.heard, found.twice), (3, 1))

    def test_what_nobody_said_is_strange(self):
        found = self.heard_by(BRAVO, [(10, ALPHA.stream, 0), (11, 666, 0), (12, BRAVO.stream, 0)], strange=1)
        self.assertEqual((found.heard, found.strange), (1, 3))

    def test_an_outsider_misses_all(self):
        found = self.heard_by(OUTSIDER, [], strange=6)
        self.assertEqual((found.sent, found.heard, found.lost, found.strange), (6, 0, 6, 6))
        self.assertIn("delta, an outsider", list(table([self.scene], [(1, 2)]))[2])

    def test_a_line_fits_a_terminal(self):
        self.bravo(0, 1, 2)
        self.assertTrue(all(len(line) <= 76 for line in table([self.scene], [(1, 2)])))

    def test_speech_begins_with_its_needle(self):
        self.assertEqual(needle(ALPHA.stream), b"PTT\x01\0\0")


if __name__ == "__main__":
    unittest.main()
