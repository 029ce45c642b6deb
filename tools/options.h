/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: the options of a tunnel, as the ip plugin and the adit command share
 * them.
 *
 * Owns: the one table of options, from words to netlink attributes and back,
 * and the names of drop causes for printing.
 * Does not own: sockets and messages (netlink.c), or how a line of text or
 * JSON is written: that is the caller's, through struct adit_printer.
 */
#ifndef ADIT_OPTIONS_H
#define ADIT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/adit.h>
#include <linux/if.h>

/* The bytes of an attribute in a message somebody else owns. */
struct adit_span {
	const void *data;
	size_t len;
};

/* What is in IFLA_ADIT_ALLOW_PREFIX, and in attributes of one prefix. */
struct adit_prefix {
	__u8 bits;
	unsigned char addr[16]; /* or the first 4 of them */
};

/* The bytes of an attribute to be sent. */
struct adit_payload {
	size_t len;
	unsigned char *list; /* they are here; NULL: in what follows */
	unsigned int count; /* of the list */
	union {
		unsigned char bytes[sizeof(struct adit_prefix)];
		unsigned char addr[16];
		struct adit_prefix prefix;
		char name[IFNAMSIZ];
		__u32 u32;
		__u16 u16;
		__u8 u8;
	};
};

/* Room for a list: each prefix is an attribute, aligned. */
#define ADIT_LIST_MAX (ADIT_ALLOW_MAX * (4 + 4 * 5))

/* How values are written; keys are the option words. */
struct adit_printer {
	bool zeros; /* print counters that are zero too */
	void (*string)(const char *key, const char *value);
	void (*number)(const char *key, unsigned long long value);
	void (*word)(const char *key, bool value); /* false: no before it */
	void (*flag)(const char *key, bool value); /* not read back */
	void (*open_list)(const char *key);
	void (*item)(const char *key, const char *value);
	void (*close_list)(void);
	void (*open)(const char *key);
	void (*drop)(const char *name, unsigned long long count,
		     const char *why);
	void (*close)(void);
};

struct adit_type;

struct adit_option {
	const char *word;
	const char *arg; /* as usage shows it; NULL: none follows */
	const char *help; /* NULL: read only */
	const struct adit_type *type;
	__u16 attr;
	__u16 also; /* a second attribute of that value; 0: none */
	bool optional; /* all bytes zero: not set, not printed */
};

/* The table, in the order of printing, ended by a row without word. */
extern const struct adit_option adit_options[];

struct adit_setting {
	const struct adit_option *option; /* NULL: not given */
	const char *arg;
	struct adit_payload payload;
};

/* What a command line gave, by attribute. */
struct adit_settings {
	struct adit_setting by_attr[IFLA_ADIT_MAX + 1];
	unsigned char list[ADIT_LIST_MAX]; /* of the one option that is one */
};

enum adit_fault {
	ADIT_UNKNOWN, /* word: what is no option */
	ADIT_INCOMPLETE, /* word: the option */
	ADIT_INVALID, /* word: the argument; why: what was expected */
	ADIT_DUPLICATE, /* word: the second argument */
	ADIT_CONFLICT, /* word: the second option for the same attribute */
};

struct adit_error {
	enum adit_fault fault;
	const struct adit_option *option; /* at fault, unless unknown */
	const char *word;
	const char *why;
};

/*
 * Take one option off argv: the number of words it took, 0 on error. A word
 * that is a list is taken to pieces where it stands.
 */
int adit_take(struct adit_settings *settings, int argc, char **argv,
	      struct adit_error *err);

/* Check what no single option can tell. */
bool adit_check(struct adit_settings *settings, struct adit_error *err);

/* Put an attribute into a message: false when it has no room. */
typedef bool (*adit_put_t)(void *ctx, __u16 attr, const void *data, size_t len);

/* Put all: NULL, or when there was no room the option that took most. */
const struct adit_option *adit_put(const struct adit_settings *settings,
				   adit_put_t put, void *ctx);

/* The word that stands for an attribute, or NULL. */
const char *adit_word(__u16 attr);

/* Print options from the spans of their attributes, by attribute. */
void adit_print_options(const struct adit_printer *p,
			const struct adit_span spans[IFLA_ADIT_MAX + 1]);

/* Print drop causes from the bytes of IFLA_INFO_XSTATS. */
void adit_print_drops(const struct adit_printer *p, struct adit_span xstats);

/* List the options as help does, one a line. */
void adit_list_options(FILE *fp);

#endif /* ADIT_OPTIONS_H */
