/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of failnth share.
 */
#ifndef FAILNTH_H
#define FAILNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct kind;
struct state;

/* A system call that a command was about to make */
struct call {
	const struct kind *kind;
	int type; /* of its netlink message, or -1 */
	int fd; /* a copy of the command's */
	unsigned int flags;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	char data[65536]; /* what it sends or writes, or a string */
	size_t len;
};

/* failnth_call.c */
struct call *call_take(const char *name, char *const *command);
int call_make(const struct call *call);

/* failnth_look.c */
void look_at(const char *dev);
struct state *look(void);
void look_print(const struct state *s);
void look_print_moved(const struct state *was, const struct state *is);

void die(const char *what) __attribute__((noreturn));

#endif
