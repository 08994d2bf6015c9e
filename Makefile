# Short names for what `cargo` does; there is no logic here.

.PHONY: help run test mutants coverage lint services down xtask

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: xtask ## run the newest lesson, nothing to install; LESSON=e-http runs another, with its own defaults
	@cargo lesson run $(LESSON)

test: xtask ## run all tests of all lessons, on a real MySQL and Redis
	@cargo lesson test

mutants: xtask ## break the lessons on purpose, one way at a time, and see that the tests notice
	@cargo lesson mutants
	@.ci/run cargo-mutants

coverage: xtask ## which share of e-test's lines its tests reach
	@.ci/run coverage

lint: ## the part of the gate that needs nothing but Rust: format, clippy and rustdoc
	@.ci/run format clippy rustdoc

services: xtask ## start MySQL on 127.0.0.1:13306 and Redis on 127.0.0.1:16379
	@cargo lesson services up

down: ## stop what make services started
	@cargo lesson services down

# On its own, because `cargo lesson` builds it in silence, and the first time takes a while.
xtask:
	@cargo build --package xtask
