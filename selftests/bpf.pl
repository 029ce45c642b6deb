#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# bpf.pl {set|get} ID ADDR PIN [LOCAL]: a program for tc that reads or writes tunnel
# metadata, without a compiler: set sets the key, the IPv4 remote and, if there is
# one, the local address, get lets pass what has key and remote and drops all else.
#
# Owns: loading the program and pinning it at PIN. Does not own: attaching it.

use strict;
use warnings;
use Socket;

use constant {
	SYS_BPF => 321,		# x86_64
	PROG_LOAD => 5, OBJ_PIN => 6, SCHED_CLS => 3,
	GET_TUNNEL_KEY => 20, SET_TUNNEL_KEY => 21,
};

# code, registers dst and src, offset, immediate value
sub insn {
	my ($code, $dst, $src, $off, $imm) = @_;
	return pack("CCsL", $code, $src << 4 | $dst, $off, $imm & 0xffffffff);
}

# a call with (ctx, &key, its size, 0), the key being on the stack: id, remote, and
# in 44 bytes also the local address
sub call {
	my ($helper, $size) = @_;
	return insn(0xbf, 1, 6, 0, 0) . insn(0xbf, 2, 10, 0, 0) .
		insn(0x07, 2, 0, 0, -$size) . insn(0xb7, 3, 0, 0, $size) .
		insn(0xb7, 4, 0, 0, 0) . insn(0x85, 0, 0, 0, $helper);
}

# a word of the key
sub word {
	my ($size, $at, $value) = @_;
	return insn(0x62, 10, 0, $at - $size, $value);
}

sub bpf {
	my ($command, $attr) = @_;
	my $fd = syscall(SYS_BPF, $command, $attr, length($attr));
	die "bpf($command): $!\n" if $fd < 0;
	return $fd;
}

my ($what, $id, $addr, $pin, $local) = @ARGV;
$addr = unpack("N", inet_aton($addr));
my $code = insn(0xbf, 6, 1, 0, 0);				# r6 = ctx
if ($what eq "set") {
	my $size = $local ? 44 : 8;
	$code .= word($size, $_ * 4, 0) for 2 .. $size / 4 - 1;
	$code .= word($size, 0, $id) . word($size, 4, $addr);
	$code .= word($size, 28, unpack("N", inet_aton($local))) if $local;
	$code .= call(SET_TUNNEL_KEY, $size) . insn(0xb7, 0, 0, 0, 0) .
		insn(0x95, 0, 0, 0, 0);
} else {
	$code .= call(GET_TUNNEL_KEY, 8) .
		insn(0x55, 0, 0, 6, 0) .			# failed: drop
		insn(0x61, 1, 10, -8, 0) . insn(0xb4, 2, 0, 0, $id) .
		insn(0x5d, 1, 2, 3, 0) .			# not id: drop
		insn(0x61, 1, 10, -4, 0) . insn(0xb4, 2, 0, 0, $addr) .
		insn(0x1d, 1, 2, 2, 0) .			# remote: pass
		insn(0xb7, 0, 0, 0, 2) . insn(0x95, 0, 0, 0, 0) .
		insn(0xb7, 0, 0, 0, 0) . insn(0x95, 0, 0, 0, 0);
}

my ($license, $path) = ("GPL\0", "$pin\0");
my $prog = bpf(PROG_LOAD, pack("LLPP", SCHED_CLS, length($code) / 8, $code,
	$license));
bpf(OBJ_PIN, pack("PL", $path, $prog));
