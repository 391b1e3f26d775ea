# `make` alone lists what can be done. Everything runs in .venv, which `make env` builds from the locks.

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help env demo test check trials mutations bench night docs dist lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: .venv/.ready ## Build .venv from the locks (skipped when nothing changed)

.venv/.ready: requirements/bootstrap.lock requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than 3.11; name a newer one: make env PYTHON=python3.12" >&2; exit 1; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	$(UV) pip sync --quiet --compile-bytecode --require-hashes requirements/dev.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# uv's cache stays beside the environment: no home folder is needed, and files are linked instead of copied. It trusts the
# certificates that this system trusts, as pip does.
UV = UV_SYSTEM_CERTS=1 UV_CACHE_DIR="$${UV_CACHE_DIR:-$(CURDIR)/.cache/uv}" VIRTUAL_ENV="$(CURDIR)/.venv" $(BIN)/uv

demo: env ## Run the whole story against the fake provider (FRESH=1 starts over)
	$(BIN)/python -m rewardrails.demo $(if $(FRESH),--fresh)

test: env ## Run the quick tests
	$(BIN)/python -m pytest tests -n $(WORKERS) --dist loadfile

check: env ## Check formatting, lint, types, import direction, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(wildcard src/rewardrails/docsgen*),$(BIN)/python -m rewardrails.docsgen --check)
	$(BIN)/python -m tools.promises --check
	$(BIN)/python -m tools.mutations --check

trials: env ## Run the quick tests, keep how often each tried, and write docs/promises.md
	$(BIN)/python -m pytest tests -n $(WORKERS) --dist loadfile --record-trials
	$(BIN)/python -m tools.promises

mutations: env ## Take each guard away in a copy and see which tests notice
	$(BIN)/python -m tools.mutations

bench: env ## Measure
	$(BIN)/python -m bench

night: env ## Run the tests that take hours
	$(BIN)/python -m pytest tests/night -n $(WORKERS) --dist loadfile --record-trials
	$(BIN)/python -m tools.promises

docs: env ## Build the documentation into site/
	$(BIN)/zensical build --clean --strict

dist: env ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(LOCKFLAGS)

lock: env ## Make the locks anew from pyproject.toml (LOCKFLAGS=--upgrade takes newer versions)
	$(LOCK) requirements/bootstrap.in --output-file requirements/bootstrap.lock
	$(LOCK) pyproject.toml --extra exchange --output-file requirements/runtime.lock
	$(LOCK) pyproject.toml --extra exchange --extra testing --group dev --constraints requirements/bootstrap.in \
		--output-file requirements/dev.lock

clean: ## Remove what the other targets made, except .venv
	rm -rf dist build site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov .coverage*
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
