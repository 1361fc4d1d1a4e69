#!/usr/bin/env python3
"""Python packages for tests, from tests/requirements.txt into out/tools; nothing is installed by hand.

    PYTHONPATH=$(tests/harness/packages.py) python3 tests/package_reference.py docs/vectors/package.json
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests/requirements.txt"
API_REQUIREMENTS = ROOT / "tests/requirements-api.txt"
LIMIT_S = 600


class Missing(Exception):
    """The packages cannot be installed."""


def installed(requirements=REQUIREMENTS):
    """The folder that has those of a list, filled on first use. One for each list and each Python."""
    tag = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    name = hashlib.sha256(tag.encode() + requirements.read_bytes()).hexdigest()[:16]
    folder = ROOT / "out/tools" / f"python-{name}"
    if not folder.exists():
        install(folder, requirements)
    return folder


def install(folder, requirements):
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = tempfile.mkdtemp(dir=folder.parent)
    # No code of a package runs: wheels only, each with a hash that is in the list.
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input",
               "--only-binary", ":all:", "--require-hashes", "--no-deps", "--target", unfinished,
               "--requirement", os.fspath(requirements)]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S)
        if ended.returncode:
            raise Missing(f"{ended.stderr}{ended.stdout}Is pip there (Debian: python3-pip), and the network?")
        # Whole or not at all. Another process may have been faster, which is as good.
        with contextlib.suppress(OSError):
            os.rename(unfinished, folder)
    except subprocess.TimeoutExpired:
        raise Missing(f"pip took more than {LIMIT_S} s for {requirements}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


if __name__ == "__main__":
    print(installed())
