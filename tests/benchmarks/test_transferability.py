"""The study of scores: models against shipped baselines, summaries on known tables, no look at held-out rows."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.sources import ARMS, COMPONENTS, Source, Target, TunedRidge, measure, source_of
from benchmarks.transferability import NAMES, agreements, choices, mean_interval, simulated
from tl_jax.data.domain import Domain
from tl_jax.data.splits import Fold, partitions
from tl_jax.evaluation.predictors.baselines import ridge


def source_domain(seed=0, n=60, genes=30):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, genes)).astype(np.float32)
    y = (x[:, :3].sum(axis=1) + 0.3 * rng.standard_normal(n))[:, None]
    names = np.array([f"S{i:02d}" for i in range(n)])
    labels = np.array([f"G{i:02d}" for i in range(genes)])
    return Domain("source", x, y, names, labels, ("Drug",), names, names)


def target(seed=1, n=24, genes=30):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, genes)).astype(np.float32)
    y = x[:, :3].sum(axis=1) + 0.5 * rng.standard_normal(n)
    return Target("t", x, y.astype(np.float64), np.repeat(np.arange(n // 2), 2))


def test_the_ridge_is_the_baseline():
    rng = np.random.default_rng(0)
    x, new, y = rng.standard_normal((20, 50)), rng.standard_normal((7, 50)), rng.standard_normal(20)
    for groups in (np.arange(20), np.repeat(np.arange(10), 2)):
        found, _ = TunedRidge(x, groups, {"new": new}).fit(y)
        np.testing.assert_allclose(found["new"], ridge(x, y, new, groups=groups), rtol=1e-8)


def test_a_source_of_the_same_truth_gains_and_its_own_prediction_is_partial_least_squares():
    from sklearn.cross_decomposition import PLSRegression

    from tl_jax.data.scaling.scaling import fit_scaler

    domain, t = source_domain(), target()
    source = source_of("Drug", domain, "Drug")
    x = fit_scaler(domain.x, "standard").apply(domain.x).astype(np.float64)
    twin = PLSRegression(COMPONENTS, scale=False).fit(x, domain.response)
    found = source.level + source.features(t.x) @ source.weights
    np.testing.assert_allclose(found, np.ravel(twin.predict(t.x.astype(np.float64))), rtol=1e-6, atol=1e-8)
    rows = measure(t, [source], partitions(t.y, t.groups, folds=3, repeats=2, seed=0), {})
    assert rows.zero_shot.mean() > 0.8
    assert rows.gain_shrunk.mean() > 0.1
    assert set(NAMES) <= set(rows.columns)


def test_scores_see_training_rows_alone():
    t, source = target(), source_of("Drug", source_domain(), "Drug")
    folds = [Fold(0, 0, np.arange(16), np.arange(16, 24))]
    other = Target("t", t.x.copy(), t.y.copy(), t.groups)
    other.x[16:], other.y[16:] = 9 * t.x[16:][::-1], t.y[16:][::-1]
    one, two = measure(t, [source], folds, {}), measure(other, [source], folds, {})
    pd.testing.assert_frame_equal(one[list(NAMES)], two[list(NAMES)])
    assert one.gain_head[0] != two.gain_head[0]


def known_table():
    """Two cohorts, four sources, two folds: logme orders as the gain, mmd too (less is better), cka the reverse."""
    rows = [
        {"cohort": c, "source": s, "repeat": 0, "fold": f, "gain": 0.1 * s + c, "logme": s, "mmd": -s, "cka": -s}
        for c in (0, 1)
        for s in range(4)
        for f in (0, 1)
    ]
    return pd.DataFrame(rows).assign(**dict.fromkeys(set(NAMES) - {"logme", "mmd", "cka"}, np.nan))


def test_agreement_and_choice_on_a_known_table():
    table = known_table()
    agree = agreements(table, "gain").set_index(["cohort", "score"]).spearman
    chosen = choices(table, "gain").set_index(["cohort", "score"]).gain
    for cohort in (0, 1):
        assert agree[cohort, "logme"] == agree[cohort, "mmd"] == pytest.approx(1)
        assert agree[cohort, "cka"] == pytest.approx(-1)
        assert np.isnan(agree[cohort, "zero_shot"])
        assert chosen[cohort, "logme"] == chosen[cohort, "mmd"] == chosen[cohort, "hindsight"]
        assert chosen[cohort, "logme"] == pytest.approx(0.3 + cohort)
        assert chosen[cohort, "cka"] == pytest.approx(cohort)
        for name in ("random", "zero_shot"):  # no value of a score: no choice
            assert chosen[cohort, name] == pytest.approx(0.15 + cohort)


def test_intervals():
    found = mean_interval([1.0, 2.0, 3.0, np.nan])
    assert (found["mean"], found["cohorts"]) == (2, 3)
    assert found["high"] - 2 == pytest.approx(4.302653 / np.sqrt(3), rel=1e-6)
    assert mean_interval([np.nan]) == {"mean": None, "low": None, "high": None, "cohorts": 0}


def test_simulated_sources_share_samples_and_differ_in_relatedness():
    t, sources = next(simulated(1))
    assert len(sources) == 8
    assert all(isinstance(source, Source) for source in sources)
    amounts = [float(source.name.split()[2]) for source in sources]
    assert len({source.name for source in sources}) == 8
    assert all(0 <= amount <= 1 for amount in amounts)
    assert sources[0].rows == sources[1].rows
    assert len(t.y) == 30
    assert len(t.fresh_y) == 400
    assert len(ARMS) == 2
