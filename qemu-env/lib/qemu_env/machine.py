"""QEMU's command line for one UE. QEMU runs inside the UE's folder, so that the sockets' paths stay short."""

import shlex
import shutil
import sys

from . import link, paths
from .report import Failure

PORTS = 4
# Where a UE finds its manager, in the network that QEMU makes up (10.0.2.0/24).
MANAGER = "10.0.2.100"
# -cpu max without the parts that the firmware does not know (SVE, MTE); pauth-impdef makes pointer signing cheap.
MACHINE = ["-machine", "virt,secure=on,mte=off,gic-version=3,virtualization=off", "-cpu", "max,sve=off,pauth-impdef=on"]
DEFAULTS = {
    "append": "",
    "cache": "writeback",
    # With more, each flush of a TLB waits for the other processors' threads: on a busy host calls then take three times
    # as long.
    "cpus": 1,
    "link": None,
    "memory": 1057,
    "qemu_args": "",
    "reach": None,
    "rtc": None,
    "store_driver": "",
    "tests": False,
}


def need_image():
    if shutil.which("qemu-system-aarch64") is None:
        raise Failure("qemu-system-aarch64 is missing: run qemu-env/host-tools")
    for name in ("qemu_fw.bios", "vmlinuz", "initrd.gz", "tests.img", "storage.img.template", "manifest.json"):
        if not (paths.IMAGE / name).exists():
            raise Failure(f"{paths.shown(paths.IMAGE)}/{name} is missing: build the image first (`make image`)")


def command(ue, options):
    words = [f"console=ttyAMA0 quiet panic=-1 proseal.name={ue.name}", options["append"]]
    if options["reach"]:
        words.append(f"proseal.reach={MANAGER}")
    if options["link"]:
        words.append(f"proseal.link={link.address(ue.name)}")
    line = [
        "qemu-system-aarch64",
        "-name", f"proseal:{escape(ue.folder)}",
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        *MACHINE,
        # Network cards would want a boot ROM from a package that nothing here needs.
        "-global", "virtio-net-pci.romfile=",
        "-smp", str(options["cpus"]), "-m", str(options["memory"]),
        "-bios", str(paths.IMAGE / "qemu_fw.bios"),
        "-kernel", str(paths.IMAGE / "vmlinuz"),
        "-initrd", str(paths.IMAGE / "initrd.gz"),
        "-append", " ".join(words).strip(),
        # The first serial port is the normal world's, the second the secure world's.
        "-chardev", "socket,id=console,path=console.sock,server=on,wait=off,logfile=console.log,logappend=on",
        "-serial", "chardev:console",
        "-chardev", "file,id=secure,path=secure.log,append=on", "-serial", "chardev:secure",
        "-qmp", "unix:monitor.sock,server=on,wait=off",
        *drive("store", "disk", f"cache={options['cache']}", options["store_driver"]),
        "-device", "virtio-serial-pci",
    ]  # fmt: skip
    for port in range(PORTS):
        line += ["-chardev", f"socket,id=agent{port},path=agent{port}.sock,server=on,wait=off"]
        line += ["-device", f"virtserialport,chardev=agent{port},name=proseal.agent.{port}"]
    if options["tests"]:
        line += drive("tests", paths.IMAGE / "tests.img", "readonly=on")
    if options["reach"]:
        line += way_to_manager(options["reach"])
    if options["link"]:
        line += link.card(options["link"], ue.name)
    if options["rtc"]:
        line += ["-rtc", f"base={options['rtc']}"]
    return line + shlex.split(options["qemu_args"])


def way_to_manager(port):
    """A network card with one place behind it: of all networks the UE reaches this machine's own port, and no other."""
    relay = shlex.join([sys.executable, str(paths.ENV / "lib/qemu_env/relay.py"), str(port)])
    return [
        "-netdev", f"user,id=manager,restrict=on,guestfwd=tcp:{MANAGER}:{port}-cmd:{escape(relay)}",
        "-device", "virtio-net-pci,netdev=manager",
    ]  # fmt: skip


def drive(name, path, more, driver=""):
    """The guest finds its disks by their serial numbers. `driver` says how else than as a plain file QEMU opens one."""
    opened = driver or f"format=raw,file={escape(path)}"
    return [
        "-drive", f"if=none,id={name},{opened},{more}",
        "-device", f"virtio-blk-pci,drive={name},serial={name}",
    ]  # fmt: skip


def escape(path):
    """A comma ends a value in QEMU's options, unless it is doubled."""
    return str(path).replace(",", ",,")
