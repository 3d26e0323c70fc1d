# Every target installs what it needs first; `make demo` and `make test` are the two commands to know.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=

.PHONY: help install demo test test-slow check bench docs clean
.DEFAULT_GOAL := help

help: ## say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say which with PYTHON=..." >&2; exit 3; }
	@$(PYTHON) -m venv $(VENV)

.stamp-run: $(BIN)/python pyproject.toml constraints.txt
	@echo "installing the hub into $(VENV) ..." >&2
	@$(PIP) install --constraint constraints.txt --editable . >&2
	@touch $@

.stamp-test: .stamp-run
	@echo "installing what the tests need ..." >&2
	@$(PIP) install --constraint constraints.txt --editable '.[test,check]' >&2
	@touch $@

.stamp-docs: .stamp-run
	@$(PIP) install --constraint constraints.txt --editable '.[docs]' >&2
	@touch $@

.stamp-peer: $(BIN)/python
	@echo "installing the peer that the bench measures beside, into .peer ..." >&2
	@$(PYTHON) -m venv .peer
	@.peer/bin/python -m pip --disable-pip-version-check --quiet install 'fhirstarter==4.2.0' 'uvicorn==0.54.0' 'uvloop==0.23.0' 'httptools==0.9.0' >&2
	@touch $@

install: .stamp-run ## make .venv with `hub` in it

demo: .stamp-run ## one client's journey from hospital to home (ARGS="--once --json")
	@$(BIN)/hub demo $(ARGS)

test: .stamp-test ## every test that takes seconds
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" --durations=12 $(ARGS)

test-slow: .stamp-test ## the tests that take minutes: kills, the whole corpus
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow $(ARGS)

check: .stamp-test ## walls, types, style
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .stamp-test .stamp-peer ## measure, side by side with a peer and a floor
	$(BIN)/python -m bench --peer .peer/bin/python $(ARGS)

docs: .stamp-docs ## build the documentation into site/
	$(BIN)/mkdocs build --strict --quiet

clean: ## remove what the other targets made
	rm -rf $(VENV) .peer .stamp-* site .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
