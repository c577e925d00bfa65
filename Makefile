# `make run` and `make test` are all that a newcomer needs: each sets up what it needs, then runs.
# Set-up takes Python 3.11, make and the package registry; nothing is downloaded after it.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROJECT ?= data/demo
SEED ?= 7
PEOPLE ?= 1300

export PATH := $(CURDIR)/$(BIN):$(PATH)
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: help run run-real test test-slow chaos replay browser lint types format ui demo shape eval-identity lock clean

help: ## show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || (echo "Python 3.11 is needed. Fix: make PYTHON=/path/to/python3.11 ..." >&2; exit 2)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY) ## build one night of the demo shop, and score it against the planted truth
	personalize run --project $(PROJECT)
	personalize evaluate demo --project $(PROJECT)

run-real: $(READY) ## the same for a real retailer: 1.5 million lines of 2,469 households
	python data/complete_journey/land.py
	personalize run --project data/complete_journey

test: $(READY) ## all tests that fit twelve minutes
	python -m pytest -m "not slow and not browser"

test-slow: chaos replay browser ## everything else

chaos: $(READY) ## pull the plug at every kind of write
	python -m pytest -m "slow and not replay"

replay: $(READY) ## build nights again on other threads, clocks, languages and orders, and compare
	python -m pytest -m "slow and replay"

browser: $(READY) ## the Dagster UI and the report in headless Chromium
	python -m pytest -m browser

lint: $(READY) ## ruff
	ruff check .
	ruff format --check .

types: $(READY) ## mypy
	mypy personalization_pipeline

format: $(READY) ## let ruff write
	ruff check --fix .
	ruff format .

ui: $(READY) ## the Dagster UI on http://127.0.0.1:3000
	DAGSTER_HOME=$$(personalize home --project $(PROJECT)) PERSONALIZATION_PROJECT=$(abspath $(PROJECT)) dagster dev --workspace workspace.yaml --host 127.0.0.1

demo: $(READY) ## write data/demo anew from its seed (moves the old one aside)
	rm -rf data/demo && personalize init data/demo --demo --people $(PEOPLE) --nights 3 --seed $(SEED)

shape: $(READY) ## the demo's purchases beside a real retailer's: writes the table in docs/demo-world.md
	python -m benchmarks.retail_shape

eval-identity: $(READY) ## the linking on labelled sets beside the repository: writes the table in docs/identity.md
	python -m benchmarks.identity_sets

lock: $(READY) ## resolve the dependencies anew
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

clean: ## remove stores, caches and the virtual environment; landed files stay
	rm -rf $(VENV) data/*/store .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
