// SPDX-License-Identifier: GPL-2.0-only
/*
 * sharing: a QEMU TCG plugin (API version 1) that finds the cache lines of the
 * kernel that more than one processor of the guest uses.
 *
 *	gcc -O2 -shared -fPIC -o sharing.so sharing.c
 *	qemu-system-x86_64 -smp 2 ... -plugin ./sharing.so,out=PREFIX
 *
 * Owns: counts by line. Does not own: what is at an address (sharing.py).
 *
 * Nothing is counted until the guest executes a mark (mark.c). With each second
 * one, what was counted since the one before is written to PREFIX.N, N from 0: for
 * each line that one processor wrote and another used, its address in hex, the
 * writes and the reads by each of the two processors, and where the first of
 * these come from, in hex: w for a write, r for a read.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is used of qemu-plugin.h, which no package has */
typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(
	qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_reset(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t id));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
_Bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
void qemu_plugin_register_vcpu_insn_exec_cb(
	struct qemu_plugin_insn *insn, void (*cb)(unsigned int cpu, void *data),
	enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int cpu,
						 qemu_plugin_meminfo_t info,
						 uint64_t addr, void *data),
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw, void *data);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

/* The bytes of mark.c's instruction, mov $0x74696461,%edi: "adit" */
static const unsigned char mark[] = { 0xbf, 0x61, 0x64, 0x69, 0x74 };

#define CPUS 2
#define USES 12
struct line {
	uint64_t addr; /* without its lowest six bits */
	unsigned int count[2][CPUS]; /* reads, writes */
	struct use {
		uint64_t from;
		unsigned int store, count;
	} use[USES];
};

#define SLOTS (1u << 18)
static struct line *lines;
static unsigned int used, files;
static int watching;
static const char *out_path = "sharing";
static qemu_plugin_id_t self;

static struct line *line_of(uint64_t addr)
{
	uint64_t slot = ((addr >> 6) * 0x9e3779b97f4a7c15ull) >> 46;

	for (addr >>= 6;; slot = (slot + 1) % SLOTS) {
		struct line *l = &lines[slot];

		if (!l->addr) {
			if (++used > SLOTS / 2) {
				fputs("sharing: too many lines\n", stderr);
				exit(1);
			}
			l->addr = addr;
		}
		if (l->addr == addr)
			return l;
	}
}

static void on_access(unsigned int cpu, qemu_plugin_meminfo_t info,
		      uint64_t addr, void *from)
{
	unsigned int i, store = qemu_plugin_mem_is_store(info);
	struct line *l;

	/* What is of user space is of no interest. */
	if (!watching || !(addr >> 63) || cpu >= CPUS)
		return;
	l = line_of(addr);
	l->count[store][cpu]++;
	for (i = 0; i < USES; i++) {
		struct use *u = &l->use[i];

		if (!u->count) {
			u->from = (uint64_t)from;
			u->store = store;
		}
		if (u->from == (uint64_t)from && u->store == store) {
			u->count++;
			return;
		}
	}
}

static int is_shared(const struct line *l)
{
	return (l->count[1][0] && (l->count[0][1] || l->count[1][1])) ||
	       (l->count[1][1] && (l->count[0][0] || l->count[1][0]));
}

static void write_line(FILE *f, const struct line *l)
{
	unsigned int i;

	fprintf(f, "%lx %u %u %u %u", l->addr << 6, l->count[1][0],
		l->count[1][1], l->count[0][0], l->count[0][1]);
	for (i = 0; i < USES && l->use[i].count; i++)
		fprintf(f, " %c%lx", l->use[i].store ? 'w' : 'r',
			l->use[i].from);
	fputc('\n', f);
}

static void write_lines(void)
{
	char path[4096];
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), "%s.%u", out_path, files++);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	for (i = 0; i < SLOTS; i++)
		if (is_shared(&lines[i]))
			write_line(f, &lines[i]);
	fclose(f);
	memset(lines, 0, SLOTS * sizeof(*lines));
	used = 0;
}

static int is_mark(const struct qemu_plugin_insn *insn)
{
	return qemu_plugin_insn_size(insn) == sizeof(mark) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark));
}

static void on_mark(unsigned int cpu, void *unused);

static void translate(struct qemu_plugin_tb *tb, int all)
{
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (all)
			qemu_plugin_register_vcpu_mem_cb(
				insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
				QEMU_PLUGIN_MEM_RW,
				(void *)qemu_plugin_insn_vaddr(insn));
	}
}

static void translate_all(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	translate(tb, 1);
}

static void translate_marks(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	translate(tb, 0);
}

static void watch(qemu_plugin_id_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate_all);
}

/*
 * What comes before the first mark runs at its usual speed; then all is translated
 * anew. Not again after that: QEMU 7.2 may still refer to callbacks that are gone.
 */
static void on_mark(unsigned int cpu, void *unused)
{
	static int reset;

	(void)cpu;
	(void)unused;
	if (watching)
		write_lines();
	watching = !watching;
	if (!reset++)
		qemu_plugin_reset(self, watch);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			       char **argv)
{
	int i;

	(void)info;
	self = id;
	lines = calloc(SLOTS, sizeof(*lines));
	if (!lines)
		return -1;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out_path = strdup(argv[i] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate_marks);
	return 0;
}
