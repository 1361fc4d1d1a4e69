"""What a part has counted, read from its log: a few lines for the summary. A log may end anywhere."""

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
    """Of prose-fleet: the object at its end, or how far it came."""
    for line in reversed(log.splitlines()):
        if line.startswith("{"):
            told = json.loads(line)
            acts = ", ".join(f"{name} {count:,}" for name, count in told["acts"].items())
            return [f"{told['kills']:,} kills, {told['steps']} steps, {told['radios']:,} radios, seed {told['seed']}", acts]
    return re.findall(r"^soak: (\d+ of \d+ kills, .*)$", log, re.M)[-1:]


def xtest(log):
    """Of prose-xtest: its closing counts, and the fuzzer's calls; of all runs together."""
    def total(pattern):
        return sum(int(number) for number in re.findall(pattern, log, re.M))

    lines = [f"{total(rf'^([0-9]+) {what}s? of which'):,} {what}s of which "
             f"{total(rf'^[0-9]+ {what}s? of which ([0-9]+) failed'):,} failed" for what in ("subtest", "test case")]
    calls = total(r"^ *([0-9]+) calls: ")
    return [*lines, f"{calls:,} random calls"] if calls else lines


def fuzz(log):
    """Of fuzz/run: each target's executions and findings."""
    lines = []
    for said in re.split(r"^==> fuzzing ", log, flags=re.M)[1:]:
        executions = sum(map(int, re.findall(r"stat::number_of_executed_units: *(\d+)", said)))
        lines.append(f"{said.split()[0]}: {executions:,} executions, {counted(said.count('Test unit written'), 'crash', 'crashes')}")
    return lines


def power(log):
    """Of tests/power/run: what was judged so far, and what it tells at its end."""
    def count(pattern):
        return len(re.findall(pattern, log, re.M))

    return [f"{count(r'^cut [0-9]+: '):,} cuts at random instants, {count(r'^boundary -?[0-9]+ of '):,} at boundaries of "
            f"flushes, {counted(count('; WRONG: '), 'fault', 'faults')}", *marked(log)]


def forensics(log):
    """Of tests/forensics/run."""
    return re.findall(r"^(Ran \d+ tests|[\d,]+ octets searched in \d+ searches)", log, re.M)
