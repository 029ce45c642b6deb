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
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <net/dsfield.h>
#include <net/flow.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "adit.h"

/* What an address is not allowed to be, whichever end's it is */
static const char *ip4_unfit(__be32 addr)
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

static int ip4_check(struct net *net, const struct adit_key *key,
		     struct nlattr *data[], struct netlink_ext_ack *extack)
{
	const char *unfit = ip4_unfit(key->remote.v4);
	struct net_device *link;
	unsigned int type;

	if (unfit) {
		NL_SET_BAD_ATTR(extack, data[IFLA_ADIT_REMOTE]);
		NL_SET_ERR_MSG_FMT_MOD(extack, "remote is %s", unfit);
		return -EINVAL;
	}

	link = key->link ? __dev_get_by_index(net, key->link) : NULL;
	type = inet_addr_type_dev_table(net, link, key->remote.v4);
	if (type == RTN_LOCAL)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_REMOTE],
				   "remote is an address of this host");
	if (type == RTN_BROADCAST)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_REMOTE],
				   "remote is a broadcast address");

	if (!key->local.v4)
		return 0;

	unfit = ip4_unfit(key->local.v4);
	if (unfit) {
		NL_SET_BAD_ATTR(extack, data[IFLA_ADIT_LOCAL]);
		NL_SET_ERR_MSG_FMT_MOD(extack, "local is %s", unfit);
		return -EINVAL;
	}
	if (key->local.v4 == key->remote.v4)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_LOCAL],
				   "local and remote are the same");
	if (inet_addr_type_dev_table(net, link, key->local.v4) == RTN_BROADCAST)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_LOCAL],
				   "local is a broadcast address");
	return 0;
}

static struct dst_entry *ip4_lookup(struct net *net, struct adit_flow *flow)
{
	const struct adit_config *config = flow->config;
	struct flowi4 fl4 = {
		.daddr = config->key.remote.v4,
		.saddr = config->key.local.v4,
		.flowi4_oif = config->key.link,
		.flowi4_mark = config->fwmark,
		.flowi4_proto = flow->inner->ipproto,
	};
	struct rtable *rt;

	adit_flowi4_set_dsfield(&fl4, flow->tos);
	rt = ip_route_output_key(net, &fl4);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	flow->local.v4 = fl4.saddr;
	return &rt->dst;
}

/* A route looked up for one packet's TOS does not serve the next one. One that
 * had to be looked up afresh may have another MTU than the last.
 */
static struct dst_entry *ip4_route(struct net *net, struct adit_flow *flow)
{
	struct adit_config *config = flow->config;
	struct dst_cache *cache;
	struct dst_entry *dst;
	struct rtable *rt;

	if (config->tos == ADIT_TOS_INHERIT)
		return ip4_lookup(net, flow);

	cache = &config->dst_cache[flow->inner->index];
	rt = dst_cache_get_ip4(cache, &flow->local.v4);
	if (rt)
		return &rt->dst;

	dst = ip4_lookup(net, flow);
	if (!IS_ERR(dst)) {
		dst_cache_set_ip4(cache, dst, flow->local.v4);
		adit_mtu_recheck(config, dst);
	}
	return dst;
}

static bool ip4_leads_back(const struct dst_entry *dst)
{
	const struct rtable *rt = container_of(dst, struct rtable, dst);

	return rt->rt_flags & (RTCF_LOCAL | RTCF_BROADCAST | RTCF_MULTICAST);
}

/* A datagram that is never fragmented needs no ID (RFC 6864, 4.1). A path that
 * is said to carry less than the host believes in (min_pmtu) is not held to DF.
 */
static void ip4_build(struct net *net, struct sk_buff *skb,
		      const struct adit_flow *flow)
{
	unsigned int segs = skb_shinfo(skb)->gso_segs ?: 1;
	bool df = flow->df && !ip_mtu_locked(flow->dst);
	struct iphdr *iph;

	skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);

	iph = ip_hdr(skb);
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = flow->tos;
	iph->frag_off = df ? htons(IP_DF) : 0;
	iph->ttl = flow->ttl;
	iph->protocol = flow->inner->ipproto;
	iph->saddr = flow->local.v4;
	iph->daddr = flow->config->key.remote.v4;
	iph->id = 0;
	if (!df)
		__ip_select_ident(net, iph, segs);
}

static int ip4_send(struct net *net, struct sk_buff *skb)
{
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	return ip_local_out(net, NULL, skb);
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
static enum adit_err ip4_err(const struct sk_buff *skb)
{
	const struct icmphdr *icmph = icmp_hdr(skb);

	switch (icmph->type) {
	case ICMP_REDIRECT:
		return ADIT_ERR_REDIRECT;
	case ICMP_TIME_EXCEEDED:
		return icmph->code == ICMP_EXC_TTL ? ADIT_ERR_UNREACHABLE :
						     ADIT_ERR_IGNORE;
	case ICMP_DEST_UNREACH:
		if (icmph->code == ICMP_FRAG_NEEDED)
			return ADIT_ERR_TOO_BIG;
		return icmph->code == ICMP_SR_FAILED ? ADIT_ERR_IGNORE :
						       ADIT_ERR_UNREACHABLE;
	}
	return ADIT_ERR_IGNORE;
}

/* What follows the header of a later fragment is not an inner header. */
static unsigned int ip4_quoted_hlen(const struct sk_buff *skb)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	return iph->frag_off & htons(IP_OFFSET) ? 0 : iph->ihl * 4;
}

static void ip4_redirect(struct sk_buff *skb, const struct adit_config *config,
			 const struct adit_inner *inner)
{
	ipv4_redirect(skb, config->tunnel->net, config->key.link,
		      inner->ipproto);
}

const struct adit_outer_ops adit_outer_ip4 = {
	.family = AF_INET,
	.ethertype = cpu_to_be16(ETH_P_IP),
	.addr_len = sizeof(struct in_addr),
	.hlen = sizeof(struct iphdr),
	.check = ip4_check,
	.route = ip4_route,
	.leads_back = ip4_leads_back,
	.build = ip4_build,
	.send = ip4_send,
	.policy_ok = ip4_policy_ok,
	.dsfield = ip4_dsfield,
	.err = ip4_err,
	.quoted_hlen = ip4_quoted_hlen,
	.redirect = ip4_redirect,
};

static const struct adit_outer_ops *const adit_outers[] = {
	&adit_outer_ip4,
};

/**
 * adit_outer_find - the underlay that has addresses of a length
 * @addr_len: bytes of an address attribute
 *
 * Return: its row, or NULL where there is none.
 */
const struct adit_outer_ops *adit_outer_find(unsigned int addr_len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(adit_outers); i++)
		if (adit_outers[i]->addr_len == addr_len)
			return adit_outers[i];
	return NULL;
}
