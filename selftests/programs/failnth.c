// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth: one system call of a command, again and again, with each of its
 * allocations made to fail in turn.
 *
 * Owns: the walk, and when faults are asked for, by /proc/self/fail-nth.
 * Does not own: the calls (failnth_call.c), what becomes of the device
 * (failnth_look.c), which allocations may fail, which is the kernel's to know
 * (failslab.sh sets it).
 *
 * failnth [--first CALL COMMAND] [--look DEV] CALL COMMAND...
 *
 * CALL is the first of that name which the command makes, such as writev; with
 * :TYPE (sendmsg:16) the first that sends a netlink message of that type. The
 * command ends there: the call is made by failnth in its stead. --first: a call of
 * a shell command's, made before each of them, whole.
 *
 * A line for each time: the number of the allocation that failed, 0 the first
 * time; "taken", or "spared" when the call had fewer; the result of --first and
 * what the device is then; the call's result and what the device is then; and
 * which of its counters have moved in between, as NAME+N. A result is "ok",
 * "ENOMEM", "ENOBUFS", "ENFILE" or errno=N; a device is "none", or a number that
 * stands for its configuration, and ":up" or ":down".
 *
 * The last lines are of calls that were spared: what a call allocates differs a
 * little from one time to the next, so one spared is not the end.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failnth.h"

#define SPARED_ENOUGH	3
#define ENDLESS		5000	/* allocations: this is no end of them */

static int fail_nth;

void die(const char *what)
{
	fprintf(stderr, "failnth: %s: %s\n", what, strerror(errno));
	exit(125);
}

/* Not by open() and close() each time, for these allocate. */
static void ask_fault(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fail_nth, text, len, 0) != len)
		die("write fail-nth");
}

/* Return: whether there was none, since the call had fewer allocations. */
static bool was_spared(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		die("read fail-nth");
	return strtoul(text, NULL, 10) != 0;
}

static void print_result(int error)
{
	switch (error) {
	case 0:
		printf(" ok");
		break;
	case ENOMEM:
		printf(" ENOMEM");
		break;
	case ENOBUFS:
		printf(" ENOBUFS");
		break;
	case ENFILE:	/* no memory for a socket's inode */
		printf(" ENFILE");
		break;
	default:
		printf(" errno=%d", error);
	}
}

/* Once with the Nth allocation failing. Return: whether it was spared. */
static bool once(const struct call *first, const struct call *call,
		 unsigned int n)
{
	int before = first ? call_make(first) : 0;
	struct state *was = look(), *is;
	bool spared = false;
	int error;

	if (n)
		ask_fault(n);
	error = call_make(call);
	if (n) {
		spared = was_spared();
		ask_fault(0);
	}
	is = look();
	printf("%u %s", n, n && !spared ? "taken" : "spared");
	print_result(before);
	look_print(was);
	print_result(error);
	look_print(is);
	look_print_moved(was, is);
	putchar('\n');
	return spared;
}

static void usage(void)
{
	fprintf(stderr,
		"Usage: failnth [--first CALL COMMAND] [--look DEV] CALL COMMAND...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct call *first = NULL;
	unsigned int n, spared = 0;
	struct call *call;

	for (argv++, argc--; argc > 2; argv++, argc--) {
		if (!strcmp(*argv, "--first")) {
			char *shell[] = { "sh", "-c", argv[2], NULL };

			first = call_take(argv[1], shell);
			argv++, argc--;
		} else if (!strcmp(*argv, "--look")) {
			look_at(argv[1]);
		} else {
			break;
		}
		argv++, argc--;
	}
	if (argc < 2)
		usage();
	call = call_take(argv[0], argv + 1);
	fail_nth = open("/proc/self/fail-nth", O_RDWR);
	if (fail_nth < 0)
		die("/proc/self/fail-nth");
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	once(first, call, 0);
	for (n = 1; n < ENDLESS && spared < SPARED_ENOUGH; n++)
		spared = once(first, call, n) ? spared + 1 : 0;
	return n < ENDLESS ? 0 : 1;
}
