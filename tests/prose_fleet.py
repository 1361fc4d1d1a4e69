"""Simulated radios against a real manager (tests/fleet): built, run, and what came of it."""

import json
import subprocess

import prose_manager
from prose_manager import ROOT

PROGRAM = ROOT / "target/release/prose-fleet"


def build():
    """The manager by a call of cargo of its own: the radios' crates have features that it must not have."""
    prose_manager.build()
    subprocess.run(["cargo", "build", "--locked", "--release", "-q", "-p", "prose-fleet"], cwd=ROOT, check=True,
                   timeout=1500)  # fmt: skip


def run(*words, limit_s, progress=False):
    """The object that it prints; an error with what it said if it fails. `progress` is shown as it comes."""
    line = [PROGRAM, *map(str, words)]
    finished = subprocess.run(line, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=None if progress else subprocess.PIPE, timeout=limit_s, check=False)  # fmt: skip
    if finished.returncode:
        raise RuntimeError(f"prose-fleet {words}: status {finished.returncode} {(finished.stderr or b'').decode()}")
    return json.loads(finished.stdout)
