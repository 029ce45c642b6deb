/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: what the files of the driver share.
 *
 * Owns: the structs of a tunnel and the types of the two tables, encapsulations
 * (encap.c) and underlays (underlay.c).
 * Does not own: the netlink interface (uapi/linux/adit.h), the causes of drops
 * (drops.h).
 */
#ifndef _ADIT_H
#define _ADIT_H

#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/dst_cache.h>
#include <net/gro_cells.h>
#include <net/rtnetlink.h>
#include <linux/adit.h>

enum adit_drop {
	ADIT_DROP_NONE = -1,
#define ADIT_DROP(cause, name, counter, reason, text) ADIT_DROP_##cause,
#include "drops.h"
	ADIT_DROP_MAX		/* the number of causes */
};

/* How many adit devices may be stacked in each other on transmit. Each level
 * goes through the whole of the IP stack's output on one kernel stack; the
 * core alone would stop at eight devices of any kind.
 */
#define ADIT_NESTING_MAX	4

/* Floor of an MTU that follows the underlay: below it IPv6 would be torn off
 * the device. Underlays that carry less get outer fragments (RFC 4213, 3.2).
 */
#define ADIT_MTU_AUTO_MIN	IPV6_MIN_MTU

/* Evaluates to @err, with the text and the attribute in @extack. */
#define adit_refuse(err, extack, attr, text)				\
	({								\
		NL_SET_ERR_MSG_ATTR(extack, attr,			\
				    KBUILD_MODNAME ": " text);		\
		(err);							\
	})

struct adit_tunnel;

union adit_addr {
	__be32 v4;		/* the other 12 bytes are zero */
	struct in6_addr v6;
};

/**
 * struct adit_key - what an outer packet is matched by
 * @remote: its source
 * @local: its destination; zero in a key: any
 * @link: ifindex of the device it came in on, or of that one's VRF; zero in a
 *	key: any outside of VRFs
 * @family: AF_INET
 */
struct adit_key {
	union adit_addr remote;
	union adit_addr local;
	int link;
	u32 family;
};

/**
 * struct adit_config - everything that a user can set, immutable once published
 * @node: in adit_net.configs
 * @key: who the far end is
 * @tunnel: whose it is
 * @outer: underlay row
 * @encap: encapsulation row
 * @fwmark: of outer packets, 0: none
 * @ttl: of outer packets or ADIT_TTL_INHERIT
 * @tos: of outer packets or ADIT_TOS_INHERIT
 * @df: enum adit_df
 * @dst_cache: outer routes, by inner family, because IPsec policy may treat the
 *	outer protocols differently
 * @rcu: freed by RCU: both packet paths hold it for as long as they run
 *
 * A change makes a new one and swaps it in, so a packet sees all of the old or
 * all of the new, and never a stale route.
 */
struct adit_config {
	struct rhash_head node;
	struct adit_key key;
	struct adit_tunnel *tunnel;
	const struct adit_outer_ops *outer;
	const struct adit_encap_ops *encap;
	u32 fwmark;
	u8 ttl;
	u8 tos;
	u8 df;
	struct dst_cache dst_cache[2];
	struct rcu_head rcu;
};

struct adit_drop_counts {
	unsigned long count[ADIT_DROP_MAX];
};

/**
 * struct adit_tunnel - private part of the net device
 * @dev: the device
 * @net: netns of the underlay; stays when the device moves to another one
 * @config: replaced under RTNL
 * @gro_cells: where received packets are handed to the stack
 * @drops: per CPU, by cause
 * @list: in adit_net.tunnels
 * @mtu_auto: the MTU follows the underlay (RTNL)
 * @mtu_syncing: the MTU change under way is our own (RTNL)
 */
struct adit_tunnel {
	struct net_device *dev;
	struct net *net;
	struct adit_config __rcu *config;
	struct gro_cells gro_cells;
	struct adit_drop_counts __percpu *drops;
	struct list_head list;
	bool mtu_auto;
	bool mtu_syncing;
};

/* Which of adit_key's members a tunnel left open; a lookup probes only shapes
 * that some tunnel has.
 */
#define ADIT_SHAPE_LOCAL	BIT(0)
#define ADIT_SHAPE_LINK		BIT(1)
#define ADIT_SHAPES		4

/**
 * struct adit_net - the tunnels whose underlay is one netns
 * @net: that netns
 * @configs: by adit_key; written under RTNL, read under RCU
 * @shapes: tunnels of each shape (RTNL, read without)
 * @tunnels: all of them (RTNL)
 * @mtu_work: brings MTUs in line with the underlay
 * @fib_nb: tells of its routes
 * @closing: no more work may be queued (RTNL)
 */
struct adit_net {
	struct net *net;
	struct rhashtable configs;
	unsigned int shapes[ADIT_SHAPES];
	struct list_head tunnels;
	struct delayed_work mtu_work;
	struct notifier_block fib_nb;
	bool closing;
};

/**
 * struct adit_flow - one packet on its way out
 * @config: the tunnel's, under RCU
 * @inner: its family
 * @dst: outer route, referenced
 * @local: outer source
 * @dsfield: inner DSCP and ECN
 * @tos: outer TOS byte, DSCP and ECN
 * @ttl: of the inner packet, then of the outer one
 * @df: outer DF bit
 * @inner_df: inner packet may not be fragmented
 */
struct adit_flow {
	struct adit_config *config;
	const struct adit_inner *inner;
	struct dst_entry *dst;
	union adit_addr local;
	u8 dsfield;
	u8 tos;
	u8 ttl;
	bool df;
	bool inner_df;
};

/**
 * struct adit_inner - an inner family
 * @ethertype: skb->protocol
 * @ipproto: protocol number of it directly inside IP
 * @version: first nibble of its header
 * @hlen: its shortest header
 * @min_mtu: a packet of that size is never too big: where the path carries
 *	less, the outer packet is fragmented; 0: no such size
 * @index: into adit_config.dst_cache
 * @read: take from the inner header what the outer one depends on
 * @dsfield: DSCP and ECN of the packet
 * @too_big: tell the packet's sender what the path carries
 * @route: the way of a quoted packet, as if it were sent from here; a dst or
 *	an ERR_PTR
 * @relay: pass an error on to the sender of a quoted packet that has its route;
 *	@mtu: what the path carries of inner packets, 0: it gets nowhere
 */
struct adit_inner {
	__be16 ethertype;
	u8 ipproto;
	u8 version;
	u8 hlen;
	u16 min_mtu;
	u8 index;
	void (*read)(const struct sk_buff *skb, struct adit_flow *flow);
	u8 (*dsfield)(const struct sk_buff *skb);
	void (*too_big)(struct sk_buff *skb, unsigned int mtu);
	struct dst_entry *(*route)(const struct sk_buff *quote);
	void (*relay)(struct sk_buff *quote, unsigned int mtu);
};

enum adit_inner_index {
	ADIT_INNER_IP4,
	ADIT_INNER_IP6,
	ADIT_INNER_MAX
};

extern const struct adit_inner adit_inners[ADIT_INNER_MAX];
const struct adit_inner *adit_inner_find(__be16 ethertype);

/**
 * struct adit_encap_ops - an encapsulation: what stands between the outer IP
 *	header and the inner packet
 * @hlen: bytes of it
 * @gso_type: SKB_GSO_* bit of it over an underlay, by the underlay's index
 * @push: put it before the inner packet; NULL: there is none
 */
struct adit_encap_ops {
	u8 hlen;
	int gso_type;
	void (*push)(struct sk_buff *skb, const struct adit_flow *flow);
};

extern const struct adit_encap_ops adit_encap_ip;

/* What an ICMP error from the underlay means to a tunnel (RFC 2003, 4) */
enum adit_err {
	ADIT_ERR_IGNORE,
	ADIT_ERR_UNREACHABLE,
	ADIT_ERR_TOO_BIG,
	ADIT_ERR_REDIRECT,
};

/**
 * struct adit_outer_ops - an underlay's IP version
 * @family: AF_*
 * @ethertype: skb->protocol
 * @addr_len: bytes of an address
 * @hlen: bytes of its header
 * @check: refuse addresses that cannot be a tunnel's ends (RTNL)
 * @route: find flow->dst and flow->local (BHs off, RCU); a dst or an ERR_PTR
 * @leads_back: the route ends on this host
 * @build: put the outer header before the packet
 * @send: hand it to the underlay, which consumes the skb
 * @policy_ok: IPsec policy lets a received packet pass
 * @dsfield: DSCP and ECN of a packet whose network header is outer
 * @err: what an ICMP error means
 * @quoted_hlen: bytes of the outer header that an ICMP error quotes, the skb
 *	being at it; 0: no inner header follows
 * @redirect: take an ICMP redirect
 */
struct adit_outer_ops {
	int family;
	__be16 ethertype;
	u8 addr_len;
	u8 hlen;
	int (*check)(struct net *net, const struct adit_key *key,
		     struct nlattr *data[], struct netlink_ext_ack *extack);
	struct dst_entry *(*route)(struct net *net, struct adit_flow *flow);
	bool (*leads_back)(const struct dst_entry *dst);
	void (*build)(struct net *net, struct sk_buff *skb,
		      const struct adit_flow *flow);
	int (*send)(struct net *net, struct sk_buff *skb);
	bool (*policy_ok)(struct sk_buff *skb);
	u8 (*dsfield)(const struct sk_buff *skb);
	enum adit_err (*err)(const struct sk_buff *skb);
	unsigned int (*quoted_hlen)(const struct sk_buff *skb);
	void (*redirect)(struct sk_buff *skb, const struct adit_config *config,
			 const struct adit_inner *inner);
};

extern const struct adit_outer_ops adit_outer_ip4;
const struct adit_outer_ops *adit_outer_find(unsigned int addr_len);

/* main.c */
extern unsigned int adit_net_id;
struct adit_net *adit_net(const struct net *net);

/* netlink.c */
extern struct rtnl_link_ops adit_link_ops;

/* device.c */
void adit_setup(struct net_device *dev);
void adit_count_drop(struct adit_tunnel *t, enum adit_drop cause);
void adit_drop_skb(struct adit_tunnel *t, struct sk_buff *skb,
		   enum adit_drop cause);
u64 adit_drops_sum(const struct adit_tunnel *t, enum adit_drop cause);

/* xmit.c */
netdev_tx_t adit_xmit(struct sk_buff *skb, struct net_device *dev);
int adit_overhead(const struct adit_config *config);

/* receive.c */
int adit_receive(struct sk_buff *skb, const struct adit_config *config,
		 const struct adit_inner *inner);

/* demux.c */
int adit_demux_init(struct adit_net *an);
void adit_demux_exit(struct adit_net *an);
int adit_demux_register(void);
void adit_demux_unregister(void);
struct adit_config *adit_config_alloc(gfp_t gfp);
void adit_config_free(struct adit_config *config);
struct adit_config *adit_demux_twin(struct adit_net *an,
				    const struct adit_key *key);
int adit_demux_add(struct adit_net *an, struct adit_config *config);
void adit_demux_del(struct adit_net *an, struct adit_config *config);
int adit_demux_replace(struct adit_net *an, struct adit_config *old,
		       struct adit_config *new);

/* icmp.c */
int adit_icmp_err(struct sk_buff *skb, u32 info, struct adit_config *config,
		  const struct adit_inner *inner);

/* mtu.c */
int adit_change_mtu(struct net_device *dev, int mtu);
unsigned int adit_mtu_of_underlay(const struct adit_tunnel *t);
void adit_mtu_sync(struct adit_tunnel *t);
void adit_mtu_recheck(const struct adit_config *config,
		      const struct dst_entry *dst);
int adit_mtu_init(struct adit_net *an);
void adit_mtu_exit(struct adit_net *an);
int adit_mtu_register(void);
void adit_mtu_unregister(void);

#endif /* _ADIT_H */
