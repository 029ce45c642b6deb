// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth: a system call, taken from the command that was about to make it.
 *
 * Owns: the command, which is stopped at the call and goes no further, and all
 * that the call needs: what it points to, and the file or socket.
 * Does not own: how often it is made, and with what fault (failnth.c).
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failnth.h"

#define TRACEME			0
#define SYSCALL			24
#define STOPPED_BY_SYSCALL	(SIGTRAP | 0x80)
#define IOVECS			8

/* A command that is stopped at a call, and the call's arguments */
struct stopped {
	pid_t pid;
	unsigned long args[6];
};

struct kind {
	const char *name;
	unsigned long nr;
	bool (*take)(struct call *call, const struct stopped *at);
	int (*make)(const struct call *call);
};

static long trace(int request, pid_t pid, unsigned long addr, void *data)
{
	long ret = syscall(SYS_ptrace, request, pid, addr, data);

	if (ret < 0)
		die("ptrace");
	return ret;
}

/* Copy from the command's memory. Return: how much of it there is. */
static size_t peek(const struct stopped *at, unsigned long from, void *to,
		   size_t len)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", at->pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	got = pread(fd, to, len, (off_t)from);
	close(fd);
	return got < 0 ? 0 : got;
}

/* The command's file, for us. */
static int copy_fd(const struct stopped *at, unsigned long fd)
{
	int pidfd = syscall(__NR_pidfd_open, at->pid, 0);
	int copy;

	if (pidfd < 0)
		die("pidfd_open");
	copy = syscall(__NR_pidfd_getfd, pidfd, (int)fd, 0);
	if (copy < 0)
		die("pidfd_getfd");
	close(pidfd);
	return copy;
}

static bool take_data(struct call *call, const struct stopped *at,
		      unsigned long from, size_t len)
{
	if (len > sizeof(call->data) - call->len ||
	    peek(at, from, call->data + call->len, len) != len)
		return false;
	call->len += len;
	return true;
}

static bool take_iovecs(struct call *call, const struct stopped *at,
			unsigned long from, size_t count)
{
	struct iovec iov[IOVECS];
	size_t i;

	if (count > IOVECS ||
	    peek(at, from, iov, count * sizeof(*iov)) != count * sizeof(*iov))
		return false;
	for (i = 0; i < count; i++)
		if (!take_data(call, at, (uintptr_t)iov[i].iov_base,
			       iov[i].iov_len))
			return false;
	return true;
}

static bool take_addr(struct call *call, const struct stopped *at,
		      unsigned long from, size_t len)
{
	call->addr_len = len;
	return len <= sizeof(call->addr) &&
	       peek(at, from, &call->addr, len) == len;
}

static bool take_sendto(struct call *call, const struct stopped *at)
{
	call->flags = at->args[3];
	return take_data(call, at, at->args[1], at->args[2]) &&
	       take_addr(call, at, at->args[4], at->args[5]);
}

static bool take_sendmsg(struct call *call, const struct stopped *at)
{
	struct nlmsghdr nlh;
	struct msghdr msg;

	call->flags = at->args[2];
	if (peek(at, at->args[1], &msg, sizeof(msg)) != sizeof(msg) ||
	    msg.msg_controllen ||
	    !take_addr(call, at, (uintptr_t)msg.msg_name, msg.msg_namelen) ||
	    !take_iovecs(call, at, (uintptr_t)msg.msg_iov, msg.msg_iovlen))
		return false;
	if (call->type < 0)
		return true;
	if (call->len < sizeof(nlh))
		return false;
	memcpy(&nlh, call->data, sizeof(nlh));
	return nlh.nlmsg_type == call->type;
}

static bool take_write(struct call *call, const struct stopped *at)
{
	return take_data(call, at, at->args[1], at->args[2]);
}

static bool take_writev(struct call *call, const struct stopped *at)
{
	return take_iovecs(call, at, at->args[1], at->args[2]);
}

static bool take_string(struct call *call, const struct stopped *at,
			unsigned long from)
{
	call->len = peek(at, from, call->data, 256);
	return memchr(call->data, 0, call->len);
}

static bool take_finit_module(struct call *call, const struct stopped *at)
{
	call->flags = at->args[2];
	return take_string(call, at, at->args[1]);
}

static bool take_delete_module(struct call *call, const struct stopped *at)
{
	call->flags = at->args[1];
	return take_string(call, at, at->args[0]);
}

/* The kernel's answer to a netlink message, or why there is none */
static int answer(const struct call *call)
{
	struct nlmsghdr sent, *nlh;
	struct nlmsgerr *err;
	char reply[65536];
	ssize_t got;

	memcpy(&sent, call->data, sizeof(sent));
	for (;;) {
		got = recv(call->fd, reply, sizeof(reply), 0);
		if (got < 0)
			return errno;
		nlh = (struct nlmsghdr *)reply;
		err = NLMSG_DATA(nlh);
		if (NLMSG_OK(nlh, (size_t)got) && nlh->nlmsg_type == NLMSG_ERROR &&
		    nlh->nlmsg_seq == sent.nlmsg_seq)
			return -err->error;
	}
}

static int make_send(const struct call *call)
{
	const struct sockaddr *addr = (const void *)&call->addr;

	if (sendto(call->fd, call->data, call->len, call->flags,
		   call->addr_len ? addr : NULL, call->addr_len) < 0)
		return errno;
	return call->type < 0 ? 0 : answer(call);
}

static int make_write(const struct call *call)
{
	return write(call->fd, call->data, call->len) < 0 ? errno : 0;
}

static int make_finit_module(const struct call *call)
{
	return syscall(SYS_finit_module, call->fd, call->data, call->flags) ?
		       errno : 0;
}

static int make_delete_module(const struct call *call)
{
	return syscall(SYS_delete_module, call->data, call->flags) ? errno : 0;
}

static const struct kind kinds[] = {
	{ "sendmsg", SYS_sendmsg, take_sendmsg, make_send },
	{ "sendto", SYS_sendto, take_sendto, make_send },
	{ "write", SYS_write, take_write, make_write },
	{ "writev", SYS_writev, take_writev, make_write },
	{ "finit_module", SYS_finit_module, take_finit_module,
	  make_finit_module },
	{ "delete_module", SYS_delete_module, take_delete_module,
	  make_delete_module },
};

static const struct kind *find_kind(const char *name)
{
	size_t len = strcspn(name, ":");
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == len &&
		    !strncmp(kinds[i].name, name, len))
			return &kinds[i];
	errno = EINVAL;
	die(name);
}

/* Run to the next system call, begin or end. Return: whether there is one. */
static bool next_stop(pid_t pid)
{
	int status, sig = 0;

	for (;;) {
		trace(SYSCALL, pid, 0, (void *)(long)sig);
		if (waitpid(pid, &status, 0) != pid)
			die("waitpid");
		if (!WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) == STOPPED_BY_SYSCALL)
			return true;
		sig = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
	}
}

/* Return: whether it is the call that is wanted, which is then in @call. */
static bool is_wanted(struct call *call, pid_t pid)
{
	struct stopped at = { .pid = pid };
	struct ptrace_syscall_info info;
	size_t i;

	trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    info.entry.nr != call->kind->nr)
		return false;
	for (i = 0; i < 6; i++)
		at.args[i] = info.entry.args[i];
	call->len = 0;
	if (!call->kind->take(call, &at))
		return false;
	if (call->kind->nr != SYS_delete_module)
		call->fd = copy_fd(&at, at.args[0]);
	return true;
}

static pid_t start(char *const *command)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		trace(TRACEME, 0, 0, NULL);
		execvp(command[0], command);
		die(command[0]);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		die("the command does not start");
	trace(PTRACE_SETOPTIONS, pid, 0,
	      (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	return pid;
}

/**
 * call_take - Take a call from the command that would make it
 * @name: the call, as the command line has it
 * @command: words, the last one NULL
 *
 * Return: the call; there being none ends the program.
 */
struct call *call_take(const char *name, char *const *command)
{
	struct call *call = calloc(1, sizeof(*call));
	const char *colon = strchr(name, ':');
	pid_t pid;

	if (!call)
		die("memory");
	call->kind = find_kind(name);
	call->type = colon ? atoi(colon + 1) : -1;
	pid = start(command);
	do {
		if (!next_stop(pid)) {
			errno = ESRCH;
			die(name);
		}
	} while (!is_wanted(call, pid));
	/* Killed while it is stopped at its beginning, it does not make it. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return call;
}

/**
 * call_make - Make the call, as the command would have
 * @call: it
 *
 * Return: 0 or its error; for a netlink message, what the kernel answers.
 */
int call_make(const struct call *call)
{
	return call->kind->make(call);
}
