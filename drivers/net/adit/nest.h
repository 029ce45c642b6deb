/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * adit: which packets are being handled within each other.
 *
 * Owns: a list for each CPU of those that it is in the midst of, which are on the
 * stacks of who handles them. BHs are off all the while, so that nothing comes between
 * on the CPU; but under PREEMPT_RT other tasks do, whose packets are none of ours.
 * Does not own: what follows from it (xmit.c, receive.c).
 */

#ifndef _ADIT_NEST_H
#define _ADIT_NEST_H

#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>

/**
 * struct adit_nest - a packet that is being handled
 * @next: that before it
 * @task: who does so, under PREEMPT_RT
 * @dev: the adit device that it goes through
 */
struct adit_nest {
	struct adit_nest *next;
	const struct task_struct *task;
	const struct net_device *dev;
};

static inline void adit_nest_lock(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
}

static inline void adit_nest_unlock(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
}

static inline bool adit_nest_is_own(const struct adit_nest *nest)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) || nest->task == current;
}

static inline void adit_nest_push(struct adit_nest * __percpu *nests,
				  struct adit_nest *nest)
{
	adit_nest_lock();
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		nest->task = current;
	nest->next = this_cpu_read(*nests);
	this_cpu_write(*nests, nest);
	adit_nest_unlock();
}

/* Return: the last of one's own, which there is. */
static inline struct adit_nest *adit_nest_pop(struct adit_nest * __percpu *nests)
{
	struct adit_nest *nest, *after = NULL;

	adit_nest_lock();
	nest = this_cpu_read(*nests);
	while (!adit_nest_is_own(nest)) {
		after = nest;
		nest = nest->next;
	}
	if (after)
		after->next = nest->next;
	else
		this_cpu_write(*nests, nest->next);
	adit_nest_unlock();
	return nest;
}

/* Return: how many of one's own there are; through @dev, unless that is NULL. */
static inline
unsigned int adit_nest_count(struct adit_nest * __percpu *nests,
			     const struct net_device *dev)
{
	const struct adit_nest *nest;
	unsigned int n = 0;

	adit_nest_lock();
	for (nest = this_cpu_read(*nests); unlikely(nest); nest = nest->next)
		n += adit_nest_is_own(nest) && (!dev || nest->dev == dev);
	adit_nest_unlock();
	return n;
}

#endif
