"""Scripts on the simulated compounds share what rdkit makes of them."""

import pytest
from sharing import chemistry_once


@pytest.fixture(scope="module", autouse=True)
def chemistry():
    with chemistry_once():
        yield
