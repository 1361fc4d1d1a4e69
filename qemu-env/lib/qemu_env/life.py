"""A UE's life: start, stop, reboot, kill, and the list of all."""

import os
import shutil
import signal
import subprocess
import time

from . import channel, machine, paths, supervisor
from .report import Failure, say
from .ue_folder import all_ues

STOP_SECONDS = 15
TEMPORARY = "run-"


def start(ue, options, *, disk=None, fresh=False, max_seconds=3600, bind_to=None, wait=120):
    """Starts the UE and waits until its agent answers. Returns the seconds that took and the hold on the UE: it ends
    with this process until `let_go` is called."""
    machine.need_image()
    lock = ue.lock()
    if lock is None:
        raise Failure(f"{ue.name} is running already; `qemu-env/ue stop {ue.name}` ends it")
    began = time.monotonic()
    provide_disk(ue, disk, fresh)
    for log in (ue.console_log, ue.secure_log):
        log.write_bytes(b"")
    ue.write_options({"machine": options, "max_seconds": max_seconds, "bind_to": bind_to})
    return boot(ue, options, lock, began, max_seconds, bind_to, wait)


def boot(ue, options, lock, began, max_seconds, bind_to, wait):
    caller = supervisor.start(ue, lock, machine.command(ue, options), max_seconds, bind_to)
    try:
        with channel.Channel(ue, wait):
            return time.monotonic() - began, caller
    except Failure as failure:
        ue.signal_qemu(signal.SIGKILL)
        raise Failure(f"{failure}\n{logs(ue)}") from None


def provide_disk(ue, disk, fresh):
    """Keeps the disk that is there, unless told otherwise. The copy has holes where the original has zeros."""
    if disk is None and ue.disk.exists() and not fresh:
        return
    source = disk or paths.IMAGE / "storage.img.template"
    partial = ue.folder / "disk.part"
    copied = subprocess.run(
        ["cp", "--sparse=always", "--", source, partial], stdin=subprocess.DEVNULL, capture_output=True, timeout=600
    )
    if copied.returncode != 0:
        raise Failure(f"copying the disk {source}: {copied.stderr.decode(errors='replace').strip()}")
    os.replace(partial, ue.disk)


def logs(ue):
    parts = []
    for log in (ue.folder / "qemu.log", ue.console_log, ue.secure_log):
        text = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
        parts += [f"--- the last lines of {paths.shown(log)}", *text]
    parts.append("Try again; if the machine is busy, with a larger --wait; with a new disk: --fresh")
    return "\n".join(parts)


def stop(ue, seconds=STOP_SECONDS):
    """Ends the UE: cleanly if its agent answers, else by TERM, else by KILL."""
    if not ue.is_running():
        return
    deadline = time.monotonic() + seconds
    try:
        with channel.Channel(ue, 3) as guest:
            guest.run(["ue-halt"], None, None, None, seconds=seconds)
    except (Failure, OSError):
        pass  # it ended in the middle of the command, as it should; or it will be ended below
    if ue.wait_until_ended(max(1, deadline - time.monotonic())):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        say(f"{ue.name} does not switch itself off; {number.name} to QEMU")
        ue.signal_qemu(number)
        if ue.wait_until_ended(6):
            return
    raise Failure(f"{ue.name} does not end; see {paths.shown(ue.folder)}/qemu.log")


def kill(ue):
    """A power cut."""
    ue.need_running()
    deadline = time.monotonic() + 10
    while ue.is_running():
        ue.signal_qemu(signal.SIGKILL)
        if ue.wait_until_ended(0.5):
            return
        if time.monotonic() > deadline:
            raise Failure(f"{ue.name} does not end")


def reboot(ue, wait=120):
    """A new QEMU on the same disk with the same options. Returns the seconds until the agent answers, and the hold."""
    ue.need_running()
    before = ue.options()
    stop(ue)
    began = time.monotonic()
    lock = ue.lock()
    if lock is None:
        raise Failure(f"{ue.name} was started by somebody else in the middle of its reboot")
    return boot(ue, before["machine"], lock, began, before["max_seconds"], before["bind_to"], wait)


def remove(ue):
    shutil.rmtree(ue.folder, ignore_errors=True)


def sweep():
    """Removes the folders of temporary UEs whose process, named in the folder's name, was killed."""
    for ue in all_ues():
        pid = ue.name.removeprefix(TEMPORARY)
        if pid != ue.name and not os.path.exists(f"/proc/{pid}") and not ue.is_running():
            remove(ue)


def table():
    """What `ue list` shows, one dictionary a UE."""
    rows = []
    for ue in all_ues():
        running = ue.is_running()
        state = ue.state() if running else {}
        rows.append(
            {
                "name": ue.name,
                "running": running,
                "pid": state.get("pid"),
                "seconds": round(time.time() - state["started"], 1) if state else None,
                "agent": running and channel.answers(ue, 0.5),
                "folder": str(ue.folder),
            }
        )
    return rows
