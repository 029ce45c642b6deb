#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The ends of a TCP connection that is measured.

    tcp.py receive ADDR BYTES     print the nanoseconds that each BYTES took, and
                                  at the end how many bytes there were in all
    tcp.py send ADDR BYTES SOURCE

One read or write moves 128 KiB, as iperf3's does; data are copied from and to
user space, as most programs do.

First the receiver greets. On one processor all else comes in while the sender has
its socket locked, even the answer to its SYN, and is put aside without its route. So
the socket may never have one to remember, and all ACKs be routed, which between hosts
they are not.
"""
import socket
import sys
import time

PORT = 5201
BLOCK = 128 * 1024


def receive(addr, part):
    part = int(part)
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    with socket.socket(family) as server:
        server.bind((addr, PORT))
        server.listen(1)
        conn = server.accept()[0]
    time.sleep(0.1)
    conn.sendall(b".")
    buf = bytearray(BLOCK)
    total = 0
    start = time.monotonic_ns()
    while n := conn.recv_into(buf, min(BLOCK, part - total % part)):
        total += n
        if total % part == 0:
            now = time.monotonic_ns()
            print(now - start)
            start = now
    print(total)


def send(addr, left, source):
    left = int(left)
    buf = memoryview(bytearray(BLOCK))
    with socket.create_connection((addr, PORT), None, (source, 0)) as conn:
        conn.recv(1)
        while left:
            left -= conn.send(buf[:min(BLOCK, left)])


{"receive": receive, "send": send}[sys.argv[1]](*sys.argv[2:])
