// SPDX-License-Identifier: GPL-2.0-only
/*
 * adit: what the host says of itself.
 *
 * Owns: reading its sysctls, its counters and its default routes.
 * Does not own: links (link.c) and addresses (addr.c), what follows from any
 * of it (lvs_check.c).
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include "host.h"
#include "netlink.h"

static int read_conf(int family, const char *dev, const char *setting)
{
	char path[PATH_MAX];
	int value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv%c/conf/%s/%s",
		 family == AF_INET ? '4' : '6', dev, setting);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

int host_conf(int family, const char *dev, const char *setting)
{
	int all = family == AF_INET ? read_conf(family, "all", setting) : 0;
	int own = read_conf(family, dev, setting);

	return all > own ? all : own;
}

/*
 * A line of names and a line of values after the same word, as in "Ip:
 * InReceives" and "Ip: 42".
 */
static bool in_pairs(FILE *file, const char *name, unsigned long long *value)
{
	char *names = NULL, *values = NULL, *n, *v, *rest, *rest2;
	size_t room = 0, room2 = 0, prefix;
	bool found = false;

	while (!found && getline(&names, &room, file) > 0 &&
	       getline(&values, &room2, file) > 0) {
		n = strtok_r(names, "\n: ", &rest);
		v = strtok_r(values, "\n: ", &rest2);
		prefix = n ? strlen(n) : 0;
		if (!n || strncmp(n, name, prefix))
			continue;
		do {
			n = strtok_r(NULL, "\n ", &rest);
			v = strtok_r(NULL, "\n ", &rest2);
			found = n && v && !strcmp(n, name + prefix);
		} while (n && v && !found);
		if (found)
			*value = strtoull(v, NULL, 10);
	}
	free(names);
	free(values);
	return found;
}

/* A name and a value on each line */
static bool in_lines(FILE *file, const char *name, unsigned long long *value)
{
	char word[64];

	while (fscanf(file, "%63s %llu", word, value) == 2)
		if (!strcmp(word, name))
			return true;
	return false;
}

unsigned long long host_counter(const char *name)
{
	static const struct {
		const char *path;
		bool (*find)(FILE *file, const char *name,
			     unsigned long long *value);
	} tables[] = {
		{ "/proc/net/snmp", in_pairs },
		{ "/proc/net/netstat", in_pairs },
		{ "/proc/net/snmp6", in_lines },
	};
	unsigned long long value = 0;
	bool found = false;
	FILE *file;
	size_t i;

	for (i = 0; !found && i < MNL_ARRAY_SIZE(tables); i++) {
		file = fopen(tables[i].path, "re");
		if (!file)
			continue;
		found = tables[i].find(file, name, &value);
		fclose(file);
	}
	return found ? value : 0;
}

bool host_module(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

struct reader {
	struct route route;
	__u32 table;
	bool object; /* it names a nexthop object, maybe no device */
};

static int read_metric(const struct nlattr *attr, void *data)
{
	struct route *route = data;

	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attr) == RTAX_MTU)
		route->mtu = mnl_attr_get_u32(attr);
	else if (mnl_attr_get_type(attr) == RTAX_ADVMSS)
		route->advmss = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int read_attr(const struct nlattr *attr, void *data)
{
	struct reader *reader = data;
	const struct rtnexthop *hop;

	switch (mnl_attr_get_type(attr)) {
	case RTA_TABLE:
		reader->table = mnl_attr_get_u32(attr);
		break;
	case RTA_PRIORITY:
		reader->route.metric = mnl_attr_get_u32(attr);
		break;
	case RTA_OIF:
		reader->route.ifindex = mnl_attr_get_u32(attr);
		break;
	case RTA_NH_ID:
		reader->object = true;
		break;
	case RTA_MULTIPATH:
		/* The first stands for all. */
		hop = mnl_attr_get_payload(attr);
		if (mnl_attr_get_payload_len(attr) >= sizeof(*hop))
			reader->route.ifindex = hop->rtnh_ifindex;
		break;
	case RTA_METRICS:
		mnl_attr_parse_nested(attr, read_metric, &reader->route);
		break;
	}
	return MNL_CB_OK;
}

static bool is_default(const struct nlmsghdr *message, int family,
		       struct route *route)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	struct reader reader = { .table = info->rtm_table };

	if (message->nlmsg_type != RTM_NEWROUTE || info->rtm_family != family ||
	    info->rtm_dst_len || info->rtm_type != RTN_UNICAST)
		return false;
	mnl_attr_parse(message, sizeof(*info), read_attr, &reader);
	*route = reader.route;
	return reader.table == RT_TABLE_MAIN &&
	       (route->ifindex || reader.object);
}

int host_routes(int family, struct route **routes)
{
	__u32 buf[LINK_REQUEST_MAX / sizeof(__u32)];
	const struct nlmsghdr *message;
	struct nlmsghdr *request;
	struct dump dump = { 0 };
	struct route route;
	int n = 0;

	*routes = NULL;
	request = route_request(buf, RTM_GETROUTE, NLM_F_DUMP,
				sizeof(struct rtmsg));
	((struct rtmsg *)mnl_nlmsg_get_payload(request))->rtm_family = family;
	if (dump_talk(request, &dump))
		n = -1;
	for (message = dump_next(&dump, NULL); message && n >= 0;
	     message = dump_next(&dump, message)) {
		if (!is_default(message, family, &route))
			continue;
		*routes = reallocarray(*routes, n + 1, sizeof(route));
		if (!*routes)
			exit(EXIT_KERNEL);
		(*routes)[n++] = route;
	}
	dump_free(&dump);
	return n;
}
