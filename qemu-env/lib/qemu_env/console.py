"""Joins this terminal to a UE's serial console."""

import os
import select
import sys
import termios
import time
import tty

from .report import Failure, say
from .ue_folder import try_lock

LEAVE = b"\x1d"  # Ctrl-]
SILENCE = 1.0


def attach(ue):
    ue.need_running()
    lock = try_lock(ue.folder / "console.lock")
    if lock is None:
        raise Failure(f"somebody else is at the console of {ue.name}; its output is in {ue.console_log}")
    try:
        connection = ue.connect("console.sock", timeout=5)
    except OSError as error:
        raise Failure(f"the console of {ue.name} is not there: {error}") from None
    connection.settimeout(None)
    try:
        with connection:
            join(ue, connection)
    except OSError as error:
        raise Failure(f"the console of {ue.name} broke off: {error}") from None
    finally:
        os.close(lock)


def join(ue, connection):
    if not os.isatty(0):
        pump(connection, leave=None)
        return
    say(f"console of {ue.name}; press Enter for a prompt, Ctrl-] to leave")
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0)
        pump(connection, LEAVE)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        print(file=sys.stderr)


def pump(connection, leave):
    """Both ways, until the UE ends or the user leaves. Without a terminal: until the input is over and the console
    has been silent for a second."""
    waiting, deadline = [0, connection], None
    while deadline is None or time.monotonic() < deadline:
        ready, _, _ = select.select(waiting, [], [], SILENCE if deadline else None)
        if connection in ready:
            data = connection.recv(65536)
            if not data:
                return
            os.write(1, data)
            deadline = deadline and time.monotonic() + SILENCE
        if 0 in ready:
            data = os.read(0, 4096)
            if leave and leave in data:
                return
            if data:
                connection.sendall(data)
            else:
                waiting.remove(0)
                deadline = time.monotonic() + SILENCE
