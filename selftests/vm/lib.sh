# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Host side of the VM harness: what its commands share.
#
# Owns: the table of kernels, the cache, throw-away copies of a root, the host
# packages all of it needs. Does not own: what a root holds (mkroot, packages),
# how the module is built in it (mkmodule), how a VM is run (exec).
#
# Sourced after `set -euo pipefail`. Functions print their result on stdout
# and everything else on stderr.

VM=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$VM/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/adit
KEEP=${ADIT_CACHE_KEEP:-3}	# cache entries kept of each name, the present one included

say() { echo "vm: $*" >&2; }
die() { say "$*"; exit 1; }

# Debian's kernels in the table, and with that which is built from its source.
kernel_names() { awk '!/^#/ && NF && $3 != "-" { print $1 }' "$VM/kernels"; }
kernel_names_all() { awk '!/^#/ && NF { print $1 }' "$VM/kernels"; }

# each_kernel JOBS FUNCTION KERNEL...: call it for each, so many at a time.
each_kernel() {
	local jobs=$1 func=$2 kernel
	shift 2

	# Jobs in the background do not hear an interrupt.
	trap 'trap "" TERM; kill 0; exit 130' INT TERM
	for kernel; do
		while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do
			wait -n || :
		done
		"$func" "$kernel" &
	done
	wait
}

# vm_slots: VMs at a time, whoever runs them. Each is one busy thread of the host:
# with more, all take as long, and what has its times is late.
vm_slots() { echo "${ADIT_VM_SLOTS:-$(nproc)}"; }

# kernel_check KERNEL: end here unless there is such a kernel.
kernel_check() {
	grep -qx -- "$1" <<<"$(kernel_names_all)" ||
		die "$1: no such kernel; there are: $(kernel_names_all | xargs)"
}

# kernel_field KERNEL COLUMN
kernel_field() { awk -v k="$1" -v n="$2" '$1 == k { print $n }' "$VM/kernels"; }

# mirror SUITE: where it is fetched from. ADIT_MIRROR_<SUITE> in capitals, with
# _ for -, goes before ADIT_MIRROR.
mirror() {
	local var=ADIT_MIRROR_${1^^}

	var=${var//-/_}
	echo "${!var:-${ADIT_MIRROR:-http://deb.debian.org/debian}}"
}

# need_host COMMAND=PACKAGE...: install the packages of the commands, or files, that
# are missing.
need_host() {
	local pair host missing=()

	for pair; do
		case $pair in
		/*) [ -e "${pair%%=*}" ] ;;
		*) type "${pair%%=*}" >/dev/null 2>&1 ;;
		esac || missing+=("${pair#*=}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	# apt's lock of its lists is not waited for.
	mkdir -p "$CACHE"
	exec {host}>"$CACHE/host.lock"
	flock "$host"
	[ "$(id -u)" = 0 ] || die "not root, and missing: ${missing[*]}"
	say "installing on this host: ${missing[*]}"
	apt_get update || say "apt-get update failed, trying all the same"
	apt_get install --no-install-recommends "${missing[@]}" ||
		die "cannot install: ${missing[*]}"
	exec {host}>&-
}

# need_vm: what building and booting needs on this host.
need_vm() {
	need_host mmdebstrap=mmdebstrap mke2fs=e2fsprogs cpio=cpio mount=mount \
		modprobe=kmod xz=xz-utils zstd=zstd \
		qemu-system-x86_64=qemu-system-x86
}

# apt_get ARG...: what it says is shown only if it fails.
apt_get() {
	local out

	out=$(DEBIAN_FRONTEND=noninteractive apt-get -qq \
		-o DPkg::Lock::Timeout=600 "$@" </dev/null 2>&1) && return
	echo "$out" >&2
	return 1
}

# hash_of [NAME...]: one hash over files and directories, and over stdin.
hash_of() {
	{
		cat
		[ $# = 0 ] || find "$@" -type f -print0 | LC_ALL=C sort -z |
			xargs -0 sha256sum
	} | sha256sum | cut -c1-16
}

# cached NAME KEY COMMAND...: the directory NAME-KEY of the cache. COMMAND...
# DIR fills it when it is not there or is not what was once put there. A lock
# lets runs share the cache; a build that dies leaves nothing behind that a
# later run would take for a result. It is COMMAND's status that tells, in which, if
# it is a function, `set -e` has no effect.
cached() {
	local name=$1 dir=$CACHE/$1/$2 start=$SECONDS
	shift 2

	mkdir -p "$CACHE/$name"
	(
		flock 9
		if [ -d "$dir" ] && sums_ok "$dir"; then
			touch "$dir"
			exit 0
		fi
		[ ! -d "$dir" ] || say "$name: the cache is damaged, building anew"
		rm -rf --one-file-system "$dir" "$dir.tmp"
		mkdir "$dir.tmp"
		"$@" "$dir.tmp" >&2 </dev/null || exit 1
		sums "$dir.tmp" >"$dir.sums" && mv "$dir.sums" "$dir.tmp/SUMS" &&
			mv "$dir.tmp" "$dir" || exit 1
		say "$name: built in $((SECONDS - start)) s"
		# Of the entries beside it, the oldest go.
		find "$CACHE/$name" -mindepth 1 -maxdepth 1 -type d \
			-printf '%T@ %p\0' | sort -zrn | tail -zn "+$((KEEP + 1))" |
			cut -zd' ' -f2- | xargs -0r rm -rf
	) 9>"$CACHE/$name/lock" || die "$name: build failed"
	echo "$dir"
}

# sums DIR: a checksum of every file in it. Against damage, not malice: of what
# is there, CRC is the one that does not slow down every start.
sums() { (cd "$1" && find . -type f ! -name SUMS | LC_ALL=C sort | xargs cksum); }

sums_ok() { cmp -s "$1/SUMS" <(sums "$1" 2>/dev/null); }

# root_get KERNEL: directory of root.img, vmlinuz, initramfs and release, and of
# kernel.tar where the kernel is not in root.img.
root_get() {
	local suite pkgs key mirror1 mirror2

	suite=$(kernel_field "$1" 2)
	pkgs=$(kernel_field "$1" 3)
	[ "$pkgs" != - ] || { built_root_get "$1" "$suite"; return; }
	mirror1=$(mirror "$suite")
	mirror2=$(mirror "$pkgs")
	key=$(cd "$VM" && echo "$suite $pkgs $mirror1 $mirror2" |
		hash_of mkroot packages initramfs-init)
	cached "root-$1" "$key" \
		unshare --mount "$VM/mkroot" "$suite" "$mirror1" "$pkgs" "$mirror2"
}

# built_root_get KERNEL BASE: that of the kernel BASE, with KERNEL in its place.
# A change of the root does not build the kernel anew.
built_root_get() {
	local base kernel

	base=$(root_get "$2") || exit 1
	kernel=$(kernel_get "$1" "$base") || exit 1
	cached "root-$1" "$(basename "$base")-$(basename "$kernel")" \
		kernel_swap "$base" "$kernel"
}

# kernel_swap BASE KERNEL-DIRECTORY DIR
kernel_swap() (
	cd "$3" || exit 1
	for file in "$1/root.img" "$2"/{vmlinuz,release,kernel.tar}; do
		ln "$file" . 2>/dev/null || cp "$file" . || exit 1
	done
	mkdir ram && cd ram &&
		zcat "$1/initramfs" | cpio --quiet -i &&
		rm -f modules/* &&	# all that it needs is built in
		find . | cpio --quiet -o -H newc | gzip -1 >../initramfs &&
		rm -r "$PWD"
)

# kernel_parts KERNEL DIR: put there what it is built by; prints the key of that.
kernel_parts() {
	cp "$VM/mkkernel" "$VM/$1.config" "$2" &&
		(cd "$2" && kernel_field "$1" 2 | hash_of .)
}

# kernel_get KERNEL ROOT: directory of vmlinuz, release and kernel.tar, of a
# kernel that is built in that root.
kernel_get() (
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	key=$(kernel_parts "$1" "$tmp") || exit 1
	cached "kernel-$1" "$key" in_root "$2" "$tmp" mkkernel
)

# kernel_is_built KERNEL: kernel_get would not take a quarter of an hour.
kernel_is_built() (
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	[ -d "$CACHE/kernel-$1/$(kernel_parts "$1" "$tmp")" ]
)

# module_get KERNEL: directory of adit.tar, what `make dkms-install` and
# `make -C tools install` add to that kernel's root.
module_get() (
	root=$(root_get "$1") || exit 1
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	sources_copy "$tmp"
	cp "$VM/mkmodule" "$tmp"
	key=$(cd "$tmp" && basename "$root" | hash_of .)
	cached "module-$1" "$key" in_root "$root" "$tmp" mkmodule
)

# sources_copy DIR: the tree as it is, less what was built in it. All that
# follows works on this copy, so an edit meanwhile cannot tear it.
sources_copy() {
	# That a name begins at the top is not for tar to understand.
	tar -C "$TOP" -cf - --exclude-from=<(sed 's,^/,,' "$TOP/.gitignore") \
		drivers include tools Kbuild Makefile \
		dkms.conf selftests/{debug,programs} | tar -C "$1" -xf -
}

# in_root ROOT SRC SCRIPT OUT: run SCRIPT of the directory SRC in a throw-away
# copy of a root, with SRC as /src and OUT as /out; its argument is the kernel's
# release. The copy and its mounts live in a mount namespace and end with it.
in_root() {
	local tmp rc=0

	tmp=$(mktemp -d)
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount bash -eu -c '
		root=$1 src=$2 script=$3 out=$4 tmp=$5
		mount -t tmpfs tmpfs "$tmp"
		cd "$tmp"
		mkdir lower upper work root
		mount -o loop,ro "$root/root.img" lower
		mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work \
			overlay root
		cd root
		mkdir src out
		mount -t proc proc proc
		mount --rbind /dev dev
		mount --bind "$out" out
		cp -a "$src/." src
		[ ! -f "$root/kernel.tar" ] || tar --keep-directory-symlink -xf "$root/kernel.tar"
		exec chroot . "/src/$script" "$(cat "$root/release")"
	' - "$@" "$tmp" || rc=$?
	rmdir "$tmp"
	return $rc
}
