# Every target installs what it needs first (scripts/setup.sh); build outputs go to a shared folder
# outside the clone. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
ENV := eval "$$(scripts/setup.sh)"
N ?= 200

SECONDS ?= 600

.PHONY: help demo build test test-clients fuzz check fmt lint doc bench bench-wire kill-test clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## build, start the demo on 127.0.0.1:5433, print how to connect
	@$(ENV); cargo build --profile demo --locked --workspace --bin ergosql
	@$(ENV); exec "$$CARGO_TARGET_DIR/demo/ergosql" demo $(DEMO_ARGS)

build: ## build the release binary
	@$(ENV); cargo build --release --locked --workspace --bin ergosql; echo "$$CARGO_TARGET_DIR/release/ergosql"

test: ## install what is missing, then format, lint, all tests and docs; prints how long each part took
	@scripts/test.sh

test-clients: ## every client of docs/clients.md against the binary; CLIENTS="psql pgx" chooses some
	@$(ENV); tests/clients/run.sh $(CLIENTS)

fuzz: ## libFuzzer on every parser of outside bytes, SECONDS each; TARGETS="frames sql" chooses some
	@$(ENV); fuzz/all.sh $(SECONDS) $(TARGETS)

check: test ## the same as test

fmt: ## format
	@cargo fmt --all

lint: ## clippy, warnings are errors
	@$(ENV); cargo clippy --workspace --all-targets --locked -- -D warnings

doc: ## API documentation, warnings are errors
	@$(ENV); RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked

bench: ## ingest and lookup benches, our figures beside the floor; release build
	@$(ENV); cargo run --release --locked --bin bench -- $(BENCH_ARGS)

bench-wire: ## lookups and rows to a client beside PostgreSQL 15, which it installs; release build
	@export ERGOSQL_WITH_POSTGRES=1; $(ENV); cargo run --release --locked --workspace --bin bench -- wire $(BENCH_ARGS)

kill-test: ## kill an import N times at random moments; the result must equal an undisturbed run
	@$(ENV); N=$(N) cargo test --workspace --locked --test kill -- --nocapture

clean: ## remove build outputs (not the RocksDB library)
	@$(ENV); cargo clean
