# The project's commands. Everything they need beyond Python, Node and make they install themselves, into .venv and node_modules.

PYTHON ?= python3
BIN := .venv/bin
NPM := node_modules/.package-lock.json
READY := .venv/.ready $(NPM)
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

.PHONY: run serve reset azure test check fix schema soak replay mutants bench judges fuzz lock

run: $(READY) ## Run the factory on the local Azure and show what it does (WORLD=file[#case] CONFIG=folder)
	@$(BIN)/python -m local.factory run $(if $(WORLD),--world '$(WORLD)') $(if $(CONFIG),--config '$(CONFIG)')

serve: $(READY) ## The factory on the local Azure until Ctrl+C, for image-factory (WORLD=, CONFIG= as for run)
	@$(BIN)/python -m local.factory serve $(if $(WORLD),--world '$(WORLD)') $(if $(CONFIG),--config '$(CONFIG)')

reset: ## Forget the local world
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m local.factory reset; else rm -rf .local; fi

azure: $(READY) ## Only the local Azure, for an app on another host: prints the settings that reach it
	@$(BIN)/python -m local.factory azure $(if $(WORLD),--world '$(WORLD)')

test: check ## Everything that CI runs
	@$(BIN)/python -m pytest -m 'slow and not soak' -n 4 --dist loadfile --no-loadscope-reorder
	@$(BIN)/python -m tests.resilience slice

check: $(READY) ## The fast part: format, lint, types, import contracts, fast tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@node_modules/.bin/pyright --warnings | tail -n 40
	@$(BIN)/lint-imports --no-cache | tail -n 3
	@$(BIN)/python -m pytest -m 'not slow and not soak' -n 2

fix: schema ## Format and mend what can be mended
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

schema: $(READY) ## Make configuration/labs.schema.json anew from what the reader reads by
	@$(BIN)/python -m local.schema

soak: $(READY) ## Every sweep and so many random cases (SEEDS=10000): hours; last line "N passed, M failed"
	@$(BIN)/python -m tests.resilience soak --seeds $(or $(SEEDS),100)

replay: $(READY) ## One case of the resilience tests as a timeline (CASE='E5 4711')
	@$(BIN)/python -m tests.resilience replay '$(CASE)'

mutants: $(READY) ## Break the app in listed ways, one at a time: an experiment must see each
	@$(BIN)/python -m tests.resilience.mutants

bench: $(READY) ## Print figures, assert nothing
	@$(BIN)/python -m local.bench

judges: $(READY) ## The Azure CLI and oav against the simulator (installs them: large)
	@$(BIN)/python -m local.judges

fuzz: $(READY) ## schemathesis against the API on the embedded host (installs it: large)
	@$(BIN)/python -m local.judges.fuzz

lock: ## Resolve the requirements anew
	@$(PYTHON) -m venv .local/uv && .local/uv/bin/pip install -q uv
	@for name in requirements requirements-dev; do .local/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url -o $$name.txt $$name.in; done

.venv/.ready: requirements-dev.txt
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed (PYTHON=...)" >&2; exit 1; }
	@echo "Installing the Python packages ..." >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch $@

$(NPM): package-lock.json
	@command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || { echo "Node.js 20 or newer with npm is needed: install it" >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js $$(node --version) is too old: 20 or newer is needed" >&2; exit 1; }
	@echo "Installing Azurite and pyright ..." >&2
	@npm ci --no-audit --no-fund --loglevel=error --ignore-scripts >/dev/null
	@touch $@
