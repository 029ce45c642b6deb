// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: module and network namespaces.
 *
 * Owns: init and exit, what a netns holds, and the end of tunnels whose
 * underlay's netns goes away.
 * Does not own: devices (device.c) or their configuration (netlink.c).
 */

#include <linux/module.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "adit.h"

unsigned int adit_net_id __read_mostly;

struct adit_net *adit_net(const struct net *net)
{
	return net_generic(net, adit_net_id);
}

static int __net_init adit_net_init(struct net *net)
{
	struct adit_net *an = adit_net(net);
	int err;

	an->net = net;
	INIT_LIST_HEAD(&an->tunnels);
	adit_ingress_init(an);

	err = adit_demux_init(an);
	if (err)
		return err;

	err = adit_mtu_init(an);
	if (err)
		adit_demux_exit(an);
	return err;
}

/* Devices that live in this netns end with it by themselves; those that have
 * moved elsewhere would be left without an underlay.
 */
static void __net_exit adit_net_exit_batch(struct list_head *net_list)
{
	struct adit_tunnel *t;
	struct adit_net *an;
	struct net *net;
	LIST_HEAD(kill);

	rtnl_lock();
	list_for_each_entry(net, net_list, exit_list) {
		an = adit_net(net);
		WRITE_ONCE(an->closing, true);
		list_for_each_entry(t, &an->tunnels, list)
			unregister_netdevice_queue(t->dev, &kill);
	}
	unregister_netdevice_many(&kill);
	rtnl_unlock();

	list_for_each_entry(net, net_list, exit_list)
		adit_mtu_exit(adit_net(net));
	adit_ingress_exit(net_list);
	list_for_each_entry(net, net_list, exit_list) {
		an = adit_net(net);
		adit_demux_exit(an);
		adit_extack_texts_free(&an->texts);
	}
}

static struct pernet_operations adit_net_ops = {
	.init = adit_net_init,
	.exit_batch = adit_net_exit_batch,
	.id = &adit_net_id,
	.size = sizeof(struct adit_net),
};

static int __init adit_init(void)
{
	int err;

	err = register_pernet_device(&adit_net_ops);
	if (err)
		return err;

	err = adit_mtu_register();
	if (err)
		goto err_pernet;

	err = adit_demux_register();
	if (err)
		goto err_mtu;

	err = adit_udp_register();
	if (err)
		goto err_demux;

	err = rtnl_link_register(&adit_link_ops);
	if (err)
		goto err_udp;

	return 0;

err_udp:
	adit_udp_unregister();
err_demux:
	adit_demux_unregister();
err_mtu:
	adit_mtu_unregister();
err_pernet:
	unregister_pernet_device(&adit_net_ops);
	/* modprobe would take that for a module which is loaded already */
	return err == -EEXIST ? -EBUSY : err;
}

static void __exit adit_exit(void)
{
	rtnl_link_unregister(&adit_link_ops);
	adit_udp_unregister();
	adit_demux_unregister();
	adit_mtu_unregister();
	unregister_pernet_device(&adit_net_ops);
	rcu_barrier();	/* configurations still to be freed */
}

module_init(adit_init);
module_exit(adit_exit);

MODULE_DESCRIPTION("IP tunnel device");
MODULE_AUTHOR("the adit maintainers");
MODULE_LICENSE("GPL");
MODULE_VERSION(ADIT_VERSION);
MODULE_ALIAS_RTNL_LINK("adit");
