// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: whose packet is this?
 *
 * Owns: the table of configurations in a netns, the life of a configuration,
 * and the protocol handlers that ask the table.
 * Does not own: what happens to the packet then (receive.c, icmp.c).
 */

#include <linux/ip.h>
#include <net/ip.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "adit.h"

static const struct rhashtable_params adit_params = {
	.head_offset = offsetof(struct adit_config, node),
	.key_offset = offsetof(struct adit_config, key),
	.key_len = sizeof(struct adit_key),
	.nelem_hint = 3,	/* a netns without tunnels costs little */
	.automatic_shrinking = true,
};

int adit_demux_init(struct adit_net *an)
{
	return rhashtable_init(&an->configs, &adit_params);
}

void adit_demux_exit(struct adit_net *an)
{
	rhashtable_destroy(&an->configs);
}

/**
 * adit_config_alloc - an empty configuration with its route caches
 * @gfp: how to allocate
 *
 * Return: it, or NULL.
 */
struct adit_config *adit_config_alloc(gfp_t gfp)
{
	struct adit_config *config = kzalloc(sizeof(*config), gfp);
	unsigned int i;

	if (!config)
		return NULL;
	for (i = 0; i < ADIT_INNER_MAX; i++) {
		if (dst_cache_init(&config->dst_cache[i], gfp)) {
			adit_config_free(config);
			return NULL;
		}
	}
	return config;
}

/**
 * adit_config_free - free a configuration that nobody can see any more
 * @config: it; NULL is fine
 */
void adit_config_free(struct adit_config *config)
{
	unsigned int i;

	if (!config)
		return;
	for (i = 0; i < ADIT_INNER_MAX; i++)
		dst_cache_destroy(&config->dst_cache[i]);
	kfree(config);
}

static void config_free_rcu(struct rcu_head *rcu)
{
	adit_config_free(container_of(rcu, struct adit_config, rcu));
}

static unsigned int key_shape(const struct adit_key *key)
{
	static const union adit_addr any;
	unsigned int shape = 0;

	if (memcmp(&key->local, &any, sizeof(any)))
		shape |= ADIT_SHAPE_LOCAL;
	if (key->link)
		shape |= ADIT_SHAPE_LINK;
	return shape;
}

static void count_shape(struct adit_net *an, const struct adit_key *key, int n)
{
	unsigned int *count = &an->shapes[key_shape(key)];

	WRITE_ONCE(*count, *count + n);
}

/**
 * adit_demux_twin - the tunnel that already has a key
 * @an: netns of the underlay
 * @key: the key
 *
 * Context: RTNL. Return: its configuration, or NULL.
 */
struct adit_config *adit_demux_twin(struct adit_net *an,
				    const struct adit_key *key)
{
	return rhashtable_lookup_fast(&an->configs, key, adit_params);
}

/**
 * adit_demux_add - let packets reach a tunnel
 * @an: netns of the underlay
 * @config: the tunnel's, with no twin
 *
 * Context: RTNL. Return: 0 or a negative errno (no memory).
 */
int adit_demux_add(struct adit_net *an, struct adit_config *config)
{
	int err = rhashtable_insert_fast(&an->configs, &config->node,
					 adit_params);

	if (!err)
		count_shape(an, &config->key, 1);
	return err;
}

/**
 * adit_demux_del - undo adit_demux_add(); packets may see it for an RCU period
 * @an: netns of the underlay
 * @config: the tunnel's
 */
void adit_demux_del(struct adit_net *an, struct adit_config *config)
{
	count_shape(an, &config->key, -1);
	rhashtable_remove_fast(&an->configs, &config->node, adit_params);
}

/**
 * adit_demux_replace - swap a tunnel's configuration for a new one
 * @an: netns of the underlay
 * @old: freed by RCU on success
 * @new: in its place for both directions on success
 *
 * At no moment is the tunnel without a configuration in the table.
 * Context: RTNL. Return: 0, or a negative errno and nothing has changed.
 */
int adit_demux_replace(struct adit_net *an, struct adit_config *old,
		       struct adit_config *new)
{
	int err;

	if (!memcmp(&old->key, &new->key, sizeof(old->key))) {
		err = rhashtable_replace_fast(&an->configs, &old->node,
					      &new->node, adit_params);
		if (err)
			return err;
	} else {
		err = adit_demux_add(an, new);
		if (err)
			return err;
		adit_demux_del(an, old);
	}

	rcu_assign_pointer(new->tunnel->config, new);
	call_rcu(&old->rcu, config_free_rcu);
	return 0;
}

/* The order in which shapes are tried, most specific first: a tunnel's own
 * address counts for more than its device.
 */
static const u8 shape_order[ADIT_SHAPES] = {
	ADIT_SHAPE_LOCAL | ADIT_SHAPE_LINK,
	ADIT_SHAPE_LOCAL,
	ADIT_SHAPE_LINK,
	0,
};

static struct adit_config *probe(struct adit_net *an, struct adit_key key,
				 unsigned int shape, int link)
{
	if (!(shape & ADIT_SHAPE_LOCAL))
		memset(&key.local, 0, sizeof(key.local));
	key.link = link;
	return rhashtable_lookup(&an->configs, &key, adit_params);
}

/* A packet that came in through a VRF belongs to tunnels bound to that VRF or
 * to its port, and to no unbound one: addresses mean something else there.
 */
static struct adit_config *demux(struct adit_net *an,
				 const struct adit_key *key,
				 const struct net_device *dev, int sdif)
{
	struct adit_config *config = NULL;
	unsigned int i, shape;

	for (i = 0; !config && i < ADIT_SHAPES; i++) {
		shape = shape_order[i];
		if (!READ_ONCE(an->shapes[shape]))
			continue;
		if (!(shape & ADIT_SHAPE_LINK)) {
			if (!sdif && !netif_is_l3_master(dev))
				config = probe(an, *key, shape, 0);
			continue;
		}
		if (sdif)
			config = probe(an, *key, shape, sdif);
		if (!config)
			config = probe(an, *key, shape, dev->ifindex);
	}
	return config;
}

/* Without an initialiser: not every compiler zeroes all of a union by one. */
static void key_ip4(struct adit_key *key, __be32 remote, __be32 local)
{
	memset(key, 0, sizeof(*key));
	key->remote.v4 = remote;
	key->local.v4 = local;
	key->family = AF_INET;
}

/* What was sent to a group, by either layer, is not from a tunnel. */
static int rcv_ip4(struct sk_buff *skb, const struct adit_inner *inner)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct adit_config *config;
	struct adit_key key;

	if (skb->pkt_type != PACKET_HOST ||
	    skb_rtable(skb)->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST))
		return -ENOENT;

	key_ip4(&key, iph->saddr, iph->daddr);
	config = demux(adit_net(dev_net(skb->dev)), &key, skb->dev,
		       inet_sdif(skb));
	return config ? adit_receive(skb, config, inner) : -ENOENT;
}

/* An error need not come in where its packet went out: this host's own come in
 * on lo, and paths may be asymmetric. Then the device that a packet between
 * these ends would take tells whose it is. A tunnel that is bound to yet
 * another device is not found by that.
 */
static struct adit_config *demux_routed(struct adit_net *an,
					const struct adit_key *key,
					const struct net_device *dev)
{
	struct flowi4 fl4 = {
		.daddr = key->remote.v4,
		.saddr = key->local.v4,
		.flowi4_oif = l3mdev_master_ifindex_rcu(dev),
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct adit_config *config;
	struct rtable *rt;

	rt = ip_route_output_key(an->net, &fl4);
	if (IS_ERR(rt))
		return NULL;
	config = demux(an, key, rt->dst.dev,
		       l3mdev_master_ifindex_rcu(rt->dst.dev));
	ip_rt_put(rt);
	return config;
}

/* The quoted packet is ours, so its source is the local end. */
static int err_ip4(struct sk_buff *skb, u32 info,
		   const struct adit_inner *inner)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct adit_net *an = adit_net(dev_net(skb->dev));
	struct adit_config *config;
	struct adit_key key;

	key_ip4(&key, iph->daddr, iph->saddr);
	config = demux(an, &key, skb->dev, inet_sdif(skb));
	if (!config)
		config = demux_routed(an, &key, skb->dev);
	return config ? adit_icmp_err(skb, info, config, inner) : -ENOENT;
}

static int rcv_ip4_in_ip4(struct sk_buff *skb)
{
	return rcv_ip4(skb, &adit_inners[ADIT_INNER_IP4]);
}

static int rcv_ip6_in_ip4(struct sk_buff *skb)
{
	return rcv_ip4(skb, &adit_inners[ADIT_INNER_IP6]);
}

static int err_ip4_in_ip4(struct sk_buff *skb, u32 info)
{
	return err_ip4(skb, info, &adit_inners[ADIT_INNER_IP4]);
}

static int err_ip6_in_ip4(struct sk_buff *skb, u32 info)
{
	return err_ip4(skb, info, &adit_inners[ADIT_INNER_IP6]);
}

/* Ahead of vti (0) and of ipip and sit (1): their fallback devices take
 * whatever reaches them, and what is not ours is passed on.
 */
#define ADIT_PRIORITY	(-1)

static struct {
	struct xfrm_tunnel handler;
	unsigned short family;
} handlers[] = {
	{ { .handler = rcv_ip4_in_ip4, .err_handler = err_ip4_in_ip4,
	    .priority = ADIT_PRIORITY }, AF_INET },
	{ { .handler = rcv_ip6_in_ip4, .err_handler = err_ip6_in_ip4,
	    .priority = ADIT_PRIORITY }, AF_INET6 },
};

static void unregister_handlers(unsigned int n)
{
	while (n--)
		xfrm4_tunnel_deregister(&handlers[n].handler,
					handlers[n].family);
}

int adit_demux_register(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(handlers); i++) {
		err = xfrm4_tunnel_register(&handlers[i].handler,
					    handlers[i].family);
		if (err) {
			unregister_handlers(i);
			return err;
		}
	}
	return 0;
}

void adit_demux_unregister(void)
{
	unregister_handlers(ARRAY_SIZE(handlers));
}
