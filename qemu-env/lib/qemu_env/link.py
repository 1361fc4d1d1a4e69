"""An ad-hoc link of UEs: prose-hub carries Ethernet frames between their cards, through Unix sockets and nothing else.

The hub runs in the link's folder, out/link/NAME, with a socket for each UE under the UE's name; QEMU runs in the UE's
folder. Both say paths from there, which stay short wherever the repository lies.
"""

import contextlib
import hashlib
import re
import shutil
import subprocess

from . import paths
from .report import Failure
from .ue_folder import NAME, try_lock

HUB = paths.ROOT / "target/release/prose-hub"
BUILD_SECONDS = 900
END_SECONDS = 20


def folder(name):
    if not NAME.fullmatch(name):
        raise Failure(f"{name!r} is no name for a link: small letters, digits and '-', at most 31")
    return paths.OUT / "link" / name


def card(link, ue):
    """The UE's network card on a link. Its address is made from the UE's name: each other UE has another one."""
    return [
        "-netdev", f"stream,id=link,server=off,addr.type=unix,addr.path=../../link/{link}/{ue}",
        "-device", f"virtio-net-pci,netdev=link,mac={address(ue)}",
    ]  # fmt: skip


def address(ue):
    """A unicast MAC address of the locally administered kind."""
    digits = hashlib.sha256(ue.encode()).hexdigest()[:8]
    return ":".join(["02", "70", *re.findall("..", digits)])


def build():
    try:
        subprocess.run(["cargo", "build", "--locked", "--release", "-q", "-p", "prose-hub"], cwd=paths.ROOT,
                       stdin=subprocess.DEVNULL, check=True, timeout=BUILD_SECONDS)  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise Failure(f"prose-hub is not built: {error}") from None


class Hub:
    """A running hub with a port for each UE. It ends when its standard input does, which is ours unless told
    otherwise."""

    def __init__(self, name, ues, options, streams=None):
        self.folder = folder(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = try_lock(self.folder / "lock")
        if self._lock is None:
            raise Failure(f"the link {name} is there already")
        for path in self.folder.iterdir():
            if path.is_socket():
                path.unlink()
        ports = [word for ue in ues for word in ("--stream", ue)]
        self.process = subprocess.Popen([HUB, *ports, *options], cwd=self.folder, **(streams or {}))

    def wait(self):
        """Until the hub ends; its status."""
        return self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
