"""A study of single cells on the embedded pair: no label is seen, signs are asked, truth judges afterwards."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

from tl_jax.data.cells import simulate
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.thresholds import settle
from tl_jax.evaluation.predictors import baselines, line_models
from tl_jax.report.plots.cell_scores import scores_figure
from tl_jax.report.sections.registry import report_of
from tl_jax.study.cells import setup as setups
from tl_jax.study.cells.judge import judged, over_lines
from tl_jax.study.cells.outputs import cells_identity, write_cells
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import make_setup
from tl_jax.study.cells.study import run_cells
from tl_jax.study.cells.truth import Truth, truth_of

QUICK = CellSettings(repeats=3, bootstraps=8, min_genes=100)
RANDOM = np.random.default_rng(8)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(results, folder) of a small study."""
    results = run_cells(QUICK, make_setup(QUICK))
    folder = tmp_path_factory.mktemp("cells")
    left_out = write_cells(results, folder, Truth("sensitive"))
    assert not [text for text in left_out if "anndata" not in text]
    return results, folder


def test_the_bootstraps_are_plain_ridges_on_drawn_lines():
    x, y, rows = RANDOM.normal(size=(30, 50)), RANDOM.normal(size=30), RANDOM.normal(size=(9, 50))
    tissue = np.full(30, "")
    found = line_models.bootstrapped(x, y, tissue, rows, 3, 5)
    center = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(center @ center.T)
    values = np.maximum(values, 0)
    alphas = baselines.RELATIVE_ALPHAS * values.mean()
    alpha = alphas[np.argmin(baselines.left_out_errors(values, vectors, y, None, alphas))]
    random = np.random.default_rng(5)
    for draw in range(3):
        own = random.integers(0, 30, 30)
        model = Ridge(alpha=alpha).fit(x[own], y[own])
        np.testing.assert_allclose(found[draw], -(model.predict(rows) - y[own].mean()), atol=1e-8)


def test_the_logistic_of_the_lines_span_is_scikit_learns_on_all_genes():
    x, y, rows = RANDOM.normal(size=(40, 60)), RANDOM.random(40), RANDOM.normal(size=(9, 60))
    labels = y <= np.quantile(y, line_models.SENSITIVE_SHARE)
    model = LogisticRegression(C=line_models.LOGISTIC_C, class_weight="balanced", max_iter=5000, tol=1e-10)
    expected = model.fit(x, labels).decision_function(rows)
    np.testing.assert_allclose(line_models.line_logistic(x, y, np.full(40, ""), rows), expected, atol=1e-3)


def test_within_tissue_takes_out_what_tells_tissues_apart():
    code = RANDOM.integers(0, 8, 160)
    tissue = np.array(list("abcdefgh"))[code]
    x = RANDOM.normal(size=(160, 20))
    x[:, 0] += code
    y = 0.2 * code + 0.05 * RANDOM.normal(size=160)
    rows = np.zeros((2, 20))
    rows[1, 0] = 5.0
    assert np.ptp(line_models.line_ridge(x, y, tissue, rows)) > 0.05
    assert np.ptp(line_models.line_ridge_within_tissue(x, y, tissue, rows)) < 0.05


def test_the_threshold_is_the_best_of_its_candidates_and_the_probability_calibrated():
    truth = (RANDOM.random(4000) < 0.3).astype(int)
    score = truth * 1.5 + RANDOM.normal(size=4000)
    calling = settle(score, truth)
    p = calling.probability(score)
    assert abs(p.mean() - truth.mean()) < 0.01
    assert abs(truth[p > 0.7].mean() - p[p > 0.7].mean()) < 0.05
    assert 0.5 < calling.threshold < 1.5


def test_scores_are_of_every_cell_and_right_where_the_truth_is_simulated(finished):
    results, folder = finished
    cells = pd.read_csv(folder / "cells.csv")
    truth = results.setup.cells.obs["sensitive"].to_numpy()
    assert len(cells) == len(truth) == 240
    assert roc_auc_score(truth, cells["sens_score"]) > 0.9
    assert results.settled
    arms = pd.read_csv(folder / "arms.csv").query("metric == 'auroc'").set_index("arm")["mean"]
    own = [roc_auc_score(truth, score) for score in results.scores["ridge_smoothed"]]
    assert arms["ridge_smoothed"] == pytest.approx(np.mean(own))
    assert arms["prevalence"] == 0.5
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["direction_settled"] is True
    assert summary["cells"] == {"read": 240, "scored": 240, "kind": "counts"}


def test_the_page_says_first_whether_the_direction_is_settled(finished):
    _, folder = finished
    report = report_of(folder)
    words = " ".join("".join(map(str, line)) for block in report.top for line in block.lines)
    assert "Its direction is settled" in words
    assert {"scores", "signs", "arms", "near", "files"} <= {section.id for section in report.sections}


def test_bars_of_the_picture_add_up_to_all_cells():
    """In a bar that the threshold cuts, resistant and sensitive cells stand on each other."""
    score = np.repeat([0.0, 0.501, 0.509, 1.0], [5, 3, 4, 2])
    axis = scores_figure(pd.DataFrame({"sens_score": score, "sens_label": score > 0.505}), 0.505, "").axes[0]
    ends = pd.DataFrame([(bar.get_x(), bar.get_y() + bar.get_height()) for bar in axis.patches])
    assert ends.groupby(0)[1].max().tolist() == np.histogram(score, 40)[0].tolist()


def test_no_label_reaches_the_scores(monkeypatch):
    real = simulate.simulated_pair
    few = replace(QUICK, arms=("ridge",), repeats=2, bootstraps=2)
    plain = run_cells(few, make_setup(few)).scores

    def other(seed):
        lines, cells = real(seed)
        return lines, replace(cells, obs=cells.obs.assign(sensitive=1 - cells.obs["sensitive"]))

    monkeypatch.setattr(setups, "simulated_pair", other)
    again = run_cells(few, make_setup(few)).scores
    for arm, scores in plain.items():
        np.testing.assert_array_equal(again[arm], scores)


def test_a_direction_that_lines_do_not_agree_on_is_said(monkeypatch):
    real = simulate.simulated_pair

    def noise(seed):
        lines, cells = real(seed)
        shuffled = lines.y.sample(frac=1, random_state=3).set_axis(lines.y.index)
        return replace(lines, y=shuffled), cells

    monkeypatch.setattr(setups, "simulated_pair", noise)
    few = replace(QUICK, arms=("ridge",), bootstraps=30)
    results = run_cells(few, make_setup(few))
    assert not results.settled
    assert any("direction not settled" in note for note in results.ledger.notes)


@pytest.mark.parametrize(
    ("agreement", "settled"), [((1.0, 1.0, 0.5), True), ((0.6, 1.0, 1.0), False), ((1.0, 0.85, 1.0), False)]
)
def test_both_the_first_component_and_the_followed_one_must_be_settled(finished, agreement, settled):
    signs = pd.DataFrame({"component": [1, 2, 3], "spearman": [0.2, -0.6, 0.1], "agreement": agreement})
    assert replace(finished[0], signs=signs).settled is settled


def test_a_line_that_stands_out_must_be_named_or_denied():
    near = (("PC14", 0.72), ("ETK1", 0.65))
    unknown = replace(QUICK, cell_line=("PC9",))
    for asked in (QUICK, unknown):
        with pytest.raises(InputError, match="--cell_line=PC14, or say --cell_line=none"):
            setups.ask_for_line(asked, near, ())
    assert setups.ask_for_line(replace(QUICK, cell_line=("none",)), near, ())
    assert setups.ask_for_line(unknown, near, ("PC14",))
    assert setups.ask_for_line(QUICK, (("PC14", 0.66), ("ETK1", 0.65)), ())


def test_finished_parts_give_the_same_scores(tmp_path):
    few = replace(QUICK, arms=("ridge", "logistic"), repeats=2, bootstraps=2)
    once = run_cells(few, make_setup(few), tmp_path).scores
    again = run_cells(few, make_setup(few), tmp_path).scores
    for arm, scores in once.items():
        np.testing.assert_array_equal(again[arm], scores)


def test_truth_of_several_values_is_asked_for_and_gaps_do_not_count(finished):
    results, _ = finished
    setup = results.setup
    states = np.array(["parental", "resistant", "holiday"])[np.arange(240) % 3]
    obs = setup.cells.obs.assign(state=states)
    own = replace(results, setup=replace(setup, cells=replace(setup.cells, obs=obs)))
    with pytest.raises(InputError, match="say which is --sensitive"):
        truth_of(own, Truth("state"))
    with pytest.raises(InputError, match="no such value"):
        truth_of(own, Truth("state", ("parentl",)))
    with pytest.raises(InputError, match="no column 'stat'"):
        truth_of(own, Truth("stat"))
    found = truth_of(own, Truth("state", ("parental",)))
    assert found.sum() == 80
    half = found.copy()
    half[::2] = np.nan
    table = judged(own, half).query("arm == 'ridge' and metric == 'auroc' and draw == 0")
    expected = roc_auc_score(found[1::2], results.scores["ridge"][0][1::2])
    assert table["value"].item() == pytest.approx(expected)


def test_measured_truth_finds_lines_by_any_spelling(finished):
    """Cells of H1975 are judged by NCIH1975, as that line was taken out for them."""
    results, _ = finished
    names = np.array(["H1975", "a-549", "nobody"])[np.arange(240) % 3]
    cells = replace(results.setup.cells, obs=results.setup.cells.obs.assign(line=names))
    response = pd.Series({"NCIH1975": 0.2, "A549": 0.9})
    own = replace(results, setup=replace(results.setup, cells=cells, truth_lines=response))
    found = truth_of(own, Truth("line", by_line=True))
    np.testing.assert_array_equal(found, np.array([1, 0, np.nan])[np.arange(240) % 3])
    table = over_lines(own, names).set_index("arm")
    assert (table["lines"] == 2).all()
    means = results.scores["ridge"].mean(axis=0)
    assert table.loc["ridge", "spearman"] == np.sign(means[::3].mean() - means[1::3].mean())


@pytest.mark.parametrize("changed", ["tissue", "other drugs"])
def test_parts_of_other_lines_are_not_taken(changed, tmp_path, monkeypatch):
    """Tissues settle what is left out together, and other drugs what the related ones are."""
    real, few = simulate.simulated_pair, replace(QUICK, arms=("ridge", "related_drugs"), repeats=2, bootstraps=2)
    before = make_setup(few)
    run_cells(few, before, tmp_path)

    def other(seed):
        lines, cells = real(seed)
        if changed == "tissue":
            return replace(lines, tissue=np.array([f"t{i % 3}" for i in range(len(lines))])), cells
        y = lines.y.copy()
        y["twinib"] = y["twinib"].to_numpy()[::-1]
        return replace(lines, y=y), cells

    monkeypatch.setattr(setups, "simulated_pair", other)
    after = make_setup(few)
    assert cells_identity(few, after) != cells_identity(few, before)
    resumed, anew = run_cells(few, after, tmp_path).scores, run_cells(few, after).scores
    for arm, scores in anew.items():
        np.testing.assert_array_equal(resumed[arm], scores)


def test_scores_stand_on_disk_before_the_truth_is_read(finished, tmp_path):
    results, _ = finished
    with pytest.raises(InputError, match="no column 'absent'"):
        write_cells(results, tmp_path, Truth("absent"))
    assert len(pd.read_csv(tmp_path / "cells.csv")) == 240


def test_one_class_alone_leaves_empty_what_is_undefined(finished):
    results, _ = finished
    table = judged(results, np.ones(240)).set_index(["arm", "draw", "metric"])["value"]
    assert np.isnan(table["ridge", 0, "auroc"])
    assert np.isnan(table["ridge_smoothed", 0, "recall_resistant"])
    assert table["ridge", 0, "prevalence"] == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"arms": ("logistic",)}, "lacks ridge"),
        ({"arms": ("ridge", "mlp")}, "--arms=mlp"),
        ({"share": 1.0}, "--share"),
        ({"repeats": 1}, "--repeats=1"),
        ({"smooth": -1}, "--smooth"),
        ({"cells": "x.h5ad"}, "--bulk_expression"),
        ({"depth": "some"}, "--depth=some"),
    ],
)
def test_bad_settings_are_refused(changed, message):
    with pytest.raises(InputError, match=message):
        replace(QUICK, **changed)


def test_depth_of_values_without_counts_is_refused():
    _, cells = simulate.simulated_pair(1)
    logs = replace(cells, x=np.log1p(cells.x.toarray()), kind="log")
    with pytest.raises(InputError, match="needs counts"):
        setups.at_one_depth(logs, replace(QUICK, depth="regress"))


def test_within_tissue_is_left_out_where_no_tissue_is_known(monkeypatch):
    """It would be the plain ridge under another name."""
    real = simulate.simulated_pair

    def without(seed):
        lines, cells = real(seed)
        return replace(lines, tissue=np.full(len(lines), "")), cells

    monkeypatch.setattr(setups, "simulated_pair", without)
    few = replace(QUICK, arms=("ridge", "ridge_within_tissue"), repeats=2, bootstraps=2)
    results = run_cells(few, make_setup(few))
    assert "ridge_within_tissue" not in results.scores
    assert any("ridge_within_tissue is left out" in note for note in results.ledger.notes)


def test_two_classes_and_the_specific_part_can_be_learned():
    """Both change what is learned and still find the simulated truth; classes reach logistic and threshold too."""
    few = replace(QUICK, arms=("ridge", "logistic"), repeats=2, bootstraps=2)
    for changed in ({"response": "quantile:0.3"}, {"response": "waterfall"}, {"remove_general": True}):
        own = replace(few, **changed)
        setup = make_setup(own)
        results = run_cells(own, setup)
        truth = setup.cells.obs["sensitive"].to_numpy()
        assert roc_auc_score(truth, results.score) > (0.8 if "response" in changed else 0.5)
        if "response" in changed:
            assert set(setup.y) == {0.0, 1.0}
            assert roc_auc_score(truth, results.scores["logistic_smoothed"].mean(axis=0)) > 0.8


def test_a_penalty_of_ones_own_is_taken_everywhere():
    x, y, rows = RANDOM.normal(size=(30, 50)), RANDOM.normal(size=30), RANDOM.normal(size=(9, 50))
    tissue = np.repeat(["a", "b", "c"], 10)
    expected = -Ridge(alpha=7.0).fit(x, y).predict(rows)
    np.testing.assert_allclose(line_models.line_ridge(x, y, tissue, rows, 7.0), expected, atol=1e-8)
    few = replace(QUICK, arms=("ridge",), repeats=2, bootstraps=2)
    setup = make_setup(few)
    weak, strong = (run_cells(replace(few, penalty=value), setup) for value in (1.0, 1e6))
    assert np.ptp(strong.score) < 0.1 * np.ptp(weak.score)
    assert (weak.signs["agreement"] != strong.signs["agreement"]).any()
