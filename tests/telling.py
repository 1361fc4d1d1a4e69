"""How a story is told on a terminal: chapters, what happens, and whether it is as it should be."""

import sys
import textwrap

failures = []


def chapter(title, text):
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")
    print(textwrap.fill(text, 78))


def show(line):
    print(f"    {line}", flush=True)


def expect(fact, holds):
    show(f"{'ok' if holds else 'NOT SO'}: {fact}")
    if not holds:
        failures.append(fact)
