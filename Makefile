# All targets work on a fresh Debian machine: what is missing is installed first (as root).

SHELL := /bin/sh
BIN := .venv/bin
# The services run as other users, who must be able to execute this Python: not one from a home directory.
PYTHON ?= /usr/bin/python3
# Arguments for the program behind a target: make up ARGS=--once, make test ARGS="-k quarantine"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help up test test-unit faults faults-quick faults-mutations bench docs lint format pins clean debian debian-tests

help:  ## Show this.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make up takes ARGS=--once (stop after the samples), ARGS=--no-samples, UP_DIR=DIRECTORY and ports:'
	@echo '  UP_EDGE_PORT UP_RELAY_QMQP_PORT UP_RELAY_SMTP_PORT UP_REDIS_PORT UP_CLAMD_PORT UP_RSPAMD_PORT'
	@echo '  UP_FLOWER_PORT UP_METRICS_PORT UP_RECORDER_METRICS_PORT.'
	@echo '  Any option of MailScanner.conf can be given too: MAILMILL_DEBUG=yes make up'

up: debian .venv/.installed  ## Run the whole system on loopback in this terminal and send samples through it.
	@PYTHONPATH=deploy $(BIN)/python -m mailmill_local.up $(ARGS)

test: debian-tests .venv/.installed  ## Run all tests; those of the system start real servers.
	$(BIN)/pytest $(ARGS)

test-unit: .venv/.installed  ## Run the tests that need no server.
	$(BIN)/pytest -m "not system" $(ARGS)

faults: debian-tests .venv/.installed  ## Break everything in turn under load; count what became of each message.
	@PYTHONPATH=deploy:tests $(BIN)/python -m faults $(ARGS)

faults-quick: debian-tests .venv/.installed  ## The same with a random choice of faults, in under 4 minutes.
	@PYTHONPATH=deploy:tests $(BIN)/python -m faults --quick $(ARGS)

faults-mutations: debian-tests .venv/.installed  ## Show that the harness fails when a safety is taken out.
	@PYTHONPATH=deploy:tests $(BIN)/python -m faults.mutations

bench: debian-tests .venv/.bench  ## Measure: all tables, or ARGS="edge --runs 5"; results in benchmarks/results/.
	@PYTHONPATH=deploy $(BIN)/python -m benchmarks --results benchmarks/results $(ARGS)

docs: .venv/.installed  ## Build the documentation into site/; a broken link is an error.
	$(BIN)/mailmill conf reference > docs/reference/options.md
	$(BIN)/mailmill conf reference --mailscanner > docs/reference/mailscanner-options.md
	$(BIN)/mkdocs build --strict

lint: .venv/.installed  ## Check style, format and types; change nothing.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@if command -v shellcheck >/dev/null; then \
	    git ls-files -z '*.sh' | xargs -0 -r shellcheck; \
	else echo 'shellcheck is not installed: shell scripts not checked'; fi

format: .venv/.installed  ## Format the code and repair what can be repaired safely.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

pins: .venv/.installed  ## Write requirements/*.txt from what is installed.
	$(BIN)/python deploy/pins.py

clean:  ## Remove everything that was made here: the environment, caches, and var/ with all its mail.
	rm -rf .venv var build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

debian:
	@deploy/install-debian.sh

debian-tests:
	@deploy/install-debian.sh --tests

# Another environment replaces one whose Python has gone.
.venv/.installed: requirements/run.txt requirements/dev.txt pyproject.toml | debian
	@echo 'preparing the environment .venv (a minute at the first time)'
	@[ -x $(BIN)/python ] && $(BIN)/python -c '' || $(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# What the benchmarks draw with.
.venv/.bench: requirements/bench.txt .venv/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	@touch $@
