# Makefile -- a thin front over the CMake presets: `make` builds build/fovea, build/libfovea.a and build/libfovea.so.
# SPDX-License-Identifier: Apache-2.0
PREFIX  ?= /usr/local
DESTDIR ?=

.PHONY: all demo test test-deep check bench bench-peers bench-peers-train install clean
all:
	@tools/build.sh release fovea fovea_static fovea_shared

demo:
	@tools/setup build demo
	@tools/demo.sh

test:
	@tools/setup build test
	@tools/build.sh release all
	@tests/run.sh build

test-deep:
	@tools/setup build test check deep
	@tools/test_deep.sh

check:
	@tools/setup build test check
	@tools/check.sh

bench: all
	@tools/bench.sh

# make bench-peers PEERS='--networks resnet18 --threads 2'
bench-peers:
	@tools/setup build
	@tools/build.sh release fovea_shared
	@tools/peers.sh $(PEERS)

# make bench-peers-train PEERS='--rounds 1 resnet18 mobilenet_v2'
bench-peers-train: all
	@tools/peers.sh --train $(PEERS)

install: all
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

clean:
	rm -rf build
