#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""hoard.py: hold packets of all sizes in a queue until killed.

Where the slabs that packets are allocated from have a free object each, a packet
costs a new slab, and else it does not: up to 400 instructions that depend on what
ran before. With the holes filled, those to come are taken from whole slabs.
"""
import signal
import socket

SIZES = (64, 500, 1400, 3000)	# each another slab
COUNT = 1000
SO_RCVBUFFORCE = 33

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 28)
sock.bind(("127.0.0.1", 0))
sock.connect(sock.getsockname())
for size in SIZES:
    for _ in range(COUNT):
        sock.send(bytes(size))
print("ready", flush=True)
signal.pause()
