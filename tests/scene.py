"""Scenes of a story: radios speak in turn while others hear, and an account of who heard what."""

import contextlib
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

from radios import TUN, Radio, until

# How the number of a stream begins, that each packet of speech begins with; the speaker's own follows.
MARK = b"PTT"


def needle(stream):
    """How each of the first 65,536 packets of a stream begins, in clear."""
    return stream.to_bytes(4) + bytes(2)


class Speaker(Radio):
    @property
    def short(self):
        """Its name without what is before the dash."""
        return self.name.rpartition("-")[2]

    @property
    def stream(self):
        return int.from_bytes(MARK + bytes([int(self.subscriber.rpartition("-")[2])]))

    @cached_property
    def behind(self):
        """Seconds from its clock to this machine's, as near as a command's way there lets say."""
        before = time.time()
        clock = self.clock()
        return (before + time.time()) / 2 - clock


@dataclass
class Heard:
    """What one radio heard in a scene, of those who spoke to it."""

    radio: str
    sent: int
    at: list  # when it heard each packet: seconds since 1970 by this machine's clock
    missed: dict  # the numbers that did not come, by speaker
    twice: int
    strange: int  # what came that none of them said
    gap_s: float | None  # the longest time between two packets of one speaker
    calls: int  # of the TEE, for keys to hear with
    drops: Counter  # frames, by reason

    @property
    def lost(self):
        return sum(map(len, self.missed.values()))

    @property
    def heard(self):
        return self.sent - self.lost

    @property
    def gap_ms(self):
        return "-" if self.gap_s is None else f"{self.gap_s * 1000:.0f}"


@dataclass
class Scene:
    title: str
    start: float
    end: float
    spoken: dict  # packets, by speaker
    outside: str | None  # who is not in the group
    rows: list = field(default_factory=list)

    def __getitem__(self, radio):
        return next(row for row in self.rows if row.radio == radio.short)


def say(words, speaker, *hearers):
    """By ordinary programs, Debian's socat; what they say that they heard."""
    group, joined = "ff12::99", f"^[0-9]* *{TUN} *ff12{'0' * 26}99"
    listen = f"timeout 30 socat -u UDP6-RECVFROM:6000,ipv6-join-group=[{group}]:{TUN} STDOUT"
    with ThreadPoolExecutor() as side_by_side:
        listening = [side_by_side.submit(radio.sh, listen) for radio in hearers]
        for radio in hearers:
            until("socat listens", lambda radio=radio: radio.sh(f"grep -q '{joined}' /proc/net/igmp6").status == 0)
        speaker.sh(f"echo '{words}' | socat -u STDIN 'UDP6-DATAGRAM:[{group}%{TUN}]:6000'")
        return [one.result().stdout.strip() for one in listening]


def play(title, turns, hearers, during=None, outsider=None, air=None):
    """The scene. `turns`: (radio, packets), one after the other; `during` runs meanwhile. `outsider` hears what is on
    the `air`, words for prose-ptt, and not the group."""
    everybody = [*hearers, *([outsider] if outsider else [])]
    listeners = [radio.listen(**(air if radio is outsider else {})) for radio in everybody]
    with ThreadPoolExecutor() as side_by_side, contextlib.ExitStack() as cleanup:
        before = list(side_by_side.map(_counters, everybody))
        for listener in listeners:
            listener.__enter__()
            cleanup.callback(_stop, listener)
        scene = Scene(title, time.time(), 0, {radio.short: packets for radio, packets in turns},
                      outsider and outsider.short)
        speech = side_by_side.submit(_speak, turns)
        if during is not None:
            during()
        speech.result()
        cleanup.pop_all()
        list(side_by_side.map(lambda listener: listener.__exit__(None), listeners))
        scene.end = time.time()
        after = list(side_by_side.map(_counters, everybody))
    speakers = [radio for radio, _ in turns]
    scene.rows = [account(scene, speakers, *found) for found in zip(everybody, listeners, before, after)]
    return scene


def _speak(turns):
    for radio, packets in turns:
        radio.talk(packets, stream=radio.stream)


def _stop(listener):
    listener.__exit__(BaseException)


def _counters(radio):
    counters = radio.counters()
    return counters["tee_calls"], Counter(counters["drops"])


def account(scene, speakers, radio, listener, before, after):
    others = [speaker for speaker in speakers if speaker is not radio]
    missed = {one.short: listener.lost(scene.spoken[one.short], one.stream) for one in others}
    gaps = [gap for one in others if (gap := listener.gap(one.stream)) is not None]
    at = [at + radio.behind for at, _, _ in listener.heard]
    said = {one.stream for one in others}
    strange = listener.strange + sum(stream not in said for _, stream, _ in listener.heard)
    return Heard(
        radio.short, sum(scene.spoken[one.short] for one in others), at, missed, listener.twice(), strange,
        max(gaps, default=None), after[0] - before[0], after[1] - before[1],
    )  # fmt: skip


def table(scenes, used):
    """Lines of text. `used`: (generations, epochs) of each scene, that the group's members sent under."""
    line = "{:<26} {:>5} {:>6} {:>5} {:>6} {:>8} {:>6} {:>6}".format
    yield line("heard by", "sent", "heard", "lost", "twice", "gap ms", "calls", "drops")
    for scene, (generations, epochs) in zip(scenes, used, strict=True):
        spoken = ", ".join(f"{name} {packets}" for name, packets in scene.spoken.items())
        yield f"{scene.title}: {spoken}; generations {generations}, epochs {epochs}"
        for row in scene.rows:
            name = f"  {row.radio}{', an outsider' if row.radio == scene.outside else ''}"
            yield line(name, row.sent, row.heard, row.lost, row.twice, row.gap_ms, row.calls, row.drops.total())
