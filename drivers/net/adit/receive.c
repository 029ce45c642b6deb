// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the receive pipeline: check, pull, ECN, MSS, deliver.
 *
 * Owns: what happens to an outer packet once its tunnel is known.
 * Does not own: finding the tunnel (demux.c), reading the headers (encap.c),
 * who may send (remote.c), ICMP errors (icmp.c).
 */

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_tunnel.h>
#include <linux/in.h>
#include <linux/netdevice.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dst_metadata.h>
#include <net/gso.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/rps.h>

#include "adit.h"
#include "nest.h"

/* Where TCP or UDP begins is for IP to find out, but some look at the packet ahead of
 * that: tc's actions, flow tables; and, of what is merged, the core itself, which reads
 * a TCP header wherever it is said to be. There it has no checksum yet, which says
 * where it is behind IPv6's extension headers, too. @at: the inner header
 */
static void set_transport(struct sk_buff *skb, const struct adit_inner *inner,
			  unsigned int at)
{
	unsigned int hlen = inner->hlen;

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		hlen = skb_checksum_start_offset(skb) - at;
	else if (inner->version == 4)
		hlen = (skb->data[at] & 0xf) * 4;
	skb_set_transport_header(skb, at + hlen);
}

static enum adit_drop check_inner(struct sk_buff *skb,
				  const struct adit_wire *wire)
{
	const struct adit_inner *inner = wire->inner;

	if (unlikely(!pskb_may_pull(skb, wire->hlen + inner->hlen)))
		return skb->len < wire->hlen + inner->hlen ?
		       ADIT_DROP_RX_MALFORMED : ADIT_DROP_RX_NOMEM;
	if (unlikely(!inner->version))	/* MPLS, which does not do so itself */
		set_transport(skb, inner, wire->hlen);
	else if (unlikely(skb->data[wire->hlen] >> 4 != inner->version))
		return ADIT_DROP_RX_MALFORMED;
	return ADIT_DROP_NONE;
}

/* RFC 6040, 4.2. A capture on the underlay may hold a clone of the packet, so
 * it is made ours before it is marked.
 */
static enum adit_drop decap_ecn(struct sk_buff *skb, u8 outer,
				const struct adit_inner *inner)
{
	if (!(outer & INET_ECN_MASK) || !inner->dsfield)
		return ADIT_DROP_NONE;
	if (skb_ensure_writable(skb, inner->hlen))
		return ADIT_DROP_RX_NOMEM;

	if (INET_ECN_decapsulate(skb, outer, inner->dsfield(skb)) > 1)
		return ADIT_DROP_RX_ECN;
	return ADIT_DROP_NONE;
}

/* RFC 6936, 4: without UDP checksum over IPv6 only where that is wanted. The
 * GRE checksum covers all from the GRE header on, to which the packet is pulled
 * for that.
 */
static enum adit_drop check_csum(struct sk_buff *skb,
				 const struct adit_config *config,
				 struct adit_wire *wire)
{
	if (wire->outer == &adit_outer_ip6 && !wire->udp_csum &&
	    config->encap != ADIT_ENCAP_NONE && config->encap_csum)
		return ADIT_DROP_RX_CSUM;

	if (!(wire->gre_flags & GRE_CSUM))
		return config->icsum ? ADIT_DROP_RX_CSUM : ADIT_DROP_NONE;
	skb_pull_rcsum(skb, wire->gre);
	wire->hlen -= wire->gre;
	return skb_checksum_simple_validate(skb) ? ADIT_DROP_RX_CSUM :
						   ADIT_DROP_NONE;
}

/* RFC 2890, 2.2, without the buffer that may put packets back in order: what
 * comes late is dropped. Numbers wrap.
 */
static enum adit_drop check_seq(struct adit_config *config,
				const struct adit_wire *wire)
{
	s64 was, is;

	if (likely(!config->iseq))
		return ADIT_DROP_NONE;
	if (!(wire->gre_flags & GRE_SEQ))
		return ADIT_DROP_RX_SEQ;

	is = ADIT_ISEQ_SEEN | (u32)(wire->seq + 1);
	was = atomic64_read(&config->iseq_next);
	do {
		if (was && (s32)(wire->seq - (u32)was) < 0)
			return ADIT_DROP_RX_SEQ;
	} while (!atomic64_try_cmpxchg(&config->iseq_next, &was, is));
	return ADIT_DROP_NONE;
}

/* All that can be told before the headers are taken off */
static enum adit_drop check(struct adit_tunnel *t, struct sk_buff *skb,
			    struct adit_config *config, struct adit_wire *wire,
			    bool goes_on)
{
	enum adit_drop drop;

	if (unlikely(!(t->dev->flags & IFF_UP)))
		return ADIT_DROP_RX_DOWN;
	/* (there is none where packets are caught) */
	if (!goes_on && !wire->outer->policy_ok(skb))
		return ADIT_DROP_RX_POLICY;
	if (unlikely(wire->fault != ADIT_DROP_NONE))
		return wire->fault;
	drop = check_csum(skb, config, wire);
	if (drop != ADIT_DROP_NONE)
		return drop;
	return check_seq(config, wire);
}

/* Is it there that TCP or UDP has its checksum? */
static bool is_transport_csum(const struct sk_buff *skb,
			      const struct adit_inner *inner, u16 start,
			      u16 offset)
{
	__be16 frag_off = 0;
	int at = 0;
	u8 proto;

	if (!inner->proto_at)
		return false;
	proto = skb->data[inner->proto_at];
	if (inner->version == 6)
		at = ipv6_skip_exthdr(skb, inner->hlen, &proto, &frag_off);
	else if (!ip_is_fragment(ip_hdr(skb)))
		at = ip_hdrlen(skb);
	if (at != start || frag_off)
		return false;
	switch (proto) {
	case IPPROTO_TCP:
		return offset == start + offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
		return offset == start + offsetof(struct udphdr, check);
	}
	return false;
}

/* Remote checksum offload: the sender has left the checksum of the inner packet
 * to whoever needs it. What came is what the UDP checksum says, unless that is
 * not wanted. Elsewhere than in TCP's or UDP's header, it is made here: netfilter is
 * to see the packet as it will be.
 */
static enum adit_drop take_remcsum(struct sk_buff *skb,
				   const struct adit_config *config,
				   const struct adit_wire *wire)
{
	u16 start = wire->remcsum_start, offset = wire->remcsum_offset;

	if (likely(!start))
		return ADIT_DROP_NONE;
	if (config->encap_csum && !wire->udp_csum)
		return ADIT_DROP_RX_CSUM;
	if (skb_is_gso(skb))
		skb_shinfo(skb)->gso_type &= ~SKB_GSO_TUNNEL_REMCSUM;
	if (start < wire->inner->hlen ||
	    !pskb_may_pull(skb, offset + sizeof(__sum16)) ||
	    !skb_partial_csum_set(skb, start, offset - start))
		return ADIT_DROP_RX_MALFORMED;
	if (is_transport_csum(skb, wire->inner, start, offset))
		return ADIT_DROP_NONE;
	if (skb_is_gso(skb))
		return ADIT_DROP_RX_MALFORMED;
	return skb_checksum_help(skb) ? ADIT_DROP_RX_NOMEM : ADIT_DROP_NONE;
}

/* The device that the outer packet came in on: that of a VRF is its port */
static struct net_device *arrival(struct sk_buff *skb,
				  const struct adit_outer_ops *outer)
{
	int sdif = outer->sdif(skb);
	struct net_device *port;

	port = sdif ? dev_get_by_index_rcu(dev_net(skb->dev), sdif) : NULL;
	return port ?: skb->dev;
}

/* Whoever looks at the frames of the underlay's device is to see one around the
 * inner packet too, as with IPsec in tunnel mode. The adit device has none.
 */
static enum adit_drop set_mac(struct sk_buff *skb,
			      const struct adit_config *config)
{
	if (config->deliver != ADIT_DELIVER_UNDERLAY ||
	    skb->dev->type != ARPHRD_ETHER || skb->mac_len != ETH_HLEN) {
		skb_reset_mac_header(skb);
		skb_reset_mac_len(skb);
		return ADIT_DROP_NONE;
	}
	if (skb_cow_head(skb, 0))
		return ADIT_DROP_RX_NOMEM;
	skb_mac_header_rebuild(skb);
	eth_hdr(skb)->h_proto = skb->protocol;
	return ADIT_DROP_NONE;
}

/* What is being received, without the core's going on with it */
static DEFINE_PER_CPU(struct adit_nest *, adit_receives);

/* While a device of the underlay merges segments, it does so for that long after
 * the last that it has.
 */
#define ADIT_MERGED_LIFE	HZ

/* What is no longer than that behind its IP header, as ACKs are, gains nothing by
 * being merged.
 */
#define ADIT_MERGED_MIN		60

/* In the queue nothing is for longer than that. */
#define ADIT_QUEUED_LIFE	(HZ / 50)

/* Where segments are to be merged, TCP gains far more than the queue to that
 * costs. What gains nothing, and all while it comes merged, is not put there; but it
 * stays behind what is there, or packets would overtake each other. (One may where
 * ADIT_QUEUED_LIFE ends between the two.) The queue is the adit device's, and is not
 * emptied when another device goes.
 */
static bool is_to_merge(const struct adit_tunnel *t,
			const struct adit_config *config,
			const struct sk_buff *skb,
			const struct adit_inner *inner)
{
	struct adit_routes *routes;

	if (skb->dev != t->dev || !inner->proto_at ||
	    skb->data[inner->proto_at] != IPPROTO_TCP)
		return false;
	routes = this_cpu_ptr(config->routes);
	if (skb_is_gso(skb))
		routes->merged = jiffies;
	if (jiffies - routes->merged < ADIT_MERGED_LIFE ||
	    skb->len <= inner->hlen + ADIT_MERGED_MIN)
		return jiffies - routes->queued <= ADIT_QUEUED_LIFE;
	routes->queued = jiffies;
	return true;
}

/* What comes out of a tunnel within a tunnel is queued, because each level takes
 * its part of one kernel stack.
 */
static int to_stack(struct sk_buff *skb)
{
	struct adit_nest nest = { .dev = skb->dev };

	if (adit_nest_count(&adit_receives, NULL))
		return netif_rx(skb);
	adit_nest_push(&adit_receives, &nest);
	netif_receive_skb(skb);
	adit_nest_pop(&adit_receives);
	return NET_RX_SUCCESS;
}

/* Does anybody want to see what comes in on the device, or have it on another
 * CPU?
 */
static bool is_watched(struct net_device *dev)
{
	return dev_nit_active(dev) || adit_dev_has_tc_ingress(dev) ||
#ifdef CONFIG_NETFILTER_INGRESS
	       rcu_access_pointer(dev->nf_hooks_ingress) ||
#endif
#ifdef CONFIG_RPS
	       static_branch_unlikely(&rps_needed) ||
#endif
	       rcu_access_pointer(dev->xdp_prog);
}

/* The core is in the midst of receiving the packet, and has all of it still
 * before it that is done with one of the adit device: it need not begin anew.
 */
static bool can_go_on(const struct adit_tunnel *t, struct sk_buff *skb)
{
	if (skb->dev != t->dev || is_watched(t->dev))
		return false;
	skb->skb_iif = t->dev->ifindex;
	return true;
}

static noinline int hand_over(struct adit_tunnel *t, struct sk_buff *skb,
			      const struct adit_inner *inner, bool merge)
{
	set_transport(skb, inner, 0);
	return merge ? gro_cells_receive(&t->gro_cells, skb) : to_stack(skb);
}

/* Return: the packet is the caller's, for the core to go on with. */
static bool deliver(struct adit_tunnel *t, const struct adit_config *config,
		    struct sk_buff *skb, const struct adit_inner *inner,
		    bool goes_on)
{
	bool merge = is_to_merge(t, config, skb, inner);
	unsigned int len = skb->len;
	int res = NET_RX_SUCCESS;

	goes_on = goes_on && !merge && can_go_on(t, skb);
	if (!goes_on)
		res = hand_over(t, skb, inner, merge);
	if (unlikely(res == NET_RX_DROP))
		adit_count_drop(t, ADIT_DROP_RX_BACKLOG);
	else
		dev_sw_netstats_rx_add(t->dev, len);
	return goes_on;
}

/* As iptunnel_pull_offloads() has it, which makes a copy of all that is shared. What
 * is sent by this host's TCP, and received by a guest of its, shares its payload with
 * what may have to be sent again, but not its headers, which this belongs to.
 */
static int pull_offloads(struct sk_buff *skb)
{
	skb->encapsulation = 0;
	if (likely(!skb_is_gso(skb)))
		return 0;
	if (skb_header_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;
	skb_shinfo(skb)->gso_type &= ~(NETIF_F_GSO_ENCAP_ALL >>
				       NETIF_F_GSO_SHIFT);
	adit_gso_ids_pull(skb);
	return 0;
}

/* As iptunnel_pull_header() has it, which also looks for what is known by now */
static int strip(struct sk_buff *skb, const struct adit_wire *wire, bool xnet)
{
	const void *outer = skb->data;

	__skb_pull(skb, wire->hlen);
	skb_postpull_rcsum(skb, outer, wire->hlen);
	skb->protocol = wire->inner->ethertype;
	skb_clear_hash_if_not_l4(skb);
	__vlan_hwaccel_clear_tag(skb);
	skb_set_queue_mapping(skb, 0);
	skb_scrub_packet(skb, xnet);
	return pull_offloads(skb);
}

/* Off with the outer headers */
static enum adit_drop pull(struct adit_tunnel *t, struct sk_buff *skb,
			   const struct adit_config *config,
			   const struct adit_wire *wire)
{
	struct net_device *dev = config->deliver == ADIT_DELIVER_UNDERLAY ?
				 arrival(skb, wire->outer) : t->dev;
	struct metadata_dst *md = NULL;

	if (config->external) {
		md = adit_metadata(skb, wire);
		if (!md)
			return ADIT_DROP_RX_NOMEM;
	}
	if (unlikely(strip(skb, wire, !net_eq(t->net, dev_net(dev))))) {
		if (md)
			dst_release(&md->dst);
		return ADIT_DROP_RX_NOMEM;
	}
	if (md)
		skb_dst_set(skb, &md->dst);
	skb->dev = dev;
	skb_reset_network_header(skb);
	return set_mac(skb, config);
}

/* All but the delivery */
static enum adit_drop decap(struct adit_tunnel *t, struct sk_buff *skb,
			    struct adit_config *config, struct adit_wire *wire,
			    bool goes_on)
{
	const struct adit_inner *inner = wire->inner;
	enum adit_drop drop;
	u8 outer;

	drop = check(t, skb, config, wire, goes_on);
	if (drop != ADIT_DROP_NONE)
		return drop;

	drop = check_inner(skb, wire);
	if (drop != ADIT_DROP_NONE)
		return drop;

	outer = wire->outer->dsfield(skb);
	drop = pull(t, skb, config, wire);
	if (drop == ADIT_DROP_NONE)
		drop = take_remcsum(skb, config, wire);
	if (drop != ADIT_DROP_NONE)
		return drop;

	if (!adit_is_fixed(config) && !adit_embedded_ok(config, wire, skb))
		return ADIT_DROP_RX_SOURCE;
	/* who is far away is no neighbour of the link that it is to come in on */
	if (config->deliver == ADIT_DELIVER_UNDERLAY && inner->stays &&
	    inner->stays(skb))
		return ADIT_DROP_RX_SOURCE;
#ifdef CONFIG_IPV6_NDISC_NODETYPE
	/* there are no routers but those that the user names: RFC 5214, 8.3.2 */
	if (config->isatap)
		skb->ndisc_nodetype = NDISC_NODETYPE_HOST;
#endif
	drop = decap_ecn(skb, outer, inner);
	if (drop != ADIT_DROP_NONE)
		return drop;

	if (unlikely(config->mss_clamp) && adit_is_syn(skb, inner))
		adit_mss_clamp(skb, inner, adit_mtu_towards(config, wire));
	return ADIT_DROP_NONE;
}

/**
 * adit_receive - take a packet that belongs to a tunnel
 * @skb: network header outer, headers from skb->data on as in @wire; consumed
 *	unless it goes on
 * @config: the tunnel's
 * @wire: the outer packet
 * @goes_on: the caller is where the core receives packets, and can leave the
 *	inner one to it
 *
 * Context: softirq, RCU. Return: the packet is the inner one and is to go on.
 */
bool adit_receive(struct sk_buff *skb, struct adit_config *config,
		  struct adit_wire *wire, bool goes_on)
{
	struct adit_tunnel *t = config->tunnel;
	enum adit_drop drop;

	drop = decap(t, skb, config, wire, goes_on);
	if (likely(drop == ADIT_DROP_NONE))
		return deliver(t, config, skb, wire->inner, goes_on);
	adit_drop_skb(t, skb, drop);
	return false;
}
