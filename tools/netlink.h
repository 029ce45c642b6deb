/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: talking rtnetlink.
 *
 * Owns: one socket a question, the kernel's answers and its refusals put into
 * words.
 * Does not own: what is asked (adit.c, link.c, lvs.c) or the options
 * (options.c).
 */
#ifndef ADIT_NETLINK_H
#define ADIT_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

/* The exit status of the command, as ip(8) has it. */
enum {
	EXIT_OK,
	EXIT_USAGE,
	EXIT_KERNEL,
	EXIT_FOUND, /* something wrong, by who looked for it */
};

/* Room for any one link request, a list of ADIT_LIST_MAX bytes included. */
#define LINK_REQUEST_MAX 32768

/* Say what is wrong, after "adit: " and with a newline. */
void complain(const char *fmt, ...);

/* A command that has another word for an option. */
struct alias {
	const char *word, *as;
};

/* From now on, blame these words: a list ended by a row without word. */
void speak(const struct alias *words);
const char *word_for(const char *word);

/*
 * Begin a request in a buffer of LINK_REQUEST_MAX bytes, with room for a header
 * of that size, all zero.
 */
struct nlmsghdr *route_request(void *buf, __u16 type, __u16 flags,
			       size_t header);

/*
 * Begin a request for the link of that name (NULL: for all) in a buffer of
 * LINK_REQUEST_MAX bytes.
 */
struct nlmsghdr *link_request(void *buf, __u16 type, __u16 flags,
			      const char *name);

/*
 * Send a request, hand what is answered to cb, report a refusal: as it is
 * about the link of that name, or about options. Returns an exit status.
 */
int link_talk(struct nlmsghdr *request, const char *name, mnl_cb_t cb,
	      void *data);

/* Messages, whole and in order. */
struct dump {
	void *messages;
	size_t len, room;
};

/* A callback of libmnl's that keeps each message; data is the dump. */
int dump_append(const struct nlmsghdr *message, void *data);
void dump_free(struct dump *dump);

/* The message after that one (NULL: the first), or NULL. */
const struct nlmsghdr *dump_next(const struct dump *dump,
				 const struct nlmsghdr *at);

/* Keep all of what a request for a list gives. Returns an exit status. */
int dump_talk(struct nlmsghdr *request, struct dump *dump);

/* Keep all links of that kind, and of others while its module is out. */
int link_dump(struct dump *dump, const char *kind);

/* The name under /run/netns of the netns that has this id here, or NULL. */
const char *netns_name(__s32 nsid);

/* Open a netns by name; -1 when there is none. */
int netns_open(const char *name);

#endif /* ADIT_NETLINK_H */
