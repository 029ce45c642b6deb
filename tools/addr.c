// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: addresses of the host.
 *
 * Owns: reading them, putting them on a device and taking them off it.
 * Does not own: sockets (netlink.c), which addresses and why (lvs.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "addr.h"
#include "netlink.h"

unsigned int addr_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

static bool fits_ip4(const unsigned char *bytes)
{
	return bytes[0] && bytes[0] != 127 && bytes[0] < 224;
}

static bool fits_ip6(const struct in6_addr *addr)
{
	return !IN6_IS_ADDR_UNSPECIFIED(addr) && !IN6_IS_ADDR_LOOPBACK(addr) &&
	       !IN6_IS_ADDR_MULTICAST(addr) && !IN6_IS_ADDR_LINKLOCAL(addr) &&
	       !IN6_IS_ADDR_V4MAPPED(addr);
}

const char *addr_parse(struct address *addr, const char *text)
{
	struct in6_addr in6;

	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, text, addr->bytes) == 1) {
		addr->family = AF_INET;
		addr->bits = 32;
		memcpy(addr->peer, addr->bytes, sizeof(addr->peer));
		return fits_ip4(addr->bytes) ? NULL : "no unicast address";
	}
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return "not an IPv4 or IPv6 address";
	memcpy(addr->bytes, &in6, sizeof(in6));
	memcpy(addr->peer, &in6, sizeof(in6));
	addr->family = AF_INET6;
	addr->bits = 128;
	return fits_ip6(&in6) ? NULL : "no global unicast address";
}

const char *addr_name(const struct address *addr, char text[ADDR_TEXT])
{
	if (!inet_ntop(addr->family, addr->bytes, text, ADDR_TEXT))
		strcpy(text, "?");
	return text;
}

const char *addr_prefix(const struct address *addr, char text[ADDR_TEXT])
{
	char peer[INET6_ADDRSTRLEN];
	size_t len = strlen(addr_name(addr, text));

	if (memcmp(addr->peer, addr->bytes, sizeof(addr->peer)) &&
	    inet_ntop(addr->family, addr->peer, peer, sizeof(peer)))
		len += snprintf(text + len, ADDR_TEXT - len, " peer %s", peer);
	snprintf(text + len, ADDR_TEXT - len, "/%u", addr->bits);
	return text;
}

bool addr_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	       !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool addr_within(const struct address *addr, const struct address *other)
{
	unsigned int bit;

	for (bit = 0; bit < other->bits; bit++)
		if ((addr->bytes[bit / 8] ^ other->peer[bit / 8]) &
		    0x80 >> bit % 8)
			return false;
	return addr->family == other->family;
}

bool addr_listed(const struct addresses *addrs, const struct address *addr)
{
	size_t i;

	for (i = 0; i < addrs->n; i++)
		if (addr_equal(&addrs->list[i], addr))
			return true;
	return false;
}

void addr_append(struct addresses *addrs, const struct address *addr)
{
	addrs->list = reallocarray(addrs->list, addrs->n + 1, sizeof(*addr));
	if (!addrs->list) {
		complain("%s", strerror(errno));
		exit(EXIT_KERNEL);
	}
	addrs->list[addrs->n++] = *addr;
}

/*
 * IFA_ADDRESS is the peer's if there is one. IPv6 has IFA_LOCAL only then, IPv4
 * always.
 */
static int read_attr(const struct nlattr *attr, void *data)
{
	struct address *addr = data;
	__u16 type = mnl_attr_get_type(attr);
	size_t len = addr_bits(addr->family) / 8;

	if ((type != IFA_LOCAL && type != IFA_ADDRESS) ||
	    mnl_attr_get_payload_len(attr) != len)
		return MNL_CB_OK;
	memcpy(type == IFA_LOCAL ? addr->bytes : addr->peer,
	       mnl_attr_get_payload(attr), len);
	return MNL_CB_OK;
}

static void read_addr(const struct nlmsghdr *message, struct addresses *addrs)
{
	static const struct address none;
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct address addr = {
		.family = info->ifa_family,
		.bits = info->ifa_prefixlen,
		.ifindex = info->ifa_index,
		.scope = info->ifa_scope,
	};

	if (message->nlmsg_type != RTM_NEWADDR ||
	    (addr.family != AF_INET && addr.family != AF_INET6) ||
	    (addr.family == AF_INET6 && info->ifa_scope == RT_SCOPE_LINK))
		return;
	mnl_attr_parse(message, sizeof(*info), read_attr, &addr);
	if (!memcmp(addr.bytes, none.bytes, sizeof(addr.bytes)))
		memcpy(addr.bytes, addr.peer, sizeof(addr.bytes));
	addr_append(addrs, &addr);
}

int addr_dump(struct addresses *addrs)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	const struct nlmsghdr *message;
	struct dump dump = { 0 };
	int status;

	memset(addrs, 0, sizeof(*addrs));
	status = dump_talk(route_request(buf, RTM_GETADDR, NLM_F_DUMP,
					 sizeof(struct ifaddrmsg)),
			   &dump);
	for (message = dump_next(&dump, NULL); message && !status;
	     message = dump_next(&dump, message))
		read_addr(message, addrs);
	dump_free(&dump);
	return status;
}

/* Other servers have the same address, so there is no DAD. */
int addr_talk(__u16 type, const struct address *addr)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	__u16 flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0;
	size_t len = addr_bits(addr->family) / 8;
	char text[ADDR_TEXT];
	struct nlmsghdr *request;
	struct ifaddrmsg *info;

	request = route_request(buf, type, flags, sizeof(*info));
	info = mnl_nlmsg_get_payload(request);
	info->ifa_family = addr->family;
	info->ifa_prefixlen = addr->bits;
	info->ifa_index = addr->ifindex;
	if (type == RTM_NEWADDR && addr->family == AF_INET6)
		info->ifa_flags = IFA_F_NODAD;
	mnl_attr_put(request, IFA_LOCAL, len, addr->bytes);
	mnl_attr_put(request, IFA_ADDRESS, len, addr->peer);
	return link_talk(request, addr_name(addr, text), NULL, NULL);
}
