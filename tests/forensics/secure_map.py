"""Whose an address of the secure RAM is.

OP-TEE's log says where its core lies. Which pages are the trusted
application's is read from the translation table that the processor itself
uses: OP-TEE keeps it in the core's data while the application lives. So the
answer "the TA's page" is certain; what the core uses a page of its own for is
not told further than data (with heap and stacks) and page pool.
"""

import re
import struct

from .memory import PAGE, SECURE_BASE, SECURE_SIZE

CORE = re.compile(r"boot_mem_release_unused:\d+ Carving out (0x[0-9a-f]+)\.\.(0x[0-9a-f]+)")
CORE_DATA = re.compile(r"VCORE_UNPG_RW_PA type TEE_RAM_RW (0x[0-9a-f]+)")
# ldelf's line, of each application that it loads.
LOADED = re.compile(r"ELF \([0-9a-f-]{36}\) at (0x[0-9a-f]+)")

ENTRIES = 512
# A level 3 descriptor of the VMSAv8-64 long format (Arm ARM, D8.3).
KIND, PAGE_KIND = 0b11, 0b11
USER, READ_ONLY, ACCESSED = 1 << 6, 1 << 7, 1 << 10
OUTPUT = 0x0000_FFFF_FFFF_F000

TA_HEAP, TA_STACK, TA_CODE = "TA data and heap", "TA stack and loader", "TA code"
CORE_NAME, CORE_CODE, POOL, FIRMWARE = "core data, heap, stacks", "core code", "page pool, no TA's page", "TF-A"
TA = (TA_HEAP, TA_STACK, TA_CODE)


class SecureMap:
    """The secure RAM's layout, from its content and the log of this boot."""

    def __init__(self, ram, log):
        self._core_start, self._core_end = _numbers(CORE, log)
        (self._data_start,) = _numbers(CORE_DATA, log)
        (loaded,) = _numbers(LOADED, log)
        self._pages = {}
        for at in range(self._data_start, self._core_end + 1, PAGE):
            self._take_table(ram[at - SECURE_BASE :][:PAGE], loaded // PAGE % ENTRIES)
        if TA_HEAP not in self._pages.values():
            raise RuntimeError("no translation table of a trusted application is in the core's data")

    def owner(self, address):
        if page := self._pages.get(address // PAGE):
            return page
        if address < self._core_start:
            return FIRMWARE
        if address > self._core_end:
            return POOL
        return CORE_NAME if address >= self._data_start else CORE_CODE

    def _take_table(self, octets, loaded):
        entries = struct.unpack(f"<{ENTRIES}Q", octets.ljust(PAGE, b"\0"))
        used = [(index, entry) for index, entry in enumerate(entries) if entry]
        if not all(entry & KIND == PAGE_KIND and entry & ACCESSED for _, entry in used):
            return
        for index, entry in used:
            page = entry & OUTPUT
            if entry & USER and SECURE_BASE <= page < SECURE_BASE + SECURE_SIZE:
                # The application's image is mapped above its stack.
                writable = TA_HEAP if index >= loaded else TA_STACK
                self._pages[page // PAGE] = TA_CODE if entry & READ_ONLY else writable


def _numbers(pattern, log):
    """The numbers of the last line that matches: a log holds earlier boots too."""
    last = None
    for last in pattern.finditer(log):
        pass
    if last is None:
        raise RuntimeError(f"OP-TEE's log has no line like {pattern.pattern}")
    return tuple(int(text, 16) for text in last.groups())
