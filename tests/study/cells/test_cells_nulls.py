"""What the score is held against: permuted responses and genes, and replicates of one treatment."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from tl_jax.data.cells.neighbours import components
from tl_jax.data.cells.shared import fit_scaling
from tl_jax.evaluation.predictors.line_models import kernels, penalty
from tl_jax.study.cells.null_tables import null_tables
from tl_jax.study.cells.nulls import null_scores, permuted
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells
from tl_jax.study.cells.truth import Truth

QUICK = CellSettings(repeats=2, bootstraps=10, min_genes=100, arms=("ridge",), nulls=30)


@pytest.fixture(scope="module")
def results():
    return run_cells(QUICK, make_setup(QUICK))


def test_responses_stay_in_their_tissue():
    tissue = np.array(list("aaabbbbc"))
    y = np.arange(8.0)
    found = permuted(y, tissue, np.random.default_rng(2))
    assert sorted(found) == sorted(y)
    assert (found != y).any()
    for name in "abc":
        assert sorted(found[tissue == name]) == sorted(y[tissue == name])


def test_null_scores_are_plain_ridges_on_permuted_data():
    """The slow twin: scikit-learn's ridge on drawn lines, one permutation and bootstrap at a time."""
    few = replace(QUICK, nulls=2, bootstraps=3)
    setup = make_setup(few)
    axes = components(setup.plain, 5)
    found = null_scores(few, setup, axes)
    x = fit_scaling(setup.lines.x, "zscore").apply(setup.lines.x).astype(np.float64)
    alpha = penalty(kernels(x, x)[0], setup.y, setup.lines.tissue)
    random = np.random.default_rng([few.seed, 17])
    responses = [permuted(setup.y, setup.lines.tissue, random) for _ in range(2)]
    orders = [random.permutation(x.shape[1]) for _ in range(2)]
    pairs = [(y, np.arange(x.shape[1])) for y in responses], [(setup.y, order) for order in orders]
    for null, own in zip(found.values(), pairs, strict=True):
        for number, (y, order) in enumerate(own):
            bootstrap = np.random.default_rng(few.seed)
            drawn = []
            for _ in range(3):
                rows = bootstrap.integers(0, len(x), len(x))
                model = Ridge(alpha=alpha).fit(x[rows], y[rows])
                drawn.append(-setup.smooth @ model.coef_[order])
            expected = np.mean(drawn, axis=0)
            np.testing.assert_allclose(np.ptp(null.scores[number] - expected), 0, atol=1e-6)
            along = np.array([[spearmanr(axis, row).statistic for row in drawn] for axis in axes.T])
            agree = np.maximum((along > 0).mean(axis=1), (along < 0).mean(axis=1))
            followed = np.abs([spearmanr(axis, expected).statistic for axis in axes.T]).argmax()
            assert null.agreement[number] == pytest.approx(min(agree[0], agree[followed]))


def test_the_score_stands_out_of_its_nulls(results):
    tables = null_tables(results, Truth("sensitive"))
    rows = tables["against_nulls"].set_index(["null", "metric"])
    truth = results.setup.cells.obs["sensitive"].to_numpy()
    for null in ("permuted response", "permuted genes"):
        assert rows.loc[(null, "auroc"), "p"] < 0.1
        assert 0.3 < rows.loc[(null, "auroc"), "mean"] < 0.7
        assert rows.loc[(null, "agreement"), "observed"] == results.agreement
    own = tables["nulls"].query("null == 'permuted genes' and metric == 'auroc'")["value"]
    assert own.iloc[4] == pytest.approx(roc_auc_score(truth, results.nulls["permuted genes"].scores[4]))


def test_a_score_that_tissue_alone_explains_is_named():
    """Where the response is the tissue's, responses permuted within tissue do as well."""
    setup = make_setup(QUICK)
    y = (setup.lines.tissue == "lung").astype(float)
    own = replace(setup, y=y)
    results = run_cells(replace(QUICK, nulls=5), own)
    truth = (results.score > np.median(results.score)).astype(int)
    cells = replace(setup.cells, obs=setup.cells.obs.assign(like=truth))
    tables = null_tables(replace(results, setup=replace(own, cells=cells)), Truth("like"))
    assert tables["against_nulls"].set_index(["null", "metric"]).loc[("permuted response", "auroc"), "mean"] > 0.9
    assert any("does not stand out of the null 'permuted response'" in note for note in results.ledger.notes)


def test_without_a_truth_the_agreement_alone_is_told(results):
    assert set(null_tables(results, Truth())["nulls"]["metric"]) == {"agreement"}
    assert null_tables(replace(results, nulls={}), Truth()) == {}


def test_replicates_that_a_score_tells_apart_are_named(results):
    truth = results.setup.cells.obs["sensitive"].to_numpy()
    told = np.where(truth == 1, "one", "two")
    mixed = np.array(["one", "two"])[np.random.default_rng(3).integers(0, 2, len(truth))]
    for names, apart in ((told, True), (mixed, False)):
        obs = results.setup.cells.obs.assign(batch=names)
        cells = replace(results.setup.cells, obs=obs)
        own = replace(results, setup=replace(results.setup, cells=cells), nulls={})
        before = len(own.ledger.notes)
        table = null_tables(own, Truth(replicates="batch"))["nulls"]
        expected = roc_auc_score(names == "one", own.scores["ridge_smoothed"][1])
        found = table.query("arm == 'ridge_smoothed' and draw == 1")["value"].item()
        assert found == pytest.approx(expected)
        assert any("tells replicates" in note for note in own.ledger.notes[before:]) is apart


def test_no_label_reaches_a_null(results):
    setup = results.setup
    obs = pd.DataFrame({"sensitive": 1 - setup.cells.obs["sensitive"]})
    other = replace(setup, cells=replace(setup.cells, obs=obs))
    axes = components(setup.plain, 5)
    with threadpool_limits(1):  # as in the study
        again = null_scores(QUICK, other, axes)
    for one, two in zip(results.nulls.values(), again.values(), strict=True):
        np.testing.assert_array_equal(one.scores, two.scores)
