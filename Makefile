# Every target sets up what it needs: a virtual environment in .venv, made once and renewed when the
# requirements change; only `bench` and `ui` need programs from elsewhere: wrk and Chromium, and Node. Python 3.11 or 3.12;
# PYTHON=... picks another interpreter.

PYTHON ?= python3
CORPUS ?=
MINUTES ?= 10
FIRST ?= 0
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Each test process and each service of the tests imports the same modules: compile them once.
PYTEST := env HF_HUB_OFFLINE=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
SERVICES := tests/cluster tests/faults

.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-slow test-faults conformance fuzz check format ui bench models clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (a few minutes the first time: torch and docling are large) ..."
	@# Where python3-venv is missing, a python without pip is left behind.
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[server,otel,tokenizers]' --group dev
	@# Two packages bring the same cv2; only the headless one needs no libraries of a desktop.
	@$(BIN)/python -m pip uninstall --quiet --yes opencv-python
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --force-reinstall --no-deps opencv-python-headless
	@touch $@

install: $(READY) ## Make or renew the virtual environment

demo: $(READY) ## Parse the sample documents, print what came out, shut down
	@$(BIN)/python examples/demo.py

serve: $(READY) ## Run the service on http://localhost:8080 until Ctrl-C; its state is in .docfleet/
	@$(BIN)/python -m serve_app

test: $(READY) ## Run the tests (unit, contract, cluster, deploy)
	@# The services that are killed wait more than they compute. So they run beside what needs no service, and what they
	@# print comes at the end. Then the cluster has both cores.
	@$(PYTEST) -m "not slow" tests/faults >$(VENV)/faults.log 2>&1 & faults=$$!; \
	trap "kill $$faults" INT TERM; \
	nice -n 5 $(PYTEST) -m "not slow" -n 3 tests $(SERVICES:%=--ignore=%); status=$$?; \
	wait $$faults || status=1; cat $(VENV)/faults.log; exit $$status
	@$(PYTEST) -m "not slow" -n 2 tests/cluster

test-slow: $(READY) ## Run the tests that take minutes
	@$(PYTEST) -m slow

test-faults: $(READY) ## Kill and hang every part of a running service, and print what became of its jobs
	@$(PYTEST) -s -m "slow or not slow" tests/faults tests/hostile

fuzz: $(READY) ## Parse files that are changed at random, for MINUTES (10), and keep those that go wrong in .fuzz/
	@HF_HUB_OFFLINE=1 $(BIN)/python -m tests.hostile.fuzz $(MINUTES) .fuzz $(FIRST)

conformance: $(READY) ## Run clients of docling-serve, and write docs/compatibility.md (needs the internet once)
	@WRITE_COMPATIBILITY=1 $(PYTEST) -m slow tests/conformance

check: $(READY) ## Lint, format check, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

ui: ## Build the page for browsers into serve_app/ui/ (needs Node 20 and npm)
	@cd web && npm install --silent && npm run --silent types && npm run --silent lint && npm run --silent build

bench: $(READY) ## Run the benchmarks of docs/benchmarks.md (needs wrk and Chromium)
	@HF_HUB_OFFLINE=1 $(BIN)/python -m benchmarks $(CORPUS)

models: $(READY) ## Download docling's own models, so that the standard profile is used (needs the internet)
	@$(BIN)/docling-tools models download layout tableformer picture_classifier code_formula

clean: ## Remove the virtual environment and caches; state in .docfleet/ stays
	rm -rf $(VENV) .conformance .peers web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
