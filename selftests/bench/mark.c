// SPDX-License-Identifier: GPL-2.0-only
/*
 * mark: has insnprof write down its counts. Runs in the guest, whatever C
 * library is there: it has none.
 *
 *	gcc -nostdlib -static -o mark mark.c
 */
void _start(void)
{
	/* The mark; then exit(0). */
	__asm__ volatile("mov $0x74696461, %%edi\n\t"
			 "xor %%edi, %%edi\n\t"
			 "mov $60, %%eax\n\t"
			 "syscall"
			 :
			 :
			 : "rax", "rdi", "rcx", "r11", "memory");
	__builtin_unreachable();
}
