# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: Kuiper contributors

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run run-mirror pki test-public build test test-exhaustive simulate lint format fuzz bench report bench-replication clean .build/release/pluto .build/release/mirror

# Arguments for the demo, as in: make run ARGS="--imap 127.0.0.1:0 --imaps 127.0.0.1:0"
ARGS ?=
# The configuration for `pki` and `test-public`, and their further options, as in: make pki CONFIG=eu.toml PKI_ARGS="--days 30"
CONFIG ?= config.toml
PKI_ARGS ?=
# The program that they run: the release build unless another is given, as in: make pki PLUTO=/usr/local/bin/pluto
PLUTO ?= .build/release/pluto
# Scenarios and options for the benchmarks of the data type and the parsers, as in: make bench BENCH_ARGS="crdt.peers --require-peer redis"
BENCH_ARGS ?=
# The same for the mail servers side by side, as in: make bench MAIL_BENCH_ARGS="opodis.one --sessions 5000"
MAIL_BENCH_ARGS ?=
# The same for the mirror service, as in: make bench MIRROR_BENCH_ARGS="mirror.schedule"
MIRROR_BENCH_ARGS ?=
# The same for several nodes, as in: make bench NODE_BENCH_ARGS="crdt.e2e.durable --frame 1024"
NODE_BENCH_ARGS ?=
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 30
# How many groups `make simulate` runs, and the one seed that it replays instead.
SEEDS ?= 200
SEED ?=
SOURCES = Package.swift Sources Tests Benchmarks
FOUND = $(wildcard $(SOURCES))

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .build/release/pluto ## Build in release mode and start a mail server on loopback (pluto demo)
	exec .build/release/pluto demo $(ARGS)

run-mirror: .build/release/mirror ## Build in release mode and start a mirror manager, a worker and a sample upstream on loopback (mirror demo)
	exec .build/release/mirror demo $(ARGS)

pki: $(PLUTO) ## Make an authority and a certificate for each node of CONFIG (config.toml)
	"$(PLUTO)" pki init --config "$(CONFIG)" $(PKI_ARGS)

test-public: $(PLUTO) ## Make self-signed public certificates for the distributors of CONFIG, for tests
	"$(PLUTO)" pki public --config "$(CONFIG)" $(PKI_ARGS)

.build/release/pluto:
	@.ci/setup build
	swift build -c release --product pluto

.build/release/mirror:
	@.ci/setup mirror
	swift build -c release --product mirror

build: ## Build everything in debug mode
	@.ci/setup build
	swift build --build-tests

test: ## Build and run the whole test suite (KITS_ONLY=1: the two kits alone)
ifeq ($(KITS_ONLY),1)
	swift test --scratch-path .build-kits
else
	@.ci/setup test
	@# Two processes: together the tests of mail and mirrors keep each other from answering in time. A run prints thousands of lines, so what failed is said
	@# again at its end.
	@mkdir -p .build; set -o pipefail; status=0; \
	swift build --build-tests || exit $$?; \
	swift test --skip-build --skip '^Mirror' 2>&1 | tee .build/test.log || status=$$?; \
	swift test --skip-build --filter '^Mirror' 2>&1 | tee -a .build/test.log || status=$$?; \
	[ $$status -eq 0 ] || { \
	    printf '\n==> what failed:\n'; grep -aE 'recorded an issue|error:|Fatal error' .build/test.log | cut -c1-400 | head -40; \
	    exit $$status; }
endif

test-exhaustive: ## Run all checks of the CRDT in full, the small scope with four operations (release mode, minutes)
	KITS_ONLY=1 KUIPER_EXHAUSTIVE=1 swift test -c release -Xswiftc -enable-testing --scratch-path .build-kits-release --filter CRDTKitTests

simulate: ## Run SEEDS groups of replicas under seeded faults, or replay one: SEED=n (release mode)
	KITS_ONLY=simulation KUIPER_SEEDS=$(SEEDS) KUIPER_SEED=$(SEED) swift test -c release -Xswiftc -enable-testing --scratch-path .build-simulation --filter SimulationTests

lint: ## Check the format and the documentation of the sources
	swift format lint --strict --recursive --parallel $(FOUND)

format: ## Rewrite the sources in the house format
	swift format format --in-place --recursive --parallel $(FOUND)

fuzz: ## Run the libFuzzer targets, FUZZ_SECONDS each
	@.ci/setup fuzz
	FUZZ_SECONDS=$(FUZZ_SECONDS) Tests/Fuzz/run

bench: ## Measure; each figure is a ratio to a reference of the same run (BENCH_ARGS="crdt.gen --rounds 9": less, or more)
	@.ci/setup bench
	@# What one program cannot measure does not keep the others from measuring; it is said in the end.
	status=0; \
	KITS_ONLY=1 swift run -c release --package-path Benchmarks kuiper-bench $(BENCH_ARGS) --json docs/benchmarks/data/ || status=$$?; \
	KITS_ONLY=1 swift run -c release --package-path Benchmarks mail-bench $(MAIL_BENCH_ARGS) --json docs/benchmarks/data/ || status=$$?; \
	swift run -c release node-bench $(NODE_BENCH_ARGS) --json docs/benchmarks/data/ || status=$$?; \
	swift build -c release --product mirror && \
	    swift run -c release mirror-bench $(MIRROR_BENCH_ARGS) --json docs/benchmarks/data/ || status=$$?; \
	exit $$status

report: ## Render the tables and plots of docs/benchmarks from what `make bench` has left there
	@.ci/setup bench
	KITS_ONLY=1 swift run -c release --package-path Benchmarks bench-report docs/benchmarks

bench-replication: ## Measure how a replica that missed a million operations catches up (release mode, minutes)
	@.ci/setup build
	swift run -c release node-bench crdt.sync.catchup

clean: ## Remove what was built (not ./var, which holds the demo's mail)
	rm -rf .build .build-* Tests/Fuzz/.build* Benchmarks/.build*
