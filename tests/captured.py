"""What the hub of a link captured, read from outside: the headers of docs/packet.md in a pcap file of Ethernet frames."""

import struct
from dataclasses import dataclass

PORT = 46360
FILE, RECORD, ETHERNET, IPV6, UDP = 24, 16, 14, 40, 8
DATA, OBJECT = 0, 1


@dataclass(frozen=True)
class Frame:
    """A frame of ours. `card`: of which network card it came, the one thing here that the hub vouches for."""

    at: float  # seconds since 1970, by this machine's clock
    card: str
    kind: int
    group: str
    member: str
    index: int | None  # of data frames: the PGK index and the PTK Id
    ptk_id: int | None
    octets: bytes


def packets(path):
    """(seconds since 1970, octets) of each Ethernet frame."""
    file, at = path.read_bytes(), FILE
    while at < len(file):
        seconds, micros, length, whole = struct.unpack_from("<IIII", file, at)
        octets = file[at + RECORD:at + RECORD + length]
        if length != whole or len(octets) != length:
            raise ValueError(f"{path}: a packet is cut short")
        yield seconds + micros / 1e6, octets
        at += RECORD + length


def frames(path):
    """The frames of ours in it, each a whole UDP datagram; what else the radios said is left out."""
    return [frame for at, octets in packets(path) if (frame := _frame(at, octets)) is not None]


def _frame(at, octets):
    datagram = octets[ETHERNET + IPV6:]
    is_udp = octets[12:14] == b"\x86\xdd" and octets[ETHERNET + 6] == 17 and len(datagram) >= UDP + 7
    if not is_udp or int.from_bytes(datagram[2:4], "big") != PORT:
        return None
    frame = datagram[UDP:]
    kind = frame[0] >> 2 & 3
    is_data = kind == DATA and len(frame) >= 10
    return Frame(at, octets[6:12].hex(":"), kind, frame[1:4].hex(), frame[4:7].hex(), frame[7] & 0x1F if is_data else None,
                 int.from_bytes(frame[8:10], "big") if is_data else None, frame)  # fmt: skip
