// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the receive pipeline: check, pull, ECN, deliver.
 *
 * Owns: what happens to an outer packet once its tunnel is known.
 * Does not own: finding the tunnel (demux.c), ICMP errors (icmp.c).
 */

#include <net/inet_ecn.h>
#include <net/ip_tunnels.h>

#include "adit.h"

static bool inner_is_sane(struct sk_buff *skb, const struct adit_inner *inner)
{
	return pskb_may_pull(skb, inner->hlen) &&
	       skb->data[0] >> 4 == inner->version;
}

/* RFC 6040, 4.2. A capture on the underlay may hold a clone of the packet, so
 * it is made ours before it is marked.
 */
static enum adit_drop decap_ecn(struct sk_buff *skb, u8 outer,
				const struct adit_inner *inner)
{
	if (!(outer & INET_ECN_MASK))
		return ADIT_DROP_NONE;
	if (skb_ensure_writable(skb, inner->hlen))
		return ADIT_DROP_RX_NOMEM;

	if (INET_ECN_decapsulate(skb, outer, inner->dsfield(skb)) > 1)
		return ADIT_DROP_RX_ECN;
	return ADIT_DROP_NONE;
}

static enum adit_drop receive(struct adit_tunnel *t, struct sk_buff *skb,
			      const struct adit_config *config,
			      const struct adit_inner *inner)
{
	struct net_device *dev = t->dev;
	enum adit_drop drop;
	unsigned int len;
	u8 outer;

	if (unlikely(!(dev->flags & IFF_UP)))
		return ADIT_DROP_RX_DOWN;
	if (!config->outer->policy_ok(skb))
		return ADIT_DROP_RX_POLICY;

	outer = config->outer->dsfield(skb);
	if (iptunnel_pull_header(skb, 0, inner->ethertype,
				 !net_eq(t->net, dev_net(dev))))
		return ADIT_DROP_RX_NOMEM;
	if (unlikely(!inner_is_sane(skb, inner)))
		return ADIT_DROP_RX_MALFORMED;

	skb->dev = dev;
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	skb_reset_network_header(skb);

	drop = decap_ecn(skb, outer, inner);
	if (drop != ADIT_DROP_NONE)
		return drop;

	len = skb->len;
	if (gro_cells_receive(&t->gro_cells, skb) == NET_RX_DROP)
		adit_count_drop(t, ADIT_DROP_RX_BACKLOG);
	else
		dev_sw_netstats_rx_add(dev, len);
	return ADIT_DROP_NONE;
}

/**
 * adit_receive - take a packet that belongs to a tunnel
 * @skb: at its inner header, network header outer; consumed
 * @config: the tunnel's
 * @inner: what the outer header announces
 *
 * Context: softirq, RCU. Return: 0, as protocol handlers do.
 */
int adit_receive(struct sk_buff *skb, const struct adit_config *config,
		 const struct adit_inner *inner)
{
	struct adit_tunnel *t = config->tunnel;
	enum adit_drop drop = receive(t, skb, config, inner);

	if (unlikely(drop != ADIT_DROP_NONE))
		adit_drop_skb(t, skb, drop);
	return 0;
}
