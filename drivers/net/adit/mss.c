// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: the MSS that TCP announces.
 *
 * Owns: lowering it in a SYN, for paths whose ICMP errors get lost.
 * Does not own: what the path carries (xmit.c, mtu.c).
 */

#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/tcp.h>

#include "adit.h"

/* Where the TCP header is, from skb->data on; negative: there is none */
static int tcp_at(const struct sk_buff *skb, const struct adit_inner *inner)
{
	u8 proto;
	int at;

	at = inner->transport ? inner->transport(skb, &proto) : -ENOENT;
	if (at < 0 || proto != IPPROTO_TCP)
		return -ENOENT;
	return skb_network_offset(skb) + at;
}

/**
 * adit_is_syn - does a packet open a TCP connection?
 * @skb: at its inner header
 * @inner: its family
 */
bool adit_is_syn(struct sk_buff *skb, const struct adit_inner *inner)
{
	const struct tcphdr *th;
	struct tcphdr buf;
	int at;

	at = tcp_at(skb, inner);
	if (at < 0)
		return false;
	th = skb_header_pointer(skb, at, sizeof(buf), &buf);
	return th && th->syn;
}

static u8 *find_mss(u8 *option, const u8 *end)
{
	while (option < end && *option != TCPOPT_EOL) {
		if (*option == TCPOPT_NOP) {
			option++;
			continue;
		}
		if (end - option < 2 || option[1] < 2 ||
		    option[1] > end - option)
			return NULL;
		if (*option == TCPOPT_MSS && option[1] == TCPOLEN_MSS)
			return option + 2;
		option += option[1];
	}
	return NULL;
}

/* Is it TCP's checksum that is still to be made? A peer's remote checksum can be
 * for any other place.
 */
static bool is_unsummed(const struct sk_buff *skb, const struct tcphdr *th)
{
	return skb->ip_summed == CHECKSUM_PARTIAL &&
	       skb_checksum_start(skb) == (const u8 *)th &&
	       skb->csum_offset == offsetof(struct tcphdr, check);
}

/* The checksum is over pairs of bytes, which the value may lie across. */
static void set_mss(struct sk_buff *skb, struct tcphdr *th, u8 *at, u16 mss)
{
	bool odd = (at - (u8 *)th) & 1;
	__be16 old, new = htons(mss);

	memcpy(&old, at, sizeof(old));
	memcpy(at, &new, sizeof(new));
	if (is_unsummed(skb, th))
		return;
	if (odd) {
		old = (__force __be16)swab16((__force u16)old);
		new = (__force __be16)swab16((__force u16)new);
	}
	csum_replace2(&th->check, old, new);
}

/**
 * adit_mss_clamp - have a SYN announce no more than the path carries
 * @skb: adit_is_syn(); at its inner header
 * @inner: its family
 * @mtu: of inner packets on the path
 *
 * By RFC 6691 options do not count. A SYN without MSS is left as it is, and so
 * is one that there is no memory to change.
 */
void adit_mss_clamp(struct sk_buff *skb, const struct adit_inner *inner,
		    unsigned int mtu)
{
	unsigned int hlen = inner->hlen + sizeof(struct tcphdr);
	int at = tcp_at(skb, inner);
	struct tcphdr *th;
	u8 *mss;

	if (mtu <= hlen || !pskb_may_pull(skb, at + sizeof(*th)))
		return;
	th = (struct tcphdr *)(skb->data + at);
	if (th->doff * 4 < sizeof(*th) ||
	    skb_ensure_writable(skb, at + th->doff * 4))
		return;
	th = (struct tcphdr *)(skb->data + at);
	mss = find_mss((u8 *)(th + 1), (u8 *)th + th->doff * 4);
	if (mss && (mss[0] << 8 | mss[1]) > mtu - hlen)
		set_mss(skb, th, mss, mtu - hlen);
}
