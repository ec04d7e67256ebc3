# The few verbs of this repository; CI calls the same ones. `make help` lists them.

BIN := .venv/bin
LOCK := $(shell sha256sum requirements.lock 2>/dev/null | cut -c1-16)
STAMP := .venv/.installed-$(LOCK)

.DEFAULT_GOAL := help
.PHONY: help setup softhsm up down demo test check bench faults interop

help: ## list what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with everything in requirements.lock, hashes checked

$(STAMP): requirements.lock pyproject.toml
	@sh deploy/bootstrap.sh
	@rm -f .venv/.installed-* && touch $@

softhsm: setup ## fetch SoftHSM2 from Debian's packages into the cache; a software token is used where that can't be
	@$(BIN)/python -m deploy.local.hsm install

up: setup softhsm ## start the whole local stack in the background
	@$(BIN)/gatehouse up

down: setup ## stop it; data stays
	@$(BIN)/gatehouse down

demo: setup softhsm ## start the stack and walk both journeys, step by step
	@$(BIN)/gatehouse up
	@$(BIN)/gatehouse demo

test: setup softhsm ## the whole suite, in two processes, against real PostgreSQL, S3 and Apache Kafka
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder || { echo "-- once more, only what failed, on a stack of its own --"; $(BIN)/python -m pytest --last-failed; }

check: setup ## lint, format, types, boundaries
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict contracts services deploy tests
	@$(BIN)/lint-imports

bench: setup ## Gatehouse against a plain monolith; writes build/bench.json
	@$(BIN)/python -m tests.benchmarks

faults: setup ## the long versions of the crash, chaos and ordering tests
	@$(BIN)/python -m pytest -m faults

interop: setup ## the audit log's formats against Go's own libraries (needs Go; fetches its modules, hashes checked)
	@$(BIN)/python -m pytest -m interop tests/interop
