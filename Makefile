# Two commands matter: `make demo` and `make test`. Each sets itself up (Python 3.11+, nothing else) and says what it does.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python on the machine that is new enough; 3.11 first, because the parts were tried on it.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v $$p; break; fi; done)
BIN := .venv/bin
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --durations=10 --durations-min=5

# Strict typing where a figure, a date or a threshold is made.
MYPY_PURE = $(wildcard $(addprefix src/jinmai/foundation/kernel/,money.py dates.py ids.py errors.py clock.py) \
	src/jinmai/desks/*/formulas.py src/jinmai/desks/*/formulas/*.py src/jinmai/desks/parties/ownership/*.py) \
	$(filter-out %/apps.py %/commands.py %/models.py %/views.py %/urls.py,$(wildcard src/jinmai/foundation/rulebook/*.py src/jinmai/foundation/rulebook/kinds/*.py))

.PHONY: help demo test test-long bench env env-core lint test-sqlite test-postgresql shots reference lock sbom python clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 22

demo: env-core ## the example city, built and served; prints a login for each role
	@$(BIN)/jinmai demo

test: env lint ## style, house rules, types, then every test on SQLite and on PostgreSQL
	@failed=; \
	$(MAKE) test-sqlite || failed="$$failed SQLite"; \
	$(MAKE) test-postgresql || failed="$$failed PostgreSQL"; \
	if [ -n "$$failed" ]; then echo "jinmai: make test FAILED on$$failed" >&2; exit 1; fi; \
	echo "jinmai: make test passed"

test-long: env ## the tests that take minutes, on both engines
	@JINMAI_TEST_DATABASE=sqlite $(PYTEST) -m long
	@$(MAKE) test-postgresql LONG='-m long'

bench: env ## each benchmark, one JSON line each
	@for file in benchmarks/*.py; do \
	  case $$file in */_*|*/__*) continue;; esac; echo "jinmai: $$file" >&2; $(BIN)/python $$file; done

env: python ## .venv with all extras but Spark
	@"$(PYTHON)" requirements/install.py all

env-core: python
	@"$(PYTHON)" requirements/install.py core

python:
	@if [ -z "$(PYTHON)" ]; then echo "jinmai: Python 3.11 or newer is needed (try: make PYTHON=/path/to/python3.11 …)" >&2; exit 2; fi

lint: env ## ruff, import-linter, mypy (strict) on the pure modules
	@echo "jinmai: ruff";          $(BIN)/ruff check --quiet .
	@echo "jinmai: import-linter"; $(BIN)/lint-imports --no-cache > .lint-imports.log || { cat .lint-imports.log; exit 1; }; rm -f .lint-imports.log
	@echo "jinmai: mypy, strict";  $(BIN)/mypy --no-error-summary $(MYPY_PURE)

test-sqlite: env
	@echo "jinmai: tests on SQLite"
	@JINMAI_TEST_DATABASE=sqlite $(PYTEST) $(ARGS)

test-postgresql: env
	@if [ -n "$${JINMAI_TEST_POSTGRES:-}$$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ]; then \
	  echo "jinmai: tests on PostgreSQL"; \
	  JINMAI_TEST_DATABASE=postgresql $(PYTEST) $(LONG) $(ARGS); \
	elif [ "$${JINMAI_REQUIRE_ALL:-}" = 1 ]; then \
	  echo "jinmai: ERROR: PostgreSQL is required here (JINMAI_REQUIRE_ALL=1) and is neither named nor installed" >&2; exit 1; \
	else \
	  echo "jinmai: SKIPPED: the tests on PostgreSQL, because there is none; apt-get install postgresql, or set JINMAI_TEST_POSTGRES=postgresql://user:password@host/postgres (a role that may create databases)"; \
	fi

shots: env ## pictures of the main pages, as each role, for a screen and a phone
	@$(BIN)/python docs/shots/take.py $(ARGS)

reference: env ## build docs/reference from the source
	@$(BIN)/python docs/reference/build.py

sbom: env ## what a release is made of, as CycloneDX JSON in build/
	@$(BIN)/python requirements/sbom.py core
	@$(BIN)/python requirements/sbom.py all

lock: ## pin every dependency with its hash (needs uv); no index address gets into the files
	uv pip compile --quiet --generate-hashes --no-header --no-annotate --universal --python-version 3.11 \
	  pyproject.toml requirements/build.in --extra fast --extra fit --extra bench --extra dev -o requirements/all.txt
	uv pip compile --quiet --generate-hashes --no-header --no-annotate --universal --python-version 3.11 \
	  pyproject.toml requirements/build.in --constraint requirements/all.txt -o requirements/core.txt

clean: ## remove .venv and caches (homes are left alone)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
