# Two commands do everything on a fresh machine: make demo, make test.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The loops that writing spends its time in: compiled here, once, so that nobody waits for it later.
COMPILE := $(BIN)/python -c "from nextchar.engine.compiled import compile_kernels; compile_kernels()"

.PHONY: demo test lint docs robustness clean

demo: $(VENV)/.demo
	$(BIN)/nextchar demo

# Two files of tests at a time, each in a process of its own.
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

# Small counts of what benchmarks/robustness does at length: kills, damaged files, bad clients.
robustness: $(VENV)/.dev
	$(BIN)/python benchmarks/robustness/kills.py --kills 8 --each 4
	$(BIN)/python benchmarks/robustness/runs.py --count 20 --reads 500
	$(BIN)/python benchmarks/robustness/models.py --safetensors 200 --html 50 --keras 15 --h5 15 --weights 30
	$(BIN)/python benchmarks/robustness/clients.py --seconds 10 --clients 2

# docs/cli.md is made from the command itself; a test compares them.
docs: $(VENV)/.dev
	$(BIN)/python docs/generate_cli.py

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
