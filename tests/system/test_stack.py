"""No command of the product goes deeper on the stack than is wiped after it. The product paints no stack, and is compiled
other than the test build, whose marks prose-xtest compares (regression_1008): so its frames are added up."""

import re
import unittest

import frames
from harness.process import paths

TARGET = "aarch64-unknown-linux-gnu"
PRODUCT = paths.CARGO_OUT / TARGET / "ta/proseal-ta-product"
STACK = paths.ROOT / "ta/src/stack.rs"
# What ends the TA.
ENDS = ("panic", "core3fmt", "unwrap_failed", "expect_failed", "slice_index_fail", "stack_chk_fail", "abort", "_assert_",
        "handle_alloc_error")
# Where the commands that check signatures or have one made go, and no others.
SIGNED = ("9signature6verify", "8packages14make_statement", "Ta$LT$P$GT$8identity")


class Stack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = frames.functions(frames.disassembled(PRODUCT))

    def deepest(self, *left_out):
        (start,) = (name for name in self.program if "5stack5apart" in name)
        octets, way = frames.deepest(self.program, start, re.compile("|".join(map(re.escape, left_out))))
        print(f"the product's stack: {octets} octets, by {' '.join(way)}")
        return octets, way

    @staticmethod
    def wiped(depth):
        (kib,) = re.findall(rf"^const {depth}: usize = (\d+) \* 1024;$", STACK.read_text(), re.M)
        return int(kib) * 1024

    def test_no_command_goes_deeper_than_is_wiped(self):
        octets, way = self.deepest(*ENDS)
        self.assertTrue(any(SIGNED[0] in name for name in way), way)
        self.assertLessEqual(octets, self.wiped("SIGNED"))

    def test_none_without_a_signature_does(self):
        for name in SIGNED:
            self.assertTrue(any(name in known for known in self.program), name)
        octets, way = self.deepest(*ENDS, *SIGNED)
        self.assertTrue(any("decode" in name for name in way), way)
        self.assertLessEqual(octets, self.wiped("USUAL"))


if __name__ == "__main__":
    unittest.main()
