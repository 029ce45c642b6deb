// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: whose packet is this?
 *
 * Owns: the table of configurations in a netns, the life of a configuration,
 * and the protocol handlers that ask the table.
 * Does not own: what happens to the packet then (receive.c, icmp.c).
 */

#include <linux/hash.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <net/gre.h>
#include <net/icmp.h>
#include <net/l3mdev.h>
#include <net/protocol.h>
#include <net/xfrm.h>

#include "adit.h"

static_assert(sizeof(struct adit_key) == 48);

/* A fraction of what jhash2() over the key costs, and of what memcmp() does: the
 * words of a key, each times an odd number that has nothing to do with the
 * others'. A multiplication mixes upwards only, so that the upper half of the sum
 * is mixed in below and multiplied once more.
 */
static inline u32 hash_key(const void *data, u32 len, u32 seed)
{
	const u64 *word = data;
	u64 hash = seed;

	hash += word[0] * 0x6a09e667f3bcc909ull;
	hash += word[1] * 0xbb67ae8584caa73bull;
	hash += word[2] * 0x3c6ef372fe94f82bull;
	hash += word[3] * 0xa54ff53a5f1d36f1ull;
	hash += word[4] * 0x510e527fade682d1ull;
	hash += word[5] * 0x9b05688c2b3e6c1full;
	hash ^= hash >> 32;
	return (hash * GOLDEN_RATIO_64) >> 32;
}

static inline bool is_same_key(const struct adit_key *key,
			       const struct adit_key *other)
{
	const u64 *a = (const u64 *)key, *b = (const u64 *)other;

	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) |
		 (a[3] ^ b[3]) | (a[4] ^ b[4]) | (a[5] ^ b[5]));
}

static inline int compare_key(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct adit_entry *entry = obj;

	return !is_same_key(arg->key, &entry->key);
}

static const struct rhashtable_params entry_params = {
	.head_offset = offsetof(struct adit_entry, node),
	.key_offset = offsetof(struct adit_entry, key),
	.key_len = sizeof(struct adit_key),
	.hashfn = hash_key,
	.obj_cmpfn = compare_key,
	.nelem_hint = 3,	/* a netns without tunnels costs little */
	.automatic_shrinking = true,
};

static const struct rhashtable_params peer_params = {
	.head_offset = offsetof(struct adit_entry, peer),
	.key_offset = offsetof(struct adit_entry, key.remote),
	.key_len = sizeof(union adit_addr),
	.nelem_hint = 3,
	.automatic_shrinking = true,
};

int adit_demux_init(struct adit_net *an)
{
	int err;

	an->genid = 1;	/* a memo that is empty has 0 */
	an->memo = alloc_percpu(struct adit_memo);
	if (!an->memo)
		return -ENOMEM;
	err = rhashtable_init(&an->entries, &entry_params);
	if (err)
		goto free_memo;
	err = rhltable_init(&an->peers, &peer_params);
	if (err)
		goto destroy_entries;
	return 0;

destroy_entries:
	rhashtable_destroy(&an->entries);
free_memo:
	free_percpu(an->memo);
	return err;
}

void adit_demux_exit(struct adit_net *an)
{
	rhltable_destroy(&an->peers);
	rhashtable_destroy(&an->entries);
	free_percpu(an->memo);
}

/* --- configurations */

/**
 * adit_config_alloc - a configuration with route caches of its own
 * @old: which has what the user has set so far; NULL: nothing
 *
 * Context: sleeps. Return: it, neither indexed nor open for packets, or NULL.
 */
struct adit_config *adit_config_alloc(const struct adit_config *old)
{
	const struct adit_allow *allow = old ? old->allow : NULL;
	struct adit_config *config;
	int err = 0;

	config = old ? kmemdup(old, sizeof(*old), GFP_KERNEL) :
		       kzalloc(sizeof(*config), GFP_KERNEL);
	if (!config)
		return NULL;
	memset(config->entries, 0, sizeof(config->entries));
	memset(config->socks, 0, sizeof(config->socks));
	memset(config->gre, 0, sizeof(config->gre));
	config->n_entries = 0;
	config->arp = false;
	config->ingress = false;
	config->allow = NULL;
	atomic64_set(&config->iseq_next, 0);

	config->routes = adit_routes_alloc();
	if (!config->routes)
		err = -ENOMEM;
	if (!err && allow) {
		config->allow = adit_allow_alloc(allow->n);
		if (config->allow)
			memcpy(config->allow, allow,
			       struct_size(allow, prefixes, allow->n));
		else
			err = -ENOMEM;
	}
	if (err) {
		adit_config_free(config);
		return NULL;
	}
	return config;
}

/**
 * adit_config_free - free a configuration that nobody can see any more
 * @config: it; NULL is fine
 */
void adit_config_free(struct adit_config *config)
{
	if (!config)
		return;
	adit_routes_free(config->routes);
	kvfree(config->allow);
	kfree(config);
}

static void config_free_rcu(struct rcu_head *rcu)
{
	adit_config_free(container_of(rcu, struct adit_config, rcu));
}

/* Where packets come to: the rule that adit(8) has */
static __be16 listen_port(const struct adit_config *config)
{
	if (config->encap == ADIT_ENCAP_NONE)
		return 0;
	return config->listen ?: config->sport ?: config->dport;
}

static void index_entry(struct adit_entry *entry, struct adit_config *config,
			u8 family)
{
	struct adit_key *key = &entry->key;

	entry->config = config;
	key->remote = config->remote;
	key->local = config->local;
	key->link = config->link;
	key->gre_key = config->ikeyed ? config->ikey : 0;
	key->port = listen_port(config);
	/* both ports are given: the tunnel is one flow */
	if (key->port && config->sport && !config->listen)
		key->peer_port = config->dport;
	key->family = family;
	key->format = adit_format(config->mode, config->encap, config->ikeyed);

	entry->shape = (adit_addr_is_any(&key->remote) ? 0 : ADIT_SHAPE_REMOTE) |
		       (adit_addr_is_any(&key->local) ? 0 : ADIT_SHAPE_LOCAL) |
		       (key->link ? ADIT_SHAPE_LINK : 0) |
		       (key->peer_port ? ADIT_SHAPE_PEER_PORT : 0) |
		       (config->external ? 0 : ADIT_SHAPE_KEY);
}

/**
 * adit_config_index - make the keys by which packets find a tunnel, and what
 *	those that it sends have in common
 * @config: complete
 */
void adit_config_index(struct adit_config *config)
{
	adit_inner_draw_secret();
	adit_flow_init(config);
	config->n_entries = 1;
	index_entry(&config->entries[0], config,
		    config->outer ? config->outer->family : AF_INET);
	if (config->outer || !ipv6_mod_enabled())
		return;
	config->n_entries = 2;
	index_entry(&config->entries[1], config, AF_INET6);
}

/* --- the table */

static void count_shape(struct adit_net *an, unsigned int shape, int n)
{
	u32 mask = an->shape_mask;

	an->shapes[shape] += n;
	mask = an->shapes[shape] ? mask | BIT(shape) : mask & ~BIT(shape);
	WRITE_ONCE(an->shape_mask, mask);
}

/**
 * adit_demux_twin - another tunnel that already has a key of this one
 * @an: netns of the underlay
 * @config: this one's, indexed
 *
 * Context: RTNL. Return: its configuration, or NULL.
 */
struct adit_config *adit_demux_twin(struct adit_net *an,
				    const struct adit_config *config)
{
	const struct adit_entry *entry;
	unsigned int i;

	for (i = 0; i < config->n_entries; i++) {
		entry = rhashtable_lookup_fast(&an->entries,
					       &config->entries[i].key,
					       entry_params);
		if (entry && entry->config->tunnel != config->tunnel)
			return entry->config;
	}
	return NULL;
}

/* What has been looked up in the table as it was before is no longer good. Whoever
 * does not see that yet is in a section of RCU that began before it, for which what
 * is taken out lives on.
 */
static void has_changed(struct adit_net *an)
{
	/* after the entry has come or gone, see lookup_and_keep() */
	smp_store_release(&an->genid, an->genid + 1);
}

static int add_entry(struct adit_net *an, struct adit_entry *entry)
{
	int err;

	/* ahead of the entry, which may stand before one of another shape */
	count_shape(an, entry->shape, 1);
	err = rhashtable_insert_fast(&an->entries, &entry->node, entry_params);
	if (err)
		goto uncount;
	err = rhltable_insert(&an->peers, &entry->peer, peer_params);
	if (err)
		goto remove;
	has_changed(an);
	return 0;

remove:
	rhashtable_remove_fast(&an->entries, &entry->node, entry_params);
	has_changed(an);
uncount:
	count_shape(an, entry->shape, -1);
	return err;
}

static void del_entry(struct adit_net *an, struct adit_entry *entry)
{
	count_shape(an, entry->shape, -1);
	rhltable_remove(&an->peers, &entry->peer, peer_params);
	rhashtable_remove_fast(&an->entries, &entry->node, entry_params);
	has_changed(an);
}

/**
 * adit_demux_add - let packets reach a tunnel
 * @an: netns of the underlay
 * @config: the tunnel's, indexed, with no twin
 *
 * Context: RTNL. Return: 0, or a negative errno (no memory) and no packet sees
 * it any more.
 */
int adit_demux_add(struct adit_net *an, struct adit_config *config)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < config->n_entries; i++)
		err = add_entry(an, &config->entries[i]);
	if (!err)
		return 0;

	for (i--; i--; )
		del_entry(an, &config->entries[i]);
	synchronize_net();
	return err;
}

/**
 * adit_demux_del - undo adit_demux_add(); packets may see it for an RCU period
 * @an: netns of the underlay
 * @config: the tunnel's
 */
void adit_demux_del(struct adit_net *an, struct adit_config *config)
{
	unsigned int i;

	for (i = 0; i < config->n_entries; i++)
		del_entry(an, &config->entries[i]);
}

/**
 * adit_demux_replace - swap a tunnel's configuration for a new one
 * @an: netns of the underlay
 * @old: freed by RCU on success
 * @new: in its place for both directions on success
 *
 * At no moment is the tunnel without a configuration in the table, which for a
 * moment has both.
 * Context: RTNL. Return: 0, or a negative errno and nothing has changed.
 */
int adit_demux_replace(struct adit_net *an, struct adit_config *old,
		       struct adit_config *new)
{
	int err;

	/* another peer counts from 0 */
	if (is_same_key(&old->entries[0].key, &new->entries[0].key) &&
	    old->iseq == new->iseq)
		atomic64_set(&new->iseq_next, atomic64_read(&old->iseq_next));
	err = adit_demux_add(an, new);
	if (err)
		return err;
	rcu_assign_pointer(new->tunnel->config, new);
	adit_demux_del(an, old);
	adit_unlisten(an, old);
	call_rcu(&old->rcu, config_free_rcu);
	return 0;
}

/* --- looking up */

static inline const struct adit_entry *lookup(struct adit_net *an,
					      const struct adit_key *key)
{
	return rhashtable_lookup(&an->entries, key, entry_params);
}

static noinline struct adit_config *probe(struct adit_net *an,
					  struct adit_key key,
					  unsigned int shape, int link)
{
	const struct adit_entry *entry;

	key.link = link;
	if (!(shape & ADIT_SHAPE_PEER_PORT))
		key.peer_port = 0;
	if (!(shape & ADIT_SHAPE_REMOTE))
		key.remote = adit_addr_any;
	if (!(shape & ADIT_SHAPE_LOCAL))
		key.local = adit_addr_any;
	if (!(shape & ADIT_SHAPE_KEY)) {
		key.format &= ADIT_FORMAT_UNKEYED;
		key.gre_key = 0;
	}
	entry = lookup(an, &key);
	/* that any GRE key is taken does not show in the key */
	return entry && entry->shape == shape ? entry->config : NULL;
}

/* Under PREEMPT_RT, BHs that are off do not keep others on this CPU from the memo. */
static noinline struct adit_config *lookup_and_keep(struct adit_net *an,
						    const struct adit_key *key)
{
	struct adit_memo *memo = this_cpu_ptr(an->memo);
	const struct adit_entry *entry;
	unsigned long genid;

	/* ahead of the table, see has_changed(): what that has lost since is old */
	genid = smp_load_acquire(&an->genid);
	entry = lookup(an, key);
	if (!entry)
		return NULL;
	if (!IS_ENABLED(CONFIG_PREEMPT_RT)) {
		memo->entry = entry;
		memo->genid = genid;
	}
	return entry->config;
}

/* Packets come in bursts: as a rule it is that of the one before. */
static inline struct adit_config *lookup_full(struct adit_net *an,
					      struct adit_key *key)
{
	const struct adit_memo *memo = this_cpu_ptr(an->memo);
	__be16 peer_port = key->peer_port;
	struct adit_config *config;

	key->peer_port = 0;
	if (likely(memo->genid == READ_ONCE(an->genid) &&
		   is_same_key(key, &memo->entry->key)))
		config = memo->entry->config;
	else
		config = lookup_and_keep(an, key);
	key->peer_port = peer_port;
	return config;
}

static inline bool is_outside_vrfs(const struct net_device *dev, int sdif)
{
	return !sdif && !netif_is_l3_master(dev);
}

/* A packet that came in through a VRF belongs to tunnels bound to that VRF or
 * to its port, and to no unbound one: addresses mean something else there.
 */
static struct adit_config *probe_links(struct adit_net *an,
				       struct adit_key *key,
				       unsigned int shape,
				       const struct net_device *dev, int sdif)
{
	struct adit_config *config = NULL;

	if (!(shape & ADIT_SHAPE_LINK))
		return is_outside_vrfs(dev, sdif) ? probe(an, *key, shape, 0) :
						    NULL;
	if (sdif)
		config = probe(an, *key, shape, sdif);
	return config ?: probe(an, *key, shape, dev->ifindex);
}

/* The most specific shape first. @takes: of those that allow the source */
static noinline struct adit_config *
demux_shapes(struct adit_net *an, struct adit_key *key,
	     const struct net_device *dev, int sdif, u32 mask, bool takes)
{
	struct adit_config *config;
	unsigned int shape;

	while (mask) {
		shape = __fls(mask);
		mask &= ~BIT(shape);
		config = probe_links(an, key, shape, dev, sdif);
		if (config && (!takes || adit_takes_from(config, key)))
			return config;
	}
	return NULL;
}

static struct adit_config *demux(struct adit_net *an, struct adit_key *key,
				 const struct net_device *dev, int sdif,
				 bool takes)
{
	u32 mask = READ_ONCE(an->shape_mask);

	/* as a rule, all tunnels have both ends and are bound to nothing */
	if (likely(mask == BIT(ADIT_SHAPE_FULL) && is_outside_vrfs(dev, sdif)))
		return lookup_full(an, key);
	return demux_shapes(an, key, dev, sdif, mask, takes);
}

/* No more than that many tunnels with the same remote are asked what a packet
 * lacked: it is for a counter only.
 */
#define ADIT_PEERS_MAX	16

/**
 * adit_demux_peers - the tunnels that have a remote
 * @an: netns of the underlay
 * @remote: it; zero: those whose remote is any, of either family
 *
 * Context: RCU. Return: adit_entry's, in no order, or NULL. A netns that ends has no
 * table any more, nor any tunnel.
 */
const struct rhlist_head *adit_demux_peers(struct adit_net *an,
					   const union adit_addr *remote)
{
	if (!READ_ONCE(an->shape_mask))
		return NULL;
	return rhltable_lookup(&an->peers, remote, peer_params);
}

static bool is_at(const struct adit_entry *entry, const struct net_device *dev,
		  int sdif)
{
	if (!entry->key.link)
		return is_outside_vrfs(dev, sdif);
	return entry->key.link == dev->ifindex || entry->key.link == sdif;
}

/* A packet that is a tunnel's but for the GRE key, or the lack of one, or the device;
 * or that may be, as far as can be told.
 */
static bool same_encap(const struct adit_key *key, const struct adit_wire *wire)
{
	u8 mask = wire->modeless ? ADIT_FORMAT_ENCAP : ADIT_FORMAT_UNKEYED;

	return !((key->format ^ wire->key.format) & mask) &&
	       key->port == wire->key.port &&
	       (!key->peer_port || key->peer_port == wire->key.peer_port);
}

/* The tunnel that a packet is next to, and what it lacks */
static struct adit_tunnel *missed(const struct rhlist_head *list,
				  const struct adit_wire *wire,
				  const struct net_device *dev, int sdif,
				  enum adit_drop *cause)
{
	const struct adit_key *key = &wire->key;
	const struct adit_entry *entry;
	const struct rhlist_head *pos;
	struct adit_tunnel *t = NULL;
	unsigned int n = 0;

	*cause = ADIT_DROP_RX_ENCAP;
	rhl_for_each_entry_rcu(entry, pos, list, peer) {
		if (n++ == ADIT_PEERS_MAX)
			break;
		if (!adit_is_between(entry, key) ||
		    !adit_takes_from(entry->config, key))
			continue;
		if (!same_encap(&entry->key, wire)) {
			t = t ?: entry->config->tunnel;
			continue;
		}
		t = entry->config->tunnel;
		*cause = ADIT_DROP_RX_DEVICE;
		if (is_at(entry, dev, sdif)) {
			*cause = wire->fault == ADIT_DROP_NONE ?
				 ADIT_DROP_RX_KEY : wire->fault;
			break;
		}
	}
	return t;
}

/* A packet between a tunnel's ends that is not the tunnel's is counted there:
 * somebody has to learn that the two ends do not agree. One whose remote is any
 * counts what those send that it allows.
 */
static void count_miss(struct adit_net *an, const struct adit_wire *wire,
		       const struct net_device *dev, int sdif)
{
	enum adit_drop cause;
	struct adit_tunnel *t;

	t = missed(adit_demux_peers(an, &wire->key.remote), wire, dev, sdif,
		   &cause) ?:
	    missed(adit_demux_peers(an, &adit_addr_any), wire, dev, sdif,
		   &cause);
	if (t)
		adit_count_drop(t, cause);
}

/**
 * adit_demux_find - the tunnel of a packet that came in outside of VRFs
 * @an: netns of the underlay
 * @key: of the packet
 * @dev: device it came in on
 *
 * Context: RCU. Return: its configuration, or NULL: none takes it.
 */
struct adit_config *adit_demux_find(struct adit_net *an,
				    struct adit_key *key,
				    const struct net_device *dev)
{
	return demux(an, key, dev, 0, true);
}

/**
 * adit_demux_rcv - find a packet's tunnel and hand it over
 * @an: netns of the underlay
 * @skb: network header outer, transport header what follows it
 * @wire: the outer packet
 *
 * What comes from where no tunnel allows it may be another driver's.
 * Context: softirq, RCU. Return: whether it was some tunnel's, and consumed.
 */
bool adit_demux_rcv(struct adit_net *an, struct sk_buff *skb,
		    struct adit_wire *wire)
{
	int sdif = wire->outer->sdif(skb);
	struct adit_config *config;

	config = demux(an, &wire->key, skb->dev, sdif, true);
	if (config) {
		adit_early_learn(config, skb, wire);
		adit_receive(skb, config, wire, false);
		return true;
	}
	config = demux(an, &wire->key, skb->dev, sdif, false);
	if (config)
		adit_count_drop(config->tunnel, ADIT_DROP_RX_SOURCE);
	else
		count_miss(an, wire, skb->dev, sdif);
	return false;
}

/* Does a tunnel send packets with that GRE key, as far as can be told? Routers may
 * quote so little that the key is not in it.
 */
static bool sends_key(const struct adit_config *config,
		      const struct adit_wire *wire)
{
	bool keyed = wire->key.format & ~ADIT_FORMAT_UNKEYED;

	return config->mode != ADIT_MODE_GRE || config->external ||
	       wire->fault != ADIT_DROP_NONE ||
	       (config->okeyed == keyed &&
		(!keyed || config->okey == wire->key.gre_key));
}

/* No more than that many tunnels with the same remote are asked whether they have
 * sent what an error quotes.
 */
#define ADIT_SENDERS_MAX	128

/* The first of those with a remote that sends what is quoted. @maybe: else the first
 * that would but for the key, where a route may have brought that, or where there
 * are too many to ask: their path is the same.
 */
static struct adit_config *sender_of(const struct rhlist_head *list,
				     const struct adit_wire *wire,
				     const struct net_device *dev, int sdif,
				     struct adit_config **maybe)
{
	struct adit_config *first = NULL;
	const struct adit_entry *entry;
	const struct rhlist_head *pos;
	unsigned int n = 0;

	rhl_for_each_entry_rcu(entry, pos, list, peer) {
		if (n++ == ADIT_SENDERS_MAX) {
			*maybe = *maybe ?: first;
			break;
		}
		if (!adit_is_between(entry, &wire->key) ||
		    !same_encap(&entry->key, wire) || !is_at(entry, dev, sdif))
			continue;
		if (sends_key(entry->config, wire))
			return entry->config;
		first = first ?: entry->config;
		if (!adit_is_fixed(entry->config))
			*maybe = *maybe ?: entry->config;
	}
	return NULL;
}

/* The table has what tunnels receive. With GRE they may send another key, and by an
 * external one's shape every key is found.
 */
static struct adit_config *demux_sender(struct adit_net *an,
					struct adit_wire *wire,
					const struct net_device *dev, int sdif,
					struct adit_config **maybe)
{
	struct adit_config *config, *sender;
	bool sends;

	config = demux(an, &wire->key, dev, sdif, false);
	sends = config && sends_key(config, wire);
	if (sends && (config->mode != ADIT_MODE_GRE || adit_is_fixed(config)))
		return config;
	sender = sender_of(adit_demux_peers(an, &wire->key.remote), wire, dev,
			   sdif, maybe);
	if (sender)
		return sender;
	return sends ? config : sender_of(adit_demux_peers(an, &adit_addr_any),
					  wire, dev, sdif, maybe);
}

/**
 * adit_demux_quoted - whose is the packet that an ICMP error quotes?
 * @an: netns of the underlay
 * @skb: the error, at the quoted packet
 * @wire: that packet, as if it had come the other way
 *
 * An error need not come in where its packet went out: this host's own come in
 * on lo, and paths may be asymmetric. Then the device that a packet between
 * these ends would take tells whose it is. A tunnel that is bound to yet
 * another device is not found by that.
 * Context: softirq, RCU. Return: the tunnel's configuration, or NULL.
 */
struct adit_config *adit_demux_quoted(struct adit_net *an, struct sk_buff *skb,
				      struct adit_wire *wire)
{
	struct adit_config *config, *maybe = NULL;
	struct dst_entry *dst;

	config = demux_sender(an, wire, skb->dev, wire->outer->sdif(skb),
			      &maybe);
	if (config)
		return config;
	dst = wire->outer->towards(an->net, &wire->key,
				   l3mdev_master_ifindex_rcu(skb->dev));
	if (IS_ERR(dst))
		return maybe;
	config = demux_sender(an, wire, dst->dev,
			      l3mdev_master_ifindex_rcu(dst->dev), &maybe);
	dst_release(dst);
	return config ?: maybe;
}

/* --- protocol handlers */

/* What was sent to a group, by either layer, is not from a tunnel. @inner: NULL
 * with GRE, which says itself what it carries.
 */
static bool rcv_raw(struct sk_buff *skb, const struct adit_outer_ops *outer,
		    const struct adit_inner *inner)
{
	u8 mode = inner ? ADIT_MODE_IP : ADIT_MODE_GRE;
	struct adit_wire wire = {
		.outer = outer,
		.inner = inner,
		.key.family = outer->family,
	};

	if (outer->to_group(skb))
		return false;
	outer->ends(skb, &wire.key);
	wire.fault = adit_encaps[ADIT_ENCAP_NONE].parse(skb, &wire, mode);
	return adit_demux_rcv(adit_net(dev_net(skb->dev)), skb, &wire);
}

/* Where a tunnel to any remote may have sent it, so may others, who are told too,
 * unless it is for those that it allows.
 */
static bool err_raw(struct sk_buff *skb, const struct adit_outer_ops *outer,
		    const struct adit_inner *inner, const struct adit_icmp *icmp)
{
	u8 mode = inner ? ADIT_MODE_IP : ADIT_MODE_GRE;
	struct adit_net *an = adit_net(dev_net(skb->dev));
	struct adit_config *config;
	struct adit_wire wire = {
		.outer = outer,
		.inner = inner,
		.key.family = outer->family,
	};

	outer->quoted_ends(skb, &wire.key);
	wire.hlen = icmp->offset;
	wire.fault = adit_encaps[ADIT_ENCAP_NONE].parse(skb, &wire, mode);
	config = adit_demux_quoted(an, skb, &wire);
	if (!config)
		return false;
	adit_icmp_err(skb, icmp, config, &wire);
	return adit_takes_from(config, &wire.key);
}

/* What quotes UDP, fou passes on here as if that were not there. */
static bool err_raw_ip4(struct sk_buff *skb, u32 info,
			const struct adit_inner *inner)
{
	struct adit_icmp icmp = adit_icmp_ip4(skb, icmp_hdr(skb), info);
	const struct iphdr *quoted = (const void *)skb->data;

	return quoted->protocol != IPPROTO_UDP &&
	       err_raw(skb, &adit_outer_ip4, inner, &icmp);
}

static bool err_raw_ip6(struct sk_buff *skb, u8 type, u8 code, int offset,
			__be32 info, const struct adit_inner *inner)
{
	struct adit_icmp icmp = adit_icmp_ip6(type, code, offset, info);
	u8 proto = ((const struct ipv6hdr *)skb->data)->nexthdr;
	__be16 frag_off;

	return ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &proto,
				&frag_off) >= 0 &&
	       proto != IPPROTO_UDP &&
	       err_raw(skb, &adit_outer_ip6, inner, &icmp);
}

/* A protocol number says what the inner packet is: one handler each. */
#define ADIT_HANDLERS(name, NAME)					\
static int rcv_##name##_in_ip4(struct sk_buff *skb)			\
{									\
	return rcv_raw(skb, &adit_outer_ip4,				\
		       &adit_inners[ADIT_INNER_##NAME]) ? 0 : -ENOENT;	\
}									\
									\
static int err_##name##_in_ip4(struct sk_buff *skb, u32 info)		\
{									\
	return err_raw_ip4(skb, info,					\
			   &adit_inners[ADIT_INNER_##NAME]) ?		\
	       0 : -ENOENT;						\
}									\
									\
static int rcv_##name##_in_ip6(struct sk_buff *skb)			\
{									\
	return rcv_raw(skb, &adit_outer_ip6,				\
		       &adit_inners[ADIT_INNER_##NAME]) ? 0 : -ENOENT;	\
}									\
									\
static int err_##name##_in_ip6(struct sk_buff *skb,			\
			       struct inet6_skb_parm *opt, u8 type,	\
			       u8 code, int offset, __be32 info)	\
{									\
	return err_raw_ip6(skb, type, code, offset, info,		\
			   &adit_inners[ADIT_INNER_##NAME]) ?		\
	       0 : -ENOENT;						\
}

ADIT_HANDLERS(ip4, IP4)
ADIT_HANDLERS(ip6, IP6)
ADIT_HANDLERS(mpls, MPLS)

/* Ahead of vti (0) and of ipip and sit (1): their fallback devices take
 * whatever reaches them, and what is not ours is passed on.
 */
#define ADIT_PRIORITY	(-1)

#define ADIT_HANDLER(name, under)					\
	{ .handler = rcv_##name##_in_##under,				\
	  .err_handler = err_##name##_in_##under,			\
	  .priority = ADIT_PRIORITY }

static struct {
	struct xfrm_tunnel in_ip4;
	struct xfrm6_tunnel in_ip6;
	unsigned short family;
} handlers[] = {
	{ ADIT_HANDLER(ip4, ip4), ADIT_HANDLER(ip4, ip6), AF_INET },
	{ ADIT_HANDLER(ip6, ip4), ADIT_HANDLER(ip6, ip6), AF_INET6 },
	{ ADIT_HANDLER(mpls, ip4), ADIT_HANDLER(mpls, ip6), AF_MPLS },
};

static int register_handler(unsigned int i)
{
	int err;

	err = xfrm4_tunnel_register(&handlers[i].in_ip4, handlers[i].family);
	if (err)
		return err;
	err = xfrm6_tunnel_register(&handlers[i].in_ip6, handlers[i].family);
	if (err)
		xfrm4_tunnel_deregister(&handlers[i].in_ip4,
					handlers[i].family);
	return err;
}

static void unregister_handlers(unsigned int n)
{
	while (n--) {
		xfrm6_tunnel_deregister(&handlers[n].in_ip6,
					handlers[n].family);
		xfrm4_tunnel_deregister(&handlers[n].in_ip4,
					handlers[n].family);
	}
}

int adit_demux_register(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(handlers); i++) {
		err = register_handler(i);
		if (err) {
			unregister_handlers(i);
			return err;
		}
	}
	return 0;
}

void adit_demux_unregister(void)
{
	unregister_handlers(ARRAY_SIZE(handlers));
}

/* GRE is one handler's alone: nobody is left to pass a packet on to. */
static int rcv_gre_in_ip4(struct sk_buff *skb)
{
	if (!rcv_raw(skb, &adit_outer_ip4, NULL)) {
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
		kfree_skb(skb);
	}
	return 0;
}

static void err_gre_in_ip4(struct sk_buff *skb, u32 info)
{
	err_raw_ip4(skb, info, NULL);
}

static int rcv_gre_in_ip6(struct sk_buff *skb)
{
	if (!rcv_raw(skb, &adit_outer_ip6, NULL)) {
		icmpv6_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0);
		kfree_skb(skb);
	}
	return 0;
}

static int err_gre_in_ip6(struct sk_buff *skb, struct inet6_skb_parm *opt,
			  u8 type, u8 code, int offset, __be32 info)
{
	return err_raw_ip6(skb, type, code, offset, info, NULL) ? 0 : -ENOENT;
}

static const struct gre_protocol gre_ip4 = {
	.handler = rcv_gre_in_ip4,
	.err_handler = err_gre_in_ip4,
};

static const struct inet6_protocol gre_ip6 = {
	.handler = rcv_gre_in_ip6,
	.err_handler = err_gre_in_ip6,
	.flags = INET6_PROTO_NOPOLICY | INET6_PROTO_FINAL,
};

/* gre.ko is held while it is in use, and not before: on a host with it, packets
 * that nobody wants are no longer answered with ICMP.
 */
static int register_gre_ip4(void)
{
	int (*add)(const struct gre_protocol *proto, u8 version);
	int err;

	add = symbol_request(gre_add_protocol);
	if (!add)
		return -EPROTONOSUPPORT;
	err = add(&gre_ip4, GREPROTO_CISCO);
	if (err)
		symbol_put(gre_add_protocol);
	return err;
}

static void unregister_gre_ip4(void)
{
	int (*del)(const struct gre_protocol *proto, u8 version);

	del = symbol_get(gre_del_protocol);
	if (WARN_ON(!del))
		return;
	del(&gre_ip4, GREPROTO_CISCO);
	symbol_put(gre_del_protocol);
	symbol_put(gre_add_protocol);
}

/**
 * adit_gre_register - take GRE over one underlay, for all netns
 * @ip6: IPv6, or else IPv4
 *
 * Context: RTNL. Return: 0, or -EBUSY: somebody else has it, or another
 * negative errno: the kernel has no GRE.
 */
int adit_gre_register(bool ip6)
{
	if (!ip6)
		return register_gre_ip4();
	return inet6_add_protocol(&gre_ip6, IPPROTO_GRE) ? -EBUSY : 0;
}

/**
 * adit_gre_unregister - undo adit_gre_register()
 * @ip6: as there
 */
void adit_gre_unregister(bool ip6)
{
	if (ip6)
		inet6_del_protocol(&gre_ip6, IPPROTO_GRE);
	else
		unregister_gre_ip4();
}
