"""A reader registered in a file of its own is known to the cohort file at once."""

from pathlib import Path

import pandas as pd
import pytest

from tl_jax.data.cohort.responses import response_frame
from tl_jax.data.cohort.schema import ResponseTable, expression_formats, parse_cohort
from tl_jax.data.formats import registry
from tl_jax.errors import InputError


def content(expression, response):
    parts = {"expression": {"path": "x.csv", "format": expression}, "response": {"path": "y.csv", "format": response}}
    return {"name": "own", "drug": "D", "domain": [{"name": "target", **parts}]}


def test_own_readers_are_known_by_name_with_their_presets(monkeypatch):
    monkeypatch.setitem(registry.RESPONSE, "my_screen", None)
    del registry.RESPONSE["my_screen"]
    monkeypatch.setitem(registry.EXPRESSION, "my_portal", None)
    del registry.EXPRESSION["my_portal"]
    with pytest.raises(InputError, match="is 'my_portal'; write one of table, gdsc_rma, depmap, gct"):
        parse_cohort(content("my_portal", "long"), Path("own.toml"))
    presets = {"sample_column": "line", "drug_column": "drug", "value_column": "auc"}

    @registry.expression_reader("my_portal")
    def my_portal(frame, path, _table):
        return frame

    @registry.response_reader("my_screen", presets=presets)
    def my_screen(frame, path, table):
        return frame.rename(columns=str.lower), table

    assert expression_formats()[-1] == "my_portal"
    table = parse_cohort(content("my_portal", "my_screen"), Path("own.toml")).domain[0].response
    assert (table.sample_column, table.value_column) == ("line", "auc")
    frame = pd.DataFrame({"LINE": ["a", "b"], "DRUG": ["D", "D"], "AUC": [0.5, 0.6]})
    found = response_frame(frame, Path("y.csv"), table)
    assert found["D"].tolist() == [0.5, 0.6]


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(InputError, match="a format named 'gct' exists already"):
        registry.expression_reader("gct")(lambda frame, path, table: frame)
    assert ResponseTable(path="y.csv").format == "long"
