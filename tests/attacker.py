"""An attacker on the link, as a program in a namespace: it hears frames and sends any. Nothing of the project is in it.

    attacker.py INTERFACE ADDRESS PORT

Each line of its input is an order, answered by a line of JSON: `hear FILE` begins to write down what it hears, `heard`
ends that; `send FILE PER_SECOND SECONDS` sends the frames of a file again and again (0: as fast as it can; 0 seconds:
each frame once). A file has frames one after the other, each behind its length (4 octets).
"""

import json
import socket
import struct
import sys
import threading
import time

BURST = 64
LATE_S = 0.005


def write(path, frames):
    with open(path, "wb") as file:
        for frame in frames:
            file.write(len(frame).to_bytes(4, "big") + frame)


def read(path):
    with open(path, "rb") as file:
        octets = file.read()
    frames, at = [], 0
    while at < len(octets):
        end = at + 4 + int.from_bytes(octets[at:at + 4], "big")
        frames.append(octets[at + 4:end])
        at = end
    return frames


class Attacker:
    def __init__(self, interface, address, port):
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        index = socket.if_nametoindex(interface)
        self.to = (address, int(port), 0, index)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        self.ear = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.ear.bind(("::", int(port)))
        joined = socket.inet_pton(socket.AF_INET6, address) + struct.pack("=I", index)
        self.ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, joined)
        self.heard, self.path = None, None
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            frame = self.ear.recv(65536)
            if self.heard is not None:
                self.heard.append(frame)

    def obey(self, order, *words):
        return getattr(self, f"do_{order}")(*words)

    def do_hear(self, path):
        self.heard, self.path = [], path
        return {}

    def do_heard(self):
        time.sleep(0.2)
        heard, self.heard = self.heard, None
        write(self.path, heard)
        return {"frames": len(heard)}

    def do_send(self, path, per_second, seconds):
        frames, per_second, seconds = read(path), float(per_second), float(seconds)
        start, sent, refused = time.monotonic(), 0, 0
        due, last = 0.0, 0.0
        end = None if seconds else len(frames)
        while (now := time.monotonic() - start) < seconds or sent != end and end is not None:
            # Evenly: what a slow moment has left out is not sent at once after it.
            due, last = due + min(now - last, LATE_S) * per_second, now
            burst = min(BURST, int(due) + 1 - sent if per_second else BURST, (end or sent + BURST) - sent)
            if burst <= 0:
                time.sleep(0.0005)
                continue
            for frame in (frames[(sent + number) % len(frames)] for number in range(burst)):
                try:
                    self.socket.sendto(frame, self.to)
                except OSError:
                    refused += 1
            sent += burst
        return {"sent": sent - refused, "seconds": time.monotonic() - start}


def main():
    attacker = Attacker(*sys.argv[1:])
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(attacker.obey(*line.split())), flush=True)


if __name__ == "__main__":
    main()
