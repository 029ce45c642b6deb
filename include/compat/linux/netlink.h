/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: extack text with arguments. Kernels without a buffer in the extack
 * get a static one for each place of use: RTNL serialises its writers, and a
 * reader that loses the race to the next refusal sees that one's text.
 */
#ifndef _ADIT_COMPAT_LINUX_NETLINK_H
#define _ADIT_COMPAT_LINUX_NETLINK_H

#include_next <linux/netlink.h>

#ifndef NL_SET_ERR_MSG_FMT_MOD
#define NL_SET_ERR_MSG_FMT_MOD(extack, fmt, args...) do {		\
	static char __buf[80];						\
	struct netlink_ext_ack *__ack = (extack);			\
									\
	if (__ack) {							\
		snprintf(__buf, sizeof(__buf),				\
			 KBUILD_MODNAME ": " fmt, ##args);		\
		__ack->_msg = __buf;					\
	}								\
} while (0)
#endif

#endif /* _ADIT_COMPAT_LINUX_NETLINK_H */
