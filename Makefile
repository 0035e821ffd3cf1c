# make demo: a two-step transfer study on the simulated cohort.   make app: finished studies in a browser.
# make test: the tests of every day.   make test-all: the rest.   make lint: ruff.   make check: lint, every test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo app test test-all test-sc test-app lint check docs clean

$(READY): setup.cfg pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,test]"
	touch $(READY)

demo: $(READY)
	$(BIN)/python -m experiments.exp7_two_step --cohort=simulated --source_drug=oxaliplatin --repeats=5 \
		--out=results/demo --overwrite

test: $(READY)
	$(BIN)/python -m pytest

# What `make test` leaves out, with every example: dear tests, those of programs compiled as users compile them, and
# all broken inputs; but for studies of minutes.
test-all: $(READY)
	TLJAX_TESTS=all $(BIN)/python -m pytest -m "(full or fuzz) and not shipped and not slow"
	TLJAX_TESTS=all TLJAX_COMPILE=shipped $(BIN)/python -m pytest -m "shipped and not slow"

# Single cells with the packages that only they need; last, since scanpy holds pandas below 3 on Python 3.11.
test-sc: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,test,sc]"
	TLJAX_TESTS=all $(BIN)/python -m pytest -m "not shipped and not slow" -k cell tests/study/cells tests/data

# The app, in a browser too where Debian's chromium is there (apt-get install chromium).
test-app: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,test,app]" "playwright>=1.50,<2"
	TLJAX_TESTS=all $(BIN)/python -m pytest -m "not slow" tests/app

# The app in a browser, with your results below results/.
app: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,test,app]"
	mkdir -p results
	$(BIN)/python -m tl_jax app --results=results

# Every test with every example, compiled as users compile.
check: lint
	TLJAX_TESTS=all TLJAX_COMPILE=shipped $(BIN)/python -m pytest -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .


# The site of docs/; a link that leads nowhere fails it.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

clean:
	rm -rf $(VENV) results site .pytest_cache .ruff_cache .hypothesis
