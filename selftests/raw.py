#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-only
"""Packets that no socket would send by itself, on demand.

Reads lines from stdin and answers each, once it is sent, with "OK" or the name
of an errno:

udp DST COUNT SIZE [probe]        datagrams with SIZE bytes of data; probe: with
                                  DF and whatever the PMTU
link DEV ETHERTYPE COUNT HEX      frames without a link-layer header
ip SRC DST PROTO COUNT HEX        IPv4 or IPv6 packets with that payload
icmp SRC DST HEX                  that ICMP message, with its checksum
ipip SRC DST TOS ITOS ISRC IDST COUNT [PROTO]
                                  IPv4 in IPv4 with UDP, or what goes by PROTO, with
                                  outer and inner TOS

Owns: making and sending them. Does not own: what becomes of them (the tests).
"""

import errno
import socket
import struct
import sys

IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3
PORT = 5998


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(src, dst, proto, payload, tos=0):
    def header(csum):
        return struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), 0,
                           0x4000, 64, proto, csum, socket.inet_aton(src),
                           socket.inet_aton(dst))
    return header(checksum(header(0))) + payload


def ipv6(src, dst, proto, payload):
    return (struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) +
            socket.inet_pton(socket.AF_INET6, src) +
            socket.inet_pton(socket.AF_INET6, dst) + payload)


def family_of(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def udp(dst, count, size, how=""):
    with socket.socket(family_of(dst), socket.SOCK_DGRAM) as sock:
        if how == "probe":
            sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER,
                            IP_PMTUDISC_PROBE)
        for _ in range(int(count)):
            sock.sendto(bytes(int(size)), (dst, PORT))


def link(dev, ethertype, count, data=""):
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as sock:
        for _ in range(int(count)):
            sock.sendto(bytes.fromhex(data), (dev, int(ethertype, 16)))


def send_ip(packet, dst, count):
    with socket.socket(family_of(dst), socket.SOCK_RAW,
                       socket.IPPROTO_RAW) as sock:
        for _ in range(int(count)):
            sock.sendto(packet, (dst, 0))


def ip(src, dst, proto, count, data=""):
    make = ipv6 if ":" in dst else ipv4
    send_ip(make(src, dst, int(proto), bytes.fromhex(data)), dst, count)


def ipip(src, dst, tos, itos, isrc, idst, count, proto=socket.IPPROTO_UDP):
    datagram = struct.pack("!HHHH", PORT, PORT, 108, 0) + bytes(100)
    inner = ipv4(isrc, idst, int(proto), datagram, int(itos))
    send_ip(ipv4(src, dst, socket.IPPROTO_IPIP, inner, int(tos)), dst, count)


def icmp(src, dst, data):
    """DATA: the message, its checksum zero"""
    data = bytes.fromhex(data)
    data = data[:2] + struct.pack("!H", checksum(data)) + data[4:]
    send_ip(ipv4(src, dst, socket.IPPROTO_ICMP, data), dst, 1)


COMMANDS = {"udp": udp, "link": link, "ip": ip, "ipip": ipip, "icmp": icmp}

for line in sys.stdin:
    command, *words = line.split()
    try:
        COMMANDS[command](*words)
        print("OK", flush=True)
    except OSError as error:
        print(errno.errorcode.get(error.errno, error), flush=True)
