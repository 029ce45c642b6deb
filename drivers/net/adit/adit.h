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

#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/dst.h>
#include <net/gro_cells.h>
#include <net/ipv6.h>
#include <net/rtnetlink.h>
#include <linux/adit.h>

#if !IS_ENABLED(CONFIG_IPV6)
#error "adit needs a kernel with IPv6, which may be switched off by ipv6.disable=1"
#endif

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

/* What the length of an outer packet leaves at most */
#define ADIT_MTU_MAX		(IP_MAX_MTU - sizeof(struct iphdr))

/* Evaluates to @err, with the text and the attribute in @extack. */
#define adit_refuse(err, extack, attr, text)				\
	({								\
		NL_SET_ERR_MSG_ATTR(extack, attr,			\
				    KBUILD_MODNAME ": " text);		\
		(err);							\
	})

struct adit_tunnel;
struct adit_config;
struct adit_sock;

union adit_addr {
	__be32 v4;		/* the other 12 bytes are zero */
	struct in6_addr v6;
};

extern const union adit_addr adit_addr_any;

static inline bool adit_addr_equal(const union adit_addr *a,
				   const union adit_addr *b)
{
	return ipv6_addr_equal(&a->v6, &b->v6);
}

static inline bool adit_addr_is_any(const union adit_addr *addr)
{
	return ipv6_addr_any(&addr->v6);
}

/**
 * struct adit_key - what an outer packet is matched by; in a tunnel's, a member
 *	that is zero may stand for any, see ADIT_SHAPE_*
 * @remote: its source
 * @local: its destination
 * @link: ifindex of the device it came in on, or of that one's VRF; zero in a
 *	key: any outside of VRFs
 * @gre_key: where the format has one
 * @port: UDP port it came to, 0: it is not UDP
 * @peer_port: UDP port it came from
 * @family: AF_INET or AF_INET6
 * @format: adit_format()
 * @pad: zero
 */
struct adit_key {
	union adit_addr remote;
	union adit_addr local;
	int link;
	__be32 gre_key;
	__be16 port;
	__be16 peer_port;
	u8 family;
	u8 format;
	u16 pad;
} __aligned(8);		/* it is read by words of that size */

/* Mode, encapsulation and whether there is a GRE key */
static inline u8 adit_format(u8 mode, u8 encap, bool keyed)
{
	return mode | encap << 2 | keyed << 4;
}

#define ADIT_FORMAT_UNKEYED	0x0f	/* all but whether there is a key */
#define ADIT_FORMAT_ENCAP	0x0c	/* nor the mode */

/* Which of adit_key's members a tunnel is matched by; the more weight, the more
 * specific. A lookup probes only shapes that some tunnel has.
 */
#define ADIT_SHAPE_KEY		BIT(0)
#define ADIT_SHAPE_LINK		BIT(1)
#define ADIT_SHAPE_LOCAL	BIT(2)
#define ADIT_SHAPE_PEER_PORT	BIT(3)
#define ADIT_SHAPE_REMOTE	BIT(4)
#define ADIT_SHAPES		32
#define ADIT_SHAPE_FULL		(ADIT_SHAPE_REMOTE | ADIT_SHAPE_LOCAL | ADIT_SHAPE_KEY)

/**
 * struct adit_entry - a key by which a tunnel is found
 * @node: in adit_net.entries
 * @peer: in adit_net.peers
 * @key: the key
 * @shape: ADIT_SHAPE_* that count
 * @config: whose it is
 */
struct adit_entry {
	struct rhash_head node;
	struct rhlist_head peer;
	struct adit_key key;
	u8 shape;
	struct adit_config *config;
};

/* Can that tunnel be one of a packet, by the end here? */
static inline bool adit_is_between(const struct adit_entry *entry,
				   const struct adit_key *key)
{
	return entry->key.family == key->family &&
	       (adit_addr_is_any(&entry->key.local) ||
		adit_addr_equal(&entry->key.local, &key->local));
}

/* A prefix of either family; bits beyond the length are zero */
struct adit_prefix {
	union adit_addr addr;
	u8 family;
	u8 len;
};

/**
 * struct adit_allow - whom a tunnel without a fixed remote takes packets from
 * @n: number of prefixes, as the user gave them
 * @top: number of those, from the first on, that lie in no other; sorted
 * @prefixes: the prefixes
 */
struct adit_allow {
	unsigned int n;
	unsigned int top;
	struct adit_prefix prefixes[];
};

/* What the inner family tells the index of */
enum adit_inner_index {
	ADIT_INNER_IP4,
	ADIT_INNER_IP6,
	ADIT_INNER_MPLS,
	ADIT_INNER_MAX
};

/**
 * struct adit_flow - one packet on its way out
 * @config: the tunnel's, under RCU
 * @outer: underlay row
 * @inner: its family
 * @dst: outer route
 * @noref: it is adit_routes', and good for as long as RCU is held
 * @remote: outer destination
 * @local: outer source
 * @okey: GRE key
 * @label: IPv6 flow label
 * @gre_flags: of the GRE header
 * @sport: UDP source, 0: by flow
 * @dport: UDP destination
 * @hlen: bytes between the outer IP header and the packet
 * @ipproto: outer protocol; 0: that of the inner family
 * @csum: UDP with checksum
 * @dsfield: inner DSCP and ECN
 * @tos: outer TOS byte, DSCP and ECN
 * @ttl: of the inner packet, then of the outer one
 * @df: outer packet may not be fragmented
 * @inner_df: inner packet may not be fragmented
 * @fits: all that comes of it fits the path
 * @gso: it is to be cut into segments
 * @limit: how often the packet may still be encapsulated (RFC 2473, 4.1.1);
 *	-1: it does not say
 * @lookup: FLOWI_FLAG_* of the route's look-up
 * @hash: what chooses among several next hops, beside the ends; 0: nothing does
 */
struct adit_flow {
	struct adit_config *config;
	const struct adit_outer_ops *outer;
	const struct adit_inner *inner;
	struct dst_entry *dst;
	union adit_addr remote;
	union adit_addr local;
	__be32 okey;
	__be32 label;
	__be16 gre_flags;
	__be16 sport;
	__be16 dport;
	u8 hlen;
	u8 ipproto;
	bool csum;
	u8 dsfield;
	u8 tos;
	u8 ttl;
	bool df;
	bool inner_df;
	bool noref;
	bool fits;
	bool gso;
	s16 limit;
	u8 lookup;
	u32 hash;
};

/**
 * struct adit_route - an outer route that serves more than one packet
 * @dst: it, referenced; NULL: none yet
 * @cookie: what its validity is checked by
 * @local: the outer source that goes with it
 */
struct adit_route {
	struct dst_entry *dst;
	u32 cookie;
	union adit_addr local;
};

/**
 * struct adit_arrival - how a packet came in, which others may be like
 * @dst: its route, referenced; NULL: none yet
 * @cookie: what the route's validity is checked by
 * @ifindex: device it came in on
 * @mark: skb->mark when it was routed
 * @family: AF_INET or AF_INET6
 * @dsfield: outer DSCP and ECN
 * @end: jiffies; not to be used from then on
 * @remote: outer source
 * @local: outer destination
 */
struct adit_arrival {
	struct dst_entry *dst;
	u32 cookie;
	int ifindex;
	u32 mark;
	u8 family;
	u8 dsfield;
	unsigned long end;
	union adit_addr remote;
	union adit_addr local;
};

/**
 * struct adit_local - an address that was this host's
 * @addr: it
 * @genid: when addresses had that number
 * @ifindex: as seen from that device
 * @family: AF_INET or AF_INET6
 * @end: jiffies, until then: there is no number for an address that stays while
 *	its device goes down
 */
struct adit_local {
	union adit_addr addr;
	int genid;
	int ifindex;
	u8 family;
	unsigned long end;
};

/* Routes out by inner family, because IPsec policy may treat the outer protocols
 * differently. A dst_cache would count references, on each packet.
 */
struct adit_routes {
	struct adit_route by_inner[ADIT_INNER_MAX];
	struct adit_arrival arrival;
	struct adit_local local;
	unsigned long merged;		/* jiffies when TCP came merged last */
	unsigned long queued;		/* and when it was queued to be merged */
};

/**
 * struct adit_config - everything that a user can set, immutable once published,
 *	and what packets leave there: @iseq_next, and what is per CPU
 * @entries: how packets find it: one, or one a family
 * @n_entries: how many of them
 * @tunnel: whose it is
 * @outer: underlay row; NULL: both
 * @remote_outer: what the remote says of that; NULL: any of any
 * @local_outer: what the local address says of that; NULL: there is none
 * @remote: the far end; zero: any
 * @local: zero: routing chooses
 * @link: ifindex that it is bound to, or 0
 * @fwmark: of outer packets, 0: none
 * @ttl: of outer packets or ADIT_TTL_INHERIT
 * @tos: of outer packets or ADIT_TOS_INHERIT
 * @df: enum adit_df
 * @mode: enum adit_mode
 * @encap: enum adit_encap
 * @ikeyed: received packets have the key @ikey, or else none
 * @okeyed: sent packets have the key @okey
 * @ikey: as @ikeyed says
 * @okey: as @okeyed says
 * @icsum: received packets must have a GRE checksum
 * @ocsum: sent packets have one
 * @iseq: received packets must have a GRE sequence number
 * @oseq: sent packets have one
 * @encap_csum: UDP with checksums
 * @external: far end and key come with each packet
 * @isatap: the IPv4 remote is in ISATAP addresses
 * @deliver: enum adit_deliver
 * @mss_clamp: SYNs announce no more than the path carries
 * @fastpath: outer packets pass no hooks
 * @sport: UDP source, 0: by flow
 * @dport: UDP destination
 * @listen: UDP port that the user wants packets to come to, or 0
 * @rd6: 6rd prefix; its length 0: none
 * @rd4: what 6rd leaves out of IPv4 addresses
 * @flow: what all packets on their way out have in common
 * @allow: who may send, without a fixed remote; NULL: nobody
 * @socks: the sockets it is received by; by entry
 * @gre: the GRE protocol is registered for it; by entry
 * @arp: ARP is kept from its device's addresses for it
 * @keeps_routes: outer routes serve more than one packet
 * @ingress: packets are caught at devices for it
 * @iseq_next: lowest GRE sequence number that is not late, once one was received:
 *	ADIT_ISEQ_SEEN is set then
 * @routes: outer routes as last looked up, per CPU
 * @rcu: freed by RCU: both packet paths hold it for as long as they run
 *
 * A change makes a new one and swaps it in, so a packet sees all of the old or
 * all of the new, and never a stale route.
 */
struct adit_config {
	struct adit_entry entries[2];
	u8 n_entries;
	u8 ttl;
	u8 tos;
	u8 df;
	u8 mode;
	u8 encap;
	bool ikeyed;
	bool okeyed;
	__be32 ikey;
	__be32 okey;
	u8 icsum;
	u8 ocsum;
	u8 iseq;
	u8 oseq;
	u8 encap_csum;
	u8 external;
	u8 isatap;
	u8 deliver;
	u8 mss_clamp;
	u8 fastpath;
	__be16 sport;
	__be16 dport;
	__be16 listen;
	u32 fwmark;
	int link;
	struct adit_tunnel *tunnel;
	const struct adit_outer_ops *outer;
	const struct adit_outer_ops *remote_outer;
	const struct adit_outer_ops *local_outer;
	union adit_addr remote;
	union adit_addr local;
	struct adit_prefix rd6;
	struct adit_prefix rd4;
	struct adit_flow flow;
	struct adit_allow *allow;
	struct adit_sock *socks[2];
	bool gre[2];
	bool arp;
	bool ingress;
	bool keeps_routes;
	atomic64_t iseq_next;
	struct adit_routes __percpu *routes;
	struct rcu_head rcu;
};

#define ADIT_ISEQ_SEEN	BIT_ULL(32)

/* Has it one far end, which all packets go to and come from? */
static inline bool adit_is_fixed(const struct adit_config *config)
{
	return !adit_addr_is_any(&config->remote);
}

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
 * @mtu_by_route: it is that of a route to the remote (RTNL)
 * @mtu_syncing: the MTU change under way is our own (RTNL)
 * @oseq: next GRE sequence number
 */
struct adit_tunnel {
	struct net_device *dev;
	struct net *net;
	struct adit_config __rcu *config;
	struct gro_cells gro_cells;
	struct adit_drop_counts __percpu *drops;
	struct list_head list;
	bool mtu_auto;
	bool mtu_by_route;
	bool mtu_syncing;
	atomic_t oseq;
};

#define ADIT_SOCK_BUCKETS	64

/**
 * struct adit_memo - whose the packet before was, of tunnels that have both ends
 * @entry: found in the table, and gone since unless nothing has changed there
 * @genid: adit_net.genid then
 */
struct adit_memo {
	const struct adit_entry *entry;
	unsigned long genid;
};

/**
 * struct adit_net - the tunnels whose underlay is one netns
 * @net: that netns
 * @entries: adit_entry by adit_key; written under RTNL, read under RCU
 * @peers: the same by remote, for what has matched none and for ICMP errors
 * @shapes: entries of each shape (RTNL)
 * @shape_mask: shapes that some entry has (RTNL, read without)
 * @genid: changes with the entries (RTNL, read without)
 * @memo: of each CPU
 * @socks: UDP sockets by port (RTNL, read under RCU)
 * @arp_users: tunnels that ARP is watched for (RTNL)
 * @ports: devices at which outer packets are caught (RTNL, read under RCU)
 * @had_ports: there has been one
 * @port_users: tunnels that they are caught for (RTNL)
 * @port_wanted: ifindex of a device that may become one
 * @port_work: makes it one
 * @tunnels: all of them (RTNL)
 * @mtu_work: brings MTUs in line with the underlay
 * @mtu_took: the last time, in jiffies
 * @fib_nb: tells of its routes
 * @closing: no more work may be queued (RTNL)
 * @texts: what those in it were told, for kernels that keep no copy (RTNL)
 */
struct adit_net {
	struct net *net;
	struct rhashtable entries;
	struct rhltable peers;
	unsigned int shapes[ADIT_SHAPES];
	u32 shape_mask;
	unsigned long genid;
	struct adit_memo __percpu *memo;
	struct hlist_head socks[ADIT_SOCK_BUCKETS];
	unsigned int arp_users;
	struct list_head ports;
	bool had_ports;
	unsigned int port_users;
	int port_wanted;
	struct work_struct port_work;
	struct list_head tunnels;
	struct delayed_work mtu_work;
	unsigned long mtu_took;
	struct notifier_block fib_nb;
	bool closing;
	struct adit_extack_texts texts;
};

static inline struct hlist_head *adit_sock_bucket(struct adit_net *an,
						  __be16 port)
{
	return &an->socks[ntohs(port) % ADIT_SOCK_BUCKETS];
}

/**
 * struct adit_wire - an outer packet, taken apart
 * @key: what it is matched by
 * @outer: underlay row
 * @inner: family of the inner packet; NULL: not known
 * @hlen: from skb->data to the inner packet
 * @gre: from skb->data to the GRE header
 * @gre_flags: of that header
 * @udp_csum: it is UDP with a checksum
 * @seq: GRE sequence number
 * @remcsum_start: where the inner packet's checksum begins to count, from that
 *	packet on; 0: there is none to be made
 * @remcsum_offset: where it stands
 * @modeless: its fault is that it does not get as far as to say its mode
 * @fault: what is wrong with it whosever it is, or ADIT_DROP_NONE
 */
struct adit_wire {
	struct adit_key key;
	const struct adit_outer_ops *outer;
	const struct adit_inner *inner;
	unsigned int hlen;
	unsigned int gre;
	__be16 gre_flags;
	bool udp_csum;
	u32 seq;
	u16 remcsum_start;
	u16 remcsum_offset;
	bool modeless;
	enum adit_drop fault;
};

/**
 * struct adit_icmp - an ICMP error, of either version
 * @type: ICMP type
 * @code: ICMP code
 * @info: the MTU, of "too big"
 * @offset: bytes of the quoted outer header; 0: nothing useful follows it
 */
struct adit_icmp {
	u8 type;
	u8 code;
	u32 info;
	unsigned int offset;
};

/* What an ICMP error from the underlay means to a tunnel (RFC 2003, 4) */
enum adit_err {
	ADIT_ERR_IGNORE,
	ADIT_ERR_UNREACHABLE,
	ADIT_ERR_EXPIRED,
	ADIT_ERR_TOO_BIG,
	ADIT_ERR_REDIRECT,
};

/**
 * struct adit_inner - an inner family
 * @ethertype: skb->protocol
 * @ipproto: protocol number of it directly inside IP
 * @version: first nibble of its header; 0: may be anything
 * @hlen: its shortest header
 * @proto_at: where in it the protocol of what follows is; 0: nowhere
 * @min_mtu: a packet of that size is never too big: where the path carries
 *	less, the outer packet is fragmented; 0: no such size
 * @index: into adit_routes
 * @read: take from the inner header what the outer one depends on
 * @hash: hash ends and ports, which follow its shortest header;
 *	0: that is not all there is to its flow
 * @too_deep: tell the packet's sender that it may not be encapsulated again;
 *	NULL: that cannot be
 * @dsfield: DSCP and ECN of the packet; NULL: it has no ECN
 * @transport: where what IP carries begins, from its header on, and its protocol;
 *	negative: that is in another fragment; NULL: there is no such thing
 * @stays: it is for hosts on one link alone, and no router sends it on; NULL: none
 *	is; skb->data is its header
 * @too_big: tell the packet's sender what the path carries; NULL: there is none
 *	to tell
 * @route: the way of a quoted packet, as if it were sent from here; a dst or
 *	an ERR_PTR; NULL: it cannot be told
 * @relay: pass an error on to the sender of a quoted packet that has its route;
 *	@mtu: what the path carries of inner packets, if it is too big for that
 */
struct adit_inner {
	__be16 ethertype;
	u8 ipproto;
	u8 version;
	u8 hlen;
	u8 proto_at;
	u16 min_mtu;
	u8 index;
	void (*read)(struct sk_buff *skb, struct adit_flow *flow);
	u32 (*hash)(const struct sk_buff *skb);
	void (*too_deep)(struct sk_buff *skb);
	u8 (*dsfield)(const struct sk_buff *skb);
	int (*transport)(const struct sk_buff *skb, u8 *proto);
	bool (*stays)(const struct sk_buff *skb);
	void (*too_big)(struct sk_buff *skb, unsigned int mtu);
	struct dst_entry *(*route)(const struct sk_buff *quote);
	void (*relay)(struct sk_buff *quote, enum adit_err err,
		      unsigned int mtu);
};

extern const struct adit_inner adit_inners[ADIT_INNER_MAX];
const struct adit_inner *adit_inner_find(__be16 ethertype);
const struct adit_inner *adit_inner_of_ipproto(u8 ipproto);
void adit_inner_draw_secret(void);
u32 adit_inner_flow(const struct sk_buff *skb, const struct adit_inner *inner);
void adit_inner_hash(struct sk_buff *skb, const struct adit_inner *inner);

static inline struct adit_route *adit_flow_route(const struct adit_flow *flow)
{
	struct adit_routes *routes = this_cpu_ptr(flow->config->routes);

	return &routes->by_inner[flow->inner->index];
}

/* Take the route of the packet before, if there is one that is good. BHs off, RCU. */
static inline bool adit_flow_keep_route(struct adit_flow *flow)
{
	const struct adit_route *route;

	flow->noref = flow->config->keeps_routes;
	if (!flow->noref)
		return false;
	route = adit_flow_route(flow);
	if (!route->dst ||
	    (READ_ONCE(route->dst->obsolete) &&
	     !route->dst->ops->check(route->dst, route->cookie)))
		return false;
	flow->dst = route->dst;
	flow->local = route->local;
	return true;
}

/* IPsec encrypts what goes there, maybe once there is an SA. */
static inline bool adit_is_ipsec(const struct dst_entry *dst)
{
	return dst_xfrm(dst) || dst->flags & DST_XFRM_QUEUE;
}

static inline void adit_flow_put(struct adit_flow *flow)
{
	if (!flow->noref)
		dst_release(flow->dst);
}

/* Instead of adit_flow_put() */
static inline void adit_flow_set_dst(struct sk_buff *skb,
				     const struct adit_flow *flow)
{
	if (flow->noref)
		skb_dst_set_noref(skb, flow->dst);
	else
		skb_dst_set(skb, flow->dst);
}

static inline void adit_flow_set_inner(struct adit_flow *flow,
				       const struct adit_inner *inner)
{
	flow->inner = inner;
	if (!flow->ipproto)
		flow->ipproto = inner->ipproto;
}

/**
 * struct adit_layer - headers between the outer IP header and the inner packet:
 *	a mode, and around that an encapsulation
 * @name: as the user knows it
 * @ipproto: the protocol number that announces it; 0: that of what is in it
 * @hlen: bytes of it
 * @push: put it before the packet; @ipproto: what the packet is. NULL: there is
 *	nothing to put
 * @parse: take it off, at wire->hlen of the packet, and all that is in it; what
 *	is wrong with it
 */
struct adit_layer {
	const char *name;
	u8 ipproto;
	unsigned int (*hlen)(const struct adit_flow *flow);
	void (*push)(struct sk_buff *skb, struct adit_flow *flow, u8 ipproto);
	enum adit_drop (*parse)(struct sk_buff *skb, struct adit_wire *wire,
				u8 mode);
};

extern const struct adit_layer adit_modes[ADIT_MODE_MAX + 1];
extern const struct adit_layer adit_encaps[ADIT_ENCAP_MAX + 1];
void adit_flow_init(struct adit_config *config);
unsigned int adit_flow_hlen(const struct adit_flow *flow);
int adit_flow_gso_type(const struct adit_flow *flow);
void adit_push(struct sk_buff *skb, struct adit_flow *flow);

/**
 * struct adit_outer_ops - an underlay's IP version
 * @family: AF_*
 * @ethertype: skb->protocol
 * @addr_len: bytes of an address
 * @hlen: bytes of its header
 * @gso_ipxip: SKB_GSO_* bit of IP directly in it
 * @check: refuse addresses that cannot be a tunnel's ends (RTNL)
 * @route: find flow->dst and flow->local (BHs off, RCU): 0, -ELOOP where it ends
 *	at this host or goes through the device itself, or another errno; to be
 *	given back by adit_flow_put()
 * @cookie: what a route's validity is to be checked by
 * @towards: the way of packets between the ends of a key through a VRF or none,
 *	whosever source they have; a dst or an ERR_PTR
 * @route_mtu: a route's own MTU, but not what ICMP taught
 * @leads_back: the route ends on this host
 * @udp_csum: set the checksum of a UDP header, or none
 * @build: put the outer header before the packet
 * @send: hand it to the underlay, which consumes the skb
 * @send_fast: the same past the hooks, of what fits the path
 * @ends: the ends of a packet that has been received
 * @quoted_ends: the ends of a packet that an ICMP error quotes, the skb being
 *	at it: its source is the local one
 * @to_group: it was sent to a group, by either layer
 * @sdif: ifindex of the port of a VRF it came in on, or 0
 * @policy_ok: IPsec policy lets a received packet pass
 * @dsfield: DSCP and ECN of a packet whose network header is outer
 * @err: what an ICMP error means
 * @redirect: take an ICMP redirect
 */
struct adit_outer_ops {
	u8 family;
	__be16 ethertype;
	u8 addr_len;
	u8 hlen;
	int gso_ipxip;
	int (*check)(struct net *net, const struct adit_config *config,
		     struct nlattr *data[], struct netlink_ext_ack *extack);
	int (*route)(struct net *net, struct adit_flow *flow);
	u32 (*cookie)(const struct dst_entry *dst);
	struct dst_entry *(*towards)(struct net *net,
				     const struct adit_key *key, int oif);
	unsigned int (*route_mtu)(const struct dst_entry *dst);
	bool (*leads_back)(const struct dst_entry *dst);
	void (*udp_csum)(struct sk_buff *skb, const struct adit_flow *flow);
	void (*build)(struct net *net, struct sk_buff *skb,
		      const struct adit_flow *flow);
	int (*send)(struct net *net, struct sk_buff *skb);
	int (*send_fast)(struct net *net, struct sk_buff *skb);
	void (*ends)(const struct sk_buff *skb, struct adit_key *key);
	void (*quoted_ends)(const struct sk_buff *skb, struct adit_key *key);
	bool (*to_group)(const struct sk_buff *skb);
	int (*sdif)(struct sk_buff *skb);
	bool (*policy_ok)(struct sk_buff *skb);
	u8 (*dsfield)(const struct sk_buff *skb);
	enum adit_err (*err)(u8 type, u8 code);
	void (*redirect)(struct sk_buff *skb, const struct adit_config *config);
};

static inline void adit_ip4_ends(const struct sk_buff *skb,
				 struct adit_key *key)
{
	const struct iphdr *iph = ip_hdr(skb);

	key->remote.v4 = iph->saddr;
	key->local.v4 = iph->daddr;
}

static inline void adit_ip6_ends(const struct sk_buff *skb,
				 struct adit_key *key)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);

	key->remote.v6 = ip6h->saddr;
	key->local.v6 = ip6h->daddr;
}

extern const struct adit_outer_ops adit_outer_ip4;
extern const struct adit_outer_ops adit_outer_ip6;
const struct adit_outer_ops *adit_outer_of_len(unsigned int addr_len);
const struct adit_outer_ops *adit_outer_of(u8 family);
const char *adit_ip4_unfit(__be32 addr);
const char *adit_ip6_unfit(const struct in6_addr *addr);
struct adit_routes __percpu *adit_routes_alloc(void);
void adit_routes_free(struct adit_routes __percpu *routes);
unsigned int adit_limit_hlen(const struct adit_flow *flow);

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
unsigned int adit_overhead(const struct adit_config *config);

/* receive.c */
bool adit_receive(struct sk_buff *skb, struct adit_config *config,
		  struct adit_wire *wire, bool goes_on);

/* remote.c */
struct adit_allow *adit_allow_alloc(unsigned int n);
int adit_allow_seal(struct adit_allow *allow);
bool adit_allowed(const struct adit_config *config, const struct adit_key *key);
bool adit_prefix_ok(const struct adit_prefix *prefix);

/* May a tunnel have packets from there? To a fixed remote's, its key has led. */
static inline bool adit_takes_from(const struct adit_config *config,
				   const struct adit_key *key)
{
	return adit_is_fixed(config) || adit_allowed(config, key);
}

enum adit_drop adit_find_remote(const struct sk_buff *skb,
				struct adit_flow *flow);
bool adit_embedded_ok(const struct adit_config *config,
		      const struct adit_wire *wire, const struct sk_buff *skb);
__be16 adit_metadata_flags(const struct adit_wire *wire);
struct metadata_dst *adit_metadata(struct sk_buff *skb,
				   const struct adit_wire *wire);

/* demux.c */
int adit_demux_init(struct adit_net *an);
void adit_demux_exit(struct adit_net *an);
int adit_demux_register(void);
void adit_demux_unregister(void);
struct adit_config *adit_config_alloc(const struct adit_config *old);
void adit_config_free(struct adit_config *config);
void adit_config_index(struct adit_config *config);
struct adit_config *adit_demux_twin(struct adit_net *an,
				    const struct adit_config *config);
int adit_demux_add(struct adit_net *an, struct adit_config *config);
void adit_demux_del(struct adit_net *an, struct adit_config *config);
int adit_demux_replace(struct adit_net *an, struct adit_config *old,
		       struct adit_config *new);
struct adit_config *adit_demux_find(struct adit_net *an,
				    struct adit_key *key,
				    const struct net_device *dev);
bool adit_demux_rcv(struct adit_net *an, struct sk_buff *skb,
		    struct adit_wire *wire);
const struct rhlist_head *adit_demux_peers(struct adit_net *an,
					   const union adit_addr *remote);
struct adit_config *adit_demux_quoted(struct adit_net *an, struct sk_buff *skb,
				      struct adit_wire *wire);
int adit_gre_register(bool ip6);
void adit_gre_unregister(bool ip6);

/* udp.c */
int adit_listen(struct adit_net *an, struct adit_config *config,
		const struct adit_config *old, struct netlink_ext_ack *extack);
void adit_unlisten(struct adit_net *an, struct adit_config *config);
void adit_udp_follow(const struct net_device *dev);
bool adit_udp_read(struct adit_net *an, struct sk_buff *skb,
		   struct adit_wire *wire);
bool adit_udp_csum_ok(struct sk_buff *skb, const struct adit_outer_ops *outer);
int adit_udp_register(void);
void adit_udp_unregister(void);

/* icmp.c */
struct adit_icmp adit_icmp_ip4(const struct sk_buff *skb,
			       const struct icmphdr *icmph, u32 info);
struct adit_icmp adit_icmp_ip6(u8 type, u8 code, int offset, __be32 info);
void adit_icmp_err(struct sk_buff *skb, const struct adit_icmp *icmp,
		   struct adit_config *config, const struct adit_wire *wire);

/* neigh.c */
int adit_neigh_construct(struct net_device *dev, struct neighbour *neigh);

/* early.c */
struct dst_entry *adit_early_route(const struct adit_config *config,
				   const struct sk_buff *skb,
				   const struct adit_wire *wire, u8 ipproto);
void adit_early_learn(const struct adit_config *config, struct sk_buff *skb,
		      const struct adit_wire *wire);

/* ingress.c */
bool adit_ingress_wanted(const struct adit_config *config,
			 const struct sk_buff *skb);
void adit_ingress_add(struct adit_net *an, int ifindex);
void adit_ingress_hold(struct adit_net *an);
void adit_ingress_put(struct adit_net *an);
void adit_ingress_gone(const struct net_device *dev);
void adit_ingress_init(struct adit_net *an);
void adit_ingress_exit(struct list_head *nets);

/* fastpath.c */
bool adit_fast_look_at_ends(const struct adit_config *config,
			    const struct adit_key *key,
			    const struct net_device *in);
int adit_fast_ip4(struct net *net, struct sk_buff *skb);
int adit_fast_ip6(struct net *net, struct sk_buff *skb);

/* Changes when an address comes or goes */
static inline int adit_addr_genid(const struct net *net, u8 family)
{
	return family == AF_INET ? rt_genid_ipv4(net) :
				   atomic_read(&net->ipv6.dev_addr_genid);
}

/* Addresses do not come and go with each packet. */
static inline bool adit_fast_is_known(const struct net *net,
				      const struct adit_local *local,
				      const struct adit_key *key,
				      const struct net_device *in)
{
	return local->genid == adit_addr_genid(net, key->family) &&
	       local->family == key->family &&
	       (key->family == AF_INET || local->ifindex == in->ifindex) &&
	       adit_addr_equal(&local->addr, &key->local) &&
	       time_before(jiffies, local->end);
}

/**
 * adit_fast_ends_ok - what the look-up of the route would have refused
 * @config: the tunnel's
 * @key: of a received packet
 * @in: the device that it came in on
 *
 * The local end may be gone, and a remote that no user has chosen may be anything.
 * Context: RCU.
 */
static inline bool adit_fast_ends_ok(const struct adit_config *config,
				     const struct adit_key *key,
				     const struct net_device *in)
{
	const struct adit_local *local = &this_cpu_ptr(config->routes)->local;

	if (likely(adit_is_fixed(config) &&
		   adit_fast_is_known(config->tunnel->net, local, key, in)))
		return true;
	return adit_fast_look_at_ends(config, key, in);
}

/* arp.c */
int adit_arp_hide(struct adit_net *an);
void adit_arp_unhide(struct adit_net *an);

/* mss.c */
bool adit_is_syn(struct sk_buff *skb, const struct adit_inner *inner);
void adit_mss_clamp(struct sk_buff *skb, const struct adit_inner *inner,
		    unsigned int mtu);

/* mtu.c */
int adit_change_mtu(struct net_device *dev, int mtu);
unsigned int adit_mtu_of_underlay(struct adit_tunnel *t);
unsigned int adit_mtu_towards(struct adit_config *config,
			      const struct adit_wire *wire);
void adit_mtu_sync(struct adit_tunnel *t);
void adit_mtu_recheck(const struct adit_config *config,
		      const struct dst_entry *dst);
int adit_mtu_init(struct adit_net *an);
void adit_mtu_exit(struct adit_net *an);
int adit_mtu_register(void);
void adit_mtu_unregister(void);

#endif /* _ADIT_H */
