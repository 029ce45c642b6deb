// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth N CALL[:TYPE] COMMAND...: run a command with the Nth allocation of one
 * of its system calls made to fail.
 *
 * That is the first CALL that it makes; with TYPE, the first that sends a netlink
 * message of that type. Prints "taken" where the fault came about, "spared K"
 * where the call had only K allocations, "missed" where there was no such call;
 * what the command prints goes to stderr. Ends with the command's status.
 *
 * Owns: when faults are asked for, by /proc/PID/fail-nth. Does not own: which
 * allocations may fail, which is the kernel's to know (failslab.sh sets it).
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEME 0
#define CONT 7
#define SYSCALL 24
#define STOPPED_BY_SYSCALL (SIGTRAP | 0x80)

static const struct call {
	const char *name;
	unsigned long long nr;
} calls[] = {
	{ "finit_module", SYS_finit_module },
	{ "delete_module", SYS_delete_module },
	{ "sendmsg", SYS_sendmsg },
	{ "sendto", SYS_sendto },
	{ "writev", SYS_writev },
};

static void die(const char *what)
{
	fprintf(stderr, "failnth: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void trace(int request, pid_t pid, unsigned long addr, void *data)
{
	if (syscall(SYS_ptrace, request, pid, addr, data) < 0)
		die("ptrace");
}

static const struct call *find_call(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strlen(calls[i].name) == len &&
		    !strncmp(calls[i].name, name, len))
			return &calls[i];
	errno = EINVAL;
	die(name);
	return NULL;
}

/* Copy from the command's memory. Return: whether all of it is there. */
static int peek(pid_t pid, const void *from, void *to, size_t len)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	got = pread(fd, to, len, (off_t)(unsigned long)from);
	close(fd);
	return got == (ssize_t)len;
}

/* The type of the netlink message that a sendmsg() sends, or -1 */
static int message_type(pid_t pid, unsigned long long arg)
{
	struct nlmsghdr nlh;
	struct msghdr msg;
	struct iovec iov;

	if (!peek(pid, (void *)(unsigned long)arg, &msg, sizeof(msg)) ||
	    !peek(pid, msg.msg_iov, &iov, sizeof(iov)) ||
	    iov.iov_len < sizeof(nlh) ||
	    !peek(pid, iov.iov_base, &nlh, sizeof(nlh)))
		return -1;
	return nlh.nlmsg_type;
}

static int open_fail_nth(pid_t pid, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	fd = open(path, flags);
	if (fd < 0)
		die(path);
	return fd;
}

static unsigned int get_fail_nth(pid_t pid)
{
	int fd = open_fail_nth(pid, O_RDONLY);
	char text[32] = "";

	if (read(fd, text, sizeof(text) - 1) < 0)
		die("read fail-nth");
	close(fd);
	return strtoul(text, NULL, 10);
}

static void set_fail_nth(pid_t pid, unsigned int n)
{
	int fd = open_fail_nth(pid, O_WRONLY);

	if (dprintf(fd, "%u", n) < 0)
		die("write fail-nth");
	close(fd);
}

/* Run to the next stop. Return: whether it is at a system call; else it has
 * ended with that status.
 */
static int next_stop(pid_t pid, int *status)
{
	int sig = 0;

	for (;;) {
		trace(SYSCALL, pid, 0, (void *)(long)sig);
		if (waitpid(pid, status, 0) != pid)
			die("waitpid");
		if (!WIFSTOPPED(*status))
			return 0;
		if (WSTOPSIG(*status) == STOPPED_BY_SYSCALL)
			return 1;
		sig = WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status);
	}
}

static int is_wanted(pid_t pid, const struct call *call, int type)
{
	struct ptrace_syscall_info info;

	trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       info.entry.nr == call->nr &&
	       (type < 0 || message_type(pid, info.entry.args[1]) == type);
}

/* Return: the command's wait status. */
static int run(pid_t pid, unsigned int n, const struct call *call, int type)
{
	unsigned int left;
	int status;

	do {
		if (!next_stop(pid, &status)) {
			puts("missed");
			return status;
		}
	} while (!is_wanted(pid, call, type));

	set_fail_nth(pid, n);
	if (!next_stop(pid, &status))
		return status;
	left = get_fail_nth(pid);
	set_fail_nth(pid, 0);
	if (left)
		printf("spared %u\n", n - left);
	else
		puts("taken");
	trace(CONT, pid, 0, NULL);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return status;
}

int main(int argc, char **argv)
{
	const struct call *call;
	const char *colon;
	size_t len;
	int status;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr, "Usage: failnth N CALL[:TYPE] COMMAND...\n");
		return 2;
	}
	colon = strchr(argv[2], ':');
	len = colon ? (size_t)(colon - argv[2]) : strlen(argv[2]);
	call = find_call(argv[2], len);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		trace(TRACEME, 0, 0, NULL);
		execvp(argv[3], argv + 3);
		die(argv[3]);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		die("the command does not start");
	trace(PTRACE_SETOPTIONS, pid, 0,
	      (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	status = run(pid, atoi(argv[1]), call, colon ? atoi(colon + 1) : -1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
