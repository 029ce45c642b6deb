// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: encapsulations, what stands between the outer IP header and the inner
 * packet.
 *
 * Owns: the rows of that table, and the table of inner families.
 * Does not own: the outer IP header (underlay.c).
 */

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "adit.h"

const struct adit_inner adit_inners[ADIT_INNER_MAX] = {
	[ADIT_INNER_IP4] = {
		.ethertype = cpu_to_be16(ETH_P_IP),
		.ipproto = IPPROTO_IPIP,
		.version = 4,
		.hlen = sizeof(struct iphdr),
		.min_mtu = 0,	/* DF is honoured down to the last byte */
		.index = ADIT_INNER_IP4,
	},
	[ADIT_INNER_IP6] = {
		.ethertype = cpu_to_be16(ETH_P_IPV6),
		.ipproto = IPPROTO_IPV6,
		.version = 6,
		.hlen = sizeof(struct ipv6hdr),
		.min_mtu = IPV6_MIN_MTU,
		.index = ADIT_INNER_IP6,
	},
};

/* mode ip: the inner packet follows at once */
const struct adit_encap_ops adit_encap_ip = {
	.hlen = 0,
	.gso_type = SKB_GSO_IPXIP4,
};
