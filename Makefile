# OneMigrate: every command of a developer's day. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3.13
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
SOURCE ?=
STORAGE ?=
PYTEST_ARGS ?=
# Most tests wait for servers of their own, so a few more than the cores run side by side.
WORKERS ?= 3
# A checker of Bicep's types, where there is one beside the project.
export BICEPCHECK ?= $(abspath $(wildcard ../shared/tools/bicepcheck/bicepcheck.py))
HTMX := functions/dashboard/static/vendor/htmx.min.js

say = @printf '\033[1m==> %s\033[0m\n' "$(1)"

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

# --- environment -----------------------------------------------------------------------------------

.PHONY: install
install: $(STAMPS)/python $(STAMPS)/agent $(STAMPS)/node ## create the environment and install everything pinned

$(STAMPS)/venv: .python-version
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1 || { \
	  echo "Python 3.13 is needed, and '$(PYTHON)' is not it."; \
	  echo "Install Python 3.13, or name it: make install PYTHON=/path/to/python3.13"; exit 1; }
	$(call say,Python environment in $(VENV))
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python: $(STAMPS)/venv requirements.txt requirements-dev.txt
	$(call say,Python packages)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# No dependency resolution here: requirements-dev.txt has pinned what the agent needs.
$(STAMPS)/agent: $(STAMPS)/python $(wildcard agent/pyproject.toml agent/hatch_build.py)
	@if [ -f agent/pyproject.toml ]; then \
	  printf '\033[1m==> %s\033[0m\n' "Agent, from its source"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e ./agent; fi
	@touch $@

$(STAMPS)/node: package.json package-lock.json .npmrc
	$(call say,Node packages (the Azure Storage emulator))
	@command -v npm >/dev/null || { echo "npm is not on PATH: install Node 20 or later."; exit 1; }
	@npm ci --silent --ignore-scripts
	@mkdir -p $(dir $(HTMX)) $(STAMPS) && cp node_modules/htmx.org/dist/htmx.min.js $(HTMX)
	@touch $@

.PHONY: system-packages
system-packages: ## check for (or install, as root) the system packages the tests use
	@scripts/system-packages

# --- run -------------------------------------------------------------------------------------------

.PHONY: demo demo-rockrms up down status local-settings func sign-in-front
demo: install ## copy SOURCE=<folder> through the whole system (STORAGE=deployment: to our own account) and compare
	@$(BIN)/python -m local demo $(if $(SOURCE),--source "$(SOURCE)") $(if $(STORAGE),--storage "$(STORAGE)")

demo-rockrms: install ## import a generated church (PEOPLE=<number>) into Mission, kill the agent once, and verify
	@$(BIN)/python -m local demo-rockrms $(if $(PEOPLE),--people "$(PEOPLE)") $(if $(CERTIFICATE),--certificate "$(CERTIFICATE)")

up: install ## start the local stack with a seeded project and leave it running
	@$(BIN)/python -m local up

down: ## stop what `make up` started
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m local down; else echo "Nothing is installed, so nothing is running."; fi

status: install ## say whether the local stack is running
	@$(BIN)/python -m local status

local-settings: install ## write local.settings.json for the Core Tools, pointing at the Azurite of `make up`
	@$(BIN)/python -m local local-settings

func: local-settings ## run the app with the Azure Functions Core Tools (which must be installed)
	@command -v func >/dev/null || { echo "'func' is not on PATH: install the Azure Functions Core Tools 4."; exit 1; }
	@source $(BIN)/activate && SSL_CERT_FILE=.local/ca-and-public.pem func start

sign-in-front: install ## sign an operator in in front of the Core Tools (in a second terminal)
	@$(BIN)/python -m local sign-in-front

# --- deployment ------------------------------------------------------------------------------------

.PHONY: package
package: install ## build dist/control-plane.zip, the deployment package (docs/deployment.md)
	@$(BIN)/python scripts/package.py

# --- benchmark -------------------------------------------------------------------------------------

BENCH_ARGS ?=

.PHONY: bench bench-sweep bench-rockrms
bench: install $(STAMPS)/bench ## measure our copy against AzCopy and rclone; BENCH_ARGS="--quick" for a trial
	@$(BIN)/python -m bench run $(BENCH_ARGS)

bench-sweep: install $(STAMPS)/bench ## find the best settings of AzCopy and rclone for the benchmark
	@$(BIN)/python -m bench sweep $(BENCH_ARGS)

bench-rockrms: install ## measure the import of 2,500,000 records; BENCH_ARGS="--scale 0.05" for a trial
	@$(BIN)/python -m bench rockrms $(BENCH_ARGS)

$(STAMPS)/bench: bench/node/package.json bench/node/package-lock.json bench/node/.npmrc scripts/system-packages
	$(call say,AzCopy and the system packages of the benchmark)
	@scripts/system-packages bench
	@npm ci --prefix bench/node --silent --ignore-scripts
	@chmod +x bench/node/node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64
	@touch $@

# --- checks ----------------------------------------------------------------------------------------

.PHONY: test quick lint types imports unit format
test: install system-packages lint types imports ## everything: lint, types, import rules and all tests
	$(call say,Tests)
	@$(BIN)/python -m pytest tests/unit -p no:schemathesis $(PYTEST_ARGS)
	@$(BIN)/python -m pytest --ignore tests/unit --numprocesses $(WORKERS) --dist worksteal $(PYTEST_ARGS)

quick: install lint types imports ## lint, types, import rules and the tests that are not slow
	@$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

unit: install ## the tests without I/O
	@$(BIN)/python -m pytest tests/unit -p no:schemathesis $(PYTEST_ARGS)

lint: install ## ruff: rules and formatting
	$(call say,Lint)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Run 'make format'."; exit 1; }
	@$(BIN)/python scripts/generate_docs.py --check

.PHONY: docs
docs: install ## write the generated pages of docs/
	@$(BIN)/python scripts/generate_docs.py

format: install ## ruff: apply fixes and formatting
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

types: install ## mypy --strict; the agent and the contract also as Python 3.11
	$(call say,Types)
	@$(BIN)/mypy
	@$(BIN)/mypy --python-version 3.11 migrate_contract agent/src/migrate_agent

imports: install ## import-linter: the direction of imports
	$(call say,Import rules)
	@$(BIN)/lint-imports --no-cache

# The nightly ones: minutes to hours, each stops by itself.
KILLS ?= 200
SEED ?=
PLANT ?= skipped:10000
SPARSE_GIB ?= 0
MINUTES ?= 60

.PHONY: torture soak
torture: install ## kill a copy 200 times with faults on (KILLS=, SEED=), find a planted bug, SPARSE_GIB=200 for a huge file
	$(call say,$(KILLS) kills)
	@$(BIN)/python -m tests.torture --kills $(KILLS) $(if $(SEED),--seed $(SEED))
	$(call say,A planted bug is found: $(PLANT))
	@$(BIN)/python -m tests.torture --prove $(PLANT)
	@if [ "$(SPARSE_GIB)" != 0 ]; then $(BIN)/python -m tests.torture.sparse --gib $(SPARSE_GIB); fi

soak: install ## one agent, job after job at full speed for MINUTES=60: memory and open files must stay flat
	@$(BIN)/python -m tests.torture.soak --minutes $(MINUTES)

.PHONY: screenshots
screenshots: install system-packages ## pictures of every page (test-results/screenshots), and the README's of a running job
	@$(BIN)/python -m tests.browser.screenshots test-results/screenshots
	@$(BIN)/python -m tests.browser.portrait docs/images/job.png

.PHONY: clean
clean: down ## stop the stack and remove everything that can be made again
	@rm -rf $(VENV) $(STAMPS) node_modules bench/node/node_modules .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(HTMX)
