# make demo      simulate a small tomogram, correct it, and show how much of the missing wedge came back
# make test      run the tests
# make quick     lint, types, unit tests and the main job, in under 4 minutes on 2 cores
# make test-gpu  run the tests that need a GPU, in under 5 minutes on one card
# make coverage  lines of core, io and train that the tests run
# make lint      ruff and mypy
# make dist      build wheel and sdist into dist/ and check what an index would refuse
# make docs      write the reference from the code and build the documentation into site/; warnings are errors
#
# Each target sets up its own environment in .venv. TORCH is the only place where torch is pinned; with a GPU you may
# want another build: make TORCH="torch==2.13.0+cu130" demo (where your package index offers it)

TORCH ?= torch==2.13.0
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test quick test-gpu coverage lint docs dist env clean

demo: $(VENV)/.ready
	$(BIN)/isonet demo --output-dir demo

test: $(VENV)/.ready-dev
	$(BIN)/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

quick: lint
	$(BIN)/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder tests/unit tests/e2e

test-gpu: $(VENV)/.ready-dev
	$(BIN)/pytest tests/gpu -rs

coverage: $(VENV)/.ready-dev
	$(BIN)/coverage run -m pytest tests/unit tests/steps/test_starter.py
	$(BIN)/coverage report

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.ready-dev
	$(BIN)/python scripts/reference.py
	$(BIN)/zensical build --clean --strict

dist: $(VENV)/.ready-dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*

env: $(VENV)/.ready-dev

$(VENV)/.ready: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "isonet needs Python 3.10 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv module is missing; installing it"; \
		apt-get update && apt-get install -y --no-install-recommends python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/pip install --disable-pip-version-check --quiet $(TORCH)
	$(BIN)/pip install --disable-pip-version-check --quiet --editable .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo site
