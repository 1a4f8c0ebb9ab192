# Every target does its own set-up. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo serve loop test lint bench bench-models assets stop clean distclean
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python manage.py
# Customers of a bank made anew; `make bench` and `make demo` take N=.
N ?= 20000
PORT ?= 8000
# FRESH=1: `make demo` makes its bank anew.
FRESH ?=
# More options of `manage.py loop`, such as LOOP='--size 5000 --seed 7'.
LOOP ?=

# A stamp named after the content: another branch's requirements are another stamp.
SUM := $(shell cat requirements.txt requirements-dev.txt constraints.txt | cksum | cut -d' ' -f1)
INSTALLED := $(VENV)/.installed-$(SUM)
ASSETS := bankcrm/static/vendor/.built
export OMP_NUM_THREADS ?= 1
# Said on every machine and nobody's business here: pip as root in its own .venv, newer versions of pip and npm.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PIP_NO_WARN_SCRIPT_LOCATION := 1
export NPM_CONFIG_UPDATE_NOTIFIER := false

help:          ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1 \2/' | while read -r t h; do printf '  make %-12s %s\n' "$$t" "$$h"; done

setup: $(INSTALLED) $(ASSETS)  ## Python environment in .venv and the front-end files

$(INSTALLED): requirements.txt requirements-dev.txt constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is needed: install python3.11 with its venv module, or run make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "Creating $(VENV)"; "$(PYTHON)" -m venv $(VENV) || { echo "Install the venv module: apt-get install python3.11-venv"; exit 1; }; }
	@echo "Installing Python packages (one to two minutes the first time)"
	@$(BIN)/python -m pip install --prefer-binary --progress-bar off -r requirements-dev.txt -c constraints.txt | sed -nE 's/^Collecting ([^ ]+).*/  \1/p; s/^Installing.*/  installing/p'
	@rm -f $(VENV)/.installed-* && touch $@

assets: $(ASSETS)  ## Front-end files from npm into bankcrm/static/vendor

$(ASSETS): package.json package-lock.json assets.mjs | $(INSTALLED)
	@.ci/assets

demo: setup  ## The whole loop on a sample bank, then the web application: make demo N=3000 PORT=8001
	$(RUN) migrate --verbosity 0
	$(RUN) demo --size $(N) --port $(PORT) $(if $(FRESH),--fresh)

serve: setup  ## Web server, worker and beat on the data that is there (PORT=8001 for another port)
	$(RUN) migrate --verbosity 0
	$(RUN) serve --port $(PORT)

loop: setup  ## The whole loop without a browser, in a database of its own; figures in var/loop.json
	BANKCRM_DATABASE=bankcrm_loop $(RUN) migrate --verbosity 0
	BANKCRM_DATABASE=bankcrm_loop $(RUN) loop --replace $(LOOP)

test: setup lint  ## Lint, types, import direction and every test
	@.ci/chromium
	$(BIN)/pytest -n 2 --dist loadscope

lint: $(INSTALLED)  ## ruff, mypy, import-linter, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(RUN) makemigrations --check --dry-run

bench: setup  ## Time each path beside its limit: make bench N=1000000 BENCH=--drop
	$(BIN)/python -m bench --n $(N) $(BENCH)

bench-models: setup  ## The models on the real data of ../shared/data and on a sample bank, with intervals
	$(BIN)/python -m bench.models $(BENCH)

stop:          ## End a demo, serve or loop that runs here and stop the embedded PostgreSQL and Valkey
	@if test -x $(BIN)/python; then $(BIN)/python -m bankcrm.embedded stop --all; fi

clean:  ## The same, delete var/ and every build product
	@if test -x $(BIN)/python; then $(BIN)/python -m bankcrm.embedded remove --all; fi
	rm -rf var node_modules bankcrm/static/vendor .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean  ## The same and .venv
	rm -rf $(VENV)
