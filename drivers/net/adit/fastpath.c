// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the fast path: outer packets past the outer layer's hooks and routes.
 *
 * Owns: the hook that takes received outer packets before anybody else does, and
 * handing sent ones to the neighbour. What neither is sure of goes the ordinary
 * way.
 * Does not own: anything of the inner packet, which is treated as ever.
 */

#include <linux/icmp.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/udp.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/xfrm.h>

#include "adit.h"

#if IS_ENABLED(CONFIG_NETFILTER)
/* --- received */

/* What the ordinary way does that this one cannot: VRF, bridges, IPsec */
static bool is_plain(const struct net *net, struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	if (net->xfrm.policy_count[XFRM_POLICY_IN] || secpath_exists(skb))
		return false;
#endif
	return skb->pkt_type == PACKET_HOST && !skb_dst(skb) && !skb->sk &&
	       !netif_is_l3_slave(skb->dev) && !netif_is_l3_master(skb->dev) &&
	       !nf_bridge_info_exists(skb);
}

/* The skb is at what follows the outer header. */
static bool read_wire(struct adit_net *an, struct sk_buff *skb,
		      struct adit_wire *wire, u8 ipproto)
{
	if (ipproto == IPPROTO_UDP)
		return adit_udp_read(an, skb, wire);
	wire->inner = adit_inner_of_ipproto(ipproto);
	wire->fault = adit_encaps[ADIT_ENCAP_NONE].parse(skb, wire,
							 wire->inner ?
							 ADIT_MODE_IP :
							 ADIT_MODE_GRE);
	return true;
}

static bool is_local(struct net *net, u8 family, const union adit_addr *addr,
		     const struct net_device *in)
{
	const struct net_device *dev;

	if (family == AF_INET6)
		return ipv6_chk_addr(net, &addr->v6, in,
				     ipv6_addr_type(&addr->v6) &
				     IPV6_ADDR_LINKLOCAL);
	dev = __ip_dev_find(net, addr->v4, false);
	return dev && dev->flags & IFF_UP && !netif_is_l3_slave(dev);
}

/* What the look-up of the route would have refused, of ends that no user has
 * chosen
 */
static bool ends_ok(struct net *net, const struct adit_config *config,
		    const struct adit_key *key, const struct net_device *in)
{
	if (!is_local(net, key->family, &key->local, in))
		return false;
	if (adit_is_fixed(config))
		return true;
	return !(key->family == AF_INET && adit_ip4_unfit(key->remote.v4)) &&
	       !is_local(net, key->family, &key->remote, in);
}

static struct adit_config *find(struct adit_net *an, struct sk_buff *skb,
				struct adit_wire *wire, u8 ipproto)
{
	struct adit_config *config;

	if (!read_wire(an, skb, wire, ipproto) ||
	    wire->fault != ADIT_DROP_NONE)
		return NULL;
	config = adit_demux_find(an, &wire->key, skb->dev);
	if (!config || !config->fastpath ||
	    !ends_ok(an->net, config, &wire->key, skb->dev) ||
	    (ipproto == IPPROTO_UDP && !adit_udp_csum_ok(skb, wire->outer)))
		return NULL;
	return config;
}

/* Whose it is not is left as it came. */
static unsigned int take(struct adit_net *an, struct sk_buff *skb,
			 const struct adit_outer_ops *outer, u8 ipproto)
{
	struct adit_wire wire = {
		.outer = outer,
		.key.family = outer->family,
	};
	struct adit_config *config;

	if (!is_plain(an->net, skb))
		return NF_ACCEPT;
	outer->ends(skb, &wire.key);
	__skb_pull(skb, outer->hlen);
	skb_postpull_rcsum(skb, skb_network_header(skb), outer->hlen);
	config = find(an, skb, &wire, ipproto);
	if (!config) {
		__skb_push(skb, outer->hlen);
		skb_postpush_rcsum(skb, skb->data, outer->hlen);
		return NF_ACCEPT;
	}
	adit_receive(skb, config, &wire);
	return NF_STOLEN;
}

/* Most packets are none of ours, UDP above all: that must cost them little. */
static bool is_candidate(const struct adit_net *an, const struct sk_buff *skb,
			 u8 ipproto, unsigned int hlen)
{
	const struct udphdr *uh = (const void *)(skb->data + hlen);

	switch (ipproto) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
	case IPPROTO_GRE:
		return true;
	case IPPROTO_UDP:
		return skb_headlen(skb) >= hlen + sizeof(*uh) &&
		       READ_ONCE(an->udp_ports) & adit_port_bit(uh->dest);
	}
	return false;
}

static unsigned int hook_ip4(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (!is_candidate(priv, skb, iph->protocol, sizeof(*iph)) ||
	    iph->ihl != 5 || ip_is_fragment(iph))
		return NF_ACCEPT;
	return take(priv, skb, &adit_outer_ip4, iph->protocol);
}

static unsigned int hook_ip6(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);

	if (!is_candidate(priv, skb, ip6h->nexthdr, sizeof(*ip6h)))
		return NF_ACCEPT;
	return take(priv, skb, &adit_outer_ip6, ip6h->nexthdr);
}

static int start(struct adit_net *an)
{
	const struct nf_hook_ops hooks[ADIT_FAST_HOOKS] = {
		{
			.hook = hook_ip4,
			.priv = an,
			.pf = NFPROTO_IPV4,
			.hooknum = NF_INET_PRE_ROUTING,
			.priority = INT_MIN,
		}, {
			.hook = hook_ip6,
			.priv = an,
			.pf = NFPROTO_IPV6,
			.hooknum = NF_INET_PRE_ROUTING,
			.priority = INT_MIN,
		},
	};

	memcpy(an->fast_hooks, hooks, sizeof(hooks));
	return nf_register_net_hooks(an->net, an->fast_hooks,
				     ARRAY_SIZE(an->fast_hooks));
}

static void stop(struct adit_net *an)
{
	nf_unregister_net_hooks(an->net, an->fast_hooks,
				ARRAY_SIZE(an->fast_hooks));
}
#else
static int start(struct adit_net *an)
{
	return -EOPNOTSUPP;
}

static void stop(struct adit_net *an)
{
}
#endif

/**
 * adit_fast_hold - a netns has one more tunnel with a fast path
 * @an: netns of the underlay
 *
 * Context: RTNL; sleeps. Return: 0 or a negative errno.
 */
int adit_fast_hold(struct adit_net *an)
{
	int err = an->fast_users ? 0 : start(an);

	if (!err)
		an->fast_users++;
	return err;
}

/**
 * adit_fast_put - undo adit_fast_hold()
 * @an: netns of the underlay
 */
void adit_fast_put(struct adit_net *an)
{
	if (!--an->fast_users)
		stop(an);
}

/* --- sent */

/* IPsec, VRFs and lightweight tunnels have their own ways out. */
static bool is_direct(const struct dst_entry *dst)
{
	return !dst_xfrm(dst) && !dst->lwtstate &&
	       !netif_is_l3_slave(dst->dev);
}

static bool is_usable(const struct neighbour *neigh)
{
	return !IS_ERR_OR_NULL(neigh) &&
	       READ_ONCE(neigh->nud_state) & NUD_VALID;
}

/**
 * adit_fast_ip4 - hand an outer IPv4 packet to its neighbour
 * @net: netns of the underlay
 * @skb: complete but for length and checksum, with its route, and no larger than
 *	that carries; consumed
 *
 * Context: BHs off. Return: as ip_local_out(), which has it where a step that is
 * left out would have mattered.
 */
int adit_fast_ip4(struct net *net, struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct rtable *rt = container_of(dst, struct rtable, dst);
	struct neighbour *neigh = NULL;
	bool is_v6gw = false;
	int err;

	rcu_read_lock();
	if (is_direct(dst))
		neigh = ip_neigh_for_gw(rt, skb, &is_v6gw);
	if (is_usable(neigh)) {
		ip_hdr(skb)->tot_len = htons(skb->len);
		ip_send_check(ip_hdr(skb));
		memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
		skb->dev = dst->dev;
		IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, skb->len);
		err = neigh_output(neigh, skb, is_v6gw);
	} else {
		err = adit_outer_ip4.send(net, skb);
	}
	rcu_read_unlock();
	return err;
}

#if IS_ENABLED(CONFIG_IPV6)
static int output_ip6(struct net *net, struct sk_buff *skb,
		      struct neighbour *neigh)
{
	unsigned int len = skb->len - sizeof(struct ipv6hdr);
	struct dst_entry *dst = skb_dst(skb);

	ipv6_hdr(skb)->payload_len = len > IPV6_MAXPLEN ? 0 : htons(len);
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	skb->dev = dst->dev;
	IP6_UPD_PO_STATS(net, ip6_dst_idev(dst), IPSTATS_MIB_OUT, skb->len);
	return neigh_output(neigh, skb, false);
}

static struct neighbour *neigh_ip6(const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct rt6_info *rt = container_of(dst, struct rt6_info, dst);
	struct in6_addr *daddr = &ipv6_hdr(skb)->daddr;

	return __ipv6_neigh_lookup_noref(dst->dev, rt6_nexthop(rt, daddr));
}
#else
static int output_ip6(struct net *net, struct sk_buff *skb,
		      struct neighbour *neigh)
{
	return adit_outer_ip6.send(net, skb);
}

static struct neighbour *neigh_ip6(const struct sk_buff *skb)
{
	return NULL;
}
#endif

/**
 * adit_fast_ip6 - hand an outer IPv6 packet to its neighbour
 * @net: netns of the underlay
 * @skb: as adit_fast_ip4() has it
 */
int adit_fast_ip6(struct net *net, struct sk_buff *skb)
{
	struct neighbour *neigh = NULL;
	int err;

	rcu_read_lock();
	if (is_direct(skb_dst(skb)))
		neigh = neigh_ip6(skb);
	err = is_usable(neigh) ? output_ip6(net, skb, neigh) :
				 adit_outer_ip6.send(net, skb);
	rcu_read_unlock();
	return err;
}
