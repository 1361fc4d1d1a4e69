"""What the end of `make demo` is made of: the capture as it is read, and the plot."""

import tempfile
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path

import captured
from host.test_dissector import PORT, VECTORS, capture
from timeline import Story, per_second, render, runs

SVG = "{http://www.w3.org/2000/svg}"


class Captured(unittest.TestCase):
    def read(self, octets):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "link.pcap"
            path.write_bytes(octets)
            return captured.frames(path)

    def test_frames_are_what_they_were_made_from(self):
        self.assertEqual(captured.PORT, PORT)
        vectors = VECTORS["frames"]
        found = self.read(capture([bytes.fromhex(one["octets"]) for one in vectors]))
        for vector, frame in zip(vectors, found, strict=True):
            with self.subTest(vector["comment"]):
                self.assertEqual(frame.kind, captured.DATA)
                self.assertEqual((frame.group, frame.member), (vector["group"], vector["sender"]))
                self.assertEqual(frame.index, int(vector["pgk_id"], 16) % 32)
                self.assertEqual(frame.ptk_id, int(vector["ptk_id"], 16))
                self.assertEqual(frame.octets.hex(), vector["octets"])

    def test_objects_have_no_epoch(self):
        found = self.read(capture([bytes.fromhex(one["octets"]) for one in VECTORS["objects"]]))
        self.assertEqual([(frame.kind, frame.index, frame.ptk_id) for frame in found],
                         [(captured.OBJECT, None, None)] * len(VECTORS["objects"]))

    def test_what_is_no_frame_is_left_out_and_damage_is_told(self):
        octets = capture([bytes.fromhex(VECTORS["frames"][0]["octets"])])
        other_port = octets.replace(PORT.to_bytes(2), (PORT + 1).to_bytes(2))
        self.assertEqual((len(self.read(octets)), self.read(other_port), self.read(capture([b"\x10"]))), (1, [], []))
        with self.assertRaises(ValueError):
            self.read(octets[:-1])


class Timeline(unittest.TestCase):
    # a speaks for five seconds in two epochs, then for two under the next generation; b hears it, but for one second.
    FIRST, SECOND = [number / 50 for number in range(250)], [10 + number / 50 for number in range(100)]
    STORY = Story(
        ["a", "b & c"], [("1 talk", 0, 6), ("2 <new>", 9.5, 13)], [("rotated", 9.8)], {"a": FIRST + SECOND, "b & c": []},
        {"b & c": [at for at in FIRST + SECOND if not 10 <= at < 11]},
        {"a": [(at, 1 + (at >= 2), 7) for at in FIRST] + [(at, 1, 8) for at in SECOND], "b & c": []},
    )  # fmt: skip

    def drawn(self, name):
        """The marks in one of the plot's groups, by radio."""
        group = next(one for one in ET.fromstring(render(self.STORY)).iter(f"{SVG}g") if one.get("id") == name)
        return [(one.get("class"), one) for one in group.iter() if one.get("class")]

    def test_runs_end_at_a_pause_and_where_something_else_begins(self):
        points = [(0, "x"), (1, "x"), (2, "y"), (3, "y"), (9, "y")]
        self.assertEqual(runs(points), [(0, 1, "x"), (2, 3, "y"), (9, 9, "y")])
        self.assertEqual(runs([]), [])

    def test_seconds_are_counted(self):
        self.assertEqual(per_second([-1, 0, 0.9, 1, 3.5]), {0: 2, 1: 1, 3: 1})

    def test_packets_epochs_and_generations_are_drawn(self):
        self.assertEqual([name for name, _ in self.drawn("packets")], ["a", "a", "b & c", "b & c"])
        told = [mark.findtext(f"{SVG}title") for _, mark in self.drawn("epochs")]
        epochs = [(1, 7), (2, 7), (1, 8)]
        self.assertEqual(told, [f"a: PTK Id {ptk_id} of generation {generation}" for ptk_id, generation in epochs])
        heights = [float(mark.get("y1")) for _, mark in self.drawn("generations")]
        self.assertEqual(len(heights), 2)
        self.assertGreater(heights[0], heights[1], "a later generation is further up")

    def test_marks_are_where_they_belong(self):
        starts = [float(mark.get("x1")) for _, mark in self.drawn("epochs")]
        seconds = [0, 2, 10]
        scale = (starts[2] - starts[0]) / 10
        for start, second in zip(starts, seconds):
            self.assertAlmostEqual(start, starts[0] + second * scale, delta=0.2)
        spoken = self.drawn("packets")[0][1].get("points").split()
        heights = {float(point.split(",")[1]) for point in spoken}
        self.assertEqual(len(heights), 2, "fifty a second, and the base")

    def test_scenes_are_named(self):
        texts = [text.text for text in ET.fromstring(render(self.STORY)).iter(f"{SVG}text")]
        for title in ("1 talk", "2 <new>", "rotated", "heard by b & c", "7", "8"):
            self.assertIn(title, texts)


if __name__ == "__main__":
    unittest.main()
