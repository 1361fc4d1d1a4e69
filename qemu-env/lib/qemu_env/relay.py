#!/usr/bin/env python3
"""What QEMU runs for each connection that a UE makes to `manager`: its standard input and output are that connection,
and go on to a port of this machine's loopback. `relay.py PORT`."""

import os
import socket
import sys
import threading

CHUNK = 65536


def main(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as there:
        there.settimeout(None)
        outward = threading.Thread(target=carry_out, args=(there,), daemon=True)
        outward.start()
        while chunk := there.recv(CHUNK):
            write_all(1, chunk)
        # Whoever has ended its half gets the rest of the other, and no more: the manager has answered.


def carry_out(there):
    while chunk := os.read(0, CHUNK):
        there.sendall(chunk)
    there.shutdown(socket.SHUT_WR)


def write_all(file, chunk):
    while chunk:
        chunk = chunk[os.write(file, chunk):]


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except OSError:
        # Nobody listens, or one side is gone: the UE sees its connection end.
        sys.exit(1)
