/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: newlink takes a parameter block from 6.15 on; older kernels are
 * given the same block by adit_newlink_op.
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
