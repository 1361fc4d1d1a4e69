"""Many radios on one link, the applications that talk over them, and an account of every packet: what was written, what
became of it, and that nothing is left over. As root, as link.py."""

import base64
import collections
import contextlib
import hashlib
import json
import selectors
import socket
import time

import prosed as radios

GROUP = f"{radios.GROUP:06x}"
SIZE, PER_SECOND = 200, 5
QUIET_S = 2.5
NOT_KNOWN = -1


def payload(serial):
    """Nobody else writes it: the number of a packet, and what follows from it."""
    octets = serial.to_bytes(8, "big")
    return (octets + hashlib.shake_128(octets).digest(SIZE - len(octets)))[:SIZE]


class Application:
    """What talks over one radio: a connection that writes, and one that reads."""

    def __init__(self, number, radio):
        self.number, self.radio = number, radio
        self.writer, self.reader = radio.api(), radio.subscribe()
        for api in (self.writer, self.reader):
            api.socket.setblocking(False)
        # Of what is asked, in its order: the serial number of a packet, or None.
        self.asked = collections.deque()
        self.read, self.refused = 0, 0

    def ask(self, method, serial, **parameters):
        message = {"method": f"org.proseal.traffic.{method}", "parameters": {"group": GROUP, **parameters}}
        self.asked.append(serial)
        # A daemon reads what it is told: more than a socket's room is never under way.
        self.writer.socket.sendall(json.dumps(message).encode() + b"\0")

    def messages(self, api):
        with contextlib.suppress(BlockingIOError):
            while octets := api.socket.recv(1 << 18):
                api.rest += octets
                if len(octets) < 1 << 18:
                    break
        *messages, api.rest = api.rest.split(b"\0")
        return map(json.loads, messages)

    def close(self):
        self.writer.close()
        self.reader.close()


class Talk:
    """Applications at all radios, each with PER_SECOND packets a second."""

    def __init__(self, crowd):
        self.applications = [Application(number, radio) for number, radio in enumerate(crowd)]
        # Packets by their content; who wrote each, and whether its daemon took it.
        self.serials, self.writers, self.taken = {}, [], []
        # What each application has read, by serial number.
        self.heard = [bytearray() for _ in crowd]
        self.twice, self.false = 0, 0
        self.ready = selectors.DefaultSelector()
        for application in self.applications:
            self.ready.register(application.writer.socket, selectors.EVENT_READ, (application, self.answered))
            self.ready.register(application.reader.socket, selectors.EVENT_READ, (application, self.read))

    def close(self):
        self.ready.close()
        for application in self.applications:
            application.close()

    def write(self, application):
        serial = len(self.writers)
        text = base64.b64encode(payload(serial)).decode()
        self.serials[text] = serial
        self.writers.append(application.number)
        self.taken.append(False)
        application.ask("Send", serial, payload=text)

    def answered(self, application):
        for message in application.messages(application.writer):
            serial = application.asked.popleft()
            if serial is None:
                assert "error" not in message, message
            elif "error" in message:
                application.refused += 1
            else:
                self.taken[serial] = True

    def read(self, application):
        heard, member = self.heard[application.number], self.applications
        for message in application.messages(application.reader):
            application.read += 1
            said = message["parameters"]
            serial = self.serials.get(said["payload"], NOT_KNOWN)
            if serial == NOT_KNOWN or member[self.writers[serial]].radio.member != said["sender"]:
                self.false += 1
                continue
            if serial >= len(heard):
                heard.extend(bytes(serial + 1024 - len(heard)))
            self.twice += heard[serial]
            heard[serial] = 1

    def wait(self, until):
        """Reads what comes until then."""
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.ready.select(left):
                application, react = key.data
                react(application)

    def run(self, seconds, refreshes=0, meanwhile=()):
        """All talk for so long, and so many epochs begin, evenly; `meanwhile` are (second, what is done then)."""
        count, start = len(self.applications), time.monotonic()
        packets = [(number / (PER_SECOND * count), self.write, self.applications[number % count])
                   for number in range(int(seconds * PER_SECOND * count))]
        epochs = [(seconds * (number + 0.5) / refreshes, self.refresh, self.applications[number % count])
                  for number in range(refreshes)]
        others = [(at, lambda _, do=do: do(), None) for at, do in meanwhile]
        for at, do, application in sorted([*packets, *epochs, *others], key=lambda one: one[0]):
            self.wait(start + at)
            do(application)
        self.wait(start + seconds)

    def refresh(self, application):
        application.ask("Refresh", None)

    def lost(self):
        """(writer, reader) of each packet that a daemon took and that an application did not read."""
        missing = []
        for serial, writer in enumerate(self.writers):
            for application in self.applications:
                heard = self.heard[application.number]
                if self.taken[serial] and application.number != writer and not heard[serial:serial + 1] == b"\1":
                    missing.append((writer, application.number))
        return missing


def interface_drops(radio):
    """Frames that its network interface had no room for: (received, sent)."""
    with open(f"/proc/{radio.process.pid}/net/dev") as lines:
        line = next(line for line in lines if line.strip().startswith(f"{radio.interface}:"))
    fields = line.split(":")[1].split()
    return int(fields[3]), int(fields[11])


class Account:
    """What has been counted everywhere so far, once nothing is under way any more."""

    def __init__(self, link, talk):
        seen = None
        while (now := self.look(link, talk)) != seen:
            seen = now
            talk.wait(time.monotonic() + QUIET_S)
        self.hub, self.status, self.drops, self.read = seen

    @staticmethod
    def look(link, talk):
        crowd = [application.radio for application in talk.applications]
        by_tap = link.order("count")["ports"]
        return ([by_tap[radio.space] for radio in crowd], [radio.status()["counters"] for radio in crowd],
                [interface_drops(radio) for radio in crowd], [application.read for application in talk.applications])


def balance(before, after):
    """What became of all frames between two accounts: sums over all radios, and the remainders, all of which must be 0:
    each is a line (what, at which radio, how many)."""
    count = len(after.read)
    sums, remainders = collections.Counter(), []

    def grown(field, number, *names):
        new, old = getattr(after, field)[number], getattr(before, field)[number]
        return [new[name] - old[name] for name in names]

    def must_be_zero(what, number, remainder):
        if remainder:
            remainders.append((what, number, remainder))

    went = [grown("hub", number, "sent")[0] for number in range(count)]
    for number in range(count):
        sent, objects, unsent, failed = grown("status", number, "sent", "objects_sent", "unsent", "send_failed")
        received, delivered, taken, waiting = grown("status", number, "received", "delivered", "objects", "waiting")
        kernel, slow, calls = grown("status", number, "kernel_drops", "subscriber_drops", "tee_calls")
        offered, lost, doubled, down, full = grown("hub", number, "offered", "lost", "doubled", "down", "full")
        arrived, under_way = grown("hub", number, "delivered", "under_way")
        in_dropped, out_dropped = grown("drops", number, 0, 1)
        (read,) = [after.read[number] - before.read[number]]
        old = before.status[number]["drops"]
        drops = {name: value - old[name] for name, value in after.status[number]["drops"].items() if value != old[name]}
        gone = sent + objects - failed - out_dropped
        must_be_zero("frames of prosed that the link did not get", number, gone - went[number])
        must_be_zero("frames of others that the link did not offer", number, sum(went) - went[number] - offered)
        must_be_zero("frames on the link", number, offered + doubled - lost - down - full - arrived - under_way)
        must_be_zero("frames from the link that prosed did not get", number, arrived - received - kernel - in_dropped)
        must_be_zero("frames in prosed", number, received - delivered - taken - waiting - sum(drops.values()))
        must_be_zero("packets between prosed and the application", number, delivered - read - slow)
        sums.update({"sent": sent, "unsent": unsent, "send failed": failed, "objects sent": objects,
                     "lost on the link": lost, "doubled on the link": doubled, "link was full": full,
                     "received": received, "delivered": delivered, "waiting": waiting, "TEE calls": calls,
                     "kernel drops": kernel + in_dropped,
                     "kernel drops when sending": out_dropped, "lost to slow readers": slow,
                     **{f"dropped, {name}": value for name, value in drops.items()}})
    return {name: value for name, value in sums.items() if value}, remainders


def told(title, sums):
    """A line for people, and for the summary of `make soak`."""
    print(f"figure: {title}: " + ", ".join(f"{name} {value:,}" for name, value in sums.items()))
