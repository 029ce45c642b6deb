/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: addresses of sockets became a type of their own inside the kernel.
 */
#ifndef _ADIT_COMPAT_LINUX_NET_H
#define _ADIT_COMPAT_LINUX_NET_H

#include_next <linux/net.h>

static inline int adit_kernel_bind(struct socket *sock, void *addr, int len)
{
	return kernel_bind(sock, addr, len);
}

#endif /* _ADIT_COMPAT_LINUX_NET_H */
