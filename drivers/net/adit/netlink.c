// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the link kind as netlink sees it.
 *
 * Owns: attributes: parse, then validate, then apply; and showing them. Every
 * refusal has a text and marks the attribute.
 * Does not own: which addresses an underlay can use (underlay.c).
 */

#include <net/ip.h>
#include <net/inet_ecn.h>
#include <net/netlink.h>
#include <net/rtnetlink.h>

#include "adit.h"

/* RTNL parses into a table of this size; whatever an older module does not
 * know must be refused and not ignored.
 */
#define ADIT_ATTR_LIMIT		50

#define ADIT_UNKNOWN							\
	{ .type = NLA_REJECT, .reject_message = "attribute not known to this version of adit" }

static const struct nla_policy adit_policy[ADIT_ATTR_LIMIT + 1] = {
	[IFLA_ADIT_UNSPEC] = { .strict_start_type = IFLA_ADIT_UNSPEC + 1 },
	[IFLA_ADIT_LOCAL] = { .type = NLA_BINARY,
			      .len = sizeof(struct in6_addr) },
	[IFLA_ADIT_REMOTE] = { .type = NLA_BINARY,
			       .len = sizeof(struct in6_addr) },
	[IFLA_ADIT_DEV] = { .type = NLA_NUL_STRING, .len = IFNAMSIZ - 1 },
	[IFLA_ADIT_FWMARK] = { .type = NLA_U32 },
	[IFLA_ADIT_TTL] = { .type = NLA_U8 },
	[IFLA_ADIT_TOS] = { .type = NLA_U8 },
	[IFLA_ADIT_DF] = NLA_POLICY_MAX(NLA_U8, ADIT_DF_MAX),
	[IFLA_ADIT_MTU_AUTO] = {
		.type = NLA_REJECT,
		.reject_message = "read only: an MTU of 0 follows the underlay",
	},
	[IFLA_ADIT_MAX + 1 ... ADIT_ATTR_LIMIT] = ADIT_UNKNOWN,
};

/* Of the generic attributes, those that an adit device has no use for */
static int adit_nl_validate(struct nlattr *tb[], struct nlattr *data[],
			    struct netlink_ext_ack *extack)
{
	if (tb[IFLA_ADDRESS])
		return adit_refuse(-EOPNOTSUPP, extack, tb[IFLA_ADDRESS],
				   "the device has no link-layer address");
	if (tb[IFLA_BROADCAST])
		return adit_refuse(-EOPNOTSUPP, extack, tb[IFLA_BROADCAST],
				   "the device has no link-layer broadcast address");
	if (tb[IFLA_LINK] && nla_get_u32(tb[IFLA_LINK]))
		return adit_refuse(-EOPNOTSUPP, extack, tb[IFLA_LINK],
				   "use dev to bind the tunnel to a device");
	if (tb[IFLA_MTU] && nla_get_u32(tb[IFLA_MTU]) &&
	    nla_get_u32(tb[IFLA_MTU]) < IPV4_MIN_MTU)
		return adit_refuse(-EINVAL, extack, tb[IFLA_MTU],
				   "MTU less than 68; 0 follows the underlay");
	return 0;
}

/* An address attribute is as long as its family's addresses. */
static int parse_addr(union adit_addr *addr, struct adit_config *config,
		      const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	const struct adit_outer_ops *outer = adit_outer_find(nla_len(attr));

	if (!outer) {
		bool ip6 = nla_len(attr) == sizeof(struct in6_addr);

		NL_SET_BAD_ATTR(extack, attr);
		if (ip6)
			NL_SET_ERR_MSG_MOD(extack,
					   "no IPv6 underlay in this version of adit");
		else
			NL_SET_ERR_MSG_MOD(extack,
					   "an address has 4 or 16 bytes");
		return ip6 ? -EAFNOSUPPORT : -EINVAL;
	}
	if (config->outer && config->outer != outer)
		return adit_refuse(-EINVAL, extack, attr,
				   "local and remote are of different families");

	config->outer = outer;
	config->key.family = outer->family;
	nla_memcpy(addr, attr, sizeof(*addr));
	return 0;
}

static int parse_dev(struct adit_config *config, struct net *net,
		     const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	const char *name = nla_data(attr);
	struct net_device *link;

	config->key.link = 0;
	if (!*name)
		return 0;

	link = __dev_get_by_name(net, name);
	if (!link)
		return adit_refuse(-ENODEV, extack, attr,
				   "no such device in the netns of the underlay");
	if (link == config->tunnel->dev)
		return adit_refuse(-EINVAL, extack, attr,
				   "a tunnel cannot be bound to itself");
	config->key.link = link->ifindex;
	return 0;
}

static int parse_tos(struct adit_config *config, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	u8 tos = nla_get_u8(attr);

	if (tos != ADIT_TOS_INHERIT && tos & INET_ECN_MASK)
		return adit_refuse(-EINVAL, extack, attr,
				   "the ECN bits of tos are not yours to set");
	config->tos = tos;
	return 0;
}

/* Attributes that are absent leave @config as it is. */
static int adit_parse(struct adit_config *config, struct net *net,
		      struct nlattr *data[], struct netlink_ext_ack *extack)
{
	int err = 0;

	/* a change of both ends may change their family */
	if (data[IFLA_ADIT_LOCAL] && data[IFLA_ADIT_REMOTE])
		config->outer = NULL;

	if (data[IFLA_ADIT_REMOTE])
		err = parse_addr(&config->key.remote, config,
				 data[IFLA_ADIT_REMOTE], extack);
	if (!err && data[IFLA_ADIT_LOCAL])
		err = parse_addr(&config->key.local, config,
				 data[IFLA_ADIT_LOCAL], extack);
	if (!err && data[IFLA_ADIT_DEV])
		err = parse_dev(config, net, data[IFLA_ADIT_DEV], extack);
	if (!err && data[IFLA_ADIT_TOS])
		err = parse_tos(config, data[IFLA_ADIT_TOS], extack);
	if (err)
		return err;

	if (data[IFLA_ADIT_FWMARK])
		config->fwmark = nla_get_u32(data[IFLA_ADIT_FWMARK]);
	if (data[IFLA_ADIT_TTL])
		config->ttl = nla_get_u8(data[IFLA_ADIT_TTL]);
	if (data[IFLA_ADIT_DF])
		config->df = nla_get_u8(data[IFLA_ADIT_DF]);
	return 0;
}

/* Everything that needs more than one attribute, or the netns, to judge */
static int adit_validate(const struct adit_config *config, struct net *net,
			 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	const struct adit_config *twin;
	int err;

	err = config->outer->check(net, &config->key, data, extack);
	if (err)
		return err;

	twin = adit_demux_twin(adit_net(net), &config->key);
	if (twin && twin->tunnel != config->tunnel) {
		NL_SET_BAD_ATTR(extack, data[IFLA_ADIT_REMOTE] ?:
				data[IFLA_ADIT_LOCAL] ?: data[IFLA_ADIT_DEV]);
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "%s already has this remote, local and dev",
				       netdev_name(twin->tunnel->dev));
		return -EEXIST;
	}
	return 0;
}

static struct adit_config *new_config(struct adit_tunnel *t,
				      const struct adit_config *old)
{
	struct adit_config *config = adit_config_alloc(GFP_KERNEL);

	if (!config)
		return NULL;

	config->tunnel = t;
	config->encap = &adit_encap_ip;
	config->ttl = ADIT_TTL_DEFAULT;
	if (old) {
		config->key = old->key;
		config->outer = old->outer;
		config->encap = old->encap;
		config->fwmark = old->fwmark;
		config->ttl = old->ttl;
		config->tos = old->tos;
		config->df = old->df;
	}
	return config;
}

/* The configuration is still ours to free if registering failed before the
 * device took it over. A device that a notifier refused is past that: its
 * destructor runs when RTNL is released.
 */
static int adit_register(struct adit_tunnel *t, struct adit_config *config,
			 struct nlattr *mtu)
{
	struct net_device *dev = t->dev;
	int err;

	rcu_assign_pointer(t->config, config);
	t->mtu_auto = !mtu || !nla_get_u32(mtu);
	if (t->mtu_auto)
		dev->mtu = adit_mtu_of_underlay(t);

	err = register_netdevice(dev);
	if (err) {
		if (dev->reg_state != NETREG_UNREGISTERING)
			adit_config_free(rtnl_dereference(t->config));
		return err;
	}
	adit_mtu_sync(t);
	return 0;
}

/* rtnl_link_ops.newlink, by way of adit_newlink_op (compat) */
int adit_newlink(struct net_device *dev, struct rtnl_newlink_params *params,
		 struct netlink_ext_ack *extack)
{
	struct net *net = rtnl_newlink_link_net(params);
	struct adit_tunnel *t = netdev_priv(dev);
	struct nlattr **data = params->data;
	struct adit_config *config;
	int err;

	if (!data || !data[IFLA_ADIT_REMOTE]) {
		NL_SET_ERR_MSG_MOD(extack, "remote is required");
		return -EINVAL;
	}

	t->dev = dev;
	t->net = net;
	config = new_config(t, NULL);
	if (!config)
		return -ENOMEM;

	err = adit_parse(config, net, data, extack);
	if (!err)
		err = adit_validate(config, net, data, extack);
	if (err) {
		adit_config_free(config);
		return err;
	}
	return adit_register(t, config, params->tb[IFLA_MTU]);
}

static int adit_changelink(struct net_device *dev, struct nlattr *tb[],
			   struct nlattr *data[],
			   struct netlink_ext_ack *extack)
{
	struct adit_tunnel *t = netdev_priv(dev);
	struct adit_config *old = rtnl_dereference(t->config);
	struct adit_config *new;
	int err;

	if (!data)
		return 0;

	/* who was given the device was not given its underlay */
	if (!rtnl_dev_link_net_capable(dev, t->net)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "not permitted in the netns of the underlay");
		return -EPERM;
	}

	new = new_config(t, old);
	if (!new)
		return -ENOMEM;

	err = adit_parse(new, t->net, data, extack);
	if (!err)
		err = adit_validate(new, t->net, data, extack);
	if (!err)
		err = adit_demux_replace(adit_net(t->net), old, new);
	if (err) {
		adit_config_free(new);
		return err;
	}
	adit_mtu_sync(t);
	return 0;
}

static size_t adit_get_size(const struct net_device *dev)
{
	return nla_total_size(sizeof(struct in6_addr)) +	/* LOCAL */
	       nla_total_size(sizeof(struct in6_addr)) +	/* REMOTE */
	       nla_total_size(IFNAMSIZ) +			/* DEV */
	       nla_total_size(sizeof(u32)) +			/* FWMARK */
	       nla_total_size(sizeof(u8)) +			/* TTL */
	       nla_total_size(sizeof(u8)) +			/* TOS */
	       nla_total_size(sizeof(u8)) +			/* DF */
	       nla_total_size(sizeof(u8));			/* MTU_AUTO */
}

/* The device's name as it is now, or its index once it is gone */
static int put_dev(struct sk_buff *skb, struct net *net, int ifindex)
{
	char name[IFNAMSIZ];
	struct net_device *link;

	if (!ifindex)
		return 0;
	link = dev_get_by_index_rcu(net, ifindex);
	if (link)
		strscpy(name, link->name, sizeof(name));
	else
		snprintf(name, sizeof(name), "if%d", ifindex);
	return nla_put_string(skb, IFLA_ADIT_DEV, name);
}

static int put_config(struct sk_buff *skb, struct net *net,
		      const struct adit_config *config)
{
	const struct adit_key *key = &config->key;
	static const union adit_addr any;
	u8 len = config->outer->addr_len;

	if (nla_put(skb, IFLA_ADIT_REMOTE, len, &key->remote) ||
	    (memcmp(&key->local, &any, sizeof(any)) &&
	     nla_put(skb, IFLA_ADIT_LOCAL, len, &key->local)) ||
	    put_dev(skb, net, key->link) ||
	    nla_put_u32(skb, IFLA_ADIT_FWMARK, config->fwmark) ||
	    nla_put_u8(skb, IFLA_ADIT_TTL, config->ttl) ||
	    nla_put_u8(skb, IFLA_ADIT_TOS, config->tos) ||
	    nla_put_u8(skb, IFLA_ADIT_DF, config->df))
		return -EMSGSIZE;
	return 0;
}

/* Under RCU, because not every kernel's dump holds RTNL */
static int adit_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct adit_tunnel *t = netdev_priv(dev);
	int err;

	rcu_read_lock();
	err = put_config(skb, t->net, rcu_dereference(t->config));
	rcu_read_unlock();
	if (!err)
		err = nla_put_u8(skb, IFLA_ADIT_MTU_AUTO,
				 READ_ONCE(t->mtu_auto));
	return err;
}

static size_t adit_get_xstats_size(const struct net_device *dev)
{
	return nla_total_size(0) +				/* DROPS */
	       ADIT_DROP_MAX * nla_total_size_64bit(sizeof(u64));
}

static int adit_fill_xstats(struct sk_buff *skb, const struct net_device *dev)
{
	const struct adit_tunnel *t = netdev_priv(dev);
	struct nlattr *xstats, *drops;
	int cause;

	xstats = nla_nest_start_noflag(skb, IFLA_INFO_XSTATS);
	if (!xstats)
		return -EMSGSIZE;
	drops = nla_nest_start_noflag(skb, IFLA_ADIT_XSTATS_DROPS);
	if (!drops)
		goto cancel;
	for (cause = 0; cause < ADIT_DROP_MAX; cause++)
		if (nla_put_u64_64bit(skb, cause + 1, adit_drops_sum(t, cause),
				      0))
			goto cancel;
	nla_nest_end(skb, drops);
	nla_nest_end(skb, xstats);
	return 0;

cancel:
	nla_nest_cancel(skb, xstats);
	return -EMSGSIZE;
}

static struct net *adit_get_link_net(const struct net_device *dev)
{
	const struct adit_tunnel *t = netdev_priv(dev);

	return t->net;
}

struct rtnl_link_ops adit_link_ops __read_mostly = {
	.kind = "adit",
	.maxtype = ADIT_ATTR_LIMIT,
	.policy = adit_policy,
	.priv_size = sizeof(struct adit_tunnel),
	.setup = adit_setup,
	.validate = adit_nl_validate,
	.newlink = adit_newlink_op,
	.changelink = adit_changelink,
	.get_size = adit_get_size,
	.fill_info = adit_fill_info,
	.get_xstats_size = adit_get_xstats_size,
	.fill_xstats = adit_fill_xstats,
	.get_link_net = adit_get_link_net,
};
