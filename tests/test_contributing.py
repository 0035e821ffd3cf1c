"""The code of CONTRIBUTING.md, written into a file of its own, is usable by name."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from tl_jax.data.cohort.schema import expression_formats
from tl_jax.data.formats import registry as formats
from tl_jax.evaluation.statistics import registry as metrics
from tl_jax.evaluation.statistics.metrics import score

PAGE = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"
IMPORTS = """import numpy as np
import pandas as pd
from pathlib import Path
from tl_jax.data.formats.registry import expression_reader
from tl_jax.data.tables.cells import as_ids, number_matrix, require_column
from tl_jax.evaluation.statistics.registry import metric
"""


@pytest.fixture
def section(tmp_path):
    """A function that imports the first code block of a section as a module."""

    def load(title):
        text = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
        path = tmp_path / "own.py"
        path.write_text(IMPORTS + re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
        spec = importlib.util.spec_from_file_location("own_of_contributing", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    formats.EXPRESSION.pop("my_portal", None)
    metrics.METRICS.pop("my_bias", None)


def test_a_reader(section):
    section("A reader")
    assert "my_portal" in expression_formats()


def test_a_metric(section):
    section("A metric")
    assert score(np.array([1.0, 2.0]), np.array([2.0, 4.0]))["my_bias"] == 1.5
    assert metrics.sign("my_bias") == -1
