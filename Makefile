# The front door. `make demo` and `make test` do all their own set-up on a fresh Debian or Ubuntu machine.

# Without its bytecode each program of ours compiles itself anew, half a second every time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test test-unit test-e2e check fix bench robustness gen lock clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: ## bring Strongroom up and walk through the fourteen scenes of Secrets with kubectl
	@scripts/demo

test: ## every test: unit, contract, end-to-end with stock kubectl on real containerd
	@scripts/test

test-unit: install ## the tests that need neither root nor containerd
	@scripts/test unit

test-e2e: ## the end-to-end tests alone
	@scripts/test e2e

check: install ## formatting, lint, types, import layers, file sizes
	@scripts/check

fix: install ## what of `make check` can be mended by a tool
	@scripts/fix

bench: install ## figures: bench/README.md tells how to hold two clusters against each other
	@scripts/bench $(ARGS)

robustness: ## the crash tests at length: 1,000 kills, torn files, clusters killed under load (a quarter of an hour)
	@scripts/robustness

gen: install ## generated files: schemas, protobuf modules
	@scripts/gen

install: ## .venv with strongroom and everything that its development needs
	@scripts/install

lock: install ## write requirements/*.lock anew from pyproject.toml
	@scripts/lock

clean: ## remove what make made
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
