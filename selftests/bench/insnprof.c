// SPDX-License-Identifier: GPL-2.0-only
/*
 * insnprof: a QEMU TCG plugin (API version 1) that counts the instructions that
 * the guest executes, by translation block.
 *
 *	gcc -O2 -shared -fPIC -o insnprof.so insnprof.c
 *	qemu-system-x86_64 ... -plugin ./insnprof.so,out=PREFIX
 *
 * Owns: counts by address. Does not own: what is at an address (insnprof.py).
 *
 * Each time the guest executes a mark (mark.c), the counts so far are written to
 * PREFIX.N, N from 0: in each line the address of a block in hex, how many
 * instructions it has, and how often it was executed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is used of qemu-plugin.h, which no package has */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(
	qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
					      enum qemu_plugin_op op, void *ptr,
					      uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(
	struct qemu_plugin_insn *insn, void (*cb)(unsigned int cpu, void *data),
	enum qemu_plugin_cb_flags flags, void *data);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

/* The bytes of mark.c's instruction, mov $0x74696461,%edi: "adit" */
static const unsigned char mark[] = { 0xbf, 0x61, 0x64, 0x69, 0x74 };

struct block {
	uint64_t addr, insns, runs;
};

#define SLOTS (1u << 20)
static struct block *blocks;
static unsigned int used;
static const char *out_path = "insnprof";
static unsigned int marks;

/* A block that is translated anew has the counter it had. */
static struct block *block_of(uint64_t addr, uint64_t insns)
{
	uint64_t hash = (addr * 0x9e3779b97f4a7c15ull) ^
			(insns * 0xc2b2ae3d27d4eb4full);
	uint64_t slot;

	for (slot = hash >> 44;; slot = (slot + 1) % SLOTS) {
		struct block *b = &blocks[slot];

		if (!b->insns) {
			if (++used > SLOTS / 2) {
				fputs("insnprof: too many blocks\n", stderr);
				exit(1);
			}
			*b = (struct block){ addr, insns, 0 };
		}
		if (b->addr == addr && b->insns == insns)
			return b;
	}
}

static void write_counts(unsigned int cpu, void *unused)
{
	char path[4096];
	unsigned int i;
	FILE *f;

	(void)cpu;
	(void)unused;
	snprintf(path, sizeof(path), "%s.%u", out_path, marks++);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	for (i = 0; i < SLOTS; i++)
		if (blocks[i].runs)
			fprintf(f, "%lx %lu %lu\n", blocks[i].addr,
				blocks[i].insns, blocks[i].runs);
	fclose(f);
}

static int is_mark(const struct qemu_plugin_insn *insn)
{
	return qemu_plugin_insn_size(insn) == sizeof(mark) &&
	       !memcmp(qemu_plugin_insn_data(insn), mark, sizeof(mark));
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct block *b = block_of(qemu_plugin_tb_vaddr(tb), n);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &b->runs, 1);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_mark(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, write_counts, QEMU_PLUGIN_CB_NO_REGS,
				NULL);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
			       char **argv)
{
	int i;

	(void)info;
	blocks = calloc(SLOTS, sizeof(*blocks));
	if (!blocks)
		return -1;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out_path = strdup(argv[i] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
