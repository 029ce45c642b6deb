// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: ICMP errors and PMTU, both directions.
 *
 * Owns: telling the inner sender that its packet is too big, and what an ICMP
 * error from the underlay means to the outer route and the inner sender
 * (RFC 2003, section 4).
 * Does not own: whether a packet is too big (xmit.c).
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "adit.h"

/**
 * adit_icmp_too_big - tell the inner sender of a packet, and its route
 * @skb: at its inner header; stays the caller's
 * @inner: its family
 * @mtu: what the path carries of inner packets
 */
void adit_icmp_too_big(struct sk_buff *skb, const struct adit_inner *inner,
		       unsigned int mtu)
{
	mtu = max_t(unsigned int, mtu, inner->min_mtu);

	if (skb_valid_dst(skb))
		skb_dst_update_pmtu_no_confirm(skb, mtu);
	if (inner->index == ADIT_INNER_IP4)
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			      htonl(mtu));
	else
		icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
}

/* The inner packet as the quote has it, as if it were about to leave through
 * the tunnel; the caller frees it. NULL where the quote is too short for a
 * header and the 8 bytes that its sender needs.
 */
static struct sk_buff *quoted_inner(struct sk_buff *skb, unsigned int offset,
				    struct net_device *dev,
				    const struct adit_inner *inner)
{
	struct sk_buff *quote;

	if (!pskb_may_pull(skb, offset + inner->hlen + 8) ||
	    skb->data[offset] >> 4 != inner->version)
		return NULL;

	quote = skb_clone(skb, GFP_ATOMIC);
	if (!quote)
		return NULL;

	__skb_pull(quote, offset);
	skb_reset_network_header(quote);
	skb_scrub_packet(quote, true);
	memset(quote->cb, 0, sizeof(quote->cb));
	quote->protocol = inner->ethertype;
	quote->dev = dev;
	return quote;
}

/* Whoever knows a tunnel's ends can forge an error about it. What is relayed
 * must at least concern a destination that is reached through the tunnel, and
 * a PMTU lower than the one known. The inner source is foreign, but rules may
 * route by it.
 */
static bool concerns_us(const struct sk_buff *quote,
			const struct dst_entry *dst, unsigned int mtu)
{
	return dst->dev == quote->dev && (!mtu || mtu < dst_mtu(dst));
}

/* @mtu: what the path carries of inner packets; 0: it does not get there */
static void relay_ip4(struct sk_buff *quote, unsigned int mtu)
{
	const struct iphdr *iph = ip_hdr(quote);
	struct flowi4 fl4 = {
		.daddr = iph->daddr,
		.saddr = iph->saddr,
		.flowi4_oif = l3mdev_master_ifindex_rcu(quote->dev),
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct rtable *rt;

	if (iph->ihl < 5 || (mtu && !(iph->frag_off & htons(IP_DF))))
		return;

	adit_flowi4_set_dsfield(&fl4, iph->tos);
	rt = ip_route_output_key(dev_net(quote->dev), &fl4);
	if (IS_ERR(rt))
		return;
	skb_dst_set(quote, &rt->dst);
	if (!concerns_us(quote, &rt->dst, mtu))
		return;

	if (mtu) {
		skb_dst_update_pmtu_no_confirm(quote, mtu);
		icmp_send(quote, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			  htonl(mtu));
	} else {
		icmp_send(quote, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	}
}

#if IS_ENABLED(CONFIG_IPV6)
static void relay_ip6(struct sk_buff *quote, unsigned int mtu)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(quote);
	struct flowi6 fl6 = {
		.daddr = ip6h->daddr,
		.saddr = ip6h->saddr,
		.flowi6_oif = l3mdev_master_ifindex_rcu(quote->dev),
		.flowlabel = ip6_flowinfo(ip6h),
	};
	struct dst_entry *dst;

	if (mtu)
		mtu = max_t(unsigned int, mtu, IPV6_MIN_MTU);

	dst = ip6_route_output(dev_net(quote->dev), NULL, &fl6);
	skb_dst_set(quote, dst);
	if (dst->error || !concerns_us(quote, dst, mtu))
		return;

	if (mtu)
		icmpv6_send(quote, ICMPV6_PKT_TOOBIG, 0, mtu);
	else
		icmpv6_send(quote, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
}
#else
static void relay_ip6(struct sk_buff *quote, unsigned int mtu)
{
}
#endif

static void relay(struct sk_buff *skb, const struct adit_config *config,
		  const struct adit_inner *inner, unsigned int mtu)
{
	const struct iphdr *outer = (const struct iphdr *)skb->data;
	struct sk_buff *quote;

	/* what follows the header of a later fragment is not an inner header */
	if (outer->frag_off & htons(IP_OFFSET))
		return;

	quote = quoted_inner(skb, outer->ihl * 4 + config->encap->hlen,
			     config->tunnel->dev, inner);
	if (!quote)
		return;
	if (inner->index == ADIT_INNER_IP4)
		relay_ip4(quote, mtu);
	else
		relay_ip6(quote, mtu);
	kfree_skb(quote);
}

/* The path's MTU for inner packets, given the outer one that a router told;
 * routers older than RFC 1191 tell none, and no path carries less than 68.
 */
static unsigned int inner_mtu(const struct adit_config *config, u32 outer_mtu)
{
	return max_t(u32, outer_mtu, IPV4_MIN_MTU) - config->outer->hlen -
	       config->encap->hlen;
}

/**
 * adit_icmp_err - an ICMP error about a packet of a tunnel
 * @skb: at the quoted outer header; stays the caller's
 * @info: the MTU, of "fragmentation needed"
 * @config: the tunnel's
 * @inner: what the quoted outer header announces
 *
 * Context: softirq, RCU. Return: 0, it was ours.
 */
int adit_icmp_err(struct sk_buff *skb, u32 info,
		  const struct adit_config *config,
		  const struct adit_inner *inner)
{
	const struct icmphdr *icmph = icmp_hdr(skb);
	struct net *net = config->tunnel->net;

	switch (icmph->type) {
	case ICMP_REDIRECT:
		ipv4_redirect(skb, net, config->key.link, inner->ipproto);
		break;
	case ICMP_TIME_EXCEEDED:
		if (icmph->code == ICMP_EXC_TTL)
			relay(skb, config, inner, 0);
		break;
	case ICMP_DEST_UNREACH:
		if (icmph->code == ICMP_FRAG_NEEDED) {
			ipv4_update_pmtu(skb, net, info, config->key.link,
					 inner->ipproto);
			relay(skb, config, inner, inner_mtu(config, info));
		} else if (icmph->code != ICMP_SR_FAILED) {
			relay(skb, config, inner, 0);
		}
		break;
	}
	return 0;
}
