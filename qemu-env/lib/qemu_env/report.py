"""How the commands speak: progress and warnings on stderr, one clear error, never a traceback for a known failure."""

import os
import subprocess
import sys

from . import suite


class Failure(Exception):
    """Something that a person can act on. The text says what failed and what to try."""


def name():
    return "qemu-env/" + os.path.basename(sys.argv[0])


def say(text):
    print(f"{name()}: {text}", file=sys.stderr, flush=True)


def main(function, failure_status=1):
    """Runs a command's main function and turns failures into one message and an exit status."""
    open_standard_streams()
    try:
        if suite.error():
            raise Failure(suite.error())
        sys.exit(function())
    except Failure as failure:
        say(f"error: {failure}")
        sys.exit(failure_status)
    except KeyboardInterrupt:
        sys.exit(130)


def open_standard_streams():
    """Where the caller closed one, the next file to be opened would be taken for it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def run(command, *, what, hint="", seconds=600, show=False, **options):
    """Runs a program; when it fails, its last words become part of the error. Returns its standard output. With `show`,
    for what takes minutes, all that it says is seen as it comes, on stderr."""
    command = [str(word) for word in command]
    stream = sys.stderr if show else subprocess.PIPE
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, timeout=seconds, **options
        )
    except FileNotFoundError:
        raise Failure(f"{what}: {command[0]} is not installed; run qemu-env/host-tools") from None
    except PermissionError:
        raise Failure(f"{what}: this user may not run {command[0]}") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"{what}: {command[0]} did not end within {seconds} s. {hint}") from None
    if done.returncode != 0:
        words = b"It said why above" if show else done.stderr or done.stdout
        tail = words.decode(errors="replace").strip().splitlines()[-15:]
        raise Failure("\n  ".join([f"{what} failed (exit {done.returncode}). {hint}".rstrip(), *tail]))
    return done.stdout
