"""Which cases of a test `make test` runs; `make test-all` runs the others."""

import pytest


def some(cases, *everyday):
    """The cases of a parametrized test; those that are not named are `full`."""
    cases = list(cases)
    assert {*everyday} <= {*cases}, "a case is named that there is not"
    return [case if case in everyday else full(case) for case in cases]


def full(case):
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.full)
