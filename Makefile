# Every recipe is one or two plain command lines; CONTRIBUTING.md says when to use which.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
PORT_OFFSET ?= 0
ARGS ?=
BIN := .venv/bin
PYTEST := -m pytest -q -rs -n 3 --dist loadgroup --durations 15
export PYTHON
.DEFAULT_GOAL := help

.PHONY: help run bench bench-check hello demo up preview test check lint types layers coverage tools constraints clean venv-run venv-dev faults fuzz sbom story-incident story-retraining release examples check-full

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv-run venv-dev:
	@scripts/venv.sh $(@:venv-%=%)

run: venv-run ## starts the service (ARGS="--config F" PORT_OFFSET=10000)
	@AGENTSLO_PORT_OFFSET=$(PORT_OFFSET) exec $(BIN)/agentslo run $(ARGS)

hello: venv-run ## sends recorded runs to the running service (PORT_OFFSET as for run)
	@AGENTSLO_PORT_OFFSET=$(PORT_OFFSET) exec $(BIN)/agentslo hello $(ARGS)

test: venv-dev ## every test this machine's tools allow
	@scripts/tools.sh --link
	$(BIN)/python $(PYTEST) $(ARGS)

demo: venv-run ## a simulated fleet through the real stack, 3 minutes (ARGS="--for 60")
	@scripts/tools.sh --link
	@exec $(BIN)/agentslo demo $(ARGS)

up: ## the whole stack of docker-compose.yml, with a Grafana password made for it
	@scripts/up.sh

preview: venv-dev ## pictures of every board over a simulated fleet, in build/preview (needs npm)
	@scripts/preview.sh $(ARGS)

faults: venv-dev ## every fault at length: 200 kills, all kill points, power loss (ARGS, FAULTS_KILLS, FAULTS_SEED)
	FAULTS_LONG=1 FAULTS_EVERY=1 FAULTS_STATES=10000 FAULTS_KILLS=$${FAULTS_KILLS:-100} \
	  $(BIN)/python -m pytest -q -s -p no:xdist $(if $(ARGS),$(ARGS),tests/faults tests/e2e/test_roles_replicas.py)

story-retraining: venv-dev ## drift asks, people decide, a bad canary goes back, a good one stays (5 minutes)
	@scripts/tools.sh --link
	@$(BIN)/python examples/stories/retraining.py

tools: ## installs the outside tools the tests run against, outside the clone
	@scripts/tools.sh

check: lint types layers bench-check coverage ## all that CI does: make tools first

check-full: ## the long rest: demo, stories, examples, release, faults, fuzz, simulations (hours)
	@scripts/check-full.sh $(ARGS)

lint: venv-dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv-dev ## mypy, strict
	$(BIN)/mypy

layers: venv-dev ## import-linter: imports go only downwards
	$(BIN)/lint-imports

coverage: venv-dev ## the tests, no tool missing, with branch coverage
	@scripts/tools.sh --link
	@rm -f .coverage .coverage.*
	AGENTSLO_REQUIRE_TOOLS=1 $(BIN)/coverage run $(PYTEST) $(ARGS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report | tail -n 2

bench: venv-dev ## CPU a span beside rotel, the Collector and a relay (ARGS="--batch 1,50,512 --mix 0,0.3,1")
	@$(BIN)/python -m pip install -q --pre "rotel"
	@scripts/tools.sh --link
	PATH="$(CURDIR)/.tools/bin:$$PATH" $(BIN)/agentslo bench $(ARGS)

bench-check: venv-dev ## what a span may cost, in bare relays of the same run: what CI holds
	$(BIN)/agentslo bench --check

fuzz: venv-dev ## fuzzes every way in with atheris (ARGS="--seconds 600 cut json")
	@$(BIN)/python -m pip install -q "atheris>=3"
	$(BIN)/python tests/fuzz/run.py $(ARGS)

examples: venv-dev ## every example of a real framework, each in its own environment (minutes; ARGS="agno")
	@$(BIN)/python examples/frameworks/run.py $(ARGS)

release: ## builds and tries dist/: sdist, wheel in a clean environment, sums, sbom
	@scripts/release.sh

sbom: ## writes dist/sbom.json: what an installation holds
	@scripts/sbom.sh

constraints: ## renews constraints.txt to the newest versions the ranges allow
	@scripts/constraints.sh

clean: ## removes what make made here, but not the tools' cache
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
