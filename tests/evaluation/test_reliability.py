"""Label quality of one drug."""

import numpy as np
import pytest

from tl_jax.data.domain import Domain
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.reliability import label_quality


def domain(y, replicate=None):
    y = np.asarray(y, float)[:, None]
    names = np.array([f"S{i}" for i in range(len(y))])
    x, genes = np.zeros((len(y), 2), np.float32), np.array(["A", "B"])
    second = None if replicate is None else np.asarray(replicate, float)[:, None]
    return Domain("d", x, y, names, genes, ("Drug",), names, names, replicate=second)


def test_known_numbers():
    found = label_quality(domain([0, 1, 2, 3, 4, np.nan]), "drug")
    assert found["n"] == 5
    assert [found[k] for k in ("q05", "q25", "median", "q75", "q95")] == pytest.approx([0.2, 1, 2, 3, 3.8])
    assert found["dynamic_range"] == pytest.approx(3.6)
    assert found["iqr"] == pytest.approx(2)
    assert found["sd"] == pytest.approx(np.sqrt(2.5))
    assert found["replicate_n"] == 0
    assert np.isnan(found["replicate_spearman"])


def test_replicates_count_only_where_both_exist():
    found = label_quality(domain([1, 2, 3, 4, np.nan], [10, 30, 20, np.nan, 0]), "Drug")
    assert found["replicate_n"] == 3
    assert found["replicate_spearman"] == pytest.approx(0.5)
    few = label_quality(domain([1, 2, np.nan], [1, 2, 3]), "Drug")
    assert few["replicate_n"] == 2
    assert np.isnan(few["replicate_spearman"])


def test_none_and_one_sample_and_constant():
    none = label_quality(domain([np.nan, np.nan], [1, 2]), "Drug")
    assert none["n"] == 0
    assert np.isnan(none["median"])
    assert np.isnan(none["sd"])
    one = label_quality(domain([0.5]), "Drug")
    assert (one["n"], one["median"], one["iqr"]) == (1, 0.5, 0)
    assert np.isnan(one["sd"])
    constant = label_quality(domain([1, 1, 1], [1, 2, 3]), "Drug")
    assert constant["sd"] == 0
    assert np.isnan(constant["replicate_spearman"])


def test_unknown_drug():
    with pytest.raises(InputError, match="no drug"):
        label_quality(domain([1, 2]), "Aspirin")
