# SPDX-License-Identifier: GPL-2.0-only
"""Packets that ordinary tools do not send, and a close look at captured ones.

packet.py send DST SPEC...      send UDP datagrams, one for each SPEC; where one
                                is an address, those that follow go there
packet.py recv                  print the datagrams that arrive, until killed
packet.py errors [--until COMMAND | --again] DST SPEC...
                                send, and print the ICMP errors that come back,
                                or until COMMAND succeeds have come back; send
                                again meanwhile
packet.py forge SRC DST SPEC... send tunnelled datagrams without a tunnel
packet.py answer DEV SPEC...    answer tunnelled packets by ICMP errors, each in
                                turn, until killed
packet.py zerocopy DST N        send N segments of a TCP flow to FOU's port, from
                                pages that stay this program's until the kernel
                                gives them back; print for each why it did: it
                                had copied or sent them
packet.py replay FILE DEV       send captured Ethernet frames again
packet.py show [--all] [--from OFFSET] FILE FIELD...
                                print fields of captured datagrams, or packets,
                                of what follows that size of the file
packet.py stream FILE PORT      write what the captured TCP sends to that port

Owns: the datagrams, which are UDP to port 5999 with a payload by which loss,
damage and mix-ups show. Does not own: what is expected (the tests).

A SPEC is KEY=VALUE,... Of a datagram: n (its number), base (added to it), size
(of the payload); when sent also tos, ttl, df (dont, want, do, probe), gso
(segment size) and times (how often); when forged also tos, itos (outer, inner),
to (inner destination), inner (4, 6), frag (payload of outer fragments), order
(which of them to send, by number), and with a GRE header gre=1, key, seq and
grecsum (ok, bad). Of an ICMP error: type, code, info, quote (bytes of
it), qsrc, qdst (instead of the quoted addresses).

FIELDs of a layer: o.X outermost, i.X innermost, where X is one of ver ihl tos
len id df mf off ttl flow proto csum src dst; hex (all of innermost); csum (of
what it carries); n, size and data of the datagram. Of what is between the two,
e.X, where X is one of sport dport udpcsum (ok, bad, none); gue, gre (headers in
hex); key seq grecsum (ok, bad). What is not there shows as "-". UDP is taken for
FOU or GUE by its port: 5555, 6080.
"""

import errno
import os
import select
import struct
import sys
import time
# What `socket` puts around it takes as long to load as all else.
import _socket as socket

PORT = 5999
FOU_PORT, GUE_PORT = 5555, 6080
# seconds for what must happen; a kernel that watches itself has more
PATIENCE = 25 if os.uname().release.endswith("-debug") else 5

IP_MTU_DISCOVER, IP_RECVERR = 10, 11
IPV6_MTU_DISCOVER, IPV6_RECVERR = 23, 25
UDP_SEGMENT = 103
SO_ZEROCOPY, MSG_ZEROCOPY, SO_EE_ORIGIN_ZEROCOPY = 60, 0x4000000, 5
PMTUDISC = {"dont": 0, "want": 1, "do": 2, "probe": 3}
ORIGINS = {1: "local", 2: "icmp", 3: "icmp6"}

INNER_ADDRS = {4: ("10.9.0.1", "10.9.0.2"), 6: ("fd09::1", "fd09::2")}


def spec_of(text):
    spec = {}
    for word in filter(None, text.split(",")):
        key, value = word.split("=")
        spec[key] = int(value, 0) if value[:1].isdigit() and \
            key not in ("to", "order", "qsrc", "qdst") else value
    return spec


# --- datagrams ---------------------------------------------------------------

def payload(n, size):
    pattern = bytes((n + i) % 251 for i in range(251))
    return (struct.pack("!I", n) + pattern * (size // 251 + 1))[:size]


def payload_state(data):
    if len(data) < 4:
        return "bad"
    n, = struct.unpack_from("!I", data)
    return "ok" if data == payload(n, len(data)) else "bad"


def payload_of(spec):
    """With gso, each segment is a datagram of its own, numbered on."""
    n, size = spec.get("base", 0) + spec.get("n", 0), spec.get("size", 100)
    step = spec.get("gso", size)
    return b"".join(payload(n + i, min(step, size - at))
                    for i, at in enumerate(range(0, size, step)))


# --- ordinary sockets --------------------------------------------------------

def family_of(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def set_option(sock, key, value):
    v6 = sock.family == socket.AF_INET6
    level = socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP
    if key == "tos":
        sock.setsockopt(level, socket.IPV6_TCLASS if v6 else socket.IP_TOS,
                        value)
    elif key == "ttl":
        sock.setsockopt(level, socket.IPV6_UNICAST_HOPS if v6
                        else socket.IP_TTL, value)
    elif key == "df":
        sock.setsockopt(level, IPV6_MTU_DISCOVER if v6 else IP_MTU_DISCOVER,
                        PMTUDISC[value])
    elif key == "gso":
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, value)


def socket_for(dst, spec, connect=True):
    sock = socket.socket(family_of(dst), socket.SOCK_DGRAM)
    for key, value in spec.items():
        set_option(sock, key, value)
    if connect:
        sock.connect((dst, PORT))
    return sock


def destinations(args):
    """The pairs of destination and SPEC that the arguments are."""
    dst = None
    for arg in args:
        if "=" in arg:
            yield dst, spec_of(arg)
        else:
            dst = arg


def cmd_send(*args):
    for dst, spec in destinations(args):
        # when it is many, that nobody takes the first must not end it
        sock = socket_for(dst, spec, connect="times" not in spec)
        for _ in range(spec.get("times", 1)):
            sock.sendto(payload_of(spec), (dst, PORT))


def cmd_recv():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", PORT))
    while True:
        data = sock.recv(65536)
        n, = struct.unpack_from("!I", data.ljust(4, b"\0"))
        print(n, len(data), payload_state(data), flush=True)


def error_text(cmsg):
    _, origin, kind, code, info = struct.unpack_from("=IBBBxI", cmsg)
    offender = cmsg[16:]
    family = struct.unpack_from("=H", offender)[0] if len(offender) > 2 else 0
    addr = "-"
    if family == socket.AF_INET:
        addr = socket.inet_ntop(family, offender[4:8])
    elif family == socket.AF_INET6:
        addr = socket.inet_ntop(family, offender[8:24])
    return f"{ORIGINS.get(origin, origin)} {kind} {code} {info} {addr}"


def read_error(sock):
    """The oldest error of the socket as text, or None."""
    try:
        _, cmsgs, _, _ = sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
    except BlockingIOError:
        return None
    for level, kind, data in cmsgs:
        if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR),
                             (socket.IPPROTO_IPV6, IPV6_RECVERR)):
            return error_text(data)
    return None


def await_error(sock, data, mode, until):
    poll = select.poll()
    poll.register(sock, select.POLLERR)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if mode == "--until":
            if os.system(until) == 0:
                return read_error(sock) or "none"
            time.sleep(0.05)
        elif poll.poll(1000):
            return read_error(sock) or "none"
        elif mode == "--again":
            sock.send(data)
    return "none" if mode != "--until" else "not until: " + until


def cmd_errors(*args):
    mode, until = args[0], args[1]
    args = args[{"--until": 2, "--again": 1}.get(mode, 0):]
    for dst, spec in destinations(args):
        sock = socket_for(dst, spec)
        v6 = sock.family == socket.AF_INET6
        sock.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP,
                        IPV6_RECVERR if v6 else IP_RECVERR, 1)
        sock.setblocking(False)
        data = payload_of(spec)
        try:
            sock.send(data)
        except OSError as e:
            if e.errno != errno.EMSGSIZE:
                raise
        print(await_error(sock, data, mode, until), flush=True)


# --- forged packets ----------------------------------------------------------

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def pseudo_header(src, dst, proto, length):
    return src + dst + struct.pack("!IHBB", length, 0, 0, proto)


def ip4_header(src, dst, proto, length, tos=0, frag=0, ident=0):
    def pack(csum):
        return struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + length, ident,
                           frag, 64, proto, csum, src, dst)
    return pack(checksum(pack(0)))


def ip6_header(src, dst, proto, length, tos):
    return struct.pack("!IHBB16s16s", 6 << 28 | tos << 20, length, proto, 64,
                       src, dst)


def inner_packet(spec):
    version = spec.get("inner", 4)
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    src, dst = INNER_ADDRS[version]
    src = socket.inet_pton(family, src)
    dst = socket.inet_pton(family, spec.get("to", dst))
    data = payload_of(spec)
    length = 8 + len(data)

    def udp(csum):
        return struct.pack("!HHHH", PORT, PORT, length, csum) + data

    proto = socket.IPPROTO_UDP
    csum = checksum(pseudo_header(src, dst, proto, length) + udp(0))
    header = ip6_header if version == 6 else ip4_header
    return header(src, dst, proto, length, spec.get("itos", 0)) + \
        udp(csum or 0xffff)


def gre_packet(spec, inner):
    flags, options = 0, b""
    if "grecsum" in spec:
        flags |= 0x8000
    for bit, key in (0x2000, "key"), (0x1000, "seq"):
        if key in spec:
            flags |= bit
            options += struct.pack("!I", spec[key])
    head = struct.pack("!HH", flags,
                       0x86dd if spec.get("inner") == 6 else 0x0800)
    if "grecsum" not in spec:
        return head + options + inner
    csum = checksum(head + options + inner)
    if spec["grecsum"] == "bad":
        csum ^= 0x5555
    return head + struct.pack("!HH", csum, 0) + options + inner


def outer_packets(src, dst, spec):
    inner = inner_packet(spec)
    proto = socket.IPPROTO_IPV6 if spec.get("inner") == 6 else \
        socket.IPPROTO_IPIP
    if "gre" in spec:
        inner, proto = gre_packet(spec, inner), socket.IPPROTO_GRE
    step = spec.get("frag", len(inner))
    parts = []
    for at in range(0, len(inner), step):
        part = inner[at:at + step]
        more = 0x2000 if at + step < len(inner) else 0
        parts.append(ip4_header(src, dst, proto, len(part), spec.get("tos", 0),
                                more | at // 8, 0x4000 + spec.get("n", 0)) +
                     part)
    return [parts[int(i)] for i in spec["order"]] if "order" in spec else parts


def cmd_forge(src, dst, *specs):
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for spec in map(spec_of, specs):
        for packet in outer_packets(socket.inet_aton(src),
                                    socket.inet_aton(dst), spec):
            sock.sendto(packet, (dst, 0))


def tcp_segment(seq, data):
    src, dst = map(socket.inet_aton, INNER_ADDRS[4])

    def pack(csum):
        return struct.pack("!HHIIBBHHH", PORT, PORT, seq, 1, 0x50, 0x10, 8192,
                           csum, 0) + data

    length = len(pack(0))
    csum = checksum(pseudo_header(src, dst, socket.IPPROTO_TCP, length) +
                    pack(0))
    return ip4_header(src, dst, socket.IPPROTO_TCP, length, 0, 0x4000) + \
        pack(csum)


def cmd_zerocopy(dst, n):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    sock.connect((dst, FOU_PORT))
    data = bytes(1000)
    for i in range(int(n)):
        sock.send(tcp_segment(1 + i * len(data), data), MSG_ZEROCOPY)
    poll = select.poll()
    poll.register(sock, select.POLLERR)
    left = int(n)
    while left and poll.poll(PATIENCE * 1000):
        _, cmsgs, _, _ = sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
        for _, _, cmsg in cmsgs:
            _, origin, _, code, first, last = struct.unpack_from("=IBBBxII",
                                                                 cmsg)
            if origin != SO_EE_ORIGIN_ZEROCOPY:
                sys.exit(error_text(cmsg))
            for _ in range(first, last + 1):
                print("copied" if code else "sent")
            left -= last + 1 - first


TUNNELLED = (socket.IPPROTO_IPIP, socket.IPPROTO_IPV6, socket.IPPROTO_GRE,
             socket.IPPROTO_UDP)


def icmp_error(spec, data):
    quote = bytearray(data[:spec.get("quote", 548)])
    for key, at in ("qsrc", 12), ("qdst", 16):
        if key in spec:
            quote[at:at + 4] = socket.inet_aton(spec[key])

    def icmp(csum):
        return struct.pack("!BBHI", spec["type"], spec["code"], csum,
                           spec.get("info", 0)) + bytes(quote)

    return icmp(checksum(icmp(0)))


def cmd_answer(dev, *specs):
    sniff = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                          socket.htons(0x0800))
    sniff.bind((dev, 0x0800))
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    print("ready", flush=True)
    answered = 0
    while True:
        data, where = sniff.recvfrom(65536)
        if where[2] != socket.PACKET_HOST or data[9] not in TUNNELLED:
            continue
        spec = spec_of(specs[answered % len(specs)])
        answered += 1
        out.sendto(icmp_error(spec, data), (socket.inet_ntoa(data[12:16]), 0))


# --- captures ----------------------------------------------------------------

def read_frames(path, at=0):
    """The type of the link, and what was captured there, from a size of the
    file on; what is being written is left."""
    with open(path, "rb") as f:
        head = f.read(24)
        f.seek(max(at, 24))
        data = f.read()
    if struct.unpack_from("<I", head)[0] != 0xa1b2c3d4:
        raise ValueError("not a capture in this machine's byte order")
    frames, at = [], 0
    while at + 16 <= len(data):
        caplen = struct.unpack_from("<I", data, at + 8)[0]
        if at + 16 + caplen <= len(data):
            frames.append(data[at + 16:at + 16 + caplen])
        at += 16 + caplen
    return struct.unpack_from("<I", head, 20)[0], frames


def read_pcap(path, at=0):
    """The packets of a capture, from their IP header on."""
    link, frames = read_frames(path, at)
    skip = {1: 14, 12: 0, 101: 0}[link]
    return [frame[skip:] for frame in frames]


def cmd_replay(path, dev):
    link, frames = read_frames(path)
    if link != 1:
        raise ValueError("not a capture of Ethernet")
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((dev, 0))
    for frame in frames:
        sock.send(frame)


def layer_ip4(data):
    ver_ihl, tos, length, ident, frag, ttl, proto, _, src, dst = \
        struct.unpack_from("!BBHHHBBH4s4s", data)
    hlen = (ver_ihl & 15) * 4
    return {
        "ver": 4, "ihl": ver_ihl & 15, "tos": f"{tos:#04x}", "len": length,
        "id": ident, "df": frag >> 14 & 1, "mf": frag >> 13 & 1,
        "off": (frag & 0x1fff) * 8, "ttl": ttl, "proto": proto,
        "csum": "bad" if checksum(data[:hlen]) else "ok",
        "src": socket.inet_ntop(socket.AF_INET, src),
        "dst": socket.inet_ntop(socket.AF_INET, dst),
        "_hex": data[:length].hex(), "_addrs": (src, dst),
        "_data": data[hlen:length],
    }


def layer_ip6(data):
    first, length, proto, ttl, src, dst = \
        struct.unpack_from("!IHBB16s16s", data)
    layer = {
        "ver": 6, "tos": f"{first >> 20 & 255:#04x}", "len": 40 + length,
        "ttl": ttl, "proto": proto, "mf": 0, "off": 0,
        "flow": first & 0xfffff,
        "src": socket.inet_ntop(socket.AF_INET6, src),
        "dst": socket.inet_ntop(socket.AF_INET6, dst),
        "_hex": data[:40 + length].hex(), "_addrs": (src, dst),
        "_data": data[40:40 + length],
    }
    if proto == socket.IPPROTO_FRAGMENT:
        proto, _, off, ident = struct.unpack_from("!BBHI", layer["_data"])
        layer.update({"proto": proto, "off": off & ~7, "mf": off & 1,
                      "id": ident, "_data": layer["_data"][8:]})
    return layer


def gre_of(data):
    """The fields of a GRE header (RFC 2784, RFC 2890), and the IP in it."""
    flags, proto = struct.unpack_from("!HH", data)
    fields, hlen = {}, 4
    for bit, name in (0x8000, "grecsum"), (0x2000, "key"), (0x1000, "seq"):
        if flags & bit:
            fields[name], = struct.unpack_from("!I", data, hlen)
            hlen += 4
    if "grecsum" in fields:
        fields["grecsum"] = "bad" if checksum(data) else "ok"
    fields["gre"] = data[:hlen].hex()
    return fields, data[hlen:] if proto in (0x0800, 0x86dd) else b""


def encap_of(layer):
    """The fields of what an IP header carries, and the IP in that."""
    proto, data, fields = layer["proto"], layer["_data"], {}
    if proto == socket.IPPROTO_UDP and len(data) > 12:
        sport, dport, _, csum = struct.unpack_from("!HHHH", data)
        if not {sport, dport} & {FOU_PORT, GUE_PORT}:
            return fields, b""
        fields = {"sport": sport, "dport": dport,
                  "udpcsum": transport_checksum(layer) if csum else "none"}
        data = data[8:]
        if GUE_PORT in (sport, dport):
            hlen = 4 + (data[0] & 31) * 4
            fields["gue"] = data[:hlen].hex()
            proto, data = data[1], data[hlen:]
        else:
            # a GRE header's first bits are never these
            proto = {4: socket.IPPROTO_IPIP, 6: socket.IPPROTO_IPV6}.get(
                data[0] >> 4, socket.IPPROTO_GRE)
    if proto == socket.IPPROTO_GRE and len(data) >= 4:
        gre, data = gre_of(data)
        fields.update(gre)
    elif proto not in (socket.IPPROTO_IPIP, socket.IPPROTO_IPV6):
        data = b""
    return fields, data


def layers_of(data):
    """The IP layers of a packet; with what is between them as _encap."""
    layers = []
    while data and data[0] >> 4 in (4, 6):
        layer = layer_ip4(data) if data[0] >> 4 == 4 else layer_ip6(data)
        layers.append(layer)
        if layer["off"] or layer["mf"]:
            break
        layer["_encap"], data = encap_of(layer)
    return layers


def transport_checksum(layer):
    proto, data = layer["proto"], layer["_data"]
    if layer["off"] or layer["mf"]:
        return "-"
    if proto == socket.IPPROTO_ICMP:
        pseudo = b""
    elif proto in (socket.IPPROTO_TCP, socket.IPPROTO_UDP,
                   socket.IPPROTO_ICMPV6):
        pseudo = pseudo_header(*layer["_addrs"], proto, len(data))
    else:
        return "-"
    return "bad" if checksum(pseudo + data) else "ok"


def datagram_of(layer):
    """The payload of one of our datagrams, else None."""
    data = layer["_data"]
    if layer["proto"] != socket.IPPROTO_UDP or layer["off"] or len(data) < 12:
        return None
    if struct.unpack_from("!H", data, 2)[0] != PORT:
        return None
    return data[8:]


def field_of(name, layers, data):
    if "." in name:
        layer = layers[-1] if name[0] == "i" else layers[0]
        if name[0] == "e":
            layer = layer.get("_encap", {})
        return layer.get(name[2:], "-")
    if name == "hex":
        return layers[-1]["_hex"]
    if name == "csum":
        return transport_checksum(layers[-1])
    if data is None:
        return "-"
    return {"n": struct.unpack_from("!I", data)[0], "size": len(data),
            "data": payload_state(data)}[name]


def cmd_show(*args):
    everything, at = args[0] == "--all", 0
    if everything:
        args = args[1:]
    if args[0] == "--from":
        at, args = int(args[1]), args[2:]
    path, *fields = args
    for packet in read_pcap(path, at):
        layers = layers_of(packet)
        if not layers:
            continue
        data = datagram_of(layers[-1])
        if everything or data is not None:
            print(*(field_of(name, layers, data) for name in fields))


def cmd_stream(path, port):
    """From the SYN on, by sequence number; a gap ends it."""
    base, parts = None, {}
    for layers in filter(None, map(layers_of, read_pcap(path))):
        data = layers[-1]["_data"]
        if layers[-1]["proto"] != socket.IPPROTO_TCP:
            continue
        _, to, seq, _, off, flags = struct.unpack_from("!HHIIBB", data)
        if to != int(port):
            continue
        if flags & 2:
            base = seq + 1
        elif len(data) > (off >> 4) * 4:
            # of what was sent again in smaller pieces the larger one
            at, part = (seq - base) & 0xffffffff, data[(off >> 4) * 4:]
            parts[at] = max(part, parts.get(at, b""), key=len)
    at = 0
    for seq in sorted(parts):
        if seq <= at < seq + len(parts[seq]):
            sys.stdout.buffer.write(parts[seq][at - seq:])
            at = seq + len(parts[seq])


COMMANDS = {"send": cmd_send, "recv": cmd_recv, "errors": cmd_errors,
            "forge": cmd_forge, "answer": cmd_answer, "show": cmd_show,
            "stream": cmd_stream, "replay": cmd_replay,
            "zerocopy": cmd_zerocopy}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except KeyboardInterrupt:
        pass
