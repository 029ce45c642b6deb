// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: tunnels without a fixed far end: to whom, and from whom.
 *
 * Owns: the remote of a packet on its way out, from metadata, the route's next
 * hop or an address in an address; whether a received packet's source is
 * allowed, and is what its inner source says; metadata of received packets.
 * Does not own: tunnels with a fixed remote, which the look-up enforces
 * (demux.c).
 */

#include <linux/if_tunnel.h>
#include <linux/sort.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "adit.h"

const union adit_addr adit_addr_any;

/* --- prefixes */

static bool prefix_has(const struct adit_prefix *prefix, u8 family,
		       const union adit_addr *addr)
{
	return prefix->family == family &&
	       ipv6_prefix_equal(&prefix->addr.v6, &addr->v6, prefix->len);
}

/**
 * adit_prefix_ok - is a prefix's length one of its family, and all beyond zero?
 * @prefix: it
 */
bool adit_prefix_ok(const struct adit_prefix *prefix)
{
	struct in6_addr cut;

	if (prefix->len > (prefix->family == AF_INET ? 32 : 128))
		return false;
	ipv6_addr_prefix(&cut, &prefix->addr.v6, prefix->len);
	return ipv6_addr_equal(&cut, &prefix->addr.v6);
}

/**
 * adit_allow_alloc - an empty list of prefixes
 * @n: how many it is to hold
 *
 * Return: it, to be freed by kvfree(), or NULL.
 */
struct adit_allow *adit_allow_alloc(unsigned int n)
{
	struct adit_allow *allow;

	allow = kvzalloc(struct_size(allow, prefixes, n), GFP_KERNEL);
	if (allow)
		allow->n = n;
	return allow;
}

static int prefix_cmp(const void *left, const void *right)
{
	const struct adit_prefix *a = left, *b = right;

	if (a->family != b->family)
		return a->family - b->family;
	return memcmp(&a->addr, &b->addr, sizeof(a->addr)) ?:
	       a->len - b->len;
}

/**
 * adit_allow_seal - make a list that has been filled in searchable
 * @allow: the list
 *
 * A prefix sorts after all that hold it, so one pass finds those that lie in
 * no other; they come first.
 * Return: 0, or -EEXIST if a prefix is in it twice.
 */
int adit_allow_seal(struct adit_allow *allow)
{
	struct adit_prefix *p = allow->prefixes;
	unsigned int i;

	sort(p, allow->n, sizeof(*p), prefix_cmp, NULL);
	for (i = 1; i < allow->n; i++)
		if (!prefix_cmp(&p[i - 1], &p[i]))
			return -EEXIST;

	for (i = 0; i < allow->n; i++) {
		if (allow->top && prefix_has(&p[allow->top - 1], p[i].family,
					     &p[i].addr))
			continue;
		swap(p[allow->top], p[i]);
		allow->top++;
	}
	return 0;
}

/**
 * adit_allowed - may a tunnel take packets from this source?
 * @config: the tunnel's, without a fixed remote
 * @key: the packet's
 *
 * Context: softirq, RCU.
 */
bool adit_allowed(const struct adit_config *config, const struct adit_key *key)
{
	const struct adit_allow *allow = config->allow;
	struct adit_prefix want = {
		.family = key->family,
		.addr = key->remote,
		.len = 128,
	};
	unsigned int low = 0, high, middle;

	if (!allow)
		return false;

	/* the last prefix that does not sort after the address */
	high = allow->top;
	while (low < high) {
		middle = (low + high) / 2;
		if (prefix_cmp(&allow->prefixes[middle], &want) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && prefix_has(&allow->prefixes[low - 1], key->family,
				 &key->remote);
}

/* --- addresses in addresses */

/* Bits of an address, from the first on; at most 32 */
static u32 bits_at(const struct in6_addr *addr, unsigned int first,
		   unsigned int n)
{
	unsigned int word = first / 32, shift = first % 32;
	u64 two = (u64)ntohl(addr->s6_addr32[word]) << 32;

	if (!n)
		return 0;
	if (word < 3)
		two |= ntohl(addr->s6_addr32[word + 1]);
	return two << shift >> (64 - n);
}

/* RFC 5969, 7.1.1; RFC 3056 with 2002::/16. Return: has it one? */
static bool from_6rd(const struct adit_config *config,
		     const struct in6_addr *addr, __be32 *ip4)
{
	unsigned int n = 32 - config->rd4.len;
	const union adit_addr *any = (const union adit_addr *)addr;

	if (!config->rd6.len || !prefix_has(&config->rd6, AF_INET6, any))
		return false;
	*ip4 = config->rd4.addr.v4 | htonl(bits_at(addr, config->rd6.len, n));
	return true;
}

/* RFC 5214, 6.1 */
static bool is_isatap(const struct in6_addr *addr)
{
	return (addr->s6_addr32[2] | htonl(0x02000000)) == htonl(0x02005efe);
}

/* RFC 4291, 2.5.5.1 */
static bool is_compat(const struct in6_addr *addr)
{
	return !(addr->s6_addr32[0] | addr->s6_addr32[1] |
		 addr->s6_addr32[2]) && ntohl(addr->s6_addr32[3]) > 1;
}

static bool source_ok(const struct adit_config *config,
		      const struct adit_wire *wire,
		      const struct in6_addr *source)
{
	__be32 said;

	if (from_6rd(config, source, &said))
		return said == wire->key.remote.v4 && !adit_ip4_unfit(said);
	if (config->isatap && is_isatap(source))
		return source->s6_addr32[3] == wire->key.remote.v4;
	return true;
}

/* Behind a NAT the outer destination is not the one that this host's addresses have
 * in them.
 */
static bool dest_ok(const struct adit_config *config,
		    const struct adit_wire *wire, const struct in6_addr *dest)
{
	__be32 said;

	return !from_6rd(config, dest, &said) || said == wire->key.local.v4 ||
	       ipv6_chk_custom_prefix(dest, config->rd6.len + 32 -
				      config->rd4.len, config->tunnel->dev);
}

/**
 * adit_embedded_ok - are the outer addresses of a received packet what the inner ones
 *	say?
 * @config: the tunnel's
 * @wire: the outer packet
 * @skb: at the inner header
 *
 * An address with the outer source in it cannot come from elsewhere (RFC 3056,
 * 5.1; RFC 5969, 12; RFC 5214, 7.3); and what is for another host of them would be
 * sent on to it as if it were from here (RFC 6324).
 */
bool adit_embedded_ok(const struct adit_config *config,
		      const struct adit_wire *wire, const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);

	if (wire->inner->index != ADIT_INNER_IP6 || wire->key.family != AF_INET)
		return true;
	return source_ok(config, wire, &ip6h->saddr) &&
	       dest_ok(config, wire, &ip6h->daddr);
}

/* --- on the way out */

static bool to_ip4(struct adit_flow *flow, __be32 addr)
{
	if (adit_ip4_unfit(addr))
		return false;
	flow->outer = &adit_outer_ip4;
	memset(&flow->remote, 0, sizeof(flow->remote));
	flow->remote.v4 = addr;
	return true;
}

static bool to_ip6(struct adit_flow *flow, const struct in6_addr *addr)
{
	if (ipv6_addr_any(addr) || ipv6_addr_is_multicast(addr))
		return false;
	flow->outer = &adit_outer_ip6;
	flow->remote.v6 = *addr;
	return true;
}

/* An IPv6 next hop may be an IPv4 address in IPv6's clothes. */
static bool to_ip6_hop(struct adit_flow *flow, const struct in6_addr *hop)
{
	if ((flow->config->isatap && is_isatap(hop)) ||
	    ipv6_addr_v4mapped(hop) || is_compat(hop))
		return to_ip4(flow, hop->s6_addr32[3]);
	return to_ip6(flow, hop);
}

static bool by_next_hop(const struct sk_buff *skb, struct adit_flow *flow)
{
	const struct dst_entry *dst = skb_dst(skb);
	const struct rt6_info *rt6;
	const struct rtable *rt;

	if (!skb_valid_dst(skb))
		return false;
	if (dst->ops->family == AF_INET6) {
		rt6 = container_of(dst, struct rt6_info, dst);
		return rt6->rt6i_flags & RTF_GATEWAY &&
		       to_ip6_hop(flow, &rt6->rt6i_gateway);
	}
	rt = container_of(dst, struct rtable, dst);
	if (rt->rt_gw_family == AF_INET6)
		return to_ip6_hop(flow, &rt->rt_gw6);
	return rt->rt_gw_family == AF_INET && to_ip4(flow, rt->rt_gw4);
}

/* A destination on the link is its own next hop. */
static bool by_destination(const struct sk_buff *skb, struct adit_flow *flow)
{
	const struct in6_addr *dest = &ipv6_hdr(skb)->daddr;
	__be32 addr;

	if (flow->inner->index != ADIT_INNER_IP6)
		return false;
	if (flow->config->isatap && is_isatap(dest))
		return to_ip4(flow, dest->s6_addr32[3]);
	return from_6rd(flow->config, dest, &addr) && to_ip4(flow, addr);
}

static void gre_by_metadata(const struct ip_tunnel_key *key,
			    struct adit_flow *flow)
{
	if (adit_tun_test(key, KEY)) {
		flow->gre_flags |= GRE_KEY;
		flow->okey = tunnel_id_to_key32(key->tun_id);
	}
	if (adit_tun_test(key, CSUM))
		flow->gre_flags |= GRE_CSUM;
	if (adit_tun_test(key, SEQ))
		flow->gre_flags |= GRE_SEQ;
	flow->hlen = adit_flow_hlen(flow);
}

/* What the metadata leaves open is as the device has it. */
static bool by_metadata(const struct ip_tunnel_info *info,
			struct adit_flow *flow)
{
	const struct ip_tunnel_key *key = &info->key;

	if (!(info->mode & IP_TUNNEL_INFO_TX))
		return false;
	if (info->mode & IP_TUNNEL_INFO_IPV6) {
		if (!to_ip6(flow, &key->u.ipv6.dst))
			return false;
		if (!ipv6_addr_any(&key->u.ipv6.src))
			flow->local.v6 = key->u.ipv6.src;
		flow->label = key->label;
	} else {
		if (!to_ip4(flow, key->u.ipv4.dst))
			return false;
		if (key->u.ipv4.src) {
			flow->local.v4 = key->u.ipv4.src;
			flow->lookup = adit_tun_flow_flags(key);
		}
	}

	if (key->ttl)
		flow->ttl = key->ttl;
	if (key->tos)
		flow->tos = (key->tos == ADIT_TOS_INHERIT ? flow->dsfield :
			     key->tos & ~INET_ECN_MASK) |
			    (flow->dsfield & INET_ECN_MASK);
	if (adit_tun_test(key, DONT_FRAGMENT))
		flow->df = true;
	if (key->tp_src)
		flow->sport = key->tp_src;
	if (key->tp_dst)
		flow->dport = key->tp_dst;

	if (adit_tun_test(key, CSUM))
		flow->csum = true;
	if (flow->config->mode == ADIT_MODE_GRE)
		gre_by_metadata(key, flow);
	return true;
}

/**
 * adit_find_remote - where a packet goes, of a tunnel without a fixed remote
 * @skb: at its inner header
 * @flow: its inner family is known; remote and underlay are filled in, and what
 *	metadata has to say
 *
 * Return: ADIT_DROP_NONE or why not.
 */
enum adit_drop adit_find_remote(const struct sk_buff *skb,
				struct adit_flow *flow)
{
	const struct ip_tunnel_info *info = skb_tunnel_info((void *)skb);
	const struct adit_outer_ops *only = flow->config->outer;
	bool found;

	if (info)
		found = by_metadata(info, flow);
	else
		found = by_next_hop(skb, flow) || by_destination(skb, flow);
	if (!found || (only && flow->outer != only))
		return ADIT_DROP_TX_NO_REMOTE;
	if (flow->ipproto == IPPROTO_UDP && !flow->dport)
		return ADIT_DROP_TX_NO_REMOTE;
	/* a source that hung on the flow would be strange to the remote */
	if (!adit_addr_is_any(&flow->local))
		flow->hash = adit_inner_flow(skb, flow->inner);
	return ADIT_DROP_NONE;
}

/* What metadata says of a received packet, as GRE has it; by which it is answered */
__be16 adit_metadata_flags(const struct adit_wire *wire)
{
	return (wire->gre_flags & (GRE_KEY | GRE_CSUM)) |
	       (wire->udp_csum ? GRE_CSUM : 0);
}

/**
 * adit_metadata - a received packet's metadata
 * @skb: its network header is outer
 * @wire: the outer packet
 *
 * Return: a metadata dst for the packet, or NULL without memory.
 */
struct metadata_dst *adit_metadata(struct sk_buff *skb,
				   const struct adit_wire *wire)
{
	__be16 flags = adit_metadata_flags(wire);
	struct metadata_dst *md;

	md = adit_tun_rx_dst(skb, wire->key.family, flags & GRE_KEY,
			     flags & GRE_CSUM,
			     key32_to_tunnel_id(wire->key.gre_key));
	if (md) {
		md->u.tun_info.key.tp_src = wire->key.peer_port;
		md->u.tun_info.key.tp_dst = wire->key.port;
	}
	return md;
}
