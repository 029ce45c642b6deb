#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-only
"""Link requests that ip does not make, and the kernel's whole answer.

Reads lines from stdin and answers each with a line:

create NAME [ATTR=VALUE...]
change NAME [ATTR=VALUE...]
delete NAME
show NAME               flags, MTU and the bytes of IFLA_LINKINFO

The answer is "OK" or what was asked for; or the name of the errno, the
attribute that the kernel has marked ("-": none) and its text.

Owns: encoding of attributes with any type and length. Does not own: what the
answer should be (the tests).

ATTR is a name or a number within IFLA_INFO_DATA, or link.X outside of it; bare
"data" is IFLA_INFO_DATA without attributes. VALUE is an address or a prefix,
"any" or "none" (no bytes), a number (of the size and byte order of the
attributes that are, else u8) or its word, 0x and hex digits (these bytes), or
else a string. That of a nest ("allow") is values after commas, each one
"prefix" to the answer, or "nested" after TYPE@.
"""

import errno
import socket
import struct
import sys

NETLINK_ROUTE = 0
SOL_NETLINK, NETLINK_EXT_ACK = 270, 11
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
NLMSG_ERROR = 2
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS = 1, 2
IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO = 3, 4, 18
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
HEADERS = 16 + 16  # nlmsghdr, ifinfomsg

NLA_F_NESTED = 0x8000

DATA = {"local": 1, "remote": 2, "dev": 3, "fwmark": 4, "ttl": 5, "tos": 6,
        "df": 7, "mtu_auto": 8, "mode": 9, "ikey": 10, "okey": 11, "icsum": 12,
        "ocsum": 13, "iseq": 14, "oseq": 15, "encap": 16, "encap-sport": 17,
        "encap-dport": 18, "encap-listen": 19, "encap-csum": 20, "allow": 21,
        "external": 22, "6rd-prefix": 23, "6rd-relay": 24, "isatap": 25,
        "deliver": 26, "mss-clamp": 27, "fastpath": 28}
LINK = {"address": 1, "broadcast": 2, "mtu": 4, "link": 5}
FORMATS = {"fwmark": "I", "link.mtu": "I", "link.link": "I",
           "ikey": "!I", "okey": "!I", "encap-sport": "!H",
           "encap-dport": "!H", "encap-listen": "!H"}
CHOICES = {"mode": ("ip", "gre"), "encap": ("none", "fou", "gue"),
           "deliver": ("tunnel", "underlay"), "mss-clamp": ("off", "on"),
           "fastpath": ("off", "on")}
NESTS = ("allow",)
PREFIX = 1


def address(value):
    for family in socket.AF_INET, socket.AF_INET6:
        try:
            return socket.inet_pton(family, value)
        except OSError:
            pass
    return b""


def encode(name, value):
    if value in CHOICES.get(name, ()):
        return bytes([CHOICES[name].index(value)])
    if value in ("any", "none"):
        return b""
    if value.startswith("0x"):
        return bytes.fromhex(value[2:])
    if value.isdigit():
        return struct.pack(FORMATS.get(name, "B"), int(value))
    if "/" in value:
        addr, length = value.split("/")
        return bytes([int(length)]) + address(addr)
    return address(value) or value.encode() + b"\0"


class Request:
    """The bytes of a request, and where in it which attribute is."""

    def __init__(self):
        self.buf = b""
        self.names = {}

    def put(self, kind, payload, name=None):
        self.names[HEADERS + len(self.buf)] = name
        self.buf += struct.pack("HH", 4 + len(payload), kind) + payload
        self.buf += b"\0" * (-len(self.buf) % 4)

    def nest(self, kind, name=None):
        at = len(self.buf)
        self.put(kind, b"", name)
        return at

    def end(self, at):
        size = struct.pack("H", len(self.buf) - at)
        self.buf = self.buf[:at] + size + self.buf[at + 2:]


def put_data(request, name, value):
    kind = DATA.get(name) or int(name)
    if name not in NESTS or value.startswith("0x"):
        request.put(kind, encode(name, value), name)
        return
    nest = request.nest(kind | NLA_F_NESTED, name)
    for item in value.split(",") if value != "none" else ():
        number, _, item = item.rpartition("@")
        request.put(int(number or PREFIX), encode(name, item),
                    "nested" if number else "prefix")
    request.end(nest)


def build(dev, words, with_info):
    request = Request()
    request.put(IFLA_IFNAME, dev.encode() + b"\0")
    if not with_info:
        return request
    pairs = [word.partition("=")[::2] for word in words]
    for name, value in pairs:
        if name.startswith("link."):
            kind = LINK[name[5:]]
            request.put(kind, encode(name, value), name)

    info = request.nest(IFLA_LINKINFO)
    request.put(IFLA_INFO_KIND, b"adit\0")
    inner = [pair for pair in pairs if not pair[0].startswith("link.")]
    if inner:
        data = request.nest(IFLA_INFO_DATA)
        for name, value in inner:
            if name != "data":
                put_data(request, name, value)
        request.end(data)
    request.end(info)
    return request


def attrs(buf):
    while len(buf) >= 4:
        size, kind = struct.unpack_from("HH", buf)
        yield kind & 0x3fff, buf[4:size]
        buf = buf[(size + 3) & ~3:]


def refusal(reply, request):
    flags, = struct.unpack_from("H", reply, 6)
    code, quoted = struct.unpack_from("iI", reply, 16)
    if not code:
        return "OK"
    tlvs = {}
    if flags & NLM_F_ACK_TLVS:
        skip = 16 if flags & NLM_F_CAPPED else quoted
        tlvs = dict(attrs(reply[20 + skip:]))
    marked = "-"
    if NLMSGERR_ATTR_OFFS in tlvs:
        offset, = struct.unpack("I", tlvs[NLMSGERR_ATTR_OFFS])
        marked = request.names.get(offset) or "offset-%d" % offset
    text = tlvs.get(NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode()
    name = errno.errorcode[-code].replace("ENOTSUP", "EOPNOTSUPP")
    return " ".join((name, marked, text)).rstrip()


def link(reply):
    flags, = struct.unpack_from("I", reply, 16 + 8)
    found = dict(attrs(reply[HEADERS:]))
    return "%x %d %s" % (flags, struct.unpack("I", found[IFLA_MTU])[0],
                         found.get(IFLA_LINKINFO, b"").hex())


COMMANDS = {
    "create": (RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL),
    "change": (RTM_NEWLINK, NLM_F_ACK),
    "delete": (RTM_DELLINK, NLM_F_ACK),
    "show": (RTM_GETLINK, 0),
}


def talk(sock, command, dev, *words):
    kind, flags = COMMANDS[command]
    request = build(dev, words, kind == RTM_NEWLINK)
    sock.send(struct.pack("IHHII", HEADERS + len(request.buf), kind,
                          NLM_F_REQUEST | flags, 1, 0) +
              struct.pack("BBHiII", 0, 0, 0, 0, 0, 0) + request.buf)
    reply = sock.recv(65536)
    if struct.unpack_from("H", reply, 4)[0] == NLMSG_ERROR:
        return refusal(reply, request)
    return link(reply)


def main():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_ROUTE) as sock:
        sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        sock.bind((0, 0))
        for line in sys.stdin:
            print(talk(sock, *line.split()), flush=True)


main()
