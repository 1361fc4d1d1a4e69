"""The parts of a soak, and how much of each is done in a given time. How long what takes was measured on two busy
cores."""

import dataclasses
import math
from collections.abc import Callable

from harness import fuzz
from harness.process import ROOT

from . import figures


@dataclasses.dataclass(frozen=True)
class Amount:
    """What a part does in its time: in words, and by commands, one after the other."""

    told: str
    commands: list[list[str]]


@dataclasses.dataclass(frozen=True)
class Part:
    """A long form. It gets `least_s` seconds, or is left out; what is over is divided by the shares (0: it has an end
    of its own). `amount` takes the seconds that it got; `figures` takes its log."""

    name: str
    what: str
    least_s: int
    share: int
    amount: Callable[[float], Amount]
    figures: Callable[[str], list[str]] = figures.marked
    # Before its time begins.
    builds: tuple[list[str], ...] = ()


def cargo(package):
    return ["cargo", "build", "--locked", "--release", "-q", "-p", package]


def of_unittest(told, module):
    def amount(_):
        return Amount(told, [["python3", "-m", "unittest", "-v", f"system.{module}"]])

    return amount


def runs_of(seconds, most_s):
    """As few runs as take at most so long each, all equally long: (how many, seconds of each). Each has its own
    seed."""
    count = max(1, math.ceil(seconds / most_s))
    return count, seconds / count


def times(runs, told):
    return f"{runs} x {told}" if runs > 1 else told


MANAGER_STARTS_S, KILL_S = 20, 0.7
# After each one all that was acknowledged before is judged again.
MOST_KILLS = 200


def kills(database):
    def amount(seconds):
        runs, each_s = runs_of(seconds, MANAGER_STARTS_S + KILL_S * MOST_KILLS)
        count = int((each_s - MANAGER_STARTS_S) / KILL_S)
        # Any number of processes may share a PostgreSQL.
        servers = "2" if database == "postgresql" else "1"
        command = ["target/release/prose-fleet", "soak", "--database", database, "--kills", str(count),
                   "--servers", servers]  # fmt: skip
        return Amount(times(runs, f"{count} kills"), [command] * runs)

    return amount


BOOT_S = 20
# The fuzzer's own (host/xtest/src/cases/fuzz.rs).
LEVEL_S, LEVEL_MAX = 40, 15


def guest(level, limit_s, *cases):
    return ["qemu-env/ue", "run", "--tests", "--max-seconds", str(int(limit_s)), "--",
            "prose-xtest", "-l", str(level), *cases]


def guest_fuzzing(seconds):
    runs, each_s = runs_of(seconds, BOOT_S + LEVEL_S * LEVEL_MAX)
    level = int((each_s - BOOT_S) / LEVEL_S)
    return Amount(times(runs, f"level {level}"), [guest(level, 2 * LEVEL_S * (level + 1), "fuzz_1001")] * runs)


SUPPLICANT_S = 1500
# Of these a level adds enough at 3.
LEVEL_ADDS = ("regression_1008", "package_*", "attack_1402", "attack_500*", "storage_1006")


def supplicant_kills(_):
    # Each storage call is met from level 3 on; a higher one gives a case more time.
    return Amount("each storage call", [guest(LEVEL_MAX, 2 * SUPPLICANT_S, "attack_400*"),
                                        guest(3, 2 * SUPPLICANT_S, *LEVEL_ADDS)])


def host_fuzzing(seconds):
    each = int(seconds / len(fuzz.TARGETS))
    return Amount(f"{len(fuzz.TARGETS)} x {each:,} s",
                  [["fuzz/run", "--seconds", str(each), target] for target in fuzz.TARGETS])


RECORDING_S, CUT_S = 60, 9
FIRST_COMMITS, BOUNDARIES = 78, 930  # about: of the fresh disk, and in all


def power_cuts(seconds):
    """Of five cuts one at a random instant, until each boundary has its own."""
    count = int((seconds - RECORDING_S) / CUT_S)
    boundaries = min(BOUNDARIES, count * 4 // 5)
    first = min(FIRST_COMMITS, boundaries * 2 // 5)
    # Also those that are more than they were when they were counted.
    drawn = ["--boundaries", str(first), str(boundaries - first)] if boundaries < BOUNDARIES else []
    return Amount(f"{count - boundaries:,} instants, {boundaries} boundaries",
                  [["tests/power/run", "--cuts", str(count - boundaries), *drawn, "instants", "boundaries"]])


FLEET = (cargo("prose-manager"), cargo("prose-fleet"))
PARTS = (
    Part("radios", "three radios, each with its own OP-TEE, through refreshes and rotations", 720, 0,
         of_unittest("its long form", "test_three_radios_long")),
    Part("crowd", "fifty daemons on one link, 1,500 refreshes, 2 rotations, a bad link", 720, 0,
         of_unittest("its long form", "test_traffic")),
    Part("manager-sqlite", "a manager that is killed at work, on SQLite", 60, 5, kills("sqlite"), figures.fleet, FLEET),
    Part("manager-postgresql", "the same on PostgreSQL", 60, 5, kills("postgresql"), figures.fleet, FLEET),
    Part("guest-fuzz", "random calls to the trusted application in a UE", BOOT_S + LEVEL_S, 10, guest_fuzzing,
         figures.xtest),
    Part("supplicant", "tee-supplicant killed at each storage call, and what a level adds", SUPPLICANT_S, 0,
         supplicant_kills, figures.xtest),
    Part("forensics", "a UE's memory, disk and files searched for its keys", 180, 0,
         lambda _: Amount("its long form", [["tests/forensics/run"]]), figures.forensics),
    Part("host-fuzz", "every decoder, and command sequences, on the host", 10 * len(fuzz.TARGETS), 30, host_fuzzing,
         figures.fuzz, (["fuzz/run", "--build"],)),
    Part("power", "power cuts: random instants, then boundaries of flushes", RECORDING_S + 10 * CUT_S, 50, power_cuts,
         figures.power),
)  # fmt: skip
# What each part's commands are told.
ENVIRONMENT = {"PROSEAL_TRAFFIC": "soak", "PYTHONPATH": str(ROOT / "tests"), "PYTHONUNBUFFERED": "1"}
