/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: what ip(8) and its plugins have of each other.
 *
 * Owns: the declarations, since iproute2 installs no header.
 * Does not own: any of the functions.
 *
 * One shared object has to load in every release from 5.10 on: take only what
 * all of them export with one signature (`make static` holds the list). When a
 * symbol is missing, ip behaves as if there were no plugin, without a word.
 */
#ifndef ADIT_IPROUTE2_H
#define ADIT_IPROUTE2_H

#include <stdbool.h>
#include <stdio.h>
#include <stdnoreturn.h>

#include <linux/rtnetlink.h>

/* ip's buffer for a whole link request: its plugins all know the number. */
#define IP_REQUEST_MAX 1024

struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *lu, int argc, char **argv,
			 struct nlmsghdr *n);
	void (*print_opt)(struct link_util *lu, FILE *fp, struct rtattr *tb[]);
	void (*print_xstats)(struct link_util *lu, FILE *fp,
			     struct rtattr *xstats);
	void (*print_help)(struct link_util *lu, int argc, char **argv,
			   FILE *fp);
	int (*parse_ifla_xstats)(struct link_util *lu, int argc, char **argv);
	int (*print_ifla_xstats)(struct nlmsghdr *n, void *arg);
};

enum output_type {
	PRINT_FP = 1,
	PRINT_JSON = 2,
	PRINT_ANY = 4,
};

noreturn void invarg(const char *msg, const char *arg);
noreturn void missarg(const char *key);
noreturn void duparg(const char *key, const char *arg);
noreturn void duparg2(const char *key, const char *arg);
int addattr_l(struct nlmsghdr *n, int maxlen, int type, const void *data,
	      int alen);
bool is_json_context(void);
void open_json_object(const char *key);
void close_json_object(void);
void open_json_array(enum output_type type, const char *key);
void close_json_array(enum output_type type, const char *text);
void print_nl(void);
int ifa_family_color(unsigned char family);
int print_color_string(enum output_type type, int color, const char *key,
		       const char *fmt, const char *value);
int print_color_u64(enum output_type type, int color, const char *key,
		    const char *fmt, unsigned long long value);
int print_color_bool(enum output_type type, int color, const char *key,
		     const char *fmt, bool value);

#endif /* ADIT_IPROUTE2_H */
