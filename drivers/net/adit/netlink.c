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
	[IFLA_ADIT_MODE] = NLA_POLICY_MAX(NLA_U8, ADIT_MODE_MAX),
	[IFLA_ADIT_IKEY] = { .type = NLA_BINARY, .len = sizeof(__be32) },
	[IFLA_ADIT_OKEY] = { .type = NLA_BINARY, .len = sizeof(__be32) },
	[IFLA_ADIT_ICSUM] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_OCSUM] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_ISEQ] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_OSEQ] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_ENCAP] = NLA_POLICY_MAX(NLA_U8, ADIT_ENCAP_MAX),
	[IFLA_ADIT_ENCAP_SPORT] = { .type = NLA_U16 },
	[IFLA_ADIT_ENCAP_DPORT] = { .type = NLA_U16 },
	[IFLA_ADIT_ENCAP_LISTEN] = { .type = NLA_U16 },
	[IFLA_ADIT_ENCAP_CSUM] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_ALLOW] = { .type = NLA_NESTED },
	[IFLA_ADIT_EXTERNAL] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_6RD_PREFIX] = { .type = NLA_BINARY,
				   .len = 1 + sizeof(struct in6_addr) },
	[IFLA_ADIT_6RD_RELAY] = { .type = NLA_BINARY,
				  .len = 1 + sizeof(struct in_addr) },
	[IFLA_ADIT_ISATAP] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_DELIVER] = NLA_POLICY_MAX(NLA_U8, ADIT_DELIVER_MAX),
	[IFLA_ADIT_MSS_CLAMP] = NLA_POLICY_MAX(NLA_U8, 1),
	[IFLA_ADIT_FASTPATH] = NLA_POLICY_MAX(NLA_U8, 1),
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
	/* the core would look at it when all else has been changed */
	if (tb[IFLA_MTU] && nla_get_u32(tb[IFLA_MTU]) > ADIT_MTU_MAX)
		return adit_refuse(-EINVAL, extack, tb[IFLA_MTU],
				   "MTU more than 65515");
	return 0;
}

/* Attributes that are numbers, and where they go as they are */
struct field {
	u16 attr;
	u16 offset;
};

#define FIELD(attr, member)						\
	{ IFLA_ADIT_##attr, offsetof(struct adit_config, member) }

static const struct field u8_fields[] = {
	FIELD(TTL, ttl),
	FIELD(DF, df),
	FIELD(MODE, mode),
	FIELD(ICSUM, icsum),
	FIELD(OCSUM, ocsum),
	FIELD(ISEQ, iseq),
	FIELD(OSEQ, oseq),
	FIELD(ENCAP, encap),
	FIELD(EXTERNAL, external),
	FIELD(ISATAP, isatap),
	FIELD(DELIVER, deliver),
	FIELD(MSS_CLAMP, mss_clamp),
	FIELD(FASTPATH, fastpath),
	FIELD(ENCAP_CSUM, encap_csum),
};

static const struct field port_fields[] = {
	FIELD(ENCAP_SPORT, sport),
	FIELD(ENCAP_DPORT, dport),
	FIELD(ENCAP_LISTEN, listen),
};

static bool is_of_gre(int attrtype)
{
	return attrtype >= IFLA_ADIT_ICSUM && attrtype <= IFLA_ADIT_OSEQ;
}

static void parse_fields(struct adit_config *config, struct nlattr *data[])
{
	const struct field *f;

	for (f = u8_fields; f < u8_fields + ARRAY_SIZE(u8_fields); f++)
		if (data[f->attr])
			*((u8 *)config + f->offset) = nla_get_u8(data[f->attr]);
	for (f = port_fields; f < port_fields + ARRAY_SIZE(port_fields); f++)
		if (data[f->attr])
			*(__be16 *)((char *)config + f->offset) =
				nla_get_be16(data[f->attr]);
}

/* An address attribute is as long as its family's addresses. All zero, or
 * without any bytes: any.
 */
static int parse_addr(union adit_addr *addr, const struct nlattr *attr,
		      struct netlink_ext_ack *extack)
{
	if (nla_len(attr) && !adit_outer_of_len(nla_len(attr)))
		return adit_refuse(-EINVAL, extack, attr,
				   "an address has 4 or 16 bytes");
	memset(addr, 0, sizeof(*addr));
	nla_memcpy(addr, attr, sizeof(*addr));
	return 0;
}

/* Zeros tell the family of a remote, but not of a local address, which may be
 * left out as well.
 */
static int parse_addrs(struct adit_config *config, struct nlattr *data[],
		       struct netlink_ext_ack *extack)
{
	const struct nlattr *remote = data[IFLA_ADIT_REMOTE];
	const struct nlattr *local = data[IFLA_ADIT_LOCAL];
	int err = 0;

	if (remote) {
		err = parse_addr(&config->remote, remote, extack);
		config->remote_outer = adit_outer_of_len(nla_len(remote));
	}
	if (!err && local) {
		err = parse_addr(&config->local, local, extack);
		config->local_outer = adit_addr_is_any(&config->local) ?
				      NULL : adit_outer_of_len(nla_len(local));
	}
	if (err)
		return err;

	if (config->remote_outer && config->local_outer &&
	    config->remote_outer != config->local_outer)
		return adit_refuse(-EINVAL, extack, local ?: remote,
				   "local and remote are of different families");
	config->outer = config->remote_outer ?: config->local_outer;
	return 0;
}

static int parse_key(bool *keyed, __be32 *key, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	if (nla_len(attr) && nla_len(attr) != sizeof(*key))
		return adit_refuse(-EINVAL, extack, attr,
				   "a key has 4 bytes, or none for no key");
	*keyed = nla_len(attr);
	*key = *keyed ? nla_get_be32(attr) : 0;
	return 0;
}

static int parse_prefix(struct adit_prefix *prefix, const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	const struct adit_outer_ops *outer = NULL;
	const u8 *bytes = nla_data(attr);

	memset(prefix, 0, sizeof(*prefix));
	if (nla_len(attr))
		outer = adit_outer_of_len(nla_len(attr) - 1);
	if (!outer)
		return adit_refuse(-EINVAL, extack, attr,
				   "a prefix is a length and 4 or 16 bytes");
	prefix->family = outer->family;
	prefix->len = bytes[0];
	memcpy(&prefix->addr, bytes + 1, outer->addr_len);
	if (!adit_prefix_ok(prefix))
		return adit_refuse(-EINVAL, extack, attr,
				   "a prefix is too long, or has bits beyond its length");
	return 0;
}

static int parse_allow(struct adit_config *config, const struct nlattr *nest,
		       struct netlink_ext_ack *extack)
{
	struct adit_allow *allow;
	const struct nlattr *attr;
	unsigned int n = 0;
	int rem, err;

	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != IFLA_ADIT_ALLOW_PREFIX)
			return adit_refuse(-EINVAL, extack, attr,
					   "allow holds prefixes only");
		n++;
	}
	if (rem > 0)
		return adit_refuse(-EINVAL, extack, nest,
				   "allow ends in what is no attribute");
	if (n > ADIT_ALLOW_MAX)
		return adit_refuse(-E2BIG, extack, nest,
				   "more than 1024 prefixes");

	kvfree(config->allow);
	config->allow = NULL;
	if (!n)
		return 0;
	allow = adit_allow_alloc(n);
	if (!allow)
		return -ENOMEM;
	config->allow = allow;
	n = 0;
	nla_for_each_nested(attr, nest, rem) {
		err = parse_prefix(&allow->prefixes[n++], attr, extack);
		if (err)
			return err;
	}
	if (adit_allow_seal(allow))
		return adit_refuse(-EEXIST, extack, nest,
				   "a prefix is given twice");
	return 0;
}

static int parse_6rd(struct adit_prefix *prefix, u8 family,
		     const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	int err;

	if (!nla_len(attr)) {
		memset(prefix, 0, sizeof(*prefix));
		return 0;
	}
	err = parse_prefix(prefix, attr, extack);
	if (!err && family == AF_INET6 && !prefix->len)
		return adit_refuse(-EINVAL, extack, attr,
				   "a 6rd prefix is at least one bit long");
	if (!err && prefix->family != family)
		return adit_refuse(-EINVAL, extack, attr,
				   "a 6rd prefix is of IPv6, a relay prefix of IPv4");
	return err;
}

static int parse_dev(struct adit_config *config, struct net *net,
		     const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	const char *name = nla_data(attr);
	struct net_device *link;

	config->link = 0;
	if (!*name)
		return 0;

	link = __dev_get_by_name(net, name);
	if (!link)
		return adit_refuse(-ENODEV, extack, attr,
				   "no such device in the netns of the underlay");
	if (link == config->tunnel->dev)
		return adit_refuse(-EINVAL, extack, attr,
				   "a tunnel cannot be bound to itself");
	config->link = link->ifindex;
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

/* Whoever leaves GRE or UDP leaves what belongs to it, unless it is named. */
static void forget_unused(struct adit_config *config, struct nlattr *data[])
{
	const struct field *f;

	if (data[IFLA_ADIT_MODE] && config->mode != ADIT_MODE_GRE) {
		config->ikeyed = config->ikeyed && data[IFLA_ADIT_IKEY];
		config->okeyed = config->okeyed && data[IFLA_ADIT_OKEY];
		for (f = u8_fields; f < u8_fields + ARRAY_SIZE(u8_fields); f++)
			if (is_of_gre(f->attr) && !data[f->attr])
				*((u8 *)config + f->offset) = 0;
	}
	if (data[IFLA_ADIT_ENCAP] && config->encap == ADIT_ENCAP_NONE) {
		for (f = port_fields;
		     f < port_fields + ARRAY_SIZE(port_fields); f++)
			if (!data[f->attr])
				*(__be16 *)((char *)config + f->offset) = 0;
		if (!data[IFLA_ADIT_ENCAP_CSUM])
			config->encap_csum = true;
	}
}

/* Attributes that are absent leave @config as it is. */
static int adit_parse(struct adit_config *config, struct net *net,
		      struct nlattr *data[], struct netlink_ext_ack *extack)
{
	int err = parse_addrs(config, data, extack);

	if (!err && data[IFLA_ADIT_DEV])
		err = parse_dev(config, net, data[IFLA_ADIT_DEV], extack);
	if (!err && data[IFLA_ADIT_TOS])
		err = parse_tos(config, data[IFLA_ADIT_TOS], extack);
	if (!err && data[IFLA_ADIT_IKEY])
		err = parse_key(&config->ikeyed, &config->ikey,
				data[IFLA_ADIT_IKEY], extack);
	if (!err && data[IFLA_ADIT_OKEY])
		err = parse_key(&config->okeyed, &config->okey,
				data[IFLA_ADIT_OKEY], extack);
	if (!err && data[IFLA_ADIT_ALLOW])
		err = parse_allow(config, data[IFLA_ADIT_ALLOW], extack);
	if (!err && data[IFLA_ADIT_6RD_PREFIX])
		err = parse_6rd(&config->rd6, AF_INET6,
				data[IFLA_ADIT_6RD_PREFIX], extack);
	if (!err && data[IFLA_ADIT_6RD_RELAY])
		err = parse_6rd(&config->rd4, AF_INET,
				data[IFLA_ADIT_6RD_RELAY], extack);
	if (err)
		return err;

	if (data[IFLA_ADIT_FWMARK])
		config->fwmark = nla_get_u32(data[IFLA_ADIT_FWMARK]);
	parse_fields(config, data);
	forget_unused(config, data);
	return 0;
}

static int validate_mode(const struct adit_config *config,
			 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	if (config->iseq && !adit_is_fixed(config))
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_ISEQ] ?:
				   data[IFLA_ADIT_REMOTE],
				   "iseq needs a fixed remote: each peer counts for itself");
	if (config->mode == ADIT_MODE_GRE) {
		if (config->external && (config->ikeyed || config->okeyed))
			return adit_refuse(-EINVAL, extack,
					   data[IFLA_ADIT_EXTERNAL],
					   "with external, keys come with the packets");
		return 0;
	}
	if (config->ikeyed || config->okeyed)
		return adit_refuse(-EINVAL, extack,
				   data[config->ikeyed ? IFLA_ADIT_IKEY :
							 IFLA_ADIT_OKEY],
				   "a key needs mode gre");
	if (config->icsum || config->ocsum)
		return adit_refuse(-EINVAL, extack,
				   data[config->icsum ? IFLA_ADIT_ICSUM :
							IFLA_ADIT_OCSUM],
				   "csum needs mode gre");
	if (config->iseq || config->oseq)
		return adit_refuse(-EINVAL, extack,
				   data[config->iseq ? IFLA_ADIT_ISEQ :
						       IFLA_ADIT_OSEQ],
				   "seq needs mode gre");
	return 0;
}

static int validate_encap(const struct adit_config *config,
			  struct nlattr *data[], struct netlink_ext_ack *extack)
{
	if (config->encap == ADIT_ENCAP_NONE) {
		if (config->sport || config->dport || config->listen)
			return adit_refuse(-EINVAL, extack,
					   data[IFLA_ADIT_ENCAP_DPORT] ?:
					   data[IFLA_ADIT_ENCAP_SPORT] ?:
					   data[IFLA_ADIT_ENCAP_LISTEN],
					   "a port needs encap fou or gue");
		if (data[IFLA_ADIT_ENCAP_CSUM])
			return adit_refuse(-EINVAL, extack,
					   data[IFLA_ADIT_ENCAP_CSUM],
					   "encap-csum needs encap fou or gue");
		return 0;
	}
	if (!config->dport)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_ENCAP] ?:
				   data[IFLA_ADIT_ENCAP_DPORT],
				   "encap-dport is required with fou and gue");
	return 0;
}

/* What only a tunnel without a fixed remote has */
static int validate_peers(const struct adit_config *config,
			  struct nlattr *data[], struct netlink_ext_ack *extack)
{
	const struct adit_prefix *rd6 = &config->rd6, *rd4 = &config->rd4;

	if (config->external && adit_is_fixed(config))
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_EXTERNAL] ?:
				   data[IFLA_ADIT_REMOTE],
				   "external needs remote any: remotes come with the packets");
	if (config->external && config->deliver == ADIT_DELIVER_UNDERLAY)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_DELIVER] ?:
				   data[IFLA_ADIT_EXTERNAL],
				   "external needs deliver tunnel: metadata belongs to the device");
	if (config->allow && adit_is_fixed(config))
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_ALLOW] ?:
				   data[IFLA_ADIT_REMOTE],
				   "allow needs remote any: a fixed remote is the only one");
	if (!rd6->len && rd4->len)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_6RD_RELAY] ?:
				   data[IFLA_ADIT_6RD_PREFIX],
				   "6rd-relay needs 6rd-prefix");
	if (rd6->len + (rd6->len ? 32 - rd4->len : 0) > 64)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_6RD_PREFIX] ?:
				   data[IFLA_ADIT_6RD_RELAY],
				   "6rd-prefix leaves less than 64 bits beside the IPv4 address");
	if (!rd6->len && !config->isatap)
		return 0;
	if (adit_is_fixed(config) || config->outer == &adit_outer_ip6)
		return adit_refuse(-EINVAL, extack, data[IFLA_ADIT_6RD_PREFIX] ?:
				   data[IFLA_ADIT_ISATAP] ?:
				   data[IFLA_ADIT_REMOTE] ?:
				   data[IFLA_ADIT_LOCAL],
				   "6rd and isatap need remote any over IPv4");
	return 0;
}

static int validate_ends(const struct adit_config *config, struct net *net,
			 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	const struct adit_config *twin;
	int err;

	err = config->outer ? config->outer->check(net, config, data, extack) :
			      0;
	if (err)
		return err;

	twin = adit_demux_twin(adit_net(net), config);
	if (twin) {
		NL_SET_BAD_ATTR(extack, data[IFLA_ADIT_REMOTE] ?:
				data[IFLA_ADIT_LOCAL] ?: data[IFLA_ADIT_DEV]);
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "%s already has this remote, local and dev",
				       netdev_name(twin->tunnel->dev));
		return -EEXIST;
	}
	return 0;
}

/* What is to blame for what cannot be listened to */
static const struct nlattr *listen_attr(const struct adit_config *config,
					struct nlattr *data[])
{
	if (config->encap == ADIT_ENCAP_NONE)
		return data[IFLA_ADIT_MODE];
	return data[IFLA_ADIT_ENCAP_LISTEN] ?: data[IFLA_ADIT_ENCAP_SPORT] ?:
	       data[IFLA_ADIT_ENCAP_DPORT] ?: data[IFLA_ADIT_ENCAP];
}

/* Everything that needs more than one attribute, or the netns, to judge. What
 * packets come in by is open on success.
 */
static int adit_validate(struct adit_config *config, struct net *net,
			 struct nlattr *data[], struct netlink_ext_ack *extack)
{
	int err = validate_mode(config, data, extack);

	if (!err)
		err = validate_encap(config, data, extack);
	if (!err)
		err = validate_peers(config, data, extack);
	if (err)
		return err;

	adit_config_index(config);
	err = validate_ends(config, net, data, extack);
	if (err)
		return err;
	err = adit_listen(adit_net(net), config,
			  rtnl_dereference(config->tunnel->config), extack);
	if (err)
		NL_SET_BAD_ATTR(extack, listen_attr(config, data));
	return err;
}

/* A configuration to be changed: the defaults, or as @old has it */
static struct adit_config *new_config(struct adit_tunnel *t,
				      const struct adit_config *old)
{
	struct adit_config *config = adit_config_alloc(old);

	if (config && !old) {
		config->tunnel = t;
		config->ttl = ADIT_TTL_DEFAULT;
		config->encap_csum = true;
	}
	return config;
}

static void drop_config(struct adit_net *an, struct adit_config *config)
{
	adit_unlisten(an, config);
	adit_config_free(config);
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
		config = rtnl_dereference(t->config);
		if (config && dev->reg_state != NETREG_UNREGISTERING)
			drop_config(adit_net(t->net), config);
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

	if (!data ||
	    (!data[IFLA_ADIT_REMOTE] &&
	     !(data[IFLA_ADIT_EXTERNAL] &&
	       nla_get_u8(data[IFLA_ADIT_EXTERNAL])))) {
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
		drop_config(adit_net(net), config);
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
		drop_config(adit_net(t->net), new);
		return err;
	}
	adit_mtu_sync(t);
	return 0;
}

static size_t allow_size(unsigned int n)
{
	return nla_total_size(nla_total_size(1 + sizeof(struct in6_addr)) * n);
}

/* What a message about a link has beside the prefixes, generously */
#define ADIT_INFO_SIZE	3072

/* The longest list that is told in an event: those who listen have room for 8 KiB
 * (BIRD) or 16 KiB (ip monitor, which ends at a longer message), and did not ask.
 */
#define ADIT_EVENT_LIST	2048

static size_t adit_get_size(const struct net_device *dev)
{
	const struct adit_tunnel *t = netdev_priv(dev);
	const struct adit_config *config;
	size_t n = 0;

	rcu_read_lock();
	config = rcu_dereference(t->config);
	if (config && config->allow)
		n = config->allow->n;
	rcu_read_unlock();

	return nla_total_size(sizeof(struct in6_addr)) * 2 +	/* ends */
	       nla_total_size(IFNAMSIZ) +			/* DEV */
	       nla_total_size(sizeof(u32)) * 3 +		/* FWMARK, keys */
	       nla_total_size(sizeof(u8)) *
	       (ARRAY_SIZE(u8_fields) + 2) +			/* TOS, MTU_AUTO */
	       nla_total_size(sizeof(u16)) * ARRAY_SIZE(port_fields) +
	       nla_total_size(1 + sizeof(struct in6_addr)) * 2 + /* 6RD_* */
	       (n ? allow_size(n) + ADIT_INFO_SIZE : 0);	/* ALLOW */
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

static int put_prefix(struct sk_buff *skb, int attrtype,
		      const struct adit_prefix *prefix)
{
	u8 bytes[1 + sizeof(struct in6_addr)] = { prefix->len };
	u8 addr_len = adit_outer_of(prefix->family)->addr_len;

	memcpy(bytes + 1, &prefix->addr, addr_len);
	return nla_put(skb, attrtype, 1 + addr_len, bytes);
}

/* Those of 6.2 and later of a device's making and end have who asked for it; but
 * answers tell of no change.
 */
static bool is_event(const struct sk_buff *skb)
{
	const struct nlmsghdr *first = nlmsg_hdr(skb);
	const struct ifinfomsg *info = nlmsg_data(first);

	return (!first->nlmsg_pid && !first->nlmsg_seq) || info->ifi_change;
}

static int put_allow(struct sk_buff *skb, const struct adit_allow *allow)
{
	struct nlattr *nest;
	unsigned int i;

	/* a list that fits into no message of a dump must not end the dump */
	if (!allow || allow_size(allow->n) + ADIT_INFO_SIZE >
		      skb->len + skb_tailroom(skb))
		return 0;
	if (is_event(skb) && allow_size(allow->n) > ADIT_EVENT_LIST)
		return 0;
	nest = nla_nest_start(skb, IFLA_ADIT_ALLOW);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < allow->n; i++)
		if (put_prefix(skb, IFLA_ADIT_ALLOW_PREFIX,
			       &allow->prefixes[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_ends(struct sk_buff *skb, struct net *net,
		    const struct adit_config *config)
{
	u8 len = config->outer ? config->outer->addr_len : 0;
	u8 remote_len = config->remote_outer ? len : 0;

	if (nla_put(skb, IFLA_ADIT_REMOTE, remote_len, &config->remote) ||
	    (!adit_addr_is_any(&config->local) &&
	     nla_put(skb, IFLA_ADIT_LOCAL, len, &config->local)) ||
	    put_allow(skb, config->allow))
		return -EMSGSIZE;
	return put_dev(skb, net, config->link);
}

/* Of the mode and the encapsulation, only what belongs to those in use */
static bool is_shown(const struct adit_config *config, int attrtype)
{
	if (is_of_gre(attrtype))
		return config->mode == ADIT_MODE_GRE;
	if (attrtype >= IFLA_ADIT_ENCAP_SPORT &&
	    attrtype <= IFLA_ADIT_ENCAP_CSUM)
		return config->encap != ADIT_ENCAP_NONE;
	return true;
}

static int put_fields(struct sk_buff *skb, const struct adit_config *config)
{
	const struct field *f;

	for (f = u8_fields; f < u8_fields + ARRAY_SIZE(u8_fields); f++)
		if (is_shown(config, f->attr) &&
		    nla_put_u8(skb, f->attr, *((u8 *)config + f->offset)))
			return -EMSGSIZE;
	for (f = port_fields; f < port_fields + ARRAY_SIZE(port_fields); f++)
		if (is_shown(config, f->attr) &&
		    nla_put_be16(skb, f->attr,
				 *(__be16 *)((char *)config + f->offset)))
			return -EMSGSIZE;
	return 0;
}

static int put_config(struct sk_buff *skb, struct net *net,
		      const struct adit_config *config)
{
	if (put_ends(skb, net, config) || put_fields(skb, config) ||
	    nla_put_u32(skb, IFLA_ADIT_FWMARK, config->fwmark) ||
	    nla_put_u8(skb, IFLA_ADIT_TOS, config->tos) ||
	    (config->ikeyed &&
	     nla_put_be32(skb, IFLA_ADIT_IKEY, config->ikey)) ||
	    (config->okeyed &&
	     nla_put_be32(skb, IFLA_ADIT_OKEY, config->okey)) ||
	    (config->rd6.len &&
	     put_prefix(skb, IFLA_ADIT_6RD_PREFIX, &config->rd6)) ||
	    (config->rd4.len &&
	     put_prefix(skb, IFLA_ADIT_6RD_RELAY, &config->rd4)))
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
