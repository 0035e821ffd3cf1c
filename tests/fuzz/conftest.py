"""What the fuzz tests share: their own modules and those of other tests on the path, and how many examples to run."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTS = Path(__file__).resolve().parents[1]
for name in ("data", "weights", "report", "fuzz"):
    if str(TESTS / name) not in sys.path:
        sys.path.insert(0, str(TESTS / name))


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["", "many"])
def slow(request) -> bool:
    """Whether to run the many examples of the slow run."""
    return request.param


@pytest.fixture(scope="session")
def own_files():
    """The user's own cohort of the tests of cohort files; their conftest is no module that can be imported by name."""
    spec = spec_from_file_location("own_cohort", TESTS / "data" / "conftest.py")
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return SimpleNamespace(toml=found.OWN, write=found.tables)
