// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the underlay's IP versions.
 *
 * Owns: the rows of that table: which addresses can be a tunnel's ends, the
 * outer route, the outer header, handing it over, and what its ICMP errors are
 * about.
 * Does not own: which route's MTU the device takes (mtu.c), what is done about
 * an ICMP error (icmp.c).
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip6_tunnel.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <net/addrconf.h>
#include <net/dsfield.h>
#include <net/flow.h>
#include <net/gre.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/xfrm.h>

#include "adit.h"

static int refuse_addr(struct netlink_ext_ack *extack,
		       const struct nlattr *attr, const char *which,
		       const char *unfit)
{
	NL_SET_BAD_ATTR(extack, attr);
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s is %s", which, unfit);
	return -EINVAL;
}

static struct net_device *bound_to(struct net *net,
				   const struct adit_config *config)
{
	return config->link ? __dev_get_by_index(net, config->link) : NULL;
}

/* --- routes */

/**
 * adit_routes_alloc - room for the routes of a tunnel
 *
 * Context: sleeps. Return: it, without any, or NULL.
 */
struct adit_routes __percpu *adit_routes_alloc(void)
{
	return alloc_percpu(struct adit_routes);
}

/**
 * adit_routes_free - let go of them
 * @routes: nobody's any more; NULL is fine
 */
void adit_routes_free(struct adit_routes __percpu *routes)
{
	unsigned int i;
	int cpu;

	if (!routes)
		return;
	for_each_possible_cpu(cpu)
		for (i = 0; i < ADIT_INNER_MAX; i++)
			dst_release(per_cpu_ptr(routes, cpu)->by_inner[i].dst);
	for_each_possible_cpu(cpu)
		dst_release(per_cpu_ptr(routes, cpu)->arrival.dst);
	free_percpu(routes);
}

/* A GRE key that the route is to be asked for with: it stands where ports do. */
static bool has_key(const struct adit_flow *flow)
{
	return flow->ipproto == IPPROTO_GRE && flow->gre_flags & GRE_KEY;
}

/* There is IPsec policy and no SA yet: the kernel gives a route into nothing, as if
 * by the loopback device.
 */
static bool is_discard(const struct dst_entry *dst)
{
	return dst->output == dst_discard_out;
}

/* A route that had to be looked up afresh may have another MTU than the last. One
 * that holds packets back until there is an SA is not to outlive that.
 */
static int find_route(struct net *net, struct adit_flow *flow,
		      struct dst_entry *(*lookup)(struct net *net,
						  struct adit_flow *flow))
{
	struct adit_route *route;
	struct dst_entry *dst;

	if (adit_flow_keep_route(flow))
		return 0;
	dst = lookup(net, flow);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	if (unlikely(is_discard(dst))) {
		dst_release(dst);
		return -EAGAIN;
	}
	if (unlikely(dst->dev == flow->config->tunnel->dev ||
		     flow->outer->leads_back(dst))) {
		dst_release(dst);
		return -ELOOP;
	}
	flow->dst = dst;
	if (dst->flags & DST_XFRM_QUEUE)
		flow->noref = false;
	if (flow->noref) {
		route = adit_flow_route(flow);
		dst_release(route->dst);
		route->dst = dst;
		route->cookie = flow->outer->cookie(dst);
		route->local = flow->local;
		adit_mtu_recheck(flow->config, dst);
	}
	return 0;
}

/* --- IPv4 */

/**
 * adit_ip4_unfit - what an address is that cannot be an end's, whichever it is
 * @addr: the address
 *
 * Return: a text, or NULL where nothing speaks against it (RFC 3056, 9).
 */
const char *adit_ip4_unfit(__be32 addr)
{
	if (ipv4_is_multicast(addr))
		return "a multicast address";
	if (ipv4_is_lbcast(addr))
		return "the broadcast address";
	if (ipv4_is_loopback(addr))
		return "a loopback address";
	if (!(addr & htonl(IN_CLASSA_NET)))
		return "in 0.0.0.0/8";
	return NULL;
}

static const char *ip4_unfit_remote(struct net *net,
				    const struct net_device *link, __be32 addr)
{
	const char *unfit = adit_ip4_unfit(addr);
	unsigned int type;

	if (unfit)
		return unfit;
	type = inet_addr_type_dev_table(net, link, addr);
	if (type == RTN_LOCAL)
		return "an address of this host";
	return type == RTN_BROADCAST ? "a broadcast address" : NULL;
}

static const char *ip4_unfit_local(struct net *net,
				   const struct net_device *link, __be32 addr)
{
	const char *unfit = adit_ip4_unfit(addr);

	if (unfit)
		return unfit;
	return inet_addr_type_dev_table(net, link, addr) == RTN_BROADCAST ?
	       "a broadcast address" : NULL;
}

static int ip4_check(struct net *net, const struct adit_config *config,
		     struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct net_device *link = bound_to(net, config);
	__be32 remote = config->remote.v4, local = config->local.v4;
	const char *unfit;

	unfit = remote ? ip4_unfit_remote(net, link, remote) : NULL;
	if (unfit)
		return refuse_addr(extack, data[IFLA_ADIT_REMOTE], "remote",
				   unfit);
	if (local && local == remote)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_LOCAL],
				   "local and remote are the same");
	unfit = local ? ip4_unfit_local(net, link, local) : NULL;
	if (unfit)
		return refuse_addr(extack, data[IFLA_ADIT_LOCAL], "local",
				   unfit);
	return 0;
}

static struct dst_entry *ip4_lookup(struct net *net, struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	struct flowi4 fl4 = {
		.daddr = flow->remote.v4,
		.saddr = flow->local.v4,
		.flowi4_oif = config->link,
		.flowi4_mark = config->fwmark,
		.flowi4_proto = flow->ipproto,
		.fl4_sport = flow->sport,
		.fl4_dport = flow->dport,
		.flowi4_flags = flow->lookup,
		.flowi4_multipath_hash = flow->hash,
	};
	struct rtable *rt;

	if (has_key(flow))
		fl4.fl4_gre_key = flow->okey;
	adit_flowi4_set_dsfield(&fl4, flow->tos);
	rt = ip_route_output_key(net, &fl4);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	flow->local.v4 = fl4.saddr;
	return &rt->dst;
}

static int ip4_route(struct net *net, struct adit_flow *flow)
{
	return find_route(net, flow, ip4_lookup);
}

static u32 ip4_cookie(const struct dst_entry *dst)
{
	return 0;
}

static struct dst_entry *ip4_towards(struct net *net,
				     const struct adit_key *key, int oif)
{
	struct flowi4 fl4 = {
		.daddr = key->remote.v4,
		.saddr = key->local.v4,
		.flowi4_oif = oif,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct rtable *rt = ip_route_output_key(net, &fl4);

	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

static unsigned int ip4_route_mtu(const struct dst_entry *dst)
{
	return dst_metric_raw(dst, RTAX_MTU) ?: READ_ONCE(dst->dev->mtu);
}

static bool ip4_leads_back(const struct dst_entry *dst)
{
	const struct rtable *rt = container_of(dst, struct rtable, dst);

	return rt->rt_flags & (RTCF_LOCAL | RTCF_BROADCAST | RTCF_MULTICAST);
}

static void ip4_udp_csum(struct sk_buff *skb, const struct adit_flow *flow)
{
	udp_set_csum(!flow->csum, skb, flow->local.v4, flow->remote.v4,
		     skb->len);
}

static noinline void set_id(struct net *net, struct sk_buff *skb)
{
	__ip_select_ident(net, ip_hdr(skb), skb_shinfo(skb)->gso_segs ?: 1);
}

/* A datagram that is never fragmented needs no ID (RFC 6864, 4.1). A path that
 * is said to carry less than the host believes in (min_pmtu) is not held to DF.
 */
static void ip4_build(struct net *net, struct sk_buff *skb,
		      const struct adit_flow *flow)
{
	bool df = flow->df && !ip_mtu_locked(flow->dst);
	struct iphdr *iph;

	__skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);

	iph = ip_hdr(skb);
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = flow->tos;
	iph->frag_off = df ? htons(IP_DF) : 0;
	iph->ttl = flow->ttl;
	iph->protocol = flow->ipproto;
	iph->saddr = flow->local.v4;
	iph->daddr = flow->remote.v4;
	iph->id = 0;
	if (unlikely(!df))
		set_id(net, skb);
}

static int ip4_send(struct net *net, struct sk_buff *skb)
{
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	return ip_local_out(net, NULL, skb);
}

static void ip4_quoted_ends(const struct sk_buff *skb, struct adit_key *key)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	key->remote.v4 = iph->daddr;
	key->local.v4 = iph->saddr;
}

static bool ip4_to_group(const struct sk_buff *skb)
{
	return skb->pkt_type != PACKET_HOST ||
	       skb_rtable(skb)->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST);
}

static int ip4_sdif(struct sk_buff *skb)
{
	return inet_sdif(skb);
}

static bool ip4_policy_ok(struct sk_buff *skb)
{
	return xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb);
}

static u8 ip4_dsfield(const struct sk_buff *skb)
{
	return ipv4_get_dsfield(ip_hdr(skb));
}

/* A fragment that was lost, or a source route that failed, says nothing about
 * the way to the remote.
 */
static enum adit_err ip4_err(u8 type, u8 code)
{
	switch (type) {
	case ICMP_REDIRECT:
		return ADIT_ERR_REDIRECT;
	case ICMP_TIME_EXCEEDED:
		return code == ICMP_EXC_TTL ? ADIT_ERR_EXPIRED : ADIT_ERR_IGNORE;
	case ICMP_DEST_UNREACH:
		if (code == ICMP_FRAG_NEEDED)
			return ADIT_ERR_TOO_BIG;
		return code == ICMP_SR_FAILED ? ADIT_ERR_IGNORE :
						ADIT_ERR_UNREACHABLE;
	}
	return ADIT_ERR_IGNORE;
}

static void ip4_redirect(struct sk_buff *skb, const struct adit_config *config)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	ipv4_redirect(skb, config->tunnel->net, config->link, iph->protocol);
}

const struct adit_outer_ops adit_outer_ip4 = {
	.family = AF_INET,
	.ethertype = cpu_to_be16(ETH_P_IP),
	.addr_len = sizeof(struct in_addr),
	.hlen = sizeof(struct iphdr),
	.gso_ipxip = SKB_GSO_IPXIP4,
	.check = ip4_check,
	.route = ip4_route,
	.cookie = ip4_cookie,
	.towards = ip4_towards,
	.route_mtu = ip4_route_mtu,
	.leads_back = ip4_leads_back,
	.udp_csum = ip4_udp_csum,
	.build = ip4_build,
	.send = ip4_send,
	.send_fast = adit_fast_ip4,
	.ends = adit_ip4_ends,
	.quoted_ends = ip4_quoted_ends,
	.to_group = ip4_to_group,
	.sdif = ip4_sdif,
	.policy_ok = ip4_policy_ok,
	.dsfield = ip4_dsfield,
	.err = ip4_err,
	.redirect = ip4_redirect,
};

/* --- IPv6 */

/**
 * adit_ip6_unfit - adit_ip4_unfit() of an IPv6 address
 * @addr: the address
 */
const char *adit_ip6_unfit(const struct in6_addr *addr)
{
	if (ipv6_addr_is_multicast(addr))
		return "a multicast address";
	if (ipv6_addr_loopback(addr))
		return "the loopback address";
	if (ipv6_addr_v4mapped(addr))
		return "an IPv4 address as IPv6 maps it";
	return NULL;
}

static bool ip6_is_own(struct net *net, const struct net_device *link,
		       const struct in6_addr *addr)
{
	bool any_dev = !(ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL);

	return ipv6_chk_addr_and_flags(net, addr, link, any_dev, 0,
				       IFA_F_TENTATIVE);
}

static int ip6_check(struct net *net, const struct adit_config *config,
		     struct nlattr *data[], struct netlink_ext_ack *extack)
{
	const struct in6_addr *remote = &config->remote.v6;
	const struct in6_addr *local = &config->local.v6;
	struct net_device *link = bound_to(net, config);
	const char *unfit = adit_ip6_unfit(remote);

	if (!ipv6_mod_enabled()) {
		NL_SET_ERR_MSG_MOD(extack, "IPv6 is off on this host");
		return -EAFNOSUPPORT;
	}
	if (!unfit && !ipv6_addr_any(remote) && ip6_is_own(net, link, remote))
		unfit = "an address of this host";
	if (unfit)
		return refuse_addr(extack, data[IFLA_ADIT_REMOTE], "remote",
				   unfit);
	unfit = adit_ip6_unfit(local);
	if (unfit)
		return refuse_addr(extack, data[IFLA_ADIT_LOCAL], "local",
				   unfit);
	if (!ipv6_addr_any(local) && ipv6_addr_equal(local, remote))
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_LOCAL],
				   "local and remote are the same");
	if (!link && ipv6_addr_type(remote) & IPV6_ADDR_LINKLOCAL)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_REMOTE] ?:
				   data[IFLA_ADIT_DEV],
				   "a link-local address needs dev");
	if (!link && ipv6_addr_type(local) & IPV6_ADDR_LINKLOCAL)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_LOCAL] ?:
				   data[IFLA_ADIT_DEV],
				   "a link-local address needs dev");
	return 0;
}

/* Unlike IPv4's, IPv6's look-up takes any source. Addresses of a VRF are those of its
 * ports, by which the packet leaves.
 */
static bool ip6_may_send(struct net *net, const struct adit_flow *flow,
			 const struct dst_entry *dst)
{
	const struct in6_addr *local = &flow->config->local.v6;
	bool may;

	if (ipv6_addr_any(local) || !ipv6_addr_equal(&flow->local.v6, local))
		return true;
	rcu_read_lock();
	may = ip6_is_own(net, dst->dev, local) ||
	      ip6_is_own(net, dev_get_by_index_rcu(net, flow->config->link),
			 local);
	rcu_read_unlock();
	return may;
}

/* With a source, IPv6 takes the device for a wish, unless it is told otherwise: then
 * it passes over routes that refuse. So the best route of all is looked at first.
 */
static struct dst_entry *ip6_lookup_bound(struct net *net, struct flowi6 *fl6)
{
	const struct flowi6 bound = *fl6;
	struct dst_entry *dst;
	int err;

	if (ipv6_addr_any(&fl6->saddr))
		return ip6_dst_lookup_flow(net, NULL, fl6, NULL);
	dst = ip6_route_output(net, NULL, fl6);
	if (!dst->error && dst->dev->ifindex != bound.flowi6_oif) {
		dst_release(dst);
		*fl6 = bound;
		dst = ip6_route_output_flags(net, NULL, fl6,
					     RT6_LOOKUP_F_IFACE);
	}
	err = dst->error;
	if (err) {
		dst_release(dst);
		return ERR_PTR(err);
	}
	return xfrm_lookup_route(net, dst, flowi6_to_flowi(fl6), NULL, 0);
}

static struct dst_entry *ip6_lookup(struct net *net, struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	struct flowi6 fl6 = {
		.daddr = flow->remote.v6,
		.saddr = flow->local.v6,
		.flowi6_oif = config->link,
		.flowi6_mark = config->fwmark,
		.flowi6_proto = flow->ipproto,
		.fl6_sport = flow->sport,
		.fl6_dport = flow->dport,
		.flowlabel = ip6_make_flowinfo(flow->tos & ~INET_ECN_MASK,
					       flow->label),
		.mp_hash = flow->hash >> 1,	/* of 31 bits */
	};
	struct dst_entry *dst;

	if (unlikely(!ipv6_mod_enabled()))
		return ERR_PTR(-EAFNOSUPPORT);
	if (has_key(flow))
		fl6.fl6_gre_key = flow->okey;
	if (config->link)
		dst = ip6_lookup_bound(net, &fl6);
	else
		dst = ip6_dst_lookup_flow(net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return dst;
	if (unlikely(!ip6_may_send(net, flow, dst))) {
		dst_release(dst);
		return ERR_PTR(-ENETUNREACH);
	}
	flow->local.v6 = fl6.saddr;
	return dst;
}

static int ip6_route(struct net *net, struct adit_flow *flow)
{
	return find_route(net, flow, ip6_lookup);
}

static u32 ip6_cookie(const struct dst_entry *dst)
{
	return rt6_get_cookie(container_of(dst, struct rt6_info, dst));
}

static struct dst_entry *ip6_towards(struct net *net,
				     const struct adit_key *key, int oif)
{
	struct flowi6 fl6 = {
		.daddr = key->remote.v6,
		.saddr = key->local.v6,
		.flowi6_oif = oif,
	};
	struct dst_entry *dst;
	int err;

	if (!ipv6_mod_enabled())
		return ERR_PTR(-EAFNOSUPPORT);
	dst = ip6_route_output(net, NULL, &fl6);
	err = dst->error;
	if (!err)
		return dst;
	dst_release(dst);
	return ERR_PTR(err);
}

/* What a router has said of the path is a copy of the route with that as its
 * metric; the route itself is behind it.
 */
static unsigned int ip6_route_mtu(const struct dst_entry *dst)
{
	const struct rt6_info *rt = container_of(dst, struct rt6_info, dst);
	unsigned int mtu = dst_metric_raw(dst, RTAX_MTU);
	const struct inet6_dev *idev;
	const struct fib6_info *from;

	if (rt->rt6i_flags & RTF_MODIFIED) {
		from = rcu_dereference(rt->from);
		mtu = from ? from->fib6_pmtu : 0;
	}
	if (mtu)
		return mtu;
	idev = __in6_dev_get(dst->dev);
	return idev ? READ_ONCE(idev->cnf.mtu6) : READ_ONCE(dst->dev->mtu);
}

static bool ip6_leads_back(const struct dst_entry *dst)
{
	const struct rt6_info *rt = container_of(dst, struct rt6_info, dst);

	return rt->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST);
}

static void ip6_udp_csum(struct sk_buff *skb, const struct adit_flow *flow)
{
	udp6_set_csum(!flow->csum, skb, &flow->local.v6, &flow->remote.v6,
		      skb->len);
}

/* A destination options header with the encapsulation limit, and padding */
struct ip6_limit {
	u8 nexthdr;
	u8 hdrlen;
	u8 type;
	u8 len;
	u8 limit;
	u8 pad[3];
};

/**
 * adit_limit_hlen - bytes of the encapsulation limit that an outer packet has
 * @flow: its underlay is known, and that the packet has one
 */
unsigned int adit_limit_hlen(const struct adit_flow *flow)
{
	return flow->outer == &adit_outer_ip6 ? sizeof(struct ip6_limit) : 0;
}

static noinline void ip6_push_limit(struct sk_buff *skb, const struct adit_flow *flow)
{
	const struct ip6_limit limit = {
		.nexthdr = flow->ipproto,
		.type = IPV6_TLV_TNL_ENCAP_LIMIT,
		.len = 1,
		.limit = flow->limit - 1,
		.pad = { IPV6_TLV_PADN, 1 },
	};

	memcpy(__skb_push(skb, sizeof(limit)), &limit, sizeof(limit));
}

/* There is no DF bit: it is this host or nobody that makes fragments. A packet
 * that says how often it may be encapsulated is handed on with that.
 */
static void ip6_build(struct net *net, struct sk_buff *skb,
		      const struct adit_flow *flow)
{
	bool limited = flow->limit > 0;
	struct ipv6hdr *ip6h;

	if (unlikely(limited))
		ip6_push_limit(skb, flow);
	__skb_push(skb, sizeof(*ip6h));
	skb_reset_network_header(skb);

	ip6h = ipv6_hdr(skb);
	ip6_flow_hdr(ip6h, flow->tos, flow->label);
	ip6h->nexthdr = limited ? NEXTHDR_DEST : flow->ipproto;
	ip6h->hop_limit = flow->ttl;
	ip6h->saddr = flow->local.v6;
	ip6h->daddr = flow->remote.v6;
	skb->ignore_df = !flow->df;
}

static int ip6_send(struct net *net, struct sk_buff *skb)
{
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	return ip6_local_out(net, NULL, skb);
}

static void ip6_quoted_ends(const struct sk_buff *skb, struct adit_key *key)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;

	key->remote.v6 = ip6h->daddr;
	key->local.v6 = ip6h->saddr;
}

static bool ip6_to_group(const struct sk_buff *skb)
{
	return skb->pkt_type != PACKET_HOST ||
	       ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
}

static int ip6_sdif(struct sk_buff *skb)
{
	return inet6_sdif(skb);
}

static bool ip6_policy_ok(struct sk_buff *skb)
{
	return xfrm6_policy_check(NULL, XFRM_POLICY_IN, skb);
}

static u8 ip6_dsfield(const struct sk_buff *skb)
{
	return ipv6_get_dsfield(ipv6_hdr(skb));
}

static enum adit_err ip6_err(u8 type, u8 code)
{
	switch (type) {
	case NDISC_REDIRECT:
		return ADIT_ERR_REDIRECT;
	case ICMPV6_TIME_EXCEED:
		return code == ICMPV6_EXC_HOPLIMIT ? ADIT_ERR_EXPIRED :
						     ADIT_ERR_IGNORE;
	case ICMPV6_PKT_TOOBIG:
		return ADIT_ERR_TOO_BIG;
	case ICMPV6_DEST_UNREACH:
		return ADIT_ERR_UNREACHABLE;
	}
	return ADIT_ERR_IGNORE;
}

static void ip6_take_redirect(struct sk_buff *skb,
			      const struct adit_config *config)
{
	ip6_redirect(skb, config->tunnel->net, skb->dev->ifindex,
		     config->fwmark, sock_net_uid(config->tunnel->net, NULL));
}

const struct adit_outer_ops adit_outer_ip6 = {
	.family = AF_INET6,
	.ethertype = cpu_to_be16(ETH_P_IPV6),
	.addr_len = sizeof(struct in6_addr),
	.hlen = sizeof(struct ipv6hdr),
	.gso_ipxip = SKB_GSO_IPXIP6,
	.check = ip6_check,
	.route = ip6_route,
	.cookie = ip6_cookie,
	.towards = ip6_towards,
	.route_mtu = ip6_route_mtu,
	.leads_back = ip6_leads_back,
	.udp_csum = ip6_udp_csum,
	.build = ip6_build,
	.send = ip6_send,
	.send_fast = adit_fast_ip6,
	.ends = adit_ip6_ends,
	.quoted_ends = ip6_quoted_ends,
	.to_group = ip6_to_group,
	.sdif = ip6_sdif,
	.policy_ok = ip6_policy_ok,
	.dsfield = ip6_dsfield,
	.err = ip6_err,
	.redirect = ip6_take_redirect,
};

static const struct adit_outer_ops *const adit_outers[] = {
	&adit_outer_ip4,
	&adit_outer_ip6,
};

/**
 * adit_outer_of_len - the underlay that has addresses of a length
 * @addr_len: bytes of an address attribute
 *
 * Return: its row, or NULL where there is none.
 */
const struct adit_outer_ops *adit_outer_of_len(unsigned int addr_len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(adit_outers); i++)
		if (adit_outers[i]->addr_len == addr_len)
			return adit_outers[i];
	return NULL;
}

/**
 * adit_outer_of - the underlay of a family
 * @family: AF_INET or AF_INET6
 */
const struct adit_outer_ops *adit_outer_of(u8 family)
{
	return family == AF_INET ? &adit_outer_ip4 : &adit_outer_ip6;
}
