/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile: what the files of the program share.
 *
 * Owns: the table of counters, and the structs of a tunnel, a packet and what
 * becomes of it.
 * Does not own: the making of packets (hostile_make.c), what must become of one
 * (hostile_model.c), sockets and counters (hostile_net.c).
 */
#ifndef _HOSTILE_H
#define _HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* --- counters: all that moves when the underlay or a tunnel gets a packet */

#define COUNTERS(ONE)							\
	/* of the underlay's netns: /proc/net/{snmp,netstat,snmp6} */	\
	ONE(IP_HDR, "IpInHdrErrors")					\
	ONE(IP_ADDR, "IpInAddrErrors")					\
	ONE(IP_PROTO, "IpInUnknownProtos")				\
	ONE(IP_DISCARD, "IpInDiscards")					\
	ONE(IP_REASM, "IpReasmReqds")					\
	ONE(IP_REASM_OK, "IpReasmOKs")					\
	ONE(IP_CUT, "IpExtInTruncatedPkts")				\
	ONE(IP_CSUM, "IpExtInCsumErrors")				\
	ONE(IP_NOROUTE, "IpExtInNoRoutes")				\
	ONE(UDP_IN, "UdpInDatagrams")					\
	ONE(UDP_NOPORT, "UdpNoPorts")					\
	ONE(UDP_ERR, "UdpInErrors")					\
	ONE(UDP_CSUM, "UdpInCsumErrors")				\
	ONE(ICMP_IN, "IcmpInMsgs")					\
	ONE(ICMP_ERR, "IcmpInErrors")					\
	ONE(ICMP_CSUM, "IcmpInCsumErrors")				\
	ONE(IP6_HDR, "Ip6InHdrErrors")					\
	ONE(IP6_ADDR, "Ip6InAddrErrors")				\
	ONE(IP6_PROTO, "Ip6InUnknownProtos")				\
	ONE(IP6_DISCARD, "Ip6InDiscards")				\
	ONE(IP6_REASM, "Ip6ReasmReqds")					\
	ONE(IP6_REASM_OK, "Ip6ReasmOKs")				\
	ONE(IP6_CUT, "Ip6InTruncatedPkts")				\
	ONE(IP6_NOROUTE, "Ip6InNoRoutes")				\
	ONE(UDP6_IN, "Udp6InDatagrams")					\
	ONE(UDP6_NOPORT, "Udp6NoPorts")					\
	ONE(UDP6_ERR, "Udp6InErrors")					\
	ONE(UDP6_CSUM, "Udp6InCsumErrors")				\
	/* of the device: ethtool -S */					\
	ONE(RX_POLICY, "rx_policy")					\
	ONE(RX_DOWN, "rx_down")						\
	ONE(RX_NOMEM, "rx_nomem")					\
	ONE(RX_BACKLOG, "rx_backlog")					\
	ONE(RX_MALFORMED, "rx_malformed")				\
	ONE(RX_ECN, "rx_ecn")						\
	ONE(RX_CSUM, "rx_csum")						\
	ONE(RX_SEQ, "rx_seq")						\
	ONE(RX_KEY, "rx_key")						\
	ONE(RX_ENCAP, "rx_encap")					\
	ONE(RX_DEVICE, "rx_device")					\
	ONE(RX_SOURCE, "rx_source")					\
	ONE(RX_CONTROL, "rx_control")					\
	ONE(RX_PROTOCOL, "rx_protocol")					\
	ONE(TX_PROTOCOL, "tx_protocol")					\
	ONE(TX_MALFORMED, "tx_malformed")				\
	ONE(TX_NO_ROUTE, "tx_no_route")					\
	ONE(TX_LOOP_SELF, "tx_loop_self")				\
	ONE(TX_LOOP_MUTUAL, "tx_loop_mutual")				\
	ONE(TX_NESTING, "tx_nesting")					\
	ONE(TX_TOO_BIG, "tx_too_big")					\
	ONE(TX_NOMEM, "tx_nomem")					\
	ONE(TX_UNDERLAY, "tx_underlay")					\
	ONE(TX_NO_REMOTE, "tx_no_remote")				\
	/* of devices: /proc/net/dev */					\
	ONE(DELIVERED, "delivered")					\
	ONE(SENT, "sent")						\
	ONE(CORE_DROP, "dropped by the core")				\
	ONE(ARRIVED, "arrived")

enum counter {
#define COUNTER_ENUM(symbol, name) C_##symbol,
	COUNTERS(COUNTER_ENUM)
#undef COUNTER_ENUM
	C_MAX
};

extern const char *const counter_names[C_MAX];

struct counts {
	u64 n[C_MAX];
};

/* --- random numbers */

struct rng {
	u64 state;
};

u64 rng_next(struct rng *r);
u32 rng_below(struct rng *r, u32 n);
bool rng_one_in(struct rng *r, u32 n);
void rng_fill(struct rng *r, void *to, size_t len);
u64 rng_mix(u64 a, u64 b);

/* --- a tunnel */

enum mode { MODE_IP, MODE_GRE };
enum encap { ENCAP_NONE, ENCAP_FOU, ENCAP_GUE };

#define GRE_CSUM	0x8000
#define GRE_KEY		0x2000
#define GRE_SEQ		0x1000

/**
 * struct tunnel - what `ip link add` was told
 * @family: of the underlay, 4 or 6
 * @any: no fixed remote; the one peer is allowed
 * @seq: what the next GRE sequence number may be at least; @seen: one was
 */
struct tunnel {
	u8 family;
	enum mode mode;
	enum encap encap;
	u16 port;
	u16 peer_port;
	bool keyed;
	u32 key;
	bool icsum;
	bool iseq;
	bool any;
	bool external;
	bool encap_csum;
	bool underlay;
	bool clamp;
	bool fast;
	bool rd6;
	bool isatap;
	bool in_place;
	u32 seq;
	bool seen;
};

/* The ends, and a stranger: 192.0.2.1 is the host that receives. */
enum end { END_HERE = 1, END_PEER, END_STRANGER };

/* --- a packet */

#define PACKET_MAX	2048
#define FRAMES_MAX	32

/* What seal() leaves as it is */
#define KEEP_IPLEN	1
#define KEEP_IPCSUM	2
#define KEEP_UDPLEN	4
#define KEEP_UDPCSUM	8
#define KEEP_GRECSUM	16

enum fate {
	FATE_DELIVERED,
	FATE_DROPPED,		/* by adit, under a cause */
	FATE_REFUSED,		/* by the kernel, with a counter */
	FATE_SILENT,		/* by the kernel, without one */
	FATE_HELD,		/* a fragment that waits for others */
	FATE_UNSURE,		/* not to be sent: the model does not say */
	FATE_MAX
};

/* An inner packet that comes out of the device: bytes of the outer one; unsummed:
 * its TCP checksum is left to us; sum_start: another one has been made from there on,
 * at sum_at
 */
struct delivery {
	u16 at;
	u16 len;
	u16 ethertype;
	u8 outer_tos;
	bool unsummed;
	u16 sum_start;
	u16 sum_at;
};

#define DELIVERIES_MAX	8

/**
 * struct outcome - what must become of a packet
 * @bumps: enum counter, each once
 * @maybe: more of them, of which the kernel's timing decides; C_MAX: none
 * @why: of a fate without a counter
 * @seq: of the tunnel, after it
 */
struct outcome {
	enum fate fate;
	unsigned int n_bumps;
	u8 bumps[24];
	enum counter maybe;
	const char *why;
	unsigned int n_deliveries;
	struct delivery deliveries[DELIVERIES_MAX];
	u32 seq;
	bool seen;
};

/**
 * struct item - a packet from the outer IP header on
 * @frames: how many fragments it is sent in; 0: as it is
 * @whole: they make up the packet
 * @what: what was done to it
 */
struct item {
	u8 p[PACKET_MAX];
	unsigned int len;
	u8 family;
	unsigned int udp, gue, gre, inner;	/* offsets; 0: none */
	bool udp_csum;
	unsigned int keep;
	unsigned int id;
	bool whole;
	unsigned int frames;
	struct {
		u16 len;
		u8 p[PACKET_MAX];
	} *frame;
	struct outcome out;
	char what[128];
};

static inline u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static inline u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

static inline void put16(u8 *p, u32 v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* hostile_make.c */
u16 checksum(const u8 *p, unsigned int len, u32 sum);
u32 pseudo(u8 family, const u8 *ip, u32 len, u8 proto);
void address(u8 *to, u8 family, enum end end);
void make_good(struct item *it, const struct tunnel *t, struct rng *r);
void wrap(struct item *it, const struct tunnel *t, const u8 *packet,
	  unsigned int len, struct rng *r);
void make_plain(struct item *it, const struct tunnel *t);
void seal(struct item *it);

/* hostile_mutate.c */
const char *class_name(unsigned int class);
bool class_fits(unsigned int class, const struct tunnel *t);
void make(struct item *it, unsigned int class, const struct tunnel *t,
	  struct rng *r, unsigned int i);

/* hostile_model.c */
void foresee(struct item *it, const struct tunnel *t);
bool is_intact(const struct item *it, const struct delivery *d,
	       const struct tunnel *t, const u8 *got, unsigned int len);

/* hostile_net.c */

/**
 * struct place - an interface in a netns of /run/netns
 */
struct place {
	const char *ns;
	const char *dev;
};

/**
 * struct net - what is sent by, and looked at
 * @tx: sends on the interface that the underlay's is the other end of
 * @rx: sees what comes out of the device
 */
struct net {
	int tx;
	int rx;
	int ctl;
	int snmp, netstat, snmp6, devs, underlay_devs;
	u8 header[14];
	const char *device;
	const char *underlay;
	u32 n_causes;
	int causes[64];
};

void net_open(struct net *net, const struct place *sender,
	      const struct place *underlay, const struct place *device,
	      bool out_of_underlay);
void net_count(const struct net *net, struct counts *counts);
void net_send(struct net *net, const struct item *items, unsigned int n);
int net_receive(const struct net *net, u8 *to, unsigned int room,
		int timeout);
void die(const char *format, ...);

#endif /* _HOSTILE_H */
