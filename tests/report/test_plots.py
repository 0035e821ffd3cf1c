"""Pictures: both files, equal bytes when written twice, and the words that must be in them."""

import sys

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.report.arms import split_arms
from tl_jax.report.plots import arm_comparison, loss_curves, predicted_observed, source_ranking
from tl_jax.report.plots.loss import _loss_limits
from tl_jax.report.plots.scatter import _mean_of, _response_limits

matplotlib = pytest.importorskip("matplotlib")
ARMS = [("copy_layer1", "Bortezomib"), ("zero_shot", "Bortezomib"), ("scratch", ""), ("ridge", ""), ("mean", "")]


def predictions(samples=22, repeats=2):
    rng = np.random.default_rng(0)
    true = rng.uniform(0, 1, samples)
    parts = []
    for arm, source in ARMS:
        for repeat in range(repeats):
            made = 0.5 * true + rng.normal(0, 0.1, samples)
            made = {"mean": np.full(samples, 0.5), "zero_shot": made + 50}.get(arm, made)
            parts.append(
                pd.DataFrame({"arm": arm, "source": source, "protocol": "cv", "repeat": repeat, "fold": 0}
                | {"sample_id": [f"s{i}" for i in range(samples)], "y_true": true, "y_pred": made})
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def metrics():
    rng = np.random.default_rng(0)
    rows = []
    for arm, source in ARMS:
        for repeat in range(2):
            for fold in (0, 1, 2, "pooled"):
                value = float("nan") if arm == "mean" else rng.uniform(-0.2, 0.9)
                rows.append((arm, source, "cv", repeat, fold, "spearman", value))
    return pd.DataFrame(rows, columns=["arm", "source", "protocol", "repeat", "fold", "metric", "value"])


def history(sources=("",), epochs=5):
    epoch = np.arange(1, epochs + 1)
    parts = []
    for source in sources:
        table = pd.DataFrame({"arm": "fine_tune", "source": source, "protocol": "cv", "epoch": epoch})
        for part, scale in (("train", 1.0), ("test", 1.5)):
            for end, factor in (("", 1.0), ("_low", 0.8), ("_high", 1.2)):
                table[f"{part}_loss{end}"] = scale * factor / epoch
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def drugs():
    return [
        {"drug": "Doxorubicin", "n": 700, "rank": 2, "dynamic_range": 0.2, "intermediate_spearman": 0.1},
        {"drug": "Bortezomib", "n": 650, "rank": 1, "dynamic_range": 0.5, "intermediate_spearman": 0.4}
        | {"replicate_n": 40, "replicate_spearman": 0.7, "chosen": True},
    ]


def twice(draw, folder):
    """Text of the SVG, after checks of both files."""
    svg, png = draw(folder / "a.b")
    assert (svg.name, png.name) == ("a.b.svg", "a.b.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_bytes() == draw(folder / "again")[0].read_bytes()
    assert sorted(p.name for p in folder.iterdir()) == ["a.b.png", "a.b.svg", "again.png", "again.svg"]
    return svg.read_text()


def test_loss_curves(tmp_path):
    text = twice(lambda stem: loss_curves(history(("Bortezomib", "Paclitaxel")), stem, "Loss"), tmp_path)
    for label in ("fine_tune", "Paclitaxel", "epoch", "held-out fold (never used for stopping)"):
        assert label in text


def test_loss_scale_is_logarithmic_above_thirty_fold():
    assert not _loss_limits(history(epochs=5))[2]
    assert _loss_limits(history(epochs=50))[2]
    assert _loss_limits(history().assign(train_loss=np.nan)[["train_loss"]]) == (0.0, 1.0, False)


def test_loss_of_one_epoch_and_of_undefined_loss(tmp_path):
    loss_curves(history(epochs=1), tmp_path / "one", "One epoch")
    nothing = history().assign(**{name: np.nan for name in history() if "loss" in name})
    svg, _ = loss_curves(nothing, tmp_path / "none", "Undefined")
    assert "no finite loss" in svg.read_text()


def test_predicted_observed(tmp_path):
    text = twice(lambda stem: predicted_observed(predictions(), stem, "Response", "AUC"), tmp_path)
    for label in (
        "observed response: AUC",
        "predicted response: AUC",
        "n = 22, 22 outside the axes",
        "(mean of 2 repeats)",
    ):
        assert label in text
    assert "Spearman 0.00" in text  # of the arm that predicts the mean
    assert text.index(">scratch<") < text.index(">copy_layer1<") < text.index(">mean<") < text.index(">ridge<")


def test_the_metric_of_a_panel_is_the_mean_over_repeats():
    rows = pd.DataFrame({"repeat": [0, 0, 0, 1, 1, 1], "y_true": [1, 2, 3] * 2, "y_pred": [1, 2, 3, 1, 3, 2.0]})
    assert _mean_of(get("spearman"), rows) == (pytest.approx(0.75), 2)
    constant = rows.assign(y_pred=1.0)
    assert _mean_of(get("spearman"), constant) == (0, 2)
    assert _mean_of(get("spearman"), rows.assign(y_pred=np.nan))[1] == 0
    assert _mean_of(get("rmse"), rows) == (pytest.approx(np.sqrt(2 / 3) / 2), 2)


def test_wild_predictions_do_not_stretch_the_axes():
    x, y = _response_limits(np.array([0.0, 1.0]), np.array([0.2, 1.2, 1e6, -np.inf]))
    np.testing.assert_allclose([*x, *y], [-0.05, 1.05, -0.05, 1.25])


@pytest.mark.full
def test_more_than_twelve_arms_are_cut_and_said(tmp_path):
    base = predictions(samples=5, repeats=1)
    many = pd.concat([base[base["arm"] == "scratch"].assign(arm=f"idea_{i:02d}", source="x") for i in range(13)])
    svg, _ = predicted_observed(many, tmp_path / "many", "Many", "AUC")
    assert "first 12 of 13 arms" in " ".join(svg.read_text().split())


def test_arm_comparison(tmp_path):
    text = twice(lambda stem: arm_comparison(metrics(), stem, "Arms"), tmp_path)
    for label in ("copy_layer1", "6 of 6 undefined", "median pooled", "no confidence interval"):
        assert label in text


def test_source_ranking(tmp_path):
    text = twice(lambda stem: source_ranking(drugs(), stem, "Sources"), tmp_path)
    for label in ("1. Bortezomib (n = 650)", "Label reliability", "unit of the response", "chosen"):
        assert label in text


def test_long_ranking_keeps_the_chosen(tmp_path):
    rows = [{**drugs()[0], "drug": f"drug {i}", "rank": i, "chosen": i == 50} for i in range(1, 61)]
    text = source_ranking(rows, tmp_path / "long", "Sources")[0].read_text()
    assert "50. drug 50" in text
    assert "41. drug 41" not in text


def test_nothing_to_draw_is_said(tmp_path):
    for draw in (
        lambda: loss_curves(history().iloc[:0], tmp_path / "a", ""),
        lambda: predicted_observed(predictions().iloc[:0], tmp_path / "a", "", "AUC"),
        lambda: predicted_observed(predictions().assign(y_true=np.nan), tmp_path / "a", "", "AUC"),
        lambda: arm_comparison(metrics().iloc[:0], tmp_path / "a", ""),
        lambda: source_ranking([], tmp_path / "a", ""),
    ):
        with pytest.raises(InputError, match="nothing to draw"):
            draw()


def test_without_matplotlib_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install tl_jax\[plots\]"):
        arm_comparison(metrics(), tmp_path / "a", "Arms")


def test_settings_of_the_user_stay(tmp_path, monkeypatch):
    # Another test's library may have loaded it; here it would be loaded anew.
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    monkeypatch.delattr(matplotlib, "pyplot", raising=False)
    # A plain dict would look up the backend, which loads pyplot.
    before = matplotlib.rcParams.copy()
    source_ranking(drugs(), tmp_path / "a", "Sources")
    assert matplotlib.rcParams.copy() == before
    assert "matplotlib.pyplot" not in sys.modules


def test_arms_are_named_only_where_they_differ():
    assert [arm.label for arm in split_arms(metrics())] == ["scratch", "zero_shot", "copy_layer1", "mean", "ridge"]
    two = pd.concat([metrics(), metrics().assign(source="Paclitaxel")])
    assert "copy_layer1, Paclitaxel" in [arm.label for arm in split_arms(two)]
