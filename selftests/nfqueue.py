#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-only
"""nfqueue.py VERDICT [MARK]: decide on what netfilter queues to 0, until killed.

VERDICT is accept or drop; with MARK the packet has that mark afterwards. Prints
"ready" at first, and a line for each packet.

Owns: NFQUEUE's messages. Does not own: which packets are queued (the tests).
"""

import socket
import struct
import sys

NETLINK_NETFILTER = 12
NFNL_SUBSYS_QUEUE = 3
MSG_PACKET, MSG_VERDICT, MSG_CONFIG = 0, 1, 2
NLM_F_REQUEST = 1
CFG_CMD, CFG_PARAMS = 1, 2
CMD_BIND, CMD_PF_BIND = 1, 3
COPY_META = 1
ATTR_PACKET_HDR, ATTR_VERDICT_HDR, ATTR_MARK = 1, 2, 3
VERDICTS = {"drop": 0, "accept": 1}


def attr(kind, data):
    return struct.pack("HH", 4 + len(data), kind) + data + \
        b"\0" * (-len(data) % 4)


def message(kind, family, attrs):
    body = struct.pack("!BBH", family, 0, 0) + attrs
    return struct.pack("=IHHII", 16 + len(body),
                       NFNL_SUBSYS_QUEUE << 8 | kind, NLM_F_REQUEST, 0,
                       0) + body


def packets(data):
    """The number of each queued packet"""
    while len(data) >= 16:
        size, kind = struct.unpack_from("=IH", data)
        if kind == NFNL_SUBSYS_QUEUE << 8 | MSG_PACKET:
            at = 20
            while at + 4 <= size:
                length, name = struct.unpack_from("HH", data, at)
                if name & 0x3fff == ATTR_PACKET_HDR:
                    yield struct.unpack_from("!I", data, at + 4)[0]
                at += (length + 3) & ~3
        data = data[(size + 3) & ~3:]


def main(verdict, mark=None):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_NETFILTER) as sock:
        sock.bind((0, 0))
        sock.send(message(MSG_CONFIG, socket.AF_UNSPEC,
                          attr(CFG_CMD, struct.pack("!BBH", CMD_BIND, 0, 0))))
        sock.send(message(MSG_CONFIG, socket.AF_UNSPEC,
                          attr(CFG_PARAMS, struct.pack("!IB", 0, COPY_META))))
        print("ready", flush=True)
        while True:
            for number in packets(sock.recv(65536)):
                attrs = attr(ATTR_VERDICT_HDR,
                             struct.pack("!II", VERDICTS[verdict], number))
                if mark:
                    attrs += attr(ATTR_MARK, struct.pack("!I", int(mark)))
                sock.send(message(MSG_VERDICT, socket.AF_UNSPEC, attrs))
                print(number, flush=True)


main(*sys.argv[1:])
