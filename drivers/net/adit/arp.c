// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: ARP and the addresses of a device that delivers to the underlay.
 *
 * Owns: keeping the one from the other. Such an address is one that several
 * servers have at a time: none may answer for it on the link, which Linux
 * does for every address of the host, nor ask in its name, which would teach
 * the neighbours as much.
 * Does not own: IPv6, where an address is known on the link of its own device
 * only.
 */

#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <net/arp.h>

#include "adit.h"

#if IS_ENABLED(CONFIG_NETFILTER_FAMILY_ARP)
/* What the link's own device has too is the link's to know. */
static bool is_hidden(struct net *net, const struct net_device *on, __be32 addr)
{
	const struct net_device *dev = __ip_dev_find(net, addr, false);
	const struct adit_config *config = NULL;
	struct in_device *in_dev;

	if (dev && dev->rtnl_link_ops == &adit_link_ops)
		config = rcu_dereference(((struct adit_tunnel *)
					  netdev_priv(dev))->config);
	if (!config || config->deliver != ADIT_DELIVER_UNDERLAY)
		return false;
	in_dev = __in_dev_get_rcu(on);
	return !in_dev ||
	       !inet_confirm_addr(net, in_dev, 0, addr, RT_SCOPE_HOST);
}

/* The sender's IPv4 address in a request, which the hardware address of the
 * target and then its IPv4 address follow; NULL: it is something else. The
 * stack has pulled all of it.
 */
static u8 *sender(const struct sk_buff *skb, const struct net_device *dev)
{
	struct arphdr *arp = arp_hdr(skb);

	if (arp->ar_op != htons(ARPOP_REQUEST) ||
	    arp->ar_pro != htons(ETH_P_IP) ||
	    arp->ar_pln != sizeof(__be32) || arp->ar_hln != dev->addr_len ||
	    dev->type == ARPHRD_IEEE1394)
		return NULL;
	return (u8 *)(arp + 1) + dev->addr_len;
}

static __be32 target_of(const u8 *sender, const struct net_device *dev)
{
	__be32 addr;

	memcpy(&addr, sender + sizeof(addr) + dev->addr_len, sizeof(addr));
	return addr;
}

static unsigned int arp_in(void *priv, struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	const u8 *from = sender(skb, state->in);

	if (from && is_hidden(state->net, state->in,
			      target_of(from, state->in)))
		return NF_DROP;
	return NF_ACCEPT;
}

static unsigned int arp_out(void *priv, struct sk_buff *skb,
			    const struct nf_hook_state *state)
{
	u8 *from = sender(skb, state->out);
	__be32 addr;

	if (!from)
		return NF_ACCEPT;
	memcpy(&addr, from, sizeof(addr));
	if (!is_hidden(state->net, state->out, addr))
		return NF_ACCEPT;
	addr = inet_select_addr(state->out, target_of(from, state->out),
				RT_SCOPE_LINK);
	if (is_hidden(state->net, state->out, addr))
		return NF_DROP;
	memcpy(from, &addr, sizeof(addr));
	return NF_ACCEPT;
}

static const struct nf_hook_ops hooks[] = {
	{
		.hook = arp_in,
		.pf = NFPROTO_ARP,
		.hooknum = NF_ARP_IN,
	},
	{
		.hook = arp_out,
		.pf = NFPROTO_ARP,
		.hooknum = NF_ARP_OUT,
	},
};

static int hook(struct net *net)
{
	return nf_register_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}

static void unhook(struct net *net)
{
	nf_unregister_net_hooks(net, hooks, ARRAY_SIZE(hooks));
}
#else
/* Without hooks for it, ARP has to be told by arp_ignore and arp_announce. */
static int hook(struct net *net)
{
	return 0;
}

static void unhook(struct net *net)
{
}
#endif

/**
 * adit_arp_hide - a device wants its addresses kept from ARP
 * @an: netns of the underlay
 *
 * Context: RTNL; sleeps. Return: 0 or a negative errno.
 */
int adit_arp_hide(struct adit_net *an)
{
	int err = an->arp_users ? 0 : hook(an->net);

	if (!err)
		an->arp_users++;
	return err;
}

/**
 * adit_arp_unhide - undo adit_arp_hide()
 * @an: netns of the underlay
 */
void adit_arp_unhide(struct adit_net *an)
{
	if (!--an->arp_users)
		unhook(an->net);
}
