"""How a story is told on a terminal: chapters, what happens, and whether it is as it should be."""

import sys
import textwrap

failures = []


def chapter(title, text):
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")
    print(textwrap.fill(text, 78))


def show(line):
    print(f"    {line}", flush=True)


def quote(line):
    """One that may be too long for a terminal, such as a message."""
    for part in textwrap.wrap(line, 76, subsequent_indent="    "):
        show(part)


def names(radios):
    """As a sentence has them."""
    *first, last = [radio.short for radio in radios]
    return f"{', '.join(first)} and {last}" if first else last


def expect(fact, holds):
    show(f"{'ok' if holds else 'NOT SO'}: {fact}")
    if not holds:
        failures.append(fact)
