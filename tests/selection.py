"""Which cases of a test `make test` runs; `make test-all` runs the others."""

import pytest


def some(cases, *everyday):
    """The cases of a parametrized test; those that are not named are `full`."""
    assert {*everyday} <= {*cases}, "a case is named that there is not"
    return [
        case
        if case in everyday
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.full)
        for case in cases
    ]
