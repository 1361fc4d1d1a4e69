"""Radios on one link with their manager: UEs with real OP-TEE that talk through prosed, for tests and the story."""

import json
import os
import shlex
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness.process import line as line_of
from prose_manager import Manager
from ue import CALL_S, TOOL, UE, Ue

GROUP, NAME, TUN = "0a0b0c", "patrol", "group0"
# The plain link, beside the protected one.
LINK = "adhoc0"
START_S = 240
# A frame's way through two UEs on a busy machine.
SETTLE_S = 1.5


def until(what, condition, limit_s=60):
    """What the condition gives when it gives something."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.2)
    return found


def as_words(options):
    """As a program's options are said."""
    return [word for name, value in options.items() for word in (f"--{name}", str(value))]


class Radio(UE):
    """A UE whose applications talk through the TUN interface of its group."""

    def __init__(self, name, subscriber):
        super().__init__(name)
        self.subscriber = subscriber
        self.options = []

    def runs(self):
        return Ue(self.name).is_running()

    def traffic(self):
        """What prosed says of itself."""
        return self.done("traffic", "status")

    def counters(self):
        return self.traffic()["counters"]

    def group(self):
        """The group as prosed has it, or nothing."""
        answer = self.json("traffic", "status")
        return next(iter(answer["groups"]), None) if answer["ok"] else None

    def sending(self):
        """The epoch that it sends under, if it can send at all."""
        group = self.group()
        return group and group["sending"]

    def generation(self):
        sending = self.sending()
        return sending and sending["generation"]

    def has_tun(self):
        return self.sh(f"ip link show {TUN} | grep -q UP").status == 0

    def configure(self, more=""):
        """prosed's configuration, with a TUN interface that is up whenever prosed is."""
        config = f'interface = "{LINK}"\nstate = "/var/lib/proseal/prosed"\n{more}[group.{GROUP}]\ntun = "{TUN}"\n'
        self.put("/var/lib/proseal/prosed.toml", config)
        self.restart_prosed()

    def clock(self):
        """Its time in seconds since 1970, to some milliseconds: busybox's date has no parts of a second."""
        seconds, text = self.sh("touch /tmp/now; stat -c '%Y|%y' /tmp/now").stdout.split("|")
        return int(seconds) + float("0." + text.split(".")[1].split()[0])

    def console(self):
        """What was said on the normal world's console since it started last."""
        return (self.folder / "console.log").read_text(errors="replace")

    def put(self, path, text):
        put = self.exec("sh", "-c", f"cat >{shlex.quote(path)}; sync", stdin=text.encode())
        if put.status:
            raise RuntimeError(f"{path}: {put}")

    def restart_prosed(self):
        """Ends prosed as the system does, and waits until the next one is there."""
        was = self.sh("p=$(cat /run/prosed.pid); kill $p; echo $p").stdout
        until(f"{self.name}'s prosed is another one", lambda: self.sh("cat /run/prosed.pid").stdout not in ("", was))

    def talk(self, packets=500, stream=1, interface=TUN, **options):
        """Speaks; what the program says at its end."""
        return json.loads(self._ptt("talk", interface, packets=packets, stream=stream, **options))

    def listen(self, interface=TUN, **options):
        return Listener(self, interface, options)

    def answer(self, interface, **options):
        return Ear(self, "answer", interface, options)

    def ask(self, packets, interface, **options):
        """Round trips in microseconds, and how many questions had no answer."""
        said = self._ptt("ask", interface, packets=packets, **options)
        return [int(word) for word in said.split() if word != "lost"], said.split().count("lost")

    def repeat(self, path, packets, interval, **options):
        """Says the datagrams of a file of its own on the plain link, again and again; what the program says at its end."""
        return json.loads(self._ptt("repeat", LINK, path, packets=packets, interval=interval, **options))

    def _ptt(self, what, interface, *words, **options):
        said = self.exec("prose-ptt", what, "--interface", interface, *as_words(options), *words, limit_s=CALL_S * 4)
        if said.status:
            raise AssertionError(f"{self.name}: {said}")
        return said.stdout


class Ear:
    """A program that hears until it is left, as `with` has it."""

    def __init__(self, radio, what, interface, options):
        self.name = radio.name
        command = [TOOL, "exec", radio.name, "--", "prose-ptt", what, "--interface", interface, *as_words(options)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []

    def __enter__(self):
        if line_of(self.process.stdout, CALL_S) != "ready":
            raise AssertionError(f"{self.name}: {self.process.communicate()}")
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout.read().decode().splitlines()))
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.reader.join(CALL_S)
        self.process.wait(CALL_S)
        self.process.stdout.close()
        self.process.stderr.close()


class Listener(Ear):
    """One that hears speech: afterwards `heard` is [(time in s, stream, number)], in order of arrival."""

    def __init__(self, radio, interface, options):
        super().__init__(radio, "listen", interface, options)
        self.heard, self.strange = [], 0

    def __exit__(self, kind, *_):
        if kind is None:
            time.sleep(SETTLE_S)
        super().__exit__(kind)
        for words in (line.split() for line in self.lines):
            if words[0] == "strange":
                self.strange += 1
            else:
                self.heard.append((int(words[0]) / 1e6, int(words[1]), int(words[2])))

    def numbers(self, stream=1):
        return [number for _, of, number in self.heard if of == stream]

    def lost(self, sent, stream=1):
        """The numbers of a stream that did not come, of those that were sent."""
        return sorted(set(range(sent)) - set(self.numbers(stream)))

    def twice(self):
        pairs = [(stream, number) for _, stream, number in self.heard]
        return len(pairs) - len(set(pairs))

    def gap(self, stream=1):
        """The longest time between two packets of a stream, in seconds."""
        times = [at for at, of, _ in self.heard if of == stream]
        return max((later - sooner for sooner, later in zip(times, times[1:])), default=None)


class Network:
    """Radios, their link and their manager. `close` ends all."""

    def __init__(self, folder, names, link="link", hub="", options=("--fresh",), kind=Radio):
        self.radios = [kind(name, f"unit-{number}") for number, name in enumerate(names, 1)]
        self.link, self.hub, self.options = link, hub, options
        self.manager = Manager(folder)
        self.process = None

    def __iter__(self):
        return iter(self.radios)

    def start(self, *group_options, members=None):
        """The manager serves, the radios boot side by side. `members` may join; all unless told otherwise."""
        self.fingerprint = self.manager.done("init")["fingerprint"].replace(" ", "")
        self.manager.done("group", "add", GROUP, "--name", NAME, *group_options)
        for radio in self.radios if members is None else members:
            self.manager.done("member", "allow", NAME, radio.subscriber)
        self.manager.serve()
        self.boot()

    def boot(self):
        words = [radio.name for radio in self.radios]
        self.process = subprocess.Popen(
            [TOOL, "link", *words, "--link", self.link, "--tests", "--cache", "unsafe", "--max-seconds", "7200",
             "--reach", str(self.manager.port), "--hub", self.hub, *self.options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        # Answered by the hub at once; the radios follow.
        self.order("count")
        for radio in self.radios:
            until(f"{radio.name} answers", lambda radio=radio: self.lives() and radio.sh("true").status == 0, START_S)

    def lives(self):
        if self.process.poll() is not None:
            raise AssertionError("the link has ended")
        return True

    def start_again(self, radio, *options):
        """After a power cut or a stop: on its own disk, on the link again."""
        radio.tool("start", radio.name, "--bind-to", str(os.getpid()), "--tests", "--cache", "unsafe", "--link", self.link,
                   "--reach", str(self.manager.port), "--max-seconds", "7200", *options)  # fmt: skip

    def enrol(self, *radios):
        """They enrol and are approved; side by side."""
        tokens = [self.manager.invite(radio.subscriber) for radio in radios]
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(self._enrol, radios, tokens))

    def _enrol(self, radio, token):
        enrolled = radio.done("enrol", "--token-file", "-", "--fingerprint", self.fingerprint, stdin=token)
        self.manager.done("device", "approve", enrolled["device"])

    def join(self, *radios):
        """They join, and their prosed talks."""
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(self._join, radios))

    def _join(self, radio):
        radio.configure()
        radio.done("join", GROUP)
        until(f"{radio.name} can send", radio.sending)
        until(f"{radio.name} has its interface", radio.has_tun)

    def order(self, line):
        """Tells the link's hub; what it answers."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"ok": false, "message": "the link has ended"}')
        if not answer.pop("ok"):
            raise ValueError(answer["message"])
        return answer

    def reach(self, radio, is_up):
        """Whether the radio's way to the manager is open."""
        done = radio.sh(f"ip link set eth0 {'up' if is_up else 'down'}")
        if done.status:
            raise RuntimeError(f"{radio.name}: {done}")

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(120)
            finally:
                self.process.kill()
                self.process.wait()
        if self.process is not None:
            self.process.stdout.close()
        for radio in self.radios:
            radio.stop()
        self.manager.stop()


def percentiles(values):
    """Median and 99th percentile."""
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
