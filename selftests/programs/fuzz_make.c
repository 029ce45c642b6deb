// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: what is asked for.
 *
 * Owns: IFLA_INFO_DATA, of a device that can be had in the netns that fuzz.sh
 * sets up, and what becomes of that by a mutation.
 * Does not own: messages around it (fuzz_phases.c).
 */
#include <arpa/inet.h>
#include <string.h>

#include "fuzz.h"

/* --- what can be had */

static void put_addr(struct bytes *b, uint16_t type, const char *text)
{
	uint8_t addr[16];

	if (inet_pton(AF_INET, text, addr) == 1)
		put(b, type, addr, 4);
	else if (inet_pton(AF_INET6, text, addr) == 1)
		put(b, type, addr, 16);
	else
		put(b, type, NULL, 0);
}

/* A host of the underlay's network; the first ones are nobody's. */
static void put_host(struct bytes *b, uint16_t type, int family)
{
	uint8_t ip4[4] = { 192, 0, 2, 10 + rnd(20) };
	uint8_t ip6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 10 + rnd(20) };

	if (family == AF_INET)
		put(b, type, ip4, sizeof(ip4));
	else
		put(b, type, ip6, sizeof(ip6));
}

/* So many prefixes that differ. */
void put_prefixes(struct bytes *info, unsigned int n, int family)
{
	size_t at = nest(info, IFLA_ADIT_ALLOW | NLA_F_NESTED);
	uint8_t ip4[5] = { 32, 10 };
	uint8_t ip6[17] = { 64, 0x20, 0x01, 0x0d, 0xb8 };
	unsigned int i;

	for (i = 0; i < n; i++) {
		ip4[3] = i >> 8;
		ip4[4] = i;
		ip6[7] = i >> 8;
		ip6[8] = i;
		if (family == AF_INET)
			put(info, IFLA_ADIT_ALLOW_PREFIX, ip4, sizeof(ip4));
		else
			put(info, IFLA_ADIT_ALLOW_PREFIX, ip6, sizeof(ip6));
	}
	nest_end(info, at);
}

static void put_6rd(struct bytes *b)
{
	static const uint8_t rd6[17] = { 32, 0x20, 0x01, 0x0d, 0xb8 };
	static const uint8_t rd4[5] = { 8, 10 };

	put(b, IFLA_ADIT_6RD_PREFIX, rd6, sizeof(rd6));
	if (chance(50))
		put(b, IFLA_ADIT_6RD_RELAY, rd4, sizeof(rd4));
}

/* What only a tunnel whose remote is any can have; true: it is external. */
static bool make_peers(struct bytes *b, int family)
{
	static const char *const any[] = { "", "0.0.0.0", "::" };
	bool external = chance(30);

	put_addr(b, IFLA_ADIT_REMOTE,
		 any[family == AF_INET	? 1 :
		     family == AF_INET6 ? 2 :
					  0]);
	if (external)
		put_u8(b, IFLA_ADIT_EXTERNAL, 1);
	if (chance(50))
		put_prefixes(b, rnd(9), chance(50) ? AF_INET : AF_INET6);
	if (family != AF_INET6 && chance(30))
		put_6rd(b);
	if (family != AF_INET6 && chance(30))
		put_u8(b, IFLA_ADIT_ISATAP, 1);
	return external;
}

static void make_gre(struct bytes *b, bool fixed, bool external)
{
	put_u8(b, IFLA_ADIT_MODE, ADIT_MODE_GRE);
	if (!external && chance(50))
		put_u32(b, IFLA_ADIT_IKEY, htonl(rnd(4)));
	if (!external && chance(50))
		put_u32(b, IFLA_ADIT_OKEY, htonl(rnd(4)));
	if (chance(30))
		put_u8(b, IFLA_ADIT_ICSUM, rnd(2));
	if (chance(30))
		put_u8(b, IFLA_ADIT_OCSUM, rnd(2));
	if (chance(30))
		put_u8(b, IFLA_ADIT_OSEQ, rnd(2));
	if (fixed && chance(30))
		put_u8(b, IFLA_ADIT_ISEQ, rnd(2));
}

/* A port takes packets of one sort, so each sort has its own. */
static void make_udp(struct bytes *b, bool gre)
{
	bool gue = chance(50);
	unsigned int port = gue ? 5570 : gre ? 5560 : 5550;

	put_u8(b, IFLA_ADIT_ENCAP, gue ? ADIT_ENCAP_GUE : ADIT_ENCAP_FOU);
	put_u16(b, IFLA_ADIT_ENCAP_DPORT, htons(port + rnd(5)));
	if (chance(20))
		put_u16(b, IFLA_ADIT_ENCAP_SPORT, htons(port + rnd(5)));
	if (chance(20))
		put_u16(b, IFLA_ADIT_ENCAP_LISTEN, htons(port + rnd(5)));
	if (chance(30))
		put_u8(b, IFLA_ADIT_ENCAP_CSUM, rnd(2));
}

static void make_local(struct bytes *b, int family)
{
	if (family == AF_INET)
		put_addr(b, IFLA_ADIT_LOCAL, "192.0.2.1");
	else if (family == AF_INET6)
		put_addr(b, IFLA_ADIT_LOCAL, "2001:db8::1");
}

static void make_rest(struct bytes *b, bool external)
{
	static const char *const names[] = { "", "eth0", "wire2" };

	if (chance(20))
		put_string(b, IFLA_ADIT_DEV, names[rnd(3)]);
	if (chance(30))
		put_u32(b, IFLA_ADIT_FWMARK, rnd(~0U));
	if (chance(30))
		put_u8(b, IFLA_ADIT_TTL, rnd(256));
	if (chance(30))
		put_u8(b, IFLA_ADIT_TOS, chance(20) ? 1 : rnd(64) << 2);
	if (chance(30))
		put_u8(b, IFLA_ADIT_DF, rnd(ADIT_DF_MAX + 1));
	if (!external && chance(20))
		put_u8(b, IFLA_ADIT_DELIVER, rnd(ADIT_DELIVER_MAX + 1));
	if (chance(20))
		put_u8(b, IFLA_ADIT_MSS_CLAMP, rnd(2));
	if (chance(20))
		put_u8(b, IFLA_ADIT_FASTPATH, rnd(2));
}

/* A device that can be had, unless another one is in its way. */
void make_valid(struct bytes *info)
{
	static const int families[] = { AF_INET, AF_INET, AF_INET6, AF_UNSPEC };
	int family = families[rnd(4)];
	bool external = false, gre = chance(40);
	bool fixed = family != AF_UNSPEC && chance(60);

	info->len = 0;
	if (fixed)
		put_host(info, IFLA_ADIT_REMOTE, family);
	else
		external = make_peers(info, family);
	if (gre)
		make_gre(info, fixed, external);
	if (chance(40))
		make_udp(info, gre);
	if (chance(40))
		make_local(info, family);
	make_rest(info, external);
}

/* --- what cannot */

/* Patterns 0 and 1 are all zeros and all ones, 2 a string, the rest random. */
void put_random(struct bytes *info, uint16_t type, size_t len, int pattern)
{
	static uint8_t data[PAYLOAD_MAX];
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = pattern == 0 ? 0 :
			  pattern == 1 ? 0xff :
			  pattern == 2 ? (i + 1 < len ? 'a' + i % 26 : 0) :
					 rnd(256);
	put(info, type, data, len);
}

/* The offset of some attribute's header; info is not empty. */
static size_t some_attr(const struct bytes *info)
{
	const uint8_t *at = info->data;
	size_t rest = info->len, found = 0, before;
	struct attr attr;
	unsigned int n = 0;

	for (before = 0; next_attr(&at, &rest, &attr); before = at - info->data)
		if (!rnd(++n))
			found = before;
	return found;
}

static void lie(struct bytes *info)
{
	static const int lies[] = { -4, -2, -1, 1, 2, 4, 16 };
	size_t at = some_attr(info);
	uint16_t len;

	memcpy(&len, info->data + at, sizeof(len));
	if (chance(50))
		len += lies[rnd(ARRAY_SIZE(lies))];
	else
		len = rnd(1 << rnd(17));
	memcpy(info->data + at, &len, sizeof(len));
}

static void retype(struct bytes *info)
{
	size_t at = some_attr(info);
	uint16_t type;

	memcpy(&type, info->data + at + 2, sizeof(type));
	if (chance(50))
		type ^= chance(50) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER;
	else
		type = rnd(ATTR_LIMIT + 2);
	memcpy(info->data + at + 2, &type, sizeof(type));
}

static void repeat(struct bytes *info)
{
	size_t at = some_attr(info), rest = info->len - at;
	const uint8_t *data = info->data + at;
	struct attr attr;

	if (!next_attr(&data, &rest, &attr) || info->len > PAYLOAD_MAX / 2)
		return;
	put(info, attr.type, attr.data, attr.len);
	if (attr.len)
		info->data[info->len - NLA_ALIGN(attr.len)] ^= 1 << rnd(8);
}

/* Something in it becomes something else. There stay enough bytes for a header:
 * less than that never get to adit.
 */
void make_odd(struct bytes *info)
{
	if (info->len < NLA_HDRLEN)
		return;
	switch (rnd(8)) {
	case 0:
		info->data[rnd(info->len)] ^= 1 << rnd(8);
		break;
	case 1:
		info->data[rnd(info->len)] = rnd(256);
		break;
	case 2:
		lie(info);
		break;
	case 3:
		retype(info);
		break;
	case 4:
		repeat(info);
		break;
	case 5:
		info->len -= rnd(info->len - NLA_HDRLEN + 1);
		break;
	default:
		put_random(info, rnd(ATTR_LIMIT + 2), rnd(1 << rnd(7)), rnd(4));
	}
}
