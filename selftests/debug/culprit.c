// SPDX-License-Identifier: GPL-2.0-only
/*
 * culprit: a module that does wrong, for the debug kernel to say so.
 *
 * Owns: one deliberate bug of each kind that a detector of the debug kernel is
 * there for; `bug=` says which. A test of the detectors (prove): adit itself
 * has no part in it.
 */

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *bug;
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "which");

static unsigned int sink;

static void use_after_free(void)
{
	unsigned int *p = kzalloc(64, GFP_KERNEL);
	unsigned int *freed = p;

	OPTIMIZER_HIDE_VAR(freed);	/* or the compiler would tell */
	kfree(p);
	sink = READ_ONCE(*freed);
}

static void out_of_bounds(void)
{
	char *p = kzalloc(63, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[63], 1);
	kfree(p);
}

static void inversion(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);

	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

static void without_rcu(void)
{
	static int __rcu *p;

	sink = !rcu_dereference(p);
}

static void atomic_sleep(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
}

static void shift(void)
{
	unsigned int by = 32;

	OPTIMIZER_HIDE_VAR(by);
	sink = 1u << by;
}

static void nothing(struct timer_list *timer)
{
}

static void active_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	timer_setup(timer, nothing, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

/* Twice put: the count goes below zero, which the tracker sees first. */
static void put_twice(void)
{
	netdevice_tracker tracker;

	netdev_hold(init_net.loopback_dev, &tracker, GFP_KERNEL);
	netdev_put(init_net.loopback_dev, &tracker);
	netdev_put(init_net.loopback_dev, &tracker);
	dev_hold(init_net.loopback_dev);
}

/* Some, because what looks like a pointer to one is taken for that. */
static void leak(void)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		sink = !kzalloc(1234, GFP_KERNEL);
}

static const struct {
	const char *name;
	void (*func)(void);
} bugs[] = {
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "inversion", inversion },
	{ "without-rcu", without_rcu },
	{ "atomic-sleep", atomic_sleep },
	{ "shift", shift },
	{ "active-timer", active_timer },
	{ "put-twice", put_twice },
	{ "leak", leak },
};

static int __init culprit_init(void)
{
	unsigned int i;

	for (i = 0; bug && i < ARRAY_SIZE(bugs); i++) {
		if (!strcmp(bug, bugs[i].name)) {
			bugs[i].func();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit culprit_exit(void)
{
}

module_init(culprit_init);
module_exit(culprit_exit);

MODULE_DESCRIPTION("bugs, to be found");
MODULE_LICENSE("GPL");
