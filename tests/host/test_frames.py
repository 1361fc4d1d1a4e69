"""The sum of frames, on a disassembly made here."""

import re
import unittest

import frames

LISTED = """
0000000000000000 <first>:
       0:\tstp\tx29, x30, [sp, #-32]!
       4:\tsub\tsp, sp, #0x1, lsl #12
       8:\tsub\tsp, sp, #0x10
       c:\tb.eq\t4 <first+0x4>  // b.none
      10:\tbl\t40 <second>
      14:\tbl\t80 <panics>
      18:\tb\tc0 <last>

0000000000000040 <second>:
      40:\tstr\tx30, [sp, #-16]!
      44:\tbl\t0 <first>
      48:\tbl\t100 <variable>

0000000000000080 <panics>:
      80:\tsub\tsp, sp, #0x8, lsl #12

00000000000000c0 <last>:
      c0:\tsub\tsp, sp, #0x1, lsl #12

0000000000000100 <variable>:
     100:\tstp\tx29, x30, [sp, #-48]!
     104:\tsub\tsp, sp, #0x10, lsl #12
     108:\tsub\tsp, sp, x0
"""
NOTHING = re.compile("$^")


class Frames(unittest.TestCase):
    def setUp(self):
        self.program = frames.functions(LISTED)

    def test_frames(self):
        self.assertEqual({name: function.frame for name, function in self.program.items()},
                         {"first": 4096 + 48, "second": 16, "panics": 32768, "last": 4096, "variable": 48})

    def test_the_deepest_way(self):
        self.assertEqual(frames.deepest(self.program, "first", NOTHING), (4096 + 48 + 32768, ["first", "panics"]))
        way = ["first", "second", "variable"]
        self.assertEqual(frames.deepest(self.program, "first", re.compile("panics")), (4096 + 48 + 16 + 48, way))

    def test_a_tail_call_stands_in_its_callers_place(self):
        self.program["last"].frame = 4096 + 48 + 65
        self.assertEqual(frames.deepest(self.program, "first", re.compile("panics")), (4096 + 48 + 65, ["first", "last"]))


if __name__ == "__main__":
    unittest.main()
