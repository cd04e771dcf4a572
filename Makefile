# Two commands on a fresh machine with Python 3.11, git and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
TORCH := torch==2.13.0
CLI_DOCS = $(BIN)/python -m typer mlplane.cli.main utils docs --name mlplane --title Commands
# Rendered objects are judged by Argo's and KServe's own CRDs where these are given; CI has to give them.
UPSTREAM := $(if $(CI)$(MLPLANE_UPSTREAM_CRDS),tests/upstream)

# Files are shared out in this order; those that take minutes come first. Most of them wait for processes, so
# there is one more at a time than the two cores that they are measured on.
LONG_FIRST := tests/faults tests/e2e tests/integration tests/conformance

.PHONY: env demo test conformance storms check fix generate clean story kind faults overhead forges long
.DEFAULT_GOAL := help

help:
	@echo "make demo      from a git commit to a prediction, on this machine (KEEP=1 leaves the plane up)"
	@echo "make test      all tests"
	@echo "make story     the digits story on a cluster: KUBECONFIG=FILE"
	@echo "make kind      a kind cluster with Argo, KServe, a store and mlplane (untested)"
	@echo "make overhead  what the step train costs beside the user's script (SECONDS=600: four times that)"
	@echo "make storms    error storms on the controller and on a Kopf operator, side by side"
	@echo "make conformance  the API server against recordings of a real one (KUBECONFIG=FILE: any server)"
	@echo "make faults    kill a process at every API write of every story: hours (MINUTES=30 tries a part of all)"
	@echo "make forges    requests to forges against the documents that they publish: OPENAPI=FOLDER"
	@echo "make long      what make test has no time for: promotions, bytes that change, an environment that goes"
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
	$(BIN)/python -m pytest tests/unit tests/golden tests/architecture tests/docs $(UPSTREAM) -n 2 --dist worksteal
	$(BIN)/python -m pytest $(LONG_FIRST) -n 3 --dist loadfile --no-loadscope-reorder

# On a cluster that is not ours; KUBECONFIG has to be of somebody who may do everything, and named here.
story: env
	@test "$(origin KUBECONFIG)" = "command line" || { echo "say which: make story KUBECONFIG=FILE"; exit 2; }
	KUBECONFIG=$(KUBECONFIG) $(BIN)/python -m pytest tests/cluster

# More than an hour, and goes on where it was stopped; the figures of docs/explanation/error-storms.md.
storms: env
	PYTHONPATH=tests $(BIN)/python -m faults.storms --out benchmarks/results/error-storms.json

# On a quiet machine; the figures of docs/explanation/overhead.md.
overhead: env
	$(BIN)/python -m benchmarks.overhead $(or $(SECONDS),60)

# Untested: see docs/how-to/kind.md.
kind:
	manifests/overlays/kind/install.sh

# A server other than the local one has to be named here, not in the environment: the matrix writes to it.
conformance: env
	CONFORMANCE_KUBECONFIG=$(if $(filter command%,$(origin KUBECONFIG)),$(abspath $(KUBECONFIG))) RECORD=$(RECORD) \
	  $(BIN)/python -m pytest tests/conformance/matrix $(if $(CELLS),-k "$(CELLS)")

# Goes on where it was stopped. See docs/explanation/crash-points.md.
faults: env
	PYTHONPATH=tests $(BIN)/python -m faults.crash --out benchmarks/results/crash-points.json \
	  $(if $(MINUTES),--minutes $(MINUTES))

# With docs/tutorial-promotion.md, make test tells the same story, but for what goes wrong in it.
long: env
	$(BIN)/python -m pytest tests/long -s

# OPENAPI: a folder with github.json (of the npm package @octokit/openapi) and forgejo.json (a server's swagger.v1.json).
forges: env
	OPENAPI=$(abspath $(OPENAPI)) $(BIN)/python -m pytest tests/forges

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
