/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz: hostile configuration. What its files share.
 *
 * Owns: the types that a request, an answer and a device are held in.
 */
#ifndef ADIT_FUZZ_H
#define ADIT_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/adit.h>
#include <net/if.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* All that an attribute's 16 bits of length can tell, and room for lies */
#define PAYLOAD_MAX (1 << 16)
#define MESSAGE_MAX (2 * PAYLOAD_MAX)

/* The kernel parses IFLA_INFO_DATA into a table of that size. */
#define ATTR_LIMIT 50
#define DEVICES_MAX 32

/* The name of a device that is deleted as soon as it was looked at */
#define BRIEF "fuzz0"

/* Attributes one after another; what does not fit is left out. */
struct bytes {
	size_t len;
	uint8_t data[PAYLOAD_MAX] __attribute__((aligned(4)));
};

/* An attribute as it was found; type 0: it was not. */
struct attr {
	uint16_t type;
	uint16_t len;
	const uint8_t *data;
};

struct message {
	union {
		struct nlmsghdr header;
		uint8_t data[MESSAGE_MAX];
	};
	size_t len;
};

struct answer {
	int error;
	bool marked;
	uint32_t offset;
	char text[160];
};

struct device {
	int ifindex;
	char name[IFNAMSIZ];
	size_t len;
	uint8_t info[PAYLOAD_MAX];
};

struct devices {
	unsigned int n;
	struct device *list[DEVICES_MAX];
};

/* fuzz.c */
void seed_set(uint64_t seed);
uint32_t rnd(uint32_t n);
bool chance(unsigned int percent);
void die(const char *what);

/* fuzz_netlink.c */
void put(struct bytes *b, uint16_t type, const void *data, size_t len);
void put_u8(struct bytes *b, uint16_t type, uint8_t value);
void put_u16(struct bytes *b, uint16_t type, uint16_t value);
void put_u32(struct bytes *b, uint16_t type, uint32_t value);
void put_string(struct bytes *b, uint16_t type, const char *text);
size_t nest(struct bytes *b, uint16_t type);
void nest_end(struct bytes *b, size_t at);
bool next_attr(const uint8_t **at, size_t *rest, struct attr *attr);
void parse(const void *data, size_t len, struct attr *tb, unsigned int max);

int open_route(void);
void make(struct message *m, uint16_t type, uint16_t flags, int ifindex,
	  const struct bytes *attrs);
void wrap(struct bytes *out, const char *name, const struct bytes *info);
void talk(int fd, struct message *m, struct answer *answer);
bool get_device(int fd, const char *name, int ifindex, struct device *dev);
void get_devices(int fd, struct devices *all);
void free_devices(struct devices *all);
int delete_device(int fd, int ifindex);

/* fuzz_make.c */
void make_valid(struct bytes *info);
void make_odd(struct bytes *info);
void put_prefixes(struct bytes *info, unsigned int n, int family);
void put_random(struct bytes *info, uint16_t type, size_t len, int pattern);

/* fuzz_check.c */
extern const char *gateway;
extern int demand;
void phase_start(const char *name, bool makes);
bool phase_end(bool makes);
bool is_whole(const struct device *dev);
void failed(const char *what, const struct message *m,
	    const struct answer *answer);
void try_message(int fd, struct message *m, bool reaches_adit);

/* fuzz_phases.c */
struct phase {
	const char *name;
	void (*run)(int fd, unsigned int n);
	bool makes; /* devices, which are deleted before and after */
};

extern const struct phase phases[];

/* fuzz_race.c */
int race(int argc, char **argv);
int traffic(int argc, char **argv);
int watch(int argc, char **argv);

#endif /* ADIT_FUZZ_H */
