"""Stage `cargo`: the unit and property tests of all crates, on the host."""

import re

from .process import run
from .results import FAILED, PASSED, SKIPPED, Result

# (log name, arguments): what needs libteec is built without it here.
RUNS = [
    ("logic", ["-p", "proseal-proto", "-p", "proseal-ta", "-p", "proseal-ta-test",
               "--features", "proseal-ta/sim,proseal-ta-test/sim"]),
    ("host", ["-p", "proseal-client", "-p", "proseal-issuer", "-p", "proseal-qr", "-p", "prosectl",
              "-p", "prosectl-test", "-p", "prose-xtest", "-p", "ue-agent", "-p", "prose-hub", "-p", "prose-ptt",
              "--no-default-features", "--features", "proseal-client/sim,prose-xtest/sim"]),
    # Alone: with prose-xtest it would be built over the issuer's feature `testing`.
    ("manager", ["-p", "prose-manager"]),
    ("pages", ["-p", "prose-pages"]),
    ("traffic", ["-p", "prosed", "--no-default-features", "--features", "sim"]),
]
TARGET = re.compile(r"^\s+(?:Running|Doc-tests) (.*)$")
COUNTS = re.compile(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored", re.M)
CASE = re.compile(r"^test (.+?) \.\.\. (ok|FAILED|ignored)")


def stage(results):
    for name, arguments in RUNS:
        finished = run(["cargo", "test", "--locked", "--no-fail-fast", *arguments], 1500, f"cargo-{name}.log")
        cases = parse(finished.output)
        for case in cases:
            results.add(case)
        lost = counted(finished.output) != len(cases)
        if not cases or lost or (not finished.ok and all(case.status != FAILED for case in cases)):
            results.add(Result("cargo", f"{name} builds and runs", FAILED, finished.seconds, finished.message))


def parse(output):
    """The cases of `cargo test`'s output; failures with their part of it."""
    cases, target = [], ""
    for line in output.splitlines():
        if match := TARGET.match(line):
            target = match[1].split(" (")[-1].rstrip(")").split("/")[-1].rsplit("-", 1)[0]
        elif match := CASE.match(line):
            status = {"ok": PASSED, "FAILED": FAILED, "ignored": SKIPPED}[match[2]]
            message = said(output, match[1]) if status == FAILED else ""
            cases.append(Result("cargo", f"{target}::{match[1]}", status, 0.0, message))
    return cases


def counted(output):
    """How many cases cargo itself counted: a line that was read wrong must not hide one."""
    return sum(int(count) for counts in COUNTS.findall(output) for count in counts)


def said(output, name):
    head = f"---- {name} stdout ----"
    return output.split(head, 1)[1].split("\n---- ", 1)[0].strip() if head in output else ""
