// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: a link as the kernel describes it.
 *
 * Owns: reading that description, and finding one device of kind adit.
 * Does not own: sockets (netlink.c), what is done with it (show.c, lvs.c).
 */
#include <string.h>

#include <linux/rtnetlink.h>

#include "link.h"
#include "netlink.h"

static struct adit_span span_of(const struct nlattr *attr)
{
	return (struct adit_span){ mnl_attr_get_payload(attr),
				   mnl_attr_get_payload_len(attr) };
}

static int read_option(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	if (mnl_attr_get_type(attr) <= IFLA_ADIT_MAX)
		link->spans[mnl_attr_get_type(attr)] = span_of(attr);
	return MNL_CB_OK;
}

static int read_info(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_INFO_KIND:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			link->kind = mnl_attr_get_str(attr);
		break;
	case IFLA_INFO_SLAVE_KIND:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			link->port_kind = mnl_attr_get_str(attr);
		break;
	case IFLA_INFO_DATA:
		/* Other kinds number theirs otherwise: see is_adit(). */
		mnl_attr_parse_nested(attr, read_option, link);
		break;
	case IFLA_INFO_XSTATS:
		link->xstats = span_of(attr);
		break;
	}
	return MNL_CB_OK;
}

static void read_stats(const struct nlattr *attr, struct link *link)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len > sizeof(link->stats))
		len = sizeof(link->stats);
	memcpy(&link->stats, mnl_attr_get_payload(attr), len);
}

static int read_attr(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			link->name = mnl_attr_get_str(attr);
		break;
	case IFLA_MTU:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			link->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_OPERSTATE:
		if (mnl_attr_validate(attr, MNL_TYPE_U8) >= 0)
			link->operstate = mnl_attr_get_u8(attr);
		break;
	case IFLA_MASTER:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			link->master = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK_NETNSID:
		link->foreign = mnl_attr_validate(attr, MNL_TYPE_U32) >= 0;
		if (link->foreign)
			link->nsid = mnl_attr_get_u32(attr);
		break;
	case IFLA_STATS64:
		read_stats(attr, link);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, read_info, link);
		break;
	}
	return MNL_CB_OK;
}

void read_link(const struct nlmsghdr *message, struct link *link)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	memset(link, 0, sizeof(*link));
	link->name = "?";
	link->kind = "none";
	link->port_kind = "";
	link->ifindex = info->ifi_index;
	link->flags = info->ifi_flags;
	mnl_attr_parse(message, sizeof(*info), read_attr, link);
}

bool is_adit(const struct link *link)
{
	return !strcmp(link->kind, "adit");
}

int get_link(const char *name, struct dump *dump)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	struct nlmsghdr *request;
	struct link link;
	int status;

	if (!*name || strlen(name) >= IFNAMSIZ) {
		complain("%s: not the name of a device", name);
		return EXIT_USAGE;
	}
	request = link_request(buf, RTM_GETLINK, 0, name);
	status = link_talk(request, name, dump_append, dump);
	if (status || !dump->len)
		return status ? status : EXIT_KERNEL;
	read_link(dump->messages, &link);
	if (is_adit(&link))
		return EXIT_OK;
	complain("%s: not an adit device (kind %s)", name, link.kind);
	return EXIT_KERNEL;
}

int find_link(const char *name, int *ifindex)
{
	struct dump dump = { 0 };
	struct link link;
	int status = get_link(name, &dump);

	if (!status) {
		read_link(dump.messages, &link);
		*ifindex = link.ifindex;
	}
	dump_free(&dump);
	return status;
}
