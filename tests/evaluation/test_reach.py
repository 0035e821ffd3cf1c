"""Metrics by similarity: every compound in one band, each band as if it were alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.evaluation.draws.classification import score_classifier
from tl_jax.evaluation.draws.reach import EDGES, by_similarity


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 10_000))
def test_each_band_is_scored_alone(n, seed):
    rng = np.random.default_rng(seed)
    y, p, near = rng.integers(0, 2, n), rng.random(n), rng.integers(0, 21, n) / 20
    table = by_similarity(y, p, near)
    assert table["n"].sum() == n
    for row in table.itertuples():
        last = row.to_similarity == EDGES[-1]
        rows = [i for i in range(n) if row.from_similarity <= near[i] < row.to_similarity or (last and near[i] == 1)]
        assert len(rows) == row.n
        assert row.active == y[rows].mean()
        assert row.confident == pytest.approx(np.mean([abs(p[i] - 0.5) > 0.4 for i in rows]))
        alone = score_classifier(y[rows], p[rows])
        np.testing.assert_equal(
            [row.mcc, row.auroc, row.brier, row.ece], [alone[m] for m in ("mcc", "auroc", "brier", "ece")]
        )


def test_edges_belong_to_the_band_above():
    table = by_similarity([1, 0, 1], [0.9, 0.2, 0.6], [0.3, 0.29, 1.0], edges=(0, 0.3, 1))
    assert table["n"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("y", "p", "near", "edges"),
    [
        ([1, 0], [0.1], [0.1, 0.2], EDGES),
        ([1], [0.1], [1.1], EDGES),
        ([1], [0.1], [np.nan], EDGES),
        ([1], [0.1], [0.1], (0, 0, 1)),
        ([1], [0.1], [0.1], (0,)),
    ],
)
def test_what_does_not_fit(y, p, near, edges):
    with pytest.raises(ValueError, match=r"shapes|edges"):
        by_similarity(y, p, near, edges)
