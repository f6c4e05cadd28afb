# Every command installs what it needs and builds what has changed; `make help` lists them.

BUILD := build
JOBS ?= $(shell nproc)
CONFIGURE := cmake -G Ninja -DCMAKE_CXX_COMPILER=clang++-22
.DEFAULT_GOAL := help
PREFIX ?= /usr/local
.PHONY: help install configure build all guests run test check check-long bench dist install-sdk \
	format lint clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

install: ## install the Debian packages that are missing
	@scripts/install.sh

configure: install
	@grep -qs '^NIMBUS_RUST_LTO:BOOL=ON' $(BUILD)/CMakeCache.txt || \
		$(CONFIGURE) -S . -B $(BUILD) -DNIMBUS_RUST_LTO=ON

build: configure ## build the program, build/wash
	@cmake --build $(BUILD) -j $(JOBS) --target wash

all: configure
	@cmake --build $(BUILD) -j $(JOBS)

guests: install
	@scripts/build-guests.sh $(BUILD)/guests
	@scripts/build-interop.sh $(BUILD)/interop

run: build ## serve the example examples/http-hello
	@scripts/build-guests.sh $(BUILD)/guests http-hello
	@$(BUILD)/wash run examples/http-hello

test: all guests ## run the unit, command-line and end-to-end tests
	@ctest --test-dir $(BUILD) --output-on-failure -j 2 -LE 'asan|lint|long'

check: install ## what CI runs: format, lint, layers, all tests, also under ASan and UBSan
	@scripts/check.sh

check-long: install ## fuzzing, TSan, all guests, soak tests
	@scripts/check-long.sh

bench: install ## measure, compare with other hosts; BENCH=--short for half an hour
	@$(CONFIGURE) -S . -B $(BUILD) -DNIMBUS_BENCH=ON -DNIMBUS_RUST_LTO=ON
	@cmake --build $(BUILD) -j $(JOBS)
	@scripts/build-guests.sh $(BUILD)/guests
	@scripts/build-interop.sh $(BUILD)/interop
	@scripts/install-peers.sh
	@bench/all.py $(BENCH)

dist: build ## make the archive, image, checksums and install script of a release, in build/release
	@dist/build.py --wash $(BUILD)/wash --out $(BUILD)/release

install-sdk: configure ## install wash and what providers in C++ are made of; PREFIX=/usr/local
	@cmake --build $(BUILD) -j $(JOBS) --target nimbus_sdk
	@cmake --install $(BUILD) --component sdk --prefix $(PREFIX) >/dev/null

format: install ## rewrite the sources in the house format
	@scripts/lint.sh --fix

lint: install ## format, house rules and layers, without a build
	@scripts/lint.sh

clean: ## remove the build folder; caches outside the checkout stay
	@rm -rf $(BUILD)
