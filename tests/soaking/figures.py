"""What a part has counted, read from its log: a few lines for the summary. A log may end anywhere."""

import collections
import json
import re

# unittest leaves its line open until a test has ended.
MARK = re.compile(r"(?:^|\.\.\. )figure: (.+)$", re.M)


def counted(number, one, many):
    return f"{number:,} {one if number == 1 else many}"


def marked(log):
    """Of the tests that mark their own."""
    return MARK.findall(log)


def fleet(log):
    """Of prose-fleet: the objects of its runs together, and how far the one came that did not end."""
    told = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    acts = collections.Counter()
    for one in told:
        acts.update(one["acts"])
    lines = re.findall(r"^soak: (\d+ of \d+ kills, .*)$", log.rpartition("\n{")[2], re.M)[-1:]
    if told:
        lines = [f"{sum(one['kills'] for one in told):,} kills, {sum(one['radios'] for one in told):,} radios",
                 ", ".join(f"{name} {count:,}" for name, count in acts.items()), *lines]
    return lines


def xtest(log):
    """Of prose-xtest: its closing counts, and the fuzzer's calls; of all runs together."""
    def total(pattern):
        return sum(int(number) for number in re.findall(pattern, log, re.M))

    lines = []
    for what in ("subtest", "test case"):
        ran, failed = total(rf"^([0-9]+) {what}s? of which"), total(rf"^[0-9]+ {what}s? of which ([0-9]+) failed")
        if ran:
            lines.append(f"{counted(ran, what, f'{what}s')} of which {failed:,} failed")
    calls = total(r"^ *([0-9]+) calls: ")
    return [*lines, f"{calls:,} random calls"] if calls else lines


def fuzz(log):
    """Of fuzz/run: each target's executions and findings."""
    lines = []
    for said in re.split(r"^==> fuzzing ", log, flags=re.M)[1:]:
        executions = sum(map(int, re.findall(r"stat::number_of_executed_units: *(\d+)", said)))
        crashes = counted(said.count("Test unit written"), "crash", "crashes")
        lines.append(f"{said.split()[0]}: {executions:,} executions, {crashes}")
    return lines


def power(log):
    """Of tests/power/run: what was judged so far, and what it tells at its end."""
    def count(pattern):
        return len(re.findall(pattern, log, re.M))

    return [f"{count(r'^cut [0-9]+: '):,} cuts at random instants, {count(r'^boundary -?[0-9]+ of '):,} at boundaries "
            f"of flushes, {counted(count('; WRONG: '), 'fault', 'faults')}", *marked(log)]


def forensics(log):
    """Of tests/forensics/run."""
    return re.findall(r"^(Ran \d+ tests|[\d,]+ octets searched in \d+ searches)", log, re.M)
