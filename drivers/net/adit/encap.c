// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: encapsulations, what stands between the outer IP header and the inner
 * packet.
 *
 * Owns: the rows of that table.
 * Does not own: the outer IP header (underlay.c), inner families (inner.c).
 */

#include "adit.h"

/* mode ip: the inner packet follows at once */
const struct adit_encap_ops adit_encap_ip = {
	.hlen = 0,
	.gso_type = SKB_GSO_IPXIP4,
};
