"""The group's story: `make demo`, whose end and files this looks at."""

import re
import subprocess
import unittest
import xml.etree.ElementTree as ET

import captured
from aftermath import is_clear
from group_story import FLOOD, SENTENCE
from harness.process import ROOT
from scene import MARK

from qemu_env import link, paths

CAPTURE, PLOT = paths.OUT / "demo/group.pcap", paths.OUT / "demo/timeline.svg"
SVG = "{http://www.w3.org/2000/svg}"
# For all of `make demo`, the build too.
LIMIT_S = 1200
# Seconds of the story itself on a quiet machine, and how much slower a busy one may be.
STORY_S, SLACK = 240, 3
COLUMNS = 80


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.done = subprocess.run(["make", "demo"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
        cls.told = cls.done.stdout
        print(cls.told)

    def test_it_shows_what_it_promises(self):
        self.assertEqual(self.done.returncode, 0, self.told)
        self.assertNotIn("NOT SO", self.told)
        self.assertGreaterEqual(self.told.count("    ok: "), 30)
        self.assertEqual(re.findall(r"^(\d)\. ", self.told, re.M), list("12345678"))
        seconds = int(re.search(r"^Done, in (\d+) s$", self.told, re.M)[1])
        print(f"the story took {seconds} s (at most {STORY_S} on a quiet machine)")
        self.assertLess(seconds, SLACK * STORY_S)

    def test_its_end_is_as_the_readme_shows_it(self):
        def shape(text):
            """The words without their numbers, up to where the files lie."""
            start = text.index("8. Who heard what")
            return re.sub(r"\d+|-", "", text[start:text.index("over time:", start)]).split()

        self.assertEqual(shape((ROOT / "README.md").read_text()), shape(self.told))

    def test_it_can_be_read_on_a_terminal(self):
        story = self.told[self.told.index("\n1. "):]
        self.assertEqual([line for line in story.splitlines() if len(line) > COLUMNS], [])

    def test_its_plot_has_packets_epochs_and_generations(self):
        groups = {group.get("id"): group for group in ET.parse(PLOT).iter(f"{SVG}g")}
        self.assertEqual(set(groups), {"packets", "epochs", "generations"})
        marks = {name: [one for one in group.iter() if one.get("class")] for name, group in groups.items()}
        for name, found in marks.items():
            self.assertEqual({one.get("class") for one in found}, {"alpha", "bravo", "charlie", "delta"}, name)
        # Three speak in the first scene, one of them through a rotation and an exclusion, in epochs of 10 s.
        self.assertGreaterEqual(len(marks["packets"]), 20)
        self.assertGreaterEqual(len(marks["epochs"]), 10)
        self.assertEqual(len({mark.findtext(f"{SVG}title").split()[-1] for mark in marks["generations"]}), 3)

    def test_its_capture_has_the_frames_and_not_the_speech(self):
        frames = captured.frames(CAPTURE)
        self.assertGreater(sum(frame.kind == captured.DATA for frame in frames), FLOOD + 2500)
        self.assertTrue(any(frame.kind == captured.OBJECT for frame in frames), "notice and packages")
        clear = [frame for frame in frames if is_clear(frame)]
        self.assertEqual((len(clear), {frame.card for frame in clear}), (FLOOD, {link.address("demo-delta")}))
        octets = CAPTURE.read_bytes()
        self.assertNotIn(SENTENCE.encode(), octets)
        for number in range(1, 5):
            self.assertNotIn(MARK + bytes([number, 0, 0]), octets)


if __name__ == "__main__":
    unittest.main()
