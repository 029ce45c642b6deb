/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: newlink takes a parameter block from 6.15 on; older kernels are
 * given the same block by adit_newlink_op. rtnl_dev_link_net_capable() came to
 * stable kernels one by one.
 */
#ifndef _ADIT_COMPAT_NET_RTNETLINK_H
#define _ADIT_COMPAT_NET_RTNETLINK_H

#include_next <net/rtnetlink.h>

#ifndef ADIT_HAS_NEWLINK_PARAMS
struct rtnl_newlink_params {
	struct net *src_net;
	struct nlattr **tb;
	struct nlattr **data;
};

/* Older kernels pass the link netns as src_net where one was named. */
static inline struct net *rtnl_newlink_link_net(struct rtnl_newlink_params *p)
{
	return p->src_net;
}
#endif

#ifndef ADIT_HAS_LINK_NET_CAPABLE
static inline bool rtnl_dev_link_net_capable(const struct net_device *dev,
					     const struct net *link_net)
{
	return net_eq(dev_net(dev), link_net) ||
	       ns_capable(link_net->user_ns, CAP_NET_ADMIN);
}
#endif

int adit_newlink(struct net_device *dev, struct rtnl_newlink_params *params,
		 struct netlink_ext_ack *extack);

#ifdef ADIT_HAS_NEWLINK_PARAMS
#define adit_newlink_op adit_newlink
#else
static inline int adit_newlink_op(struct net *src_net, struct net_device *dev,
				  struct nlattr *tb[], struct nlattr *data[],
				  struct netlink_ext_ack *extack)
{
	struct rtnl_newlink_params params = {
		.src_net = src_net,
		.tb = tb,
		.data = data,
	};

	return adit_newlink(dev, &params, extack);
}
#endif

#endif /* _ADIT_COMPAT_NET_RTNETLINK_H */
