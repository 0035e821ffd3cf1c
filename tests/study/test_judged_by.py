"""A study that is judged by another metric than Spearman: its tables, its verdict and its page, against hand sums."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from pages import Page

from tl_jax.data.cohort.simulate import simulate
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.report.sections import verdict_words
from tl_jax.report.sections.arms import errors_of
from tl_jax.study.cohort.outputs import printed, write_outputs
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.study import prepare_study, run_study, with_extras

STUDY = EXPERIMENTS["exp6_source_to_target"]
BY_HAND = {
    "rmse": lambda y, p: np.sqrt(np.mean((y - p) ** 2)),
    "pearson": lambda y, p: np.corrcoef(y, p)[0, 1],
}


TRANSFERS = ("freeze_layer1", "feature_ridge", "zero_shot")
SOURCES = ("source", "source_a", "source_b")


class Judged(NamedTuple):
    metric: str
    folder: Path
    printed: str
    predictions: pd.DataFrame


@pytest.fixture(scope="module", params=BY_HAND)
def judged(request, tmp_path_factory):
    """A finished study; pictures are drawn for the error alone."""
    folder, metric = tmp_path_factory.mktemp("judged"), request.param
    cohort = simulate(seed=3, genes=60, n_source=60, n_intermediate=30, n_target=20)[0]
    given = Settings(
        hidden=(8, 4),
        repeats=2,
        epochs=3,
        quick=True,
        source_drugs=("oxaliplatin",),
        strategies=("scratch", *TRANSFERS),
        baselines=("ridge",),
        checkpoint_dir=str(folder / "kept"),
        metric=metric,
    )
    extras = {"permutations": 19, "curve_sizes": (8,), "curve_repeats": 1, "levels": 0, "beside": ("scratch",)}
    settings = with_extras(
        STUDY, given, examined=("scratch", "freeze_layer1", "ridge"), nested=("scratch", "ridge"), **extras
    )
    results = run_study(prepare_study(STUDY, settings, {"honest": cohort, "as_published": cohort}))
    out = folder / "out"
    out.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        if metric != "rmse":
            patch.setitem(sys.modules, "matplotlib", None)
        left_out = write_outputs(results, out)
    assert metric != "rmse" or left_out == []
    return Judged(metric, out, printed(results), results.table("predictions"))


@pytest.fixture
def table(judged):
    def read(name):
        frame = pd.read_csv(judged.folder / f"{name}.csv")
        text = {key: frame[key].astype(object).where(frame[key].notna(), "") for key in SOURCES if key in frame}
        return frame.assign(**text)

    return read


@pytest.fixture
def folds(judged):
    """The metric of every fold of the honest protocol, summed by hand: (repeat, fold) x (arm, source)."""
    rows = judged.predictions[judged.predictions.protocol == "honest"]
    values = {
        key: BY_HAND[judged.metric](part.y_true.to_numpy(float), part.y_pred.to_numpy(float))
        for key, part in rows.groupby(["repeat", "fold", "arm", "source"])
    }
    return pd.Series(values).unstack([2, 3])


def gains(folds, sign):
    """By how much each arm is better than scratch, the best first."""
    return (sign * (folds.mean() - folds["scratch", ""].mean())).sort_values(ascending=False)


def test_every_fold_is_measured(judged, table, folds):
    metrics = table("metrics")
    rows = metrics[(metrics.metric == judged.metric) & (metrics.protocol == "honest") & (metrics.fold != "pooled")]
    assert len(rows) == folds.size
    for row in rows.itertuples():
        assert row.value == pytest.approx(folds.loc[(row.repeat, int(row.fold)), (row.arm, row.source)], abs=1e-6)


def test_better_is_what_the_metric_says(judged, table, folds):
    """For an error a negative difference is better: probabilities, win rates and gains say so."""
    metric, sign = judged.metric, get(judged.metric).sign
    rows = table("comparisons")
    rows = rows[(rows.metric == metric) & (rows.protocol == "honest")]
    assert len(rows) > 4
    for row in rows.itertuples():
        a, b = folds[row.arm_a, row.source_a], folds[row.arm_b, row.source_b]
        assert row.mean_difference == pytest.approx((a - b).mean(), abs=1e-6)
        assert row.win_rate == pytest.approx(((sign * (a - b) > 0) + (a == b) / 2).mean())
        assert (row.p_better > row.p_worse) == (sign * (a - b).mean() > 0)
    full = table("gain_map").query("n_train == n_train.max()")
    first = folds.loc[[0]]
    for row in full.itertuples():
        assert row.gain == pytest.approx(gains(first, sign)[row.arm, row.source], abs=1e-6)


def test_the_verdict_names_the_best_arm(judged, folds):
    metric, words = get(judged.metric), verdict_words(judged.folder)
    best = next((arm, source) for arm, source in gains(folds, metric.sign).index if arm in TRANSFERS)
    assert f"{best[0]} from {best[1]}" in words
    change = folds[best].mean() - folds["ridge", ""].mean()
    assert f" by {metric.text(change, '+')} (95 %" in words or f" {metric.text(change, '+')} (95 %" in words
    assert metric.per_fold in words
    assert "ridge on the target's own genes" in words
    assert "the best baseline" not in words or f" against {metric.text(folds[best].mean())}, picked" in words


def test_choices_and_permutations_prefer_the_better(judged, table, folds):
    metric = get(judged.metric)
    choices = table("nested_choices")
    assert f"inner_{metric.name}" in choices
    assert metric.higher_is_better or (choices[f"inner_{metric.name}"] > 0).all()
    for row in table("permutations").itertuples():
        assert row.observed == pytest.approx(folds.loc[0].mean()[row.arm, row.source], abs=1e-6)
        beaten = metric.sign * row.observed > metric.sign * row.null_q95
        assert not beaten or row.at_least <= 1
        assert row.p == pytest.approx((1 + row.at_least) / 20)


def test_an_interval_of_rank_correlations_is_left_out(judged, table):
    rows = table("intervals")
    assert rows[["fisher_low", "fisher_high"]].isna().all().all()
    assert (rows.bca_low <= rows[judged.metric]).all()
    assert (rows[judged.metric] <= rows.bca_high).all()
    page = (judged.folder / "report.html").read_text()
    assert "Fisher interval" not in page
    assert f"Fisher's interval is one of rank correlations; {get(judged.metric).label} has none." in page.replace(
        "&#x27;", "'"
    )


def test_the_summary_says_what_a_page_needs(judged):
    record = json.loads((judged.folder / "summary.json").read_text())["metric"]
    metric = get(judged.metric)
    assert record["label"] == metric.label
    assert record["higher_is_better"] == (judged.metric != "rmse")
    assert record["chance"] == (None if judged.metric == "rmse" else 0)
    assert record["range"] == ([0, None] if judged.metric == "rmse" else [-1, 1])


def test_the_page_speaks_of_no_other_metric(judged, folds):
    """Spearman stands only where it is one: how scores of sources agree with gains."""
    metric, text = get(judged.metric), (judged.folder / "report.html").read_text()
    page = Page(text)
    right = [e for e in page.all("section", "div") if e["attrs"].get("id") in ("sources", "words")]
    for section in page.all("section"):
        if section not in right:
            assert "spearman" not in section["text"].lower(), section["attrs"]
    assert "Spearman" not in judged.printed.splitlines()[0]
    assert f"{metric.per_fold}: mean" in judged.printed
    start = f"{errors_of(metric)} in the unit of the response"  # of the arms in sight, then of the others
    captions = [table["children"][0]["text"] for table in page.all("table")]
    caption = next(one for one in captions if one.startswith(start))
    head, rows = page.table(caption)
    shown = {row[0]: row for row in rows if "honest" in row}
    assert shown["ridge"][head.index(metric.per_fold)] == metric.text(folds["ridge", ""].mean())
    side = f" ({metric.direction})" if metric.direction else ""
    head, rows = page.table(f"Each arm minus ridge: {metric.per_fold}{side}, protocol honest")
    by_gain = [float(row[head.index("difference")]) for row in rows if row[0] in TRANSFERS]
    assert len(by_gain) == len(TRANSFERS)
    assert by_gain == sorted(by_gain, reverse=metric.higher_is_better)
    assert ("a difference below 0 is an improvement" in text) == (judged.metric == "rmse")
    assert ("permuted: 5th percentile" in text) == (judged.metric == "rmse")
    assert ("at least as low" in text) == (judged.metric == "rmse")
    assert ("biased downward" in text) == (judged.metric == "pearson")
