"""U-Boot's built-in environment, changed in the binary, and the memory map that makes it necessary.

Debian's U-Boot puts the kernel at 0x40400000, from where it reaches into OP-TEE's static shared memory; Linux then
cannot reserve that memory. Rebuilding U-Boot for one address would be the larger change.
"""

import struct

from .report import Failure

KERNEL = 0x4800_0000
INITRD = 0x4400_0000
OPTEE_SHM = (0x4200_0000, 0x4220_0000)
BL33 = 0x6000_0000  # where TF-A puts U-Boot itself

# Same length before and after, so that nothing else in the binary moves.
PATCHES = [
    (b"\0kernel_addr_r=0x40400000\0", b"\0kernel_addr_r=0x%08x\0" % KERNEL),
    (b"\0bootdelay=2\0", b"\0bootdelay=0\0"),
]
EXPECTED = [b"\0ramdisk_addr_r=0x%08x\0" % INITRD]


def patch(binary):
    for old, new in PATCHES:
        if len(old) != len(new):
            raise Failure(f"U-Boot: {new!r} is not as long as {old!r}")
        _once(binary, old)
        binary = binary.replace(old, new)
    for text in EXPECTED:
        _once(binary, text)
    return binary


def _once(binary, text):
    count = binary.count(text)
    if count != 1:
        raise Failure(
            f"U-Boot: {text.strip(bytes(1)).decode()!r} is in the binary {count} times instead of once: this version "
            "of u-boot-qemu is not the one that qemu-env/lib/qemu_env/uboot.py knows"
        )


def kernel_size(image):
    """The memory that the kernel takes when it runs (with its .bss), from the head of an arm64 Image."""
    if image[56:60] != b"ARM\x64":
        raise Failure("the kernel is not an arm64 Image: no memory size in its head")
    return struct.unpack_from("<Q", image, 16)[0]


def check_map(kernel_bytes, initrd_bytes):
    """Kernel, initrd, OP-TEE's shared memory and U-Boot must not overlap."""
    areas = sorted([
        (*OPTEE_SHM, "OP-TEE's shared memory"),
        (INITRD, INITRD + initrd_bytes, "the initrd"),
        (KERNEL, KERNEL + kernel_bytes, "the kernel"),
        (BL33, BL33 + 0x20_0000, "U-Boot"),
    ])  # fmt: skip
    for (_, end, below), (start, _, above) in zip(areas, areas[1:]):
        if end > start:
            raise Failure(f"in the guest's memory {below} (up to {end:#x}) reaches into {above} (from {start:#x})")
