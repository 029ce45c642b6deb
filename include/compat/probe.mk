# SPDX-License-Identifier: GPL-2.0-only
# What this kernel's headers have, as -DADIT_HAS_*: probed, because Debian
# changes signatures inside a series and a version number would lie. The
# overlays beside this file fill the gaps.

adit-inc := $(srctree)/include
# $(call adit-probe,NAME,PATTERN,FILES)
adit-probe = $(shell cat $(addprefix $(adit-inc)/,$(3)) 2>/dev/null | \
	       grep -qw -e '$(2)' && echo -DADIT_HAS_$(1))

adit-reasons := CPU_BACKLOG DEV_READY IP_INHDR IP_OUTNOROUTES IP_TUNNEL_ECN \
		NOMEM PKT_TOO_BIG PKT_TOO_SMALL RECURSION_LIMIT \
		SKB_CSUM UNHANDLED_PROTO XFRM_POLICY
adit-reason-files := linux/skbuff.h net/dropreason.h net/dropreason-core.h

adit-has := \
	$(call adit-probe,NEWLINK_PARAMS,struct rtnl_newlink_params,net/rtnetlink.h) \
	$(call adit-probe,LINK_NET_CAPABLE,rtnl_dev_link_net_capable,net/rtnetlink.h) \
	$(call adit-probe,FLOWI4_DSCP,flowi4_dscp,net/flow.h) \
	$(call adit-probe,TUNNEL_BITMAP,IP_TUNNEL_DECLARE_FLAGS,net/ip_tunnels.h) \
	$(call adit-probe,TUNNEL_FLOW_FLAGS,flow_flags,net/ip_tunnels.h) \
	$(call adit-probe,UDP_TUNNEL_SK,setup_udp_tunnel_sock.struct net .net. struct sock .sk,net/udp_tunnel.h) \
	$(call adit-probe,ROUTE_INPUT_DSCP,dscp_t dscp. struct net_device .dev,net/route.h) \
	$(call adit-probe,RAW_HASHFUNC,raw_hashfunc,net/raw.h) \
	$(call adit-probe,RAW_NULLS,struct hlist_nulls_head ht,net/raw.h net/raw_common.h) \
	$(call adit-probe,XFRM_DEFAULT_ACTIONS,policy_default.XFRM_POLICY_MAX,net/netns/xfrm.h) \
	$(call adit-probe,XFRM_DEFAULT_BITS,XFRM_POL_DEFAULT_IN,net/netns/xfrm.h) \
	$(call adit-probe,OUTREQUESTS,IPSTATS_MIB_OUTREQUESTS,uapi/linux/snmp.h) \
	$(call adit-probe,IPV6_STUB,ipv6_route_input,net/ipv6_stubs.h) \
	$(if $(wildcard $(adit-inc)/net/rps.h),-DADIT_HAS_NET_RPS) \
	$(call adit-probe,SK_DROPS_INC,sk_drops_inc,net/sock.h) \
	$(call adit-probe,DEV_LLTX,lltx:1,linux/netdevice.h) \
	$(call adit-probe,XMIT_RECURSION,dev_xmit_recursion_inc,linux/netdevice.h) \
	$(call adit-probe,NETSTATS_TX_ADD,dev_sw_netstats_tx_add,linux/netdevice.h) \
	$(call adit-probe,KFREE_SKB_REASON,kfree_skb_reason,linux/skbuff.h) \
	$(call adit-probe,GSO_FIXEDID_INNER,SKB_GSO_TCP_FIXEDID_INNER,linux/skbuff.h) \
	$(if $(wildcard $(adit-inc)/net/gso.h),-DADIT_HAS_NET_GSO) \
	$(if $(wildcard $(adit-inc)/net/netdev_lock.h),-DADIT_HAS_NET_NETDEV_LOCK) \
	$(foreach r,$(adit-reasons),$(call adit-probe,REASON_$(r),SKB_DROP_REASON_$(r),$(adit-reason-files)))
