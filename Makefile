# SPDX-License-Identifier: GPL-2.0-only
#
# Build, install and check adit. (Kbuild is what the kernel's own build reads.)
#
#   make                    the module, for the running kernel, and the tools
#   make modules | tools    either of them
#   make install            both, with man page and completion; uninstall
#   make dkms-install       the module through DKMS; dkms-uninstall
#   make check              the tests on every kernel, in VMs
#   make static             the static checks
#   make bench              what a packet costs, in instructions
#   make demo               two sites joined, in a VM
#   make clean
#
# KVER=RELEASE or KDIR=DIR chooses another kernel than the running one. DESTDIR
# and PREFIX apply to the tools as usual, INSTALL_MOD_PATH to the module. DKMS
# is for this host alone, and refuses DESTDIR.

ifdef KDIR
KVER ?= $(shell cat $(KDIR)/include/config/kernel.release)
endif
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# dkms.conf is the one place that says the version.
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
DKMS_SRC := /usr/src/adit-$(VERSION)

# Where one is given, it is seen from here.
AT = $(if $(DESTDIR),DESTDIR=$(abspath $(DESTDIR)))

all: modules tools

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools:
	$(MAKE) -C tools

install: modules-install tools-install

modules-install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)

tools-install:
	$(MAKE) -C tools install $(AT)

uninstall: modules-uninstall tools-uninstall

modules-uninstall:
	rm -f $(INSTALL_MOD_PATH)/lib/modules/$(KVER)/updates/adit.ko*
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(KVER)

tools-uninstall:
	$(MAKE) -C tools uninstall $(AT)

# Only the module goes through DKMS: the tools depend on no kernel. Of the other
# kernels that are installed, DKMS has seen the last for now, and the host may boot
# one of them next; that one of them is not fit is no failure. What is installed goes
# once it is known that this can be built.
dkms-install: modules
	$(MAKE) dkms-uninstall
	mkdir -p $(DKMS_SRC)
	cp -r drivers include Kbuild Makefile dkms.conf $(DKMS_SRC)
	find $(DKMS_SRC) -name '*.o' -delete -o -name '.*.cmd' -delete
	dkms add -m adit -v $(VERSION)
	dkms build -m adit -v $(VERSION) -k $(KVER)
	dkms install -m adit -v $(VERSION) -k $(KVER)
	for dir in /lib/modules/*/build/include; do \
		kver=$${dir%/build/include}; kver=$${kver##*/}; \
		[ ! -d "$$dir" ] || [ "$$kver" = $(KVER) ] || \
			dkms install -m adit -v $(VERSION) -k "$$kver" || \
			echo "not installed for $$kver"; \
	done

# Of whatever version
dkms-uninstall:
	$(if $(DESTDIR),$(error DKMS is for this host alone, not for a DESTDIR))
	for source in /var/lib/dkms/adit/*/source; do \
		version=$${source%/source}; version=$${version##*/}; \
		[ ! -L "$$source" ] || \
			dkms remove -m adit -v "$$version" --all || exit; \
		rm -rf "/usr/src/adit-$$version"; \
	done
	rm -rf $(DKMS_SRC)

check:
	selftests/run

static:
	selftests/static

bench:
	selftests/bench/run

demo:
	tools/demo

clean:
	$(MAKE) -C tools clean
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: all modules tools install uninstall modules-install tools-install \
	modules-uninstall tools-uninstall dkms-install dkms-uninstall check \
	static bench demo clean
