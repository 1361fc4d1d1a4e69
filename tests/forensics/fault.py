"""A fault in the memory of a UE's trusted application: its next command ends it, as a panic does. The product has no
command that would; so what a particle may do to its RAM is done through QEMU's own memory.

What is struck is a page of libutee's variables, the list of sessions among them, in which each command is looked up. They
are data to the processor, so that no translation of code that QEMU keeps stands in the way. The page is known by the
addresses on it, which the loader has put there.
"""

import re
import struct

from ue import UE, paths

from .memory import PAGE, Paused

UUID = "a8bbab68-6d72-4b48-9ebb-b0836bcd4982"
PRODUCT = paths.OUT / f"guest/ta/{UUID}.ta"
# ldelf's line when it has loaded the application.
LOADED = re.compile(rf"ELF \({UUID}\) at (0x[0-9a-f]+)")
RELATIVE = 0x403  # R_AARCH64_RELATIVE (ELF for the Arm 64-bit Architecture, 5.7.13)
FEWEST = 8  # addresses that tell a page, of which some may have changed since


def strike(name):
    """In the UE of this name, whose trusted application has been loaded."""
    elf = Elf(PRODUCT.read_bytes())
    base = int(LOADED.findall(UE(name).secure_log())[-1], 16)
    # libutee is linked behind the application: its variables are the last.
    page = elf.sections[".bss"][0] // PAGE * PAGE
    words = [(at - page, struct.pack("<Q", base + addend)) for at, addend in elf.relative if page <= at < page + PAGE]
    with Paused(name, may_write=True) as paused:
        ram = paused.secure_ram()
        octets = ram.whole()
        found = [at for at in range(0, len(octets), PAGE)
                 if sum(octets.startswith(word, at + of) for of, word in words) >= FEWEST]  # fmt: skip
        if len(found) != 1:
            raise RuntimeError(f"{len(found)} pages of the secure RAM have the application's addresses")
        ram.write(found[0], b"\xff" * PAGE)


class Elf:
    """The program in a signed TA file: `sections` by name, (address, octets), and `relative`, (address, addend)."""

    def __init__(self, file):
        elf = file[file.index(b"\x7fELF") :]
        # Offsets of System V ABI, "Object Files", for 64 bits.
        (table,) = struct.unpack_from("<Q", elf, 40)
        length, count, names = struct.unpack_from("<HHH", elf, 58)
        headers = [struct.unpack_from("<IIQQQQ", elf, table + number * length) for number in range(count)]
        texts = headers[names][4]

        def name(header):
            return elf[texts + header[0] : elf.index(b"\0", texts + header[0])].decode()

        self.sections = {name(header): (header[3], elf[header[4] : header[4] + header[5]]) for header in headers}
        relocations = struct.iter_unpack("<QQQ", self.sections[".rela.dyn"][1])
        self.relative = [(at, addend) for at, kind, addend in relocations if kind == RELATIVE]
