// SPDX-License-Identifier: GPL-2.0-only
/*
 * squatter: a module that is where adit wants to be, so that adit cannot load.
 *
 * Owns: one of the places that loading takes; `place=` says which. Does not own:
 * what is to come of that (occupied.sh).
 */

#include <linux/module.h>
#include <net/ip6_tunnel.h>
#include <net/ip_tunnels.h>
#include <net/rtnetlink.h>
#include <net/xfrm.h>

static char *place;
module_param(place, charp, 0);
MODULE_PARM_DESC(place, "which");

/* What adit has: demux.c, udp.c */
#define PRIORITY	(-1)
#define SLOT		TUNNEL_ENCAP_NONE

static int receive(struct sk_buff *skb)
{
	return -ENOENT;
}

static struct xfrm_tunnel in_ip4 = {
	.handler = receive,
	.priority = PRIORITY,
};

static struct xfrm6_tunnel in_ip6 = {
	.handler = receive,
	.priority = PRIORITY,
};

static const struct ip_tunnel_encap_ops slot_ip4 = { };
static const struct ip6_tnl_encap_ops slot_ip6 = { };

static void setup(struct net_device *dev)
{
}

static struct rtnl_link_ops kind = {
	.kind = "adit",
	.setup = setup,
};

static int take_ip4(void)
{
	return xfrm4_tunnel_register(&in_ip4, AF_INET);
}

static void leave_ip4(void)
{
	xfrm4_tunnel_deregister(&in_ip4, AF_INET);
}

static int take_ip6(void)
{
	return xfrm6_tunnel_register(&in_ip6, AF_INET);
}

static void leave_ip6(void)
{
	xfrm6_tunnel_deregister(&in_ip6, AF_INET);
}

static int take_mpls(void)
{
	return xfrm4_tunnel_register(&in_ip4, AF_MPLS);
}

static void leave_mpls(void)
{
	xfrm4_tunnel_deregister(&in_ip4, AF_MPLS);
}

static int take_slot_ip4(void)
{
	rcu_assign_pointer(iptun_encaps[SLOT], &slot_ip4);
	return 0;
}

static void leave_slot_ip4(void)
{
	RCU_INIT_POINTER(iptun_encaps[SLOT], NULL);
	synchronize_net();
}

static int take_slot_ip6(void)
{
	rcu_assign_pointer(ip6tun_encaps[SLOT], &slot_ip6);
	return 0;
}

static void leave_slot_ip6(void)
{
	RCU_INIT_POINTER(ip6tun_encaps[SLOT], NULL);
	synchronize_net();
}

static int take_kind(void)
{
	return rtnl_link_register(&kind);
}

static void leave_kind(void)
{
	rtnl_link_unregister(&kind);
}

static const struct {
	const char *name;
	int (*take)(void);
	void (*leave)(void);
} places[] = {
	{ "ip4", take_ip4, leave_ip4 },
	{ "ip6", take_ip6, leave_ip6 },
	{ "mpls", take_mpls, leave_mpls },
	{ "slot_ip4", take_slot_ip4, leave_slot_ip4 },
	{ "slot_ip6", take_slot_ip6, leave_slot_ip6 },
	{ "kind", take_kind, leave_kind },
};

static unsigned int taken;

static int __init squatter_init(void)
{
	for (taken = 0; place && taken < ARRAY_SIZE(places); taken++)
		if (!strcmp(places[taken].name, place))
			return places[taken].take();
	return -EINVAL;
}

static void __exit squatter_exit(void)
{
	places[taken].leave();
}

module_init(squatter_init);
module_exit(squatter_exit);

MODULE_DESCRIPTION("is where adit wants to be");
MODULE_LICENSE("GPL");
