# Two commands do everything on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The loops that writing spends its time in: compiled here, once, so that nobody waits for it later.
COMPILE := $(BIN)/python -m nextchar.networks.loops

.PHONY: demo test slow quick coverage lint style types scripts forms docs robustness image clean

demo: $(VENV)/.demo
	$(BIN)/nextchar demo

# Three files of tests at a time, each in a process of its own that computes on one thread: they would wait for each
# other's threads otherwise. The tests start the command hundreds of times: Python keeps the bytecode of modules, even
# where the shell forbids it.
test: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile

# The tests that `make test` leaves out because they take long: clusters, processes that are killed while they train.
slow: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m slow

# Of the tests those that hold the code to its plan: seconds rather than minutes.
quick: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/test_architecture_page.py tests/settings tests/test_documentation.py -k "not run and not reader"

# The tests again, slower, with a report of the lines that none of them runs.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered

lint: style types scripts forms

style: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/pyright --pythonpath $(BIN)/python

# The page's scripts, by the checker of TypeScript, which is the one thing that comes from npm.
scripts: node_modules/.bin/tsc
	node_modules/.bin/tsc

node_modules/.bin/tsc: package.json
	npm install --no-package-lock --no-audit --no-fund --silent
	touch $@

# Held to the schemas that GitHub publishes.
forms: $(VENV)/.dev
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml

# Small counts of what benchmarks/robustness does at length: kills, damaged files, bad clients.
robustness: $(VENV)/.dev
	$(BIN)/python benchmarks/robustness/kills.py --kills 8 --each 4
	$(BIN)/python benchmarks/robustness/runs.py --count 20 --reads 500
	$(BIN)/python benchmarks/robustness/models.py --safetensors 200 --html 50 --keras 15 --h5 15 --weights 30
	$(BIN)/python benchmarks/robustness/clients.py --seconds 10 --clients 2

# docs/cli.md is made from the command itself; a test compares them.
docs: $(VENV)/.dev
	$(BIN)/python scripts/generate_cli.py

# The image of a server, built and started with a read-only root: the loops in it must fit this machine as they are.
ENGINE ?= $(shell command -v podman || command -v docker)
RUN_IMAGE := $(ENGINE) run --rm --read-only --cap-drop all

image:
	$(ENGINE) build --target serve --tag nextchar-serve:check --file Containerfile .
	$(RUN_IMAGE) nextchar-serve:check --version
	$(RUN_IMAGE) --entrypoint python nextchar-serve:check -c "from nextchar.networks import compilation, \
		loops; loops.compile_all(); assert not compilation.is_compiling()"

clean:
	rm -rf $(VENV)

# For another version: make clean, then make test PYTHON=python3.12
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# The base models that training can start from, each a package.
BASES := $(wildcard bases/*/pyproject.toml)
EDITABLE_BASES := $(patsubst %/pyproject.toml,--editable ./%,$(BASES))

$(VENV)/.demo: pyproject.toml constraints.txt $(BASES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[train]" $(EDITABLE_BASES)
	$(COMPILE)
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(BASES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[train,dev]" $(EDITABLE_BASES)
	$(COMPILE)
	touch $@
