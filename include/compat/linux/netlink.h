/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: extack text with arguments. Kernels without a buffer in the extack take a
 * pointer, and read twice what is there when RTNL is no longer held. So a text is
 * made once, and stays for as long as the netns of who was told.
 */
#ifndef _ADIT_COMPAT_LINUX_NETLINK_H
#define _ADIT_COMPAT_LINUX_NETLINK_H

#include_next <linux/netlink.h>

#ifndef NL_SET_ERR_MSG_FMT_MOD
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#define ADIT_EXTACK_TEXTS	64

struct adit_extack_texts {
	const char *text[ADIT_EXTACK_TEXTS];
};

/* Context: RTNL; sleeps. */
static inline __printf(2, 3)
const char *adit_extack_text(struct adit_extack_texts *texts,
			     const char *fmt, ...)
{
	char text[80];
	unsigned int i;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	for (i = 0; i < ADIT_EXTACK_TEXTS; i++) {
		if (!texts->text[i])
			texts->text[i] = kstrdup(text, GFP_KERNEL);
		if (texts->text[i] && !strcmp(texts->text[i], text))
			return texts->text[i];
	}
	return KBUILD_MODNAME ": refused, for one reason too many to be told";
}

static inline void adit_extack_texts_free(struct adit_extack_texts *texts)
{
	unsigned int i;

	for (i = 0; i < ADIT_EXTACK_TEXTS; i++)
		kfree(texts->text[i]);
}

#define NL_SET_ERR_MSG_FMT_MOD(extack, fmt, args...) do {		\
	struct netlink_ext_ack *__ack = (extack);			\
	struct adit_net *__an = adit_net(current->nsproxy->net_ns);	\
									\
	if (__ack)							\
		__ack->_msg = adit_extack_text(&__an->texts,		\
					       KBUILD_MODNAME ": " fmt,	\
					       ##args);			\
} while (0)
#else
struct adit_extack_texts { };

static inline void adit_extack_texts_free(struct adit_extack_texts *texts)
{
}
#endif

#endif /* _ADIT_COMPAT_LINUX_NETLINK_H */
