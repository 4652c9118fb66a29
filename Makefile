# Two commands are enough: `make run` and `make test`. Each makes the environment it needs, in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet

.PHONY: help run test test-slow check format bench lock secrets clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(READY)  ## the whole platform on this machine, until Ctrl-C
	@exec $(BIN)/python -m teledeclaration run

test: $(READY)  ## the tests, against a PostgreSQL and a Valkey of their own
	@$(BIN)/python -m pytest

test-slow: $(READY)  ## kill storms, fuzzing, long walks, Debian's own servers, LibreOffice
	@command -v soffice >/dev/null || { \
	  [ "$$(id -u)" = 0 ] || { echo "test-slow needs LibreOffice: apt-get install libreoffice-calc"; exit 1; }; \
	  echo "Installing LibreOffice, which opens and saves our workbooks in the tests …"; \
	  apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libreoffice-calc >/dev/null; }
	@$(BIN)/python -m pytest -m slow --timeout=1800

check: $(READY)  ## style, types, imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY)  ## put the code into the house's style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(READY)  ## how fast it is on this machine, as ratios to a floor
	@$(BIN)/python -m benchmarks

lock:  ## choose versions anew: requirements.lock and requirements-dev.lock (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv, which is not on this machine"; exit 1; }
	$(LOCK) --upgrade pyproject.toml --group dev -o requirements-dev.lock
	$(LOCK) pyproject.toml -c requirements-dev.lock -o requirements.lock

secrets: $(READY)  ## secrets/ for compose.yaml: random passwords, and a seal without value
	@$(BIN)/python -m teledeclaration.local.deployment secrets

clean:  ## remove the environment and the caches; the data in .data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Python 3.11 or later is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true). Choose another: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "$(PYTHON) cannot make environments: install the package python3-venv"; exit 1; }
	@echo "Making the environment in .venv (once, a minute or two) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements-dev.lock 2>.venv/install.log \
	  | awk '/^Collecting/ && ++n % 25 == 0 {print "  " n " packages"; fflush()} /^Installing/ {print "  installing"; fflush()}' \
	  || { cat .venv/install.log; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@
