# Two commands on a fresh machine with Python 3.11, git and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
TORCH := torch==2.13.0
CLI_DOCS = $(BIN)/python -m typer mlplane.cli.main utils docs --name mlplane --title Commands
# Rendered objects are judged by Argo's and KServe's own CRDs where these are given; CI has to give them.
UPSTREAM := $(if $(CI)$(MLPLANE_UPSTREAM_CRDS),tests/upstream)

.PHONY: env demo test check fix generate clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      from a git commit to a prediction, on this machine (KEEP=1 leaves the plane up)"
	@echo "make test      all tests"
	@echo "make check     format, lint, types, architecture, generated files"
	@echo "make fix       format and repair what can be repaired"
	@echo "make generate  write crds/, schemas/ and docs/reference/cli.md anew"

env: .venv/ready

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --dry-run --no-deps --report .venv/torch.json $(TORCH)
	@grep -q '"url": "file:' .venv/torch.json \
	  || echo "pip downloads $(TORCH) now: 0.2 GB on macOS, about 3 GB with the CUDA libraries on Linux"
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: env
	@$(BIN)/mlplane demo $(if $(KEEP),--keep)

test: env
	$(BIN)/python -m pytest tests/unit tests/golden tests/architecture tests/docs $(UPSTREAM) -n 2
	$(BIN)/python -m pytest tests/integration tests/conformance tests/e2e

check: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mlplane.schema --check
	$(CLI_DOCS) | diff docs/reference/cli.md -

fix: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: env
	$(BIN)/python -m mlplane.schema
	$(CLI_DOCS) > docs/reference/cli.md

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache
