"""The summary of a soak, as text, and what it is worth."""

import textwrap

from .runner import FAILED, NOT_RUN, OK, clock

WIDTH = 110


def text(outcomes, seconds):
    """A line for each part, its figures below it, and a closing line; `seconds` is all that it took, with builds."""
    rows = [("part", "amount", "time", "result")]
    for outcome in outcomes:
        # What did not end well did perhaps a part of it.
        told = f"of {outcome.told}" if outcome.result == FAILED else outcome.told
        rows.append((outcome.name, told, clock(outcome.seconds) if told else "", result(outcome)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = []
    for row, outcome in zip(rows, [None, *outcomes]):
        name, told, time, ended = row
        lines.append(f"{name:{widths[0]}}  {told:{widths[1]}}  {time:>{widths[2]}}  {ended}".rstrip())
        for figure in outcome.figures if outcome else []:
            lines += textwrap.wrap(figure, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 6)
    counts = {state: sum(outcome.result == state for outcome in outcomes) for state in (OK, FAILED, NOT_RUN)}
    soaked = sum(outcome.seconds for outcome in outcomes)
    ended = ", ".join(f"{count} {state}" for state, count in counts.items())
    lines.append(f"{clock(soaked)} of soaking, {clock(seconds)} with builds: {ended}")
    return "\n".join(lines) + "\n"


def result(outcome):
    return f"{outcome.result}: {outcome.reason}" if outcome.reason else outcome.result


def worth(outcomes, interrupted=False):
    """The exit status: 0 only if something ran, to its end, and nothing failed."""
    results = [outcome.result for outcome in outcomes]
    return 0 if OK in results and FAILED not in results and not interrupted else 1
