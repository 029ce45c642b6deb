// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the fast path: outer packets past the outer layer's hooks and routes.
 *
 * Owns: what a received packet has to be checked for instead; handing a sent one
 * to the neighbour. What neither is sure of goes the ordinary way.
 * Does not own: catching the received ones (ingress.c); anything of the inner
 * packet, which is treated as ever.
 */

#include <linux/icmp.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/jiffies.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "adit.h"

/* --- received */

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

/* Under PREEMPT_RT, BHs that are off do not keep others on this CPU from the slot. */
static bool learn_local(struct net *net, struct adit_local *local,
			const struct adit_key *key,
			const struct net_device *in)
{
	int genid = adit_addr_genid(net, key->family);

	/* an address that is on a device, which IPv6 tells by its scope */
	if (key->family == AF_INET && ipv4_is_loopback(key->local.v4))
		return false;
	if (!is_local(net, key->family, &key->local, in))
		return false;
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return true;
	local->addr = key->local;
	local->family = key->family;
	local->genid = genid;
	local->ifindex = in->ifindex;
	local->end = jiffies + HZ;
	return true;
}

static bool is_fit_remote(struct net *net, const struct adit_key *key,
			  const struct net_device *in)
{
	return !(key->family == AF_INET ? adit_ip4_unfit(key->remote.v4) :
					  adit_ip6_unfit(&key->remote.v6)) &&
	       !is_local(net, key->family, &key->remote, in);
}

/**
 * adit_fast_look_at_ends - adit_fast_ends_ok() of those that are not known
 * @config: the tunnel's
 * @key: of a received packet
 * @in: the device that it came in on
 *
 * Context: RCU.
 */
bool adit_fast_look_at_ends(const struct adit_config *config,
			    const struct adit_key *key,
			    const struct net_device *in)
{
	struct adit_local *local = &this_cpu_ptr(config->routes)->local;
	struct net *net = config->tunnel->net;

	return (adit_fast_is_known(net, local, key, in) ||
		learn_local(net, local, key, in)) &&
	       (adit_is_fixed(config) || is_fit_remote(net, key, in));
}

/* --- sent */

/* IPsec, VRFs and lightweight tunnels have their own ways out. */
static bool is_direct(const struct dst_entry *dst)
{
	return !adit_is_ipsec(dst) && !dst->lwtstate &&
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
		adit_ip_count_out(net, skb->len);
		err = neigh_output(neigh, skb, is_v6gw);
	} else {
		err = adit_outer_ip4.send(net, skb);
	}
	rcu_read_unlock();
	return err;
}

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
