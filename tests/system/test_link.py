"""The link hub between network namespaces: who hears what, and that its counts are the whole truth."""

import json
import os
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import link
from link import Link

GROUP, PORT, MANY = "ff02::4:1", 4871, 300
LISTEN = f"""
import json, select, socket, struct, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", {PORT}))
index = socket.if_nametoindex("{link.INTERFACE}")
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "{GROUP}") + struct.pack("=I", index))
print("ready", flush=True)
heard, still = [], None
# Until the test says that all is said, and a little longer.
while (ready := select.select([s] if still else [s, sys.stdin], [], [], still)[0]) or not still:
    if s in ready:
        heard.append(int(s.recv(100)))
    if sys.stdin in ready:
        still = 0.5
print(json.dumps(heard))
"""
SPEAK = f"""
import socket, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
index = socket.if_nametoindex("{link.INTERFACE}")
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
for number in range({MANY}):
    s.sendto(str(number).encode(), ("{GROUP}", {PORT}))
    time.sleep(0.002)
"""


class Hub(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        link.build()

    def speak(self, one, speaker, listeners):
        """What each of the listeners hears of MANY datagrams."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        listening = {name: one.start(name, "python3", "-c", LISTEN, **pipes) for name in listeners}
        for process in listening.values():
            self.assertEqual(process.stdout.readline(), "ready\n")
        subprocess.run(one.words(speaker, "python3", "-c", SPEAK), check=True, timeout=60)
        return {name: json.loads(process.communicate(timeout=60)[0]) for name, process in listening.items()}

    def closed(self, one):
        counts = one.close()
        for name, count in counts.items():
            self.assertTrue(link.adds_up(count), f"{name}: {count}")
        return counts

    def test_a_clean_link_carries_all_to_all_others(self):
        with tempfile.TemporaryDirectory() as folder:
            capture = Path(folder) / "link.pcap"
            with Link(["a", "b", "c"], "--capture", os.fspath(capture)) as one:
                heard = self.speak(one, "a", ["b", "c"])
                counts = self.closed(one)
            self.assertEqual(heard, {"b": list(range(MANY)), "c": list(range(MANY))})
            self.assertGreaterEqual(counts["a"]["sent"], MANY)
            self.assertEqual(frames(capture), sum(count["sent"] for count in counts.values()))

    def test_faults_are_what_was_told(self):
        with Link(["a", "b"], "--loss", "0.2", "--duplication", "0.2", "--reordering", "0.2", "--seed", "5") as one:
            heard = self.speak(one, "a", ["b"])["b"]
            counts = self.closed(one)["b"]
        self.assertTrue(0.1 * MANY < MANY - len(set(heard)) < 0.3 * MANY, heard)
        self.assertTrue(0.05 * MANY < len(heard) - len(set(heard)) < 0.3 * MANY, heard)
        self.assertNotEqual(heard, sorted(heard))
        self.assertEqual(counts["full"], 0)

    def test_orders_change_it_while_it_runs(self):
        with Link(["a", "b"]) as one:
            for line in ("loss 2", "break", "down nobody"):
                with self.assertRaises(ValueError):
                    one.order(line)
            one.order("loss 1")
            self.assertEqual(self.speak(one, "a", ["b"]), {"b": []})
            one.order("loss 0")
            one.order(f"down {one.namespace('b')}")
            self.assertEqual(self.speak(one, "a", ["b"]), {"b": []})
            one.order(f"up {one.namespace('b')}")
            self.assertEqual(self.speak(one, "a", ["b"]), {"b": list(range(MANY))})
            counts = self.closed(one)["b"]
        self.assertGreaterEqual(counts["lost"], MANY)
        self.assertGreaterEqual(counts["down"], MANY)


def frames(capture):
    """How many frames a pcap file holds, each of its length."""
    octets, count = capture.read_bytes()[24:], 0
    while octets:
        length = struct.unpack("<I", octets[8:12])[0]
        octets, count = octets[16 + length:], count + 1
    return count
