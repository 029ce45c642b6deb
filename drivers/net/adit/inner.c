// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: inner families.
 *
 * Owns: the table of them: what of an inner header the outer one depends on,
 * and how a family's senders are told of errors.
 * Does not own: when they are told (xmit.c, icmp.c), the outer header
 * (underlay.c).
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip6_tunnel.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mpls.h>
#include <linux/net.h>
#include <linux/siphash.h>
#include <net/dsfield.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/ndisc.h>
#include <net/route.h>

#include "adit.h"

static void ip4_read(struct sk_buff *skb, struct adit_flow *flow)
{
	const struct iphdr *iph = ip_hdr(skb);

	flow->dsfield = iph->tos;
	flow->ttl = iph->ttl;
	flow->inner_df = iph->frag_off & htons(IP_DF);
}

/* Words that a flow is known by: ends, and ports */
#define ADIT_FLOW_WORDS_MAX	(2 * sizeof(struct in6_addr) / sizeof(u32) + 1)

/* What a packet's hash is made with, drawn ahead of the first tunnel */
static struct {
	hsiphash_key_t key;
	u64 fold[ADIT_FLOW_WORDS_MAX + 1];
} secret __read_mostly;

void adit_inner_draw_secret(void)
{
	net_get_random_once(&secret, sizeof(secret));
}

/* Two of a flow's words. The upper half of the sum of all pairs is the same for two
 * flows by chance only, 2 in 2^32, for who does not know the secret (Thorup's
 * pair-multiply-shift). Nothing of it can be learned from what hsiphash() makes of
 * that.
 */
static u64 fold_pair(__be32 one, __be32 other, unsigned int i)
{
	return ((__force u32)one + secret.fold[i]) *
	       ((__force u32)other + secret.fold[i + 1]);
}

static u32 hash_sum(u64 sum)
{
	return hsiphash_1u32(sum >> 32, &secret.key);
}

static bool has_ports(u8 ipproto)
{
	return ipproto == IPPROTO_TCP || ipproto == IPPROTO_UDP;
}

static u32 ip4_hash(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->ihl != 5 || ip_is_fragment(iph) || !has_ports(iph->protocol))
		return 0;
	return hash_sum(fold_pair(iph->saddr, iph->daddr, 0) +
			fold_pair(0, *(const __be32 *)(iph + 1), 2));
}

static u8 ip4_dsfield(const struct sk_buff *skb)
{
	return ipv4_get_dsfield(ip_hdr(skb));
}

static int ip4_transport(const struct sk_buff *skb, u8 *proto)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->ihl < 5 || iph->frag_off & htons(IP_OFFSET))
		return -ENOENT;
	*proto = iph->protocol;
	return iph->ihl * 4;
}

/* From the router that the redirected packet went to, which is a neighbour */
static bool is_redirect(const struct sk_buff *skb)
{
	const u8 *type;
	u8 proto, buf;
	int at;

	at = ip4_transport(skb, &proto);
	if (at < 0 || proto != IPPROTO_ICMP)
		return false;
	type = skb_header_pointer(skb, at, sizeof(buf), &buf);
	return type && *type == ICMP_REDIRECT;
}

static bool ip4_stays(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

	return is_redirect(skb) ||
	       ipv4_is_multicast(iph->daddr) || ipv4_is_lbcast(iph->daddr) ||
	       ipv4_is_linklocal_169(iph->daddr) ||
	       ipv4_is_linklocal_169(iph->saddr);
}

static void ip4_too_big(struct sk_buff *skb, unsigned int mtu)
{
	icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
}

/* The source is foreign where the packet was forwarded, but rules may route by
 * it.
 */
static struct dst_entry *ip4_route(const struct sk_buff *quote)
{
	const struct iphdr *iph = ip_hdr(quote);
	struct flowi4 fl4 = {
		.daddr = iph->daddr,
		.saddr = iph->saddr,
		.flowi4_oif = l3mdev_master_ifindex_rcu(quote->dev),
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct rtable *rt;

	if (iph->ihl < 5)
		return ERR_PTR(-EINVAL);
	adit_flowi4_set_dsfield(&fl4, iph->tos);
	rt = ip_route_output_key(dev_net(quote->dev), &fl4);
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

static void ip4_relay(struct sk_buff *quote, enum adit_err err,
		      unsigned int mtu)
{
	const struct iphdr *iph = ip_hdr(quote);

	if (err == ADIT_ERR_UNREACHABLE) {
		icmp_send(quote, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	} else if (err == ADIT_ERR_EXPIRED) {
		icmp_send(quote, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
	} else if (iph->frag_off & htons(IP_DF) && ntohs(iph->tot_len) > mtu) {
		skb_dst_update_pmtu_no_confirm(quote, mtu);
		icmp_send(quote, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			  htonl(mtu));
	}
}

/* Where the packet has an encapsulation limit (RFC 2473, 4.1.1), from its header
 * on; 0: nowhere
 */
static int ip6_limit_offset(struct sk_buff *skb)
{
	unsigned int offset = skb_network_offset(skb);
	int at, end;

	if (ipv6_find_hdr(skb, &offset, NEXTHDR_DEST, NULL, NULL) < 0 ||
	    !pskb_may_pull(skb, offset + 2))
		return 0;
	offset -= skb_network_offset(skb);
	end = offset + (skb_network_header(skb)[offset + 1] + 1) * 8;
	if (!pskb_network_may_pull(skb, end))
		return 0;
	at = ipv6_find_tlv(skb, offset, IPV6_TLV_TNL_ENCAP_LIMIT);
	if (at < 0 || at + 3 > end || skb_network_header(skb)[at + 1] != 1)
		return 0;
	return at + 2;
}

static void ip6_read(struct sk_buff *skb, struct adit_flow *flow)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	u8 nexthdr = ip6h->nexthdr;
	int at;

	flow->dsfield = ipv6_get_dsfield(ip6h);
	flow->ttl = ip6h->hop_limit;
	flow->inner_df = true;
	if (likely(has_ports(nexthdr)) || !ipv6_ext_hdr(nexthdr))
		return;
	at = ip6_limit_offset(skb);
	if (at)
		flow->limit = skb_network_header(skb)[at];
}

/* A kernel without IPv6 panics over what it is to answer. */
static void ip6_too_deep(struct sk_buff *skb)
{
	if (!ipv6_mod_enabled())
		return;
	icmpv6_ndo_send(skb, ICMPV6_PARAMPROB, ICMPV6_HDR_FIELD,
			ip6_limit_offset(skb));
}

static u32 ip6_hash(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	const __be32 *from = ip6h->saddr.s6_addr32;
	const __be32 *to = ip6h->daddr.s6_addr32;

	if (!has_ports(ip6h->nexthdr))
		return 0;
	return hash_sum(fold_pair(from[0], from[1], 0) +
			fold_pair(from[2], from[3], 2) +
			fold_pair(to[0], to[1], 4) +
			fold_pair(to[2], to[3], 6) +
			fold_pair(0, *(const __be32 *)(ip6h + 1), 8));
}

static u8 ip6_dsfield(const struct sk_buff *skb)
{
	return ipv6_get_dsfield(ipv6_hdr(skb));
}

static int ip6_transport(const struct sk_buff *skb, u8 *proto)
{
	int at = skb_network_offset(skb) + sizeof(struct ipv6hdr);
	__be16 frag_off;

	*proto = ipv6_hdr(skb)->nexthdr;
	at = ipv6_skip_exthdr(skb, at, proto, &frag_off);
	if (at < 0 || frag_off & htons(IP6_OFFSET))
		return -ENOENT;
	return at - skb_network_offset(skb);
}

static bool is_ndisc(const struct sk_buff *skb)
{
	const u8 *type;
	u8 proto, buf;
	int at;

	at = ip6_transport(skb, &proto);
	if (at < 0 || proto != IPPROTO_ICMPV6)
		return false;
	type = skb_header_pointer(skb, at, sizeof(buf), &buf);
	return type && *type >= NDISC_ROUTER_SOLICITATION &&
	       *type <= NDISC_REDIRECT;
}

static bool ip6_stays(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);

	return ipv6_addr_type(&ip6h->daddr) &
	       (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL) ||
	       ipv6_addr_type(&ip6h->saddr) & IPV6_ADDR_LINKLOCAL ||
	       is_ndisc(skb);
}

static void ip6_too_big(struct sk_buff *skb, unsigned int mtu)
{
	if (!ipv6_mod_enabled())
		return;
	icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
}

static struct dst_entry *ip6_route(const struct sk_buff *quote)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(quote);
	struct flowi6 fl6 = {
		.daddr = ip6h->daddr,
		.saddr = ip6h->saddr,
		.flowi6_oif = l3mdev_master_ifindex_rcu(quote->dev),
		.flowlabel = ip6_flowinfo(ip6h),
	};
	struct dst_entry *dst;
	int err;

	if (!ipv6_mod_enabled())
		return ERR_PTR(-EAFNOSUPPORT);
	dst = ip6_route_output(dev_net(quote->dev), NULL, &fl6);
	err = dst->error;
	if (!err)
		return dst;
	dst_release(dst);
	return ERR_PTR(err);
}

static void ip6_relay(struct sk_buff *quote, enum adit_err err,
		      unsigned int mtu)
{
	if (err == ADIT_ERR_UNREACHABLE)
		icmpv6_send(quote, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
	else if (err == ADIT_ERR_EXPIRED)
		icmpv6_send(quote, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
	else if (sizeof(struct ipv6hdr) +
		 ntohs(ipv6_hdr(quote)->payload_len) > mtu)
		icmpv6_send(quote, ICMPV6_PKT_TOOBIG, 0, mtu);
}

/* The label stack is all there is to see. */
static void mpls_read(struct sk_buff *skb, struct adit_flow *flow)
{
	const __be32 *entry = (const __be32 *)skb_network_header(skb);

	flow->dsfield = 0;
	flow->ttl = (ntohl(*entry) & MPLS_LS_TTL_MASK) >> MPLS_LS_TTL_SHIFT;
	flow->inner_df = true;
}

const struct adit_inner adit_inners[ADIT_INNER_MAX] = {
	[ADIT_INNER_IP4] = {
		.ethertype = cpu_to_be16(ETH_P_IP),
		.ipproto = IPPROTO_IPIP,
		.version = 4,
		.hlen = sizeof(struct iphdr),
		.proto_at = offsetof(struct iphdr, protocol),
		.min_mtu = 0,
		.index = ADIT_INNER_IP4,
		.read = ip4_read,
		.hash = ip4_hash,
		.dsfield = ip4_dsfield,
		.transport = ip4_transport,
		.stays = ip4_stays,
		.too_big = ip4_too_big,
		.route = ip4_route,
		.relay = ip4_relay,
	},
	[ADIT_INNER_IP6] = {
		.ethertype = cpu_to_be16(ETH_P_IPV6),
		.ipproto = IPPROTO_IPV6,
		.version = 6,
		.hlen = sizeof(struct ipv6hdr),
		.proto_at = offsetof(struct ipv6hdr, nexthdr),
		.min_mtu = IPV6_MIN_MTU,
		.index = ADIT_INNER_IP6,
		.read = ip6_read,
		.hash = ip6_hash,
		.too_deep = ip6_too_deep,
		.dsfield = ip6_dsfield,
		.transport = ip6_transport,
		.stays = ip6_stays,
		.too_big = ip6_too_big,
		.route = ip6_route,
		.relay = ip6_relay,
	},
	[ADIT_INNER_MPLS] = {
		.ethertype = cpu_to_be16(ETH_P_MPLS_UC),
		.ipproto = IPPROTO_MPLS,
		.version = 0,
		.hlen = sizeof(__be32),
		.min_mtu = 0,
		.index = ADIT_INNER_MPLS,
		.read = mpls_read,
	},
};

/**
 * adit_inner_find - the inner family of an ethertype
 * @ethertype: skb->protocol
 *
 * Return: its row, or NULL where adit does not carry it.
 */
const struct adit_inner *adit_inner_find(__be16 ethertype)
{
	unsigned int i;

	for (i = 0; i < ADIT_INNER_MAX; i++)
		if (adit_inners[i].ethertype == ethertype)
			return &adit_inners[i];
	return NULL;
}

/**
 * adit_inner_flow - a hash of the flow that any packet of it has, quoted or not
 * @skb: at its inner header
 * @inner: its family
 *
 * Return: it, or 0 where the flow is not clear at first sight.
 */
u32 adit_inner_flow(const struct sk_buff *skb, const struct adit_inner *inner)
{
	unsigned int end = skb_network_offset(skb) + inner->hlen;

	if (!inner->hash || skb_headlen(skb) < end + sizeof(__be32))
		return 0;
	return inner->hash(skb);
}

/**
 * adit_inner_hash - what tells a packet's flow from others
 * @skb: at its inner header; has it from then on
 * @inner: its family
 *
 * As skb_get_hash(), with a fraction of its cost where it is clear at first sight
 * what the flow is. Nobody who does not know the secret can tell what flows have
 * the same.
 */
void adit_inner_hash(struct sk_buff *skb, const struct adit_inner *inner)
{
	u32 hash;

	if (skb->l4_hash || skb->sw_hash)
		return;
	hash = adit_inner_flow(skb, inner);
	if (likely(hash))
		__skb_set_sw_hash(skb, hash, true);
	else
		skb_get_hash(skb);
}

/**
 * adit_inner_of_ipproto - the inner family that a protocol number announces
 * @ipproto: of the header before it
 *
 * Return: its row, or NULL.
 */
const struct adit_inner *adit_inner_of_ipproto(u8 ipproto)
{
	unsigned int i;

	for (i = 0; i < ADIT_INNER_MAX; i++)
		if (adit_inners[i].ipproto == ipproto)
			return &adit_inners[i];
	return NULL;
}
