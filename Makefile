# Two commands do everything on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The loops that writing spends its time in: compiled here, once, so that nobody waits for it later.
COMPILE := $(BIN)/python -c "from nextchar.networks.compiled_network import compile_kernels; compile_kernels()"

.PHONY: demo test lint docs clean

demo: $(VENV)/.demo
	$(BIN)/nextchar demo

# Two files of tests at a time, each in a process of its own.
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# docs/cli.md is made from the command itself; a test compares them.
docs: $(VENV)/.dev
	$(BIN)/python scripts/generate_cli.py

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[train,report]"
	$(COMPILE)
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[train,report,dev]"
	$(COMPILE)
	touch $@
