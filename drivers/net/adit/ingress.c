// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: received outer packets are caught at the device that they come in on,
 * ahead of IP.
 *
 * A packet whose tunnel is known, and whose route would be that of one before it,
 * has all that IP and netfilter do with it here, but no look-up of a route or a
 * protocol. With the fast path it has none of that. Then its outer headers are
 * taken off, and unless somebody watches what the tunnel receives, the core just
 * goes on with what was in it.
 *
 * Owns: hooks on the devices of the underlay that tunnels receive by, which are
 * put there once packets have come in; what such a packet is spared and what not.
 * Does not own: whose it is, and how the one before it came in (early.c); the
 * tunnel's part (receive.c).
 */

#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <linux/udp.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "adit.h"

#ifdef CONFIG_NETFILTER_INGRESS
typedef int (*okfn_t)(struct net *net, struct sock *sk, struct sk_buff *skb);

/**
 * struct ip_way - what a version of IP does with a packet of this host's
 * @outer: underlay row
 * @ends: as that row has it
 * @enter: count it, and make its control block IP's
 * @hooked: netfilter has hooks on the way
 * @pre_routing: run these; 1: the packet is still the caller's, and else @okfn has
 *	it when it is let go
 * @local_in: the same of those
 * @route: look up its way and send it there
 * @count: count it as this host's, and as a datagram that it is
 * @discard: count it as one that goes no further
 */
struct ip_way {
	const struct adit_outer_ops *outer;
	void (*ends)(const struct sk_buff *skb, struct adit_key *key);
	void (*enter)(struct net *net, struct sk_buff *skb);
	bool (*hooked)(const struct net *net);
	int (*pre_routing)(struct net *net, struct sk_buff *skb, okfn_t okfn);
	int (*local_in)(struct net *net, struct sk_buff *skb, okfn_t okfn);
	int (*route)(struct net *net, struct sock *sk, struct sk_buff *skb);
	void (*count)(struct net *net, const struct sk_buff *skb, bool udp);
	void (*discard)(struct net *net, const struct sk_buff *skb);
};

/* --- IPv4 */

static __always_inline void ip4_enter(struct net *net, struct sk_buff *skb)
{
	__IP_UPD_PO_STATS(net, IPSTATS_MIB_IN, skb->len);
	__IP_ADD_STATS(net, IPSTATS_MIB_NOECTPKTS +
		       (ip_hdr(skb)->tos & INET_ECN_MASK),
		       max_t(unsigned short, 1, skb_shinfo(skb)->gso_segs));
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	IPCB(skb)->iif = skb->skb_iif;
}

static bool ip4_hooked(const struct net *net)
{
	return rcu_access_pointer(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING]) ||
	       rcu_access_pointer(net->nf.hooks_ipv4[NF_INET_LOCAL_IN]);
}

static int ip4_pre_routing(struct net *net, struct sk_buff *skb, okfn_t okfn)
{
	return nf_hook(NFPROTO_IPV4, NF_INET_PRE_ROUTING, net, NULL, skb,
		       skb->dev, NULL, okfn);
}

static int ip4_local_in(struct net *net, struct sk_buff *skb, okfn_t okfn)
{
	return nf_hook(NFPROTO_IPV4, NF_INET_LOCAL_IN, net, NULL, skb,
		       skb->dev, NULL, okfn);
}

static int ip4_route(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	int ret;

	rcu_read_lock();
	if (skb_valid_dst(skb) ||
	    !ip_route_input_noref(skb, iph->daddr, iph->saddr,
				  adit_ip4_dscp(iph), skb->dev)) {
		ret = dst_input(skb);
	} else {
		kfree_skb(skb);
		ret = NET_RX_DROP;
	}
	rcu_read_unlock();
	return ret;
}

static void ip4_count(struct net *net, const struct sk_buff *skb, bool udp)
{
	__IP_INC_STATS(net, IPSTATS_MIB_INDELIVERS);
	if (udp)
		__SNMP_INC_STATS(net->mib.udp_statistics, UDP_MIB_INDATAGRAMS);
}

static void ip4_discard(struct net *net, const struct sk_buff *skb)
{
	__IP_INC_STATS(net, IPSTATS_MIB_INDISCARDS);
}

static const struct ip_way ip4_way = {
	.outer = &adit_outer_ip4,
	.ends = adit_ip4_ends,
	.enter = ip4_enter,
	.hooked = ip4_hooked,
	.pre_routing = ip4_pre_routing,
	.local_in = ip4_local_in,
	.route = ip4_route,
	.count = ip4_count,
	.discard = ip4_discard,
};

/* --- IPv6 */

static __always_inline void ip6_enter(struct net *net, struct sk_buff *skb)
{
	struct inet6_dev *idev = __in6_dev_get(skb->dev);

	__IP6_UPD_PO_STATS(net, idev, IPSTATS_MIB_IN, skb->len);
	__IP6_ADD_STATS(net, idev, IPSTATS_MIB_NOECTPKTS +
			(ipv6_get_dsfield(ipv6_hdr(skb)) & INET_ECN_MASK),
			max_t(unsigned short, 1, skb_shinfo(skb)->gso_segs));
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	IP6CB(skb)->iif = skb->dev->ifindex;
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
}

static bool ip6_hooked(const struct net *net)
{
	return rcu_access_pointer(net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]) ||
	       rcu_access_pointer(net->nf.hooks_ipv6[NF_INET_LOCAL_IN]);
}

static int ip6_pre_routing(struct net *net, struct sk_buff *skb, okfn_t okfn)
{
	return nf_hook(NFPROTO_IPV6, NF_INET_PRE_ROUTING, net, NULL, skb,
		       skb->dev, NULL, okfn);
}

static int ip6_local_in(struct net *net, struct sk_buff *skb, okfn_t okfn)
{
	return nf_hook(NFPROTO_IPV6, NF_INET_LOCAL_IN, net, NULL, skb,
		       skb->dev, NULL, okfn);
}

static int ip6_route(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	int ret;

	rcu_read_lock();
	if (!skb_valid_dst(skb))
		adit_ip6_route_input(skb);
	ret = dst_input(skb);
	rcu_read_unlock();
	return ret;
}

static void ip6_count(struct net *net, const struct sk_buff *skb, bool udp)
{
	__IP6_INC_STATS(net, __in6_dev_get(skb->dev), IPSTATS_MIB_INDELIVERS);
	if (udp)
		__SNMP_INC_STATS(net->mib.udp_stats_in6, UDP_MIB_INDATAGRAMS);
}

static void ip6_discard(struct net *net, const struct sk_buff *skb)
{
	__IP6_INC_STATS(net, __in6_dev_get(skb->dev), IPSTATS_MIB_INDISCARDS);
}

static const struct ip_way ip6_way = {
	.outer = &adit_outer_ip6,
	.ends = adit_ip6_ends,
	.enter = ip6_enter,
	.hooked = ip6_hooked,
	.pre_routing = ip6_pre_routing,
	.local_in = ip6_local_in,
	.route = ip6_route,
	.count = ip6_count,
	.discard = ip6_discard,
};

/* --- a packet */

/* Find the tunnel of a packet that is at its outer header, and whose wire has
 * nothing but the underlay row; it is filled in, with offsets from that header on.
 * NULL: it is nobody's, or not as it should be, which the long way will find.
 */
static __always_inline
struct adit_config *read_wire(struct adit_net *an, struct sk_buff *skb,
			      const struct ip_way *way, struct adit_wire *wire,
			      u8 ipproto)
{
	wire->key.family = way->outer->family;
	wire->hlen = way->outer->hlen;
	way->ends(skb, &wire->key);
	if (ipproto == IPPROTO_UDP) {
		if (!adit_udp_read(an, skb, wire))
			return NULL;
	} else if (ipproto == IPPROTO_GRE) {
		wire->key.format = adit_format(ADIT_MODE_GRE, ADIT_ENCAP_NONE,
					       false);
		wire->fault = adit_modes[ADIT_MODE_GRE].parse(skb, wire,
							      ADIT_MODE_GRE);
	} else {
		wire->key.format = adit_format(ADIT_MODE_IP, ADIT_ENCAP_NONE,
					       false);
		wire->inner = adit_inner_of_ipproto(ipproto);
		wire->fault = ADIT_DROP_NONE;
	}
	if (unlikely(wire->fault != ADIT_DROP_NONE))
		return NULL;
	return adit_demux_find(an, &wire->key, skb->dev);
}

/* As its socket would check it, which is past the outer header. What this host has
 * made, or another guest of its, has no sum yet.
 */
static __always_inline bool udp_csum_ok(struct sk_buff *skb,
					const struct adit_wire *wire)
{
	unsigned int hlen = wire->outer->hlen;
	bool ok;

	if (skb->ip_summed == CHECKSUM_PARTIAL &&
	    skb_checksum_start_offset(skb) >= (int)hlen)
		return true;
	__skb_pull(skb, hlen);
	skb_postpull_rcsum(skb, skb_network_header(skb), hlen);
	ok = adit_udp_csum_ok(skb, wire->outer);
	__skb_push(skb, hlen);
	skb_postpush_rcsum(skb, skb->data, hlen);
	return ok;
}

static u8 ipproto_of(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) ? ip_hdr(skb)->protocol :
						  ipv6_hdr(skb)->nexthdr;
}

/* What LOCAL_IN has let go late, when the tunnel may be gone, or has changed. There
 * is no way back to where others would be asked for it.
 */
static int read_again(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	const struct ip_way *way = skb->protocol == htons(ETH_P_IP) ?
				   &ip4_way : &ip6_way;
	struct adit_wire wire = { .outer = way->outer };
	struct adit_config *config;

	rcu_read_lock();
	config = read_wire(adit_net(net), skb, way, &wire, ipproto_of(skb));
	if (config) {
		way->count(net, skb, wire.key.port);
		adit_receive(skb, config, &wire, false);
	} else {
		way->discard(net, skb);
		kfree_skb(skb);
	}
	rcu_read_unlock();
	return 0;
}

static bool is_from(const struct adit_wire *wire, const struct sk_buff *skb)
{
	struct adit_key key = wire->key;

	wire->outer->ends(skb, &key);
	return adit_addr_equal(&key.remote, &wire->key.remote) &&
	       adit_addr_equal(&key.local, &wire->key.local) &&
	       (!wire->key.port ||
		(udp_hdr(skb)->dest == wire->key.port &&
		 udp_hdr(skb)->source == wire->key.peer_port));
}

/* Between the hooks stands the route, which is known unless they have changed what
 * it depends on. Return: the packet is still the caller's.
 */
static bool pass_hooks(struct net *net, struct sk_buff *skb,
		       const struct ip_way *way, const struct adit_wire *wire,
		       struct dst_entry *dst)
{
	u8 dsfield = way->outer->dsfield(skb);
	u32 mark = skb->mark;

	if (way->pre_routing(net, skb, way->route) != 1)
		return false;
	if (skb->mark != mark || way->outer->dsfield(skb) != dsfield ||
	    skb_dst(skb) || skb->sk || !is_from(wire, skb)) {
		way->route(net, NULL, skb);
		return false;
	}
	skb_dst_set_noref(skb, dst);
	if (way->local_in(net, skb, read_again) != 1)
		return false;
	if (likely(is_from(wire, skb)))
		return true;
	read_again(net, NULL, skb);
	return false;
}

/* What IPsec, VRFs and sockets do something of their own with goes the long way. */
static inline bool is_plain(const struct net *net, const struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	if (net->xfrm.policy_count[XFRM_POLICY_IN] || secpath_exists(skb) ||
	    adit_xfrm_blocks_in(net))
		return false;
#endif
	return skb->pkt_type == PACKET_HOST && !skb_dst(skb) &&
	       !netif_is_l3_slave(skb->dev);
}

/* Whose it is not is left as it came. Once for each version of IP, so that the
 * calls by its row are none.
 */
static __always_inline
unsigned int take(struct adit_net *an, struct sk_buff *skb,
		  const struct ip_way *way, u8 ipproto)
{
	struct adit_wire wire = { .outer = way->outer };
	struct dst_entry *dst = NULL;
	struct adit_config *config;

	if (!is_plain(an->net, skb))
		return NF_ACCEPT;
	config = read_wire(an, skb, way, &wire, ipproto);
	if (!config)
		return NF_ACCEPT;
	if (!config->fastpath)
		dst = adit_early_route(config, skb, &wire, ipproto);
	if ((!dst && !(config->fastpath && !nf_bridge_info_exists(skb) &&
		       adit_fast_ends_ok(config, &wire.key, skb->dev))) ||
	    (wire.udp_csum && !udp_csum_ok(skb, &wire)))
		return NF_ACCEPT;

	way->enter(an->net, skb);
	skb_orphan(skb);
	/* who has said that it is right has looked at nothing inside */
	if (wire.key.port && !wire.udp_csum)
		__skb_decr_checksum_unnecessary(skb);
	if (dst && way->hooked(an->net) &&
	    !pass_hooks(an->net, skb, way, &wire, dst))
		return NF_STOLEN;
	way->count(an->net, skb, wire.key.port);
	return adit_receive(skb, config, &wire, true) ? NF_ACCEPT : NF_STOLEN;
}

/* Most packets are none of ours, UDP above all: that must cost them little. */
static inline bool is_candidate(struct adit_net *an, const struct sk_buff *skb,
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
		       !hlist_empty(adit_sock_bucket(an, uh->dest));
	}
	return false;
}

/* A header without options, of a whole packet, and nothing after the packet: what
 * is to be done about anything else is for IP to say.
 */
static unsigned int take_ip4(struct adit_net *an, struct sk_buff *skb)
{
	const struct iphdr *iph;

	if (!pskb_may_pull(skb, sizeof(*iph)))
		return NF_ACCEPT;
	iph = ip_hdr(skb);
	if (!is_candidate(an, skb, iph->protocol, sizeof(*iph)) ||
	    !__in_dev_get_rcu(skb->dev) ||
	    iph->version != 4 || iph->ihl != 5 || ip_is_fragment(iph) ||
	    ntohs(iph->tot_len) != skb->len || ip_fast_csum(iph, 5))
		return NF_ACCEPT;
	skb_set_transport_header(skb, sizeof(*iph));
	return take(an, skb, &ip4_way, iph->protocol);
}

static unsigned int take_ip6(struct adit_net *an, struct sk_buff *skb)
{
	const struct inet6_dev *idev = __in6_dev_get(skb->dev);
	const struct ipv6hdr *ip6h;

	if (!idev || READ_ONCE(idev->cnf.disable_ipv6) ||
	    !pskb_may_pull(skb, sizeof(*ip6h)))
		return NF_ACCEPT;
	ip6h = ipv6_hdr(skb);
	if (!is_candidate(an, skb, ip6h->nexthdr, sizeof(*ip6h)) ||
	    ip6h->version != 6 ||
	    ntohs(ip6h->payload_len) + sizeof(*ip6h) != skb->len)
		return NF_ACCEPT;
	skb_set_transport_header(skb, sizeof(*ip6h));
	return take(an, skb, &ip6_way, ip6h->nexthdr);
}

static noinline int listens(struct net_device *dev,
			    struct netdev_nested_priv *unused)
{
	const struct packet_type *pt;

	list_for_each_entry_rcu(pt, &dev->ptype_specific, list)
		if (adit_inner_find(pt->type))
			return true;
	return false;
}

/* A packet socket of one protocol comes after the hook, that of a VLAN's or bond's
 * lower device, too: one of a protocol that outer or inner packets have, which those
 * of LLDP or 802.1X are not.
 */
static inline bool is_listened_to(struct net_device *dev)
{
	return (unlikely(!list_empty(&dev->ptype_specific)) &&
		listens(dev, NULL)) ||
	       (unlikely(!list_empty(&dev->adj_list.lower)) &&
		netdev_walk_all_lower_dev_rcu(dev, listens, NULL));
}

/* The device is not where IP has it: it is a bridge's or a bond's port, or the
 * packet has a VLAN; or somebody else has the packet, too, or is to have it, or has
 * its pages: a local sender, that may change them until the core has copied them.
 */
static bool is_on_its_way(struct sk_buff *skb)
{
	return rcu_access_pointer(skb->dev->rx_handler) ||
	       is_listened_to(skb->dev) ||
	       skb_vlan_tag_present(skb) || skb_shared(skb) ||
	       (skb_is_nonlinear(skb) && skb_zcopy(skb)) ||
	       skb_sk_is_prefetched(skb);
}

static unsigned int hook(void *priv, struct sk_buff *skb,
			 const struct nf_hook_state *state)
{
	if (is_on_its_way(skb))
		return NF_ACCEPT;
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return take_ip4(priv, skb);
	case htons(ETH_P_IPV6):
		return take_ip6(priv, skb);
	}
	return NF_ACCEPT;
}

/* --- devices */

/**
 * struct adit_port - a device that tunnels have received by
 * @list: in adit_net.ports
 * @ops: the hook
 * @rcu: freed by RCU
 */
struct adit_port {
	struct list_head list;
	struct nf_hook_ops ops;
	struct rcu_head rcu;
};

static bool has_port(const struct adit_net *an, const struct net_device *dev)
{
	const struct adit_port *port;

	list_for_each_entry_rcu(port, &an->ports, list,
				lockdep_rtnl_is_held())
		if (port->ops.dev == dev)
			return true;
	return false;
}

/* What comes out of tunnels goes the long way, and within this host anyway. */
static bool can_have_port(const struct net_device *dev)
{
	return !(dev->flags & IFF_LOOPBACK) &&
	       dev->rtnl_link_ops != &adit_link_ops &&
	       !netif_is_l3_slave(dev) && !netif_is_l3_master(dev);
}

/**
 * adit_ingress_add - tunnels will receive by a device
 * @an: netns of the underlay
 * @ifindex: the device's, or 0
 *
 * Where that fails all packets go the long way, which is no failure.
 * Context: RTNL; sleeps.
 */
void adit_ingress_add(struct adit_net *an, int ifindex)
{
	struct net_device *dev = __dev_get_by_index(an->net, ifindex);
	struct adit_port *port;

	if (!dev || !an->port_users || !can_have_port(dev) || has_port(an, dev))
		return;
	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return;
	port->ops.hook = hook;
	port->ops.priv = an;
	port->ops.dev = dev;
	port->ops.pf = NFPROTO_NETDEV;
	port->ops.hooknum = NF_NETDEV_INGRESS;
	port->ops.priority = INT_MAX;
	if (nf_register_net_hook(an->net, &port->ops)) {
		kfree(port);
		return;
	}
	list_add_rcu(&port->list, &an->ports);
	an->had_ports = true;
}

static void del_ports(struct adit_net *an, const struct net_device *dev)
{
	struct adit_port *port, *next;

	list_for_each_entry_safe(port, next, &an->ports, list) {
		if (dev && port->ops.dev != dev)
			continue;
		list_del_rcu(&port->list);
		nf_unregister_net_hook(an->net, &port->ops);
		kfree_rcu(port, rcu);
	}
}

static void port_work(struct work_struct *work)
{
	struct adit_net *an = container_of(work, struct adit_net, port_work);

	rtnl_lock();
	adit_ingress_add(an, READ_ONCE(an->port_wanted));
	rtnl_unlock();
}

/**
 * adit_ingress_wanted - a tunnel has received a packet the long way
 * @config: its
 * @skb: the packet, with its device
 *
 * Context: softirq, RCU. Return: whether others like it can be caught early.
 */
bool adit_ingress_wanted(const struct adit_config *config,
			 const struct sk_buff *skb)
{
	struct adit_net *an = adit_net(config->tunnel->net);
	const struct net_device *dev = skb->dev;

	if (!can_have_port(dev))
		return false;
	if (!has_port(an, dev) && !READ_ONCE(an->closing)) {
		WRITE_ONCE(an->port_wanted, dev->ifindex);
		schedule_work(&an->port_work);
	}
	return true;
}

/**
 * adit_ingress_hold - a netns has one more tunnel
 * @an: netns of the underlay
 *
 * Context: RTNL.
 */
void adit_ingress_hold(struct adit_net *an)
{
	an->port_users++;
}

/**
 * adit_ingress_put - undo adit_ingress_hold()
 * @an: netns of the underlay
 */
void adit_ingress_put(struct adit_net *an)
{
	if (!--an->port_users)
		del_ports(an, NULL);
}

/**
 * adit_ingress_gone - a device goes
 * @dev: it
 *
 * Context: RTNL.
 */
void adit_ingress_gone(const struct net_device *dev)
{
	struct adit_net *an = adit_net(dev_net(dev));

	/* NULL in a netns that is still being set up */
	if (an)
		del_ports(an, dev);
}

void adit_ingress_init(struct adit_net *an)
{
	INIT_LIST_HEAD(&an->ports);
	INIT_WORK(&an->port_work, port_work);
}

static unsigned int accept(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

/* When a hook goes, what is queued in its netns is dropped. A packet that was in
 * one of ours at that moment may have been queued after it, and would come back to
 * a module that is gone: so once more.
 */
static void drop_queued(struct net *net)
{
	static const struct nf_hook_ops ops = {
		.hook = accept,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
	};

	if (!nf_register_net_hook(net, &ops))
		nf_unregister_net_hook(net, &ops);
}

static bool drop_all_queued(struct list_head *nets)
{
	bool found = false;
	struct net *net;

	list_for_each_entry(net, nets, exit_list)
		if (adit_net(net)->had_ports) {
			drop_queued(net);
			found = true;
		}
	return found;
}

/**
 * adit_ingress_exit - the last of it
 * @nets: by their exit_list; closing is set by now, and an RCU period has passed since
 *	there were ports
 *
 * A verdict takes a packet off its queue first, and brings it here, or to another
 * queue, under RCU; so what is queued is dropped once more after that, and what is of
 * the netns stays until after that. Context: without RTNL, which the work takes.
 */
void adit_ingress_exit(struct list_head *nets)
{
	struct net *net;
	unsigned int i;

	list_for_each_entry(net, nets, exit_list)
		cancel_work_sync(&adit_net(net)->port_work);
	for (i = 0; i < 2 && drop_all_queued(nets); i++)
		synchronize_net();
}
#else
bool adit_ingress_wanted(const struct adit_config *config,
			 const struct sk_buff *skb)
{
	return false;
}

void adit_ingress_add(struct adit_net *an, int ifindex)
{
}

void adit_ingress_hold(struct adit_net *an)
{
}

void adit_ingress_put(struct adit_net *an)
{
}

void adit_ingress_gone(const struct net_device *dev)
{
}

void adit_ingress_init(struct adit_net *an)
{
}

void adit_ingress_exit(struct list_head *nets)
{
}
#endif
