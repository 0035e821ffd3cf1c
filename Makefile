# make demo: a two-step transfer study on the simulated cohort.   make test: the tests.
# make lint: ruff.   make check: both, as .ci/run does.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint check docs clean

$(READY): setup.cfg pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,test]"
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m experiments.exp7_two_step --cohort=simulated --source_drug=oxaliplatin --repeats=5 \
		--out=results/demo --overwrite

test: $(READY)
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check: test lint

# The site of docs/; a link that leads nowhere fails it.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:
	rm -rf $(VENV) results site .pytest_cache .ruff_cache .hypothesis
