/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: UDP tunnel sockets were passed as struct socket and became struct
 * sock.
 */
#ifndef _ADIT_COMPAT_NET_UDP_TUNNEL_H
#define _ADIT_COMPAT_NET_UDP_TUNNEL_H

#include_next <net/udp_tunnel.h>

#ifdef ADIT_HAS_UDP_TUNNEL_SK
#define adit_udp_tunnel_setup(net, sock, cfg)	\
	setup_udp_tunnel_sock(net, (sock)->sk, cfg)
#else
#define adit_udp_tunnel_setup(net, sock, cfg)	\
	setup_udp_tunnel_sock(net, sock, cfg)
#endif

#endif /* _ADIT_COMPAT_NET_UDP_TUNNEL_H */
