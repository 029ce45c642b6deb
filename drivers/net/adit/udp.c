// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: what tunnels are received by, beyond the handlers that are always
 * there: UDP sockets, and the GRE protocol; and when hooks are wanted.
 *
 * Owns: sockets, one for all tunnels with the same family, local address, port
 * and VRF; the registration of GRE, which lasts as long as a tunnel needs it;
 * ICMP errors about UDP.
 * Does not own: whose a packet is (demux.c), what is in it (encap.c).
 */

#include <linux/cred.h>
#include <linux/icmp.h>
#include <linux/sched/task.h>
#include <linux/udp.h>
#include <net/gre.h>
#include <net/ip6_checksum.h>
#include <net/ip6_tunnel.h>
#include <net/l3mdev.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>

#include "adit.h"

/**
 * struct adit_sock - a UDP socket
 * @node: in adit_net.socks
 * @an: netns of the underlay
 * @sock: the socket
 * @outer: its family
 * @local: address it is bound to; zero: any
 * @bound: ifindex of the VRF, or the link, that it is bound to, or 0
 * @port: port it is bound to
 * @mode: enum adit_mode of all that comes in, unless the packets say
 * @encap: enum adit_encap of all that comes in
 * @users: number of tunnels (RTNL)
 * @rcu: freed by RCU
 */
struct adit_sock {
	struct hlist_node node;
	struct adit_net *an;
	struct socket *sock;
	const struct adit_outer_ops *outer;
	union adit_addr local;
	int bound;
	__be16 port;
	u8 mode;
	u8 encap;
	unsigned int users;
	struct rcu_head rcu;
};

/* --- packets */

/* The UDP header is at wire->hlen, the addresses are known. */
static void read_udp(const struct adit_sock *s, struct sk_buff *skb,
		     struct adit_wire *wire, const struct udphdr *uh)
{
	wire->key.port = s->port;
	wire->key.peer_port = uh->source;
	wire->udp_csum = uh->check;
	wire->hlen += sizeof(*uh);
	wire->fault = adit_encaps[s->encap].parse(skb, wire, s->mode);
}

/* Return: 0, as the packet is consumed. */
static int rcv_udp(struct sock *sk, struct sk_buff *skb)
{
	const struct adit_sock *s = rcu_dereference_sk_user_data(sk);
	struct adit_wire wire = { };

	if (!s || s->outer->to_group(skb))
		goto drop;
	wire.outer = s->outer;
	wire.key.family = s->outer->family;
	s->outer->ends(skb, &wire.key);
	read_udp(s, skb, &wire, udp_hdr(skb));
	if (adit_demux_rcv(s->an, skb, &wire))
		return 0;
drop:
	sk_drops_inc(sk);
	kfree_skb(skb);
	return 0;
}

/* No socket but an unbound one that takes packets to any address, or to this. */
static const struct adit_sock *sock_of(struct adit_net *an,
				       const struct adit_key *key, __be16 port)
{
	const struct adit_sock *s;

	hlist_for_each_entry_rcu(s, adit_sock_bucket(an, port), node)
		if (s->port == port && s->outer->family == key->family &&
		    !READ_ONCE(s->bound) &&
		    (adit_addr_is_any(&s->local) ||
		     adit_addr_equal(&s->local, &key->local)))
			return s;
	return NULL;
}

/* Datagrams of one flow may have been put together, which the socket's way undoes
 * unless they are a tunnel's that carry segments.
 */
static bool is_many(const struct sk_buff *skb)
{
	return skb_is_gso(skb) &&
	       !(skb_shinfo(skb)->gso_type &
		 (SKB_GSO_UDP_TUNNEL | SKB_GSO_UDP_TUNNEL_CSUM));
}

/**
 * adit_udp_read - read a packet as the socket would that it is on its way to
 * @an: netns of the underlay
 * @skb: the packet
 * @wire: its addresses are known, and where the UDP header is (hlen); filled in
 *
 * Context: softirq, RCU. Return: false where there is none, or the packet is not
 * one that it would get as it is.
 */
bool adit_udp_read(struct adit_net *an, struct sk_buff *skb,
		   struct adit_wire *wire)
{
	const struct adit_sock *s;
	const struct udphdr *uh;

	if (!pskb_may_pull(skb, wire->hlen + sizeof(*uh)))
		return false;
	uh = (const void *)(skb->data + wire->hlen);
	if (ntohs(uh->len) != skb->len - wire->hlen || is_many(skb))
		return false;
	s = sock_of(an, &wire->key, uh->dest);
	if (!s)
		return false;
	read_udp(s, skb, wire, uh);
	return true;
}

/**
 * adit_udp_csum_ok - check a packet as its socket would, which also spares the
 *	inner packet a part of that
 * @skb: at the UDP header, which has a checksum
 * @outer: underlay row
 */
bool adit_udp_csum_ok(struct sk_buff *skb, const struct adit_outer_ops *outer)
{
	if (outer == &adit_outer_ip4) {
		if (skb_checksum_validate(skb, IPPROTO_UDP,
					  inet_compute_pseudo))
			return false;
		skb_checksum_try_convert(skb, IPPROTO_UDP,
					 inet_compute_pseudo);
		return true;
	}
	if (skb_checksum_validate(skb, IPPROTO_UDP, ip6_compute_pseudo))
		return false;
	skb_checksum_try_convert(skb, IPPROTO_UDP, ip6_compute_pseudo);
	return true;
}

static bool sends_ports(const struct adit_config *config,
			const struct udphdr *uh)
{
	return (!config->sport || config->sport == uh->source) &&
	       (config->external || config->dport == uh->dest);
}

/* Has this tunnel, or one that is like it but for a GRE key, sent what is quoted?
 * @taken: and nobody else can have
 */
static bool err_entry(struct adit_net *an, const struct adit_entry *entry,
		      struct sk_buff *skb, const struct adit_icmp *icmp,
		      const struct udphdr *uh, struct adit_wire wire,
		      bool *taken)
{
	struct adit_config *config = entry->config;

	wire.key.port = entry->key.port;
	wire.fault = adit_encaps[config->encap].parse(skb, &wire, config->mode);
	config = adit_demux_quoted(an, skb, &wire);
	if (!config || !sends_ports(config, uh))
		return false;
	adit_icmp_err(skb, icmp, config, &wire);
	*taken = adit_takes_from(config, &wire.key);
	return true;
}

/* That many tunnels are looked at, and of those that are not alike that many asked */
#define ADIT_SEEN_MAX	1024
#define ADIT_ASKED_MAX	16

static bool is_alike(const struct adit_entry *entry,
		     const struct adit_entry *other)
{
	return other && entry->key.port == other->key.port &&
	       !((entry->key.format ^ other->key.format) &
		 ADIT_FORMAT_UNKEYED);
}

static bool err_list(struct adit_net *an, const struct rhlist_head *list,
		     struct sk_buff *skb, const struct adit_icmp *icmp,
		     const struct udphdr *uh, const struct adit_wire *wire,
		     bool *taken)
{
	const struct adit_entry *entry, *last = NULL;
	const struct rhlist_head *pos;
	unsigned int seen = 0, asked = 0;

	rhl_for_each_entry_rcu(entry, pos, list, peer) {
		if (seen++ == ADIT_SEEN_MAX)
			break;
		if (!entry->key.port || !adit_is_between(entry, &wire->key) ||
		    !sends_ports(entry->config, uh) || is_alike(entry, last))
			continue;
		if (asked++ == ADIT_ASKED_MAX)
			break;
		if (err_entry(an, entry, skb, icmp, uh, *wire, taken))
			return true;
		last = entry;
	}
	return false;
}

/* The kernel looks for the socket by the ports of the quoted packet, of which
 * the source may be any. Here those who send to its destination are asked, by the
 * ports that they use. Anybody can send errors, and most are about packets to
 * nobody's remote.
 */
static int err_udp(struct sk_buff *skb, const struct adit_outer_ops *outer,
		   struct adit_icmp *icmp)
{
	struct adit_net *an = adit_net(dev_net(skb->dev));
	struct adit_wire wire = {
		.outer = outer,
		.key.family = outer->family,
	};
	bool taken = false;
	struct udphdr uh;

	if (!icmp->offset ||
	    skb_copy_bits(skb, icmp->offset, &uh, sizeof(uh)))
		return -EINVAL;
	/* the kernel has hidden where the redirect itself is */
	if (outer->err(icmp->type, icmp->code) == ADIT_ERR_REDIRECT)
		return -ENOENT;
	outer->quoted_ends(skb, &wire.key);
	wire.key.peer_port = uh.dest;
	wire.hlen = icmp->offset + sizeof(uh);
	if (!err_list(an, adit_demux_peers(an, &wire.key.remote), skb, icmp,
		      &uh, &wire, &taken))
		err_list(an, adit_demux_peers(an, &adit_addr_any), skb, icmp,
			 &uh, &wire, &taken);
	return taken ? 0 : -ENOENT;
}

/* The ICMP header stands before what it quotes. */
static int err_udp_ip4(struct sk_buff *skb, u32 info)
{
	const struct icmphdr *icmph = (const void *)(skb->data -
						     sizeof(*icmph));
	struct adit_icmp icmp = adit_icmp_ip4(skb, icmph, info);

	return err_udp(skb, &adit_outer_ip4, &icmp);
}

static int err_udp_ip6(struct sk_buff *skb, struct inet6_skb_parm *opt,
		       u8 type, u8 code, int offset, __be32 info)
{
	struct adit_icmp icmp = adit_icmp_ip6(type, code, offset, info);

	return err_udp(skb, &adit_outer_ip6, &icmp);
}

/* Those who encapsulate in UDP are told of errors that no socket is found for
 * by way of a table that ip_tunnel's users are in as well. Its first place is
 * nobody's. Those of fou and GUE, who come next, take all errors for theirs that
 * a catch-all device of ipip or sit takes.
 */
#define ADIT_ERR_SLOT	TUNNEL_ENCAP_NONE

static const struct ip_tunnel_encap_ops err_ip4 = {
	.err_handler = err_udp_ip4,
};

static const struct ip6_tnl_encap_ops err_ip6 = {
	.err_handler = err_udp_ip6,
};

int adit_udp_register(void)
{
	if (cmpxchg((const struct ip_tunnel_encap_ops __force **)
		    &iptun_encaps[ADIT_ERR_SLOT], NULL, &err_ip4))
		return -EBUSY;
	if (cmpxchg((const struct ip6_tnl_encap_ops __force **)
		    &ip6tun_encaps[ADIT_ERR_SLOT], NULL, &err_ip6)) {
		RCU_INIT_POINTER(iptun_encaps[ADIT_ERR_SLOT], NULL);
		synchronize_net();
		return -EBUSY;
	}
	return 0;
}

void adit_udp_unregister(void)
{
	RCU_INIT_POINTER(iptun_encaps[ADIT_ERR_SLOT], NULL);
	RCU_INIT_POINTER(ip6tun_encaps[ADIT_ERR_SLOT], NULL);
	synchronize_net();
}

/* Nonzero: the handlers of errors are to be asked, see err_udp(). */
static int err_udp_lookup(struct sock *sk, struct sk_buff *skb)
{
	return -ENOENT;
}

/* --- sockets */

static int bind_once(const struct adit_sock *s)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = s->port,
		.sin6_addr = s->local.v6,
	};
	struct sockaddr_in in4 = {
		.sin_family = AF_INET,
		.sin_port = s->port,
		.sin_addr.s_addr = s->local.v4,
	};

	return s->outer->family == AF_INET ?
	       adit_kernel_bind(s->sock, &in4, sizeof(in4)) :
	       adit_kernel_bind(s->sock, &in6, sizeof(in6));
}

/* As the kernel has it: one to any address, or in any VRF, is in the way of all. */
static bool is_in_the_way(const struct adit_sock *other,
			  const struct adit_sock *s)
{
	return other->port == s->port && other->outer == s->outer &&
	       (!other->bound || !s->bound || other->bound == s->bound) &&
	       (adit_addr_is_any(&other->local) || adit_addr_is_any(&s->local) ||
		adit_addr_equal(&other->local, &s->local));
}

/* Return: whether tunnels' are in the way. */
static bool set_reuse(const struct adit_sock *s, unsigned char reuse)
{
	const struct adit_sock *other;
	bool found = false;

	s->sock->sk->sk_reuse = reuse;
	hlist_for_each_entry(other, adit_sock_bucket(s->an, s->port), node)
		if (is_in_the_way(other, s)) {
			other->sock->sk->sk_reuse = reuse;
			found = true;
		}
	return found;
}

/* The kernel knows well which of them a packet is for, so those of tunnels are not in
 * each other's way. Of others, only who asks to share the port (SO_REUSEADDR) is not,
 * if tunnels are, and only at that very moment.
 */
static int bind_beside_own(const struct adit_sock *s)
{
	int err = bind_once(s);

	if (err != -EADDRINUSE)
		return err;
	if (set_reuse(s, SK_CAN_REUSE))
		err = bind_once(s);
	set_reuse(s, SK_NO_REUSE);
	return err;
}

/* The tunnel is there before the addresses are, as those without UDP are. */
static int set_up_sock(const struct adit_sock *s)
{
	struct sock *sk = s->sock->sk;
	int err = 0;

	if (s->outer->family == AF_INET6) {
		ip6_sock_set_v6only(sk);
		udp_set_no_check6_rx(sk, true);
	}
	ip_sock_set_freebind(sk);
	if (s->bound)
		err = sock_bindtoindex(sk, s->bound, true);
	return err ?: bind_beside_own(s);
}

static int open_sock(struct adit_sock *s)
{
	struct udp_tunnel_sock_cfg tunnel = {
		.sk_user_data = s,
		.encap_type = 1,
		.encap_rcv = rcv_udp,
		.encap_err_lookup = err_udp_lookup,
	};
	struct net *net = s->an->net;
	int err;

	err = sock_create_kern(net, s->outer->family, SOCK_DGRAM, 0, &s->sock);
	if (err)
		return err;
	err = set_up_sock(s);
	if (err) {
		sock_release(s->sock);
		return err;
	}
	adit_udp_tunnel_setup(net, s->sock, &tunnel);
	return 0;
}

/* As udp_tunnel_sock_release(), which waits for an RCU period, with RTNL held: all who
 * read the socket's data are here, and have it and the socket for as long as that.
 */
static void close_sock(struct adit_sock *s)
{
	if (--s->users)
		return;
	hlist_del_rcu(&s->node);
	rcu_assign_sk_user_data(s->sock->sk, NULL);
	kernel_sock_shutdown(s->sock, SHUT_RDWR);
	sock_release(s->sock);
	kfree_rcu(s, rcu);
}

/* In one VRF, or in none, and some packets could be meant for either */
static bool overlap(const struct adit_sock *s, const struct adit_sock *want)
{
	return s->bound == want->bound && is_in_the_way(s, want);
}

static bool is_same_format(const struct adit_sock *s,
			   const struct adit_sock *want)
{
	return s->encap == want->encap && s->mode == want->mode;
}

static struct adit_sock *find_sock(const struct adit_sock *want)
{
	struct adit_sock *s;

	hlist_for_each_entry(s, adit_sock_bucket(want->an, want->port), node)
		if (overlap(s, want) && is_same_format(s, want) &&
		    adit_addr_equal(&s->local, &want->local))
			return s;
	return NULL;
}

/* @old: goes when its tunnel is as it is to be */
static bool is_taken(const struct adit_sock *want,
		     const struct adit_config *old)
{
	const struct adit_sock *s;

	hlist_for_each_entry(s, adit_sock_bucket(want->an, want->port), node)
		if (overlap(s, want) && !is_same_format(s, want) &&
		    !(old && s->users == 1 &&
		      (old->socks[0] == s || old->socks[1] == s)))
			return true;
	return false;
}

static int refuse_port(struct netlink_ext_ack *extack, __be16 port,
		       const char *why)
{
	NL_SET_ERR_MSG_FMT_MOD(extack, "UDP port %u %s", ntohs(port), why);
	return -EADDRINUSE;
}

static void refuse_sock(struct netlink_ext_ack *extack, __be16 port, int err)
{
	switch (err) {
	case -EADDRINUSE:
		refuse_port(extack, port, "is in use");
		break;
	case -EACCES:
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "UDP port %u needs CAP_NET_BIND_SERVICE",
				       ntohs(port));
		break;
	default:
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "cannot listen to UDP port %u: error %d",
				       ntohs(port), err);
	}
}

static struct adit_sock *new_sock(const struct adit_sock *want)
{
	struct adit_sock *s = kmemdup(want, sizeof(*want), GFP_KERNEL);
	int err;

	if (!s)
		return ERR_PTR(-ENOMEM);
	err = open_sock(s);
	if (err) {
		kfree(s);
		return ERR_PTR(err);
	}
	s->users = 1;
	hlist_add_tail_rcu(&s->node, adit_sock_bucket(s->an, s->port));
	return s;
}

/* The port is the tunnel's, whoever moves its device. */
static struct adit_sock *new_sock_as_kernel(const struct adit_sock *want)
{
	struct cred *kernel = prepare_kernel_cred(&init_task);
	const struct cred *own;
	struct adit_sock *s;

	if (!kernel)
		return ERR_PTR(-ENOMEM);
	own = override_creds(kernel);
	s = new_sock(want);
	revert_creds(own);
	put_cred(kernel);
	return s;
}

/* @follows: @want is that of a tunnel that has it elsewhere */
static struct adit_sock *share_sock(const struct adit_sock *want, bool follows)
{
	struct adit_sock *s = find_sock(want);

	if (!s)
		return follows ? new_sock_as_kernel(want) : new_sock(want);
	s->users++;
	return s;
}

/* A link-local address is one on its link only. When the device is gone, the socket
 * that there is stays where it is.
 */
static int bind_to(struct net *net, const struct adit_key *key,
		   const struct adit_sock *now)
{
	struct net_device *dev;

	if (!key->link || (key->family == AF_INET6 &&
			   ipv6_addr_type(&key->local.v6) & IPV6_ADDR_LINKLOCAL))
		return key->link;
	dev = __dev_get_by_index(net, key->link);
	if (dev)
		return l3mdev_master_ifindex(dev);
	return now ? now->bound : 0;
}

static int listen_udp(struct adit_net *an, struct adit_config *config,
		      const struct adit_config *old, unsigned int i,
		      struct netlink_ext_ack *extack)
{
	const struct adit_key *key = &config->entries[i].key;
	struct adit_sock *s, want = {
		.an = an,
		.outer = adit_outer_of(key->family),
		.local = key->local,
		.bound = bind_to(an->net, key, old ? old->socks[i] : NULL),
		.port = key->port,
		.encap = config->encap,
		/* GUE's packets say it themselves */
		.mode = config->encap == ADIT_ENCAP_GUE ? 0 : config->mode,
	};

	if (is_taken(&want, old))
		return refuse_port(extack, want.port,
				   "is a tunnel's with another encapsulation");
	s = share_sock(&want, false);
	if (IS_ERR(s)) {
		refuse_sock(extack, want.port, PTR_ERR(s));
		return PTR_ERR(s);
	}
	config->socks[i] = s;
	return 0;
}

/* --- GRE */

static unsigned int gre_users[2];	/* tunnels of each family (RTNL) */

static int listen_gre(struct adit_config *config, unsigned int i,
		      struct netlink_ext_ack *extack)
{
	bool ip6 = config->entries[i].key.family == AF_INET6;
	int err = 0;

	/* it is the whole host's, and a user namespace is not asked */
	if (!gre_users[ip6])
		err = capable(CAP_NET_ADMIN) ? adit_gre_register(ip6) : -EPERM;
	if (err == -EPERM)
		NL_SET_ERR_MSG_MOD(extack,
				   "the first GRE tunnel of a host needs CAP_NET_ADMIN there");
	else if (err == -EBUSY)
		NL_SET_ERR_MSG_FMT_MOD(extack, "GRE is taken: unload %s",
				       ip6 ? "ip6_gre" : "ip_gre");
	else if (err)
		NL_SET_ERR_MSG_MOD(extack, "the kernel's module gre is missing");
	if (err)
		return err;
	gre_users[ip6]++;
	config->gre[i] = true;
	return 0;
}

static void unlisten_gre(struct adit_config *config, unsigned int i)
{
	bool ip6 = config->entries[i].key.family == AF_INET6;

	config->gre[i] = false;
	if (!--gre_users[ip6])
		adit_gre_unregister(ip6);
}

static void refuse_hook(struct netlink_ext_ack *extack, int err)
{
	if (err)
		NL_SET_ERR_MSG_MOD(extack, "netfilter gives no hook for it");
}

/**
 * adit_listen - open what a tunnel's packets come in by
 * @an: netns of the underlay
 * @config: what the tunnel is to be, indexed; remembers what is open
 * @old: what it is, which is not in the way; NULL: nothing yet
 * @extack: told why not
 *
 * What @old has open stays so.
 * Context: RTNL; sleeps. Return: 0, or a negative errno and nothing is open.
 */
int adit_listen(struct adit_net *an, struct adit_config *config,
		const struct adit_config *old, struct netlink_ext_ack *extack)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < config->n_entries; i++) {
		if (config->encap != ADIT_ENCAP_NONE)
			err = listen_udp(an, config, old, i, extack);
		else if (config->mode == ADIT_MODE_GRE)
			err = listen_gre(config, i, extack);
	}
	if (!err) {
		adit_ingress_hold(an);
		config->ingress = true;
	}
	if (!err && config->deliver == ADIT_DELIVER_UNDERLAY) {
		err = adit_arp_hide(an);
		config->arp = !err;
		refuse_hook(extack, err);
	}
	if (err)
		adit_unlisten(an, config);
	return err;
}

/**
 * adit_unlisten - undo adit_listen()
 * @an: netns of the underlay
 * @config: the tunnel's
 *
 * Context: RTNL; sleeps.
 */
void adit_unlisten(struct adit_net *an, struct adit_config *config)
{
	unsigned int i;

	for (i = 0; i < config->n_entries; i++) {
		if (config->socks[i])
			close_sock(config->socks[i]);
		config->socks[i] = NULL;
		if (config->gre[i])
			unlisten_gre(config, i);
	}
	if (config->ingress)
		adit_ingress_put(an);
	config->ingress = false;
	if (config->arp)
		adit_arp_unhide(an);
	config->arp = false;
}

/* The socket of a tunnel whose device has come into another VRF */
static int follow(struct adit_config *config, unsigned int i)
{
	struct adit_sock *s = config->socks[i], want, *there;

	if (!s)
		return 0;
	want = *s;
	want.local = config->entries[i].key.local;
	want.bound = bind_to(s->an->net, &config->entries[i].key, s);
	if (want.bound == s->bound)
		return 0;
	if (is_taken(&want, NULL))
		return -EADDRINUSE;
	there = share_sock(&want, true);
	if (IS_ERR(there))
		return PTR_ERR(there);
	config->socks[i] = there;
	close_sock(s);
	return 0;
}

/**
 * adit_udp_follow - a device has come into a VRF, or has left one
 * @dev: it
 *
 * The sockets of tunnels that are bound to it are to be where it is. Context: RTNL;
 * sleeps.
 */
void adit_udp_follow(const struct net_device *dev)
{
	struct adit_net *an = adit_net(dev_net(dev));
	struct adit_config *config;
	struct adit_tunnel *t;
	unsigned int i;
	int err;

	/* NULL in a netns that is still being set up */
	if (!an)
		return;
	list_for_each_entry(t, &an->tunnels, list) {
		config = rtnl_dereference(t->config);
		if (config->link != dev->ifindex)
			continue;
		for (i = 0; i < config->n_entries; i++) {
			err = follow(config, i);
			if (err && net_ratelimit())
				netdev_warn(t->dev, "no longer receives: no UDP port %u where %s is now: error %d\n",
					    ntohs(config->socks[i]->port),
					    dev->name, err);
		}
	}
}
