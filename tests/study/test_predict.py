"""Predictions for new samples: genes by name, the training scale, coverage, refusals; and the lineage text."""

import json
import re
from copy import copy
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scripting import script

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.verdict import CHOICE
from tl_jax.models import build
from tl_jax.study.cohort.judged import FILE, keep_judged
from tl_jax.study.cohort.object import check_object, write_object
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.core.lineage import lineage_text
from tl_jax.training.fit import predict


@pytest.fixture
def model(two_step):
    return next(s for s in two_step[0].stages if s.plan.role == "target" and s.plan.strategy.name == "copy_layer1")


@pytest.fixture
def table(cohort, tmp_path):
    """The target's own expression as a file."""
    target = cohort.stage("target")
    frame = pd.DataFrame(target.x, index=pd.Index(target.samples, name="sample"), columns=target.genes)
    frame.to_csv(tmp_path / "new.csv")
    return frame, tmp_path


def test_predictions_are_the_models_own(model, table, cohort):
    frame, folder = table
    found = predict_samples(model.path, folder / "new.csv")
    assert found.coverage == 1
    center, scale = (np.asarray(model.meta["scaler"][k], np.float32) for k in ("center", "scale"))
    network = build(model_config(model))
    raw = np.asarray(predict(model.variables, jnp.asarray((frame.to_numpy() - center) / scale), network))
    limits = model.meta["response_scale"]
    expected = limits["low"] + raw / 10 * (limits["high"] - limits["low"])
    np.testing.assert_allclose(found.table.prediction, expected, rtol=1e-4)
    assert list(found.table.sample_id) == list(cohort.stage("target").samples)
    assert set(found.table.unit) == {"AUC"}
    assert set(found.table.drug) == {"Temozolomide"}


def model_config(model):
    from tl_jax.config import NetworkConfig

    return NetworkConfig(model.meta["network"]["name"], tuple(model.meta["network"]["hidden"]))


def test_order_orientation_and_extra_genes_change_nothing(model, table):
    frame, folder = table
    plain = predict_samples(model.path, folder / "new.csv").table
    rng = np.random.default_rng(0)
    shuffled = frame.iloc[rng.permutation(len(frame)), rng.permutation(frame.shape[1])].assign(EXTRA=1.0)
    shuffled.T.to_csv(folder / "other.tsv", sep="\t")
    other = predict_samples(model.path, folder / "other.tsv").table
    merged = plain.merge(other, on="sample_id", suffixes=("", "_other"))
    assert len(merged) == len(plain)
    np.testing.assert_allclose(merged.prediction, merged.prediction_other, rtol=1e-5)


def test_missing_genes_count_as_average(model, table):
    frame, folder = table
    gone = list(frame.columns[:5])
    frame.drop(columns=gone).to_csv(folder / "few.csv")
    center = dict(zip(model.meta["genes"], model.meta["scaler"]["center"], strict=True))
    frame.assign(**{g: np.float32(center[g]) for g in gone}).to_csv(folder / "filled.csv")
    few, filled = (predict_samples(model.path, folder / f"{name}.csv") for name in ("few", "filled"))
    np.testing.assert_allclose(few.coverage, 55 / 60)
    np.testing.assert_allclose(few.table.prediction, filled.table.prediction, rtol=1e-5)


def test_too_few_genes_are_refused(model, table):
    frame, folder = table
    frame.iloc[:, :30].to_csv(folder / "half.csv")
    with pytest.raises(InputError, match=r"half.csv has 50% of the 60 genes .* at least 80% .*--min_coverage"):
        predict_samples(model.path, folder / "half.csv")
    assert len(predict_samples(model.path, folder / "half.csv", min_coverage=0.5).table) == len(frame)


def test_another_scale_is_refused_unless_scaled_by_the_cohort(model, table):
    frame, folder = table
    (2**frame * 100).to_csv(folder / "counts.csv")
    for how in ("checkpoint", "cohort"):
        with pytest.raises(
            InputError, match=r"counts.csv looks like TPM .* trained on logarithms: add --transform=log2"
        ):
            predict_samples(model.path, folder / "counts.csv", scale_by=how)
    (frame + 10).to_csv(folder / "far.csv")
    with pytest.raises(InputError, match=r"far.csv is .* training spreads away .*--scale_by=cohort"):
        predict_samples(model.path, folder / "far.csv")
    (frame * 3 + 40).to_csv(folder / "shifted.csv")
    shifted, plain = (predict_samples(model.path, folder / f"{n}.csv", scale_by="cohort") for n in ("shifted", "new"))
    np.testing.assert_allclose(shifted.table.prediction, plain.table.prediction, rtol=1e-3)
    frame.iloc[:3].to_csv(folder / "three.csv")
    with pytest.raises(InputError, match="has 3 samples; --scale_by=cohort needs at least 5"):
        predict_samples(model.path, folder / "three.csv", scale_by="cohort")


@pytest.mark.parametrize(
    ("shift", "words"), [(0.0, []), (0.8, []), (3.3, ["3.3 log2 above"]), (-1.5, ["1.5 log2 below"])]
)
def test_a_table_that_is_shifted_as_a_whole_is_told(model, table, shift, words):
    """Ten times as many counts as TPM were predicted without a word."""
    frame, folder = table
    (frame + shift).to_csv(folder / "shifted.csv")
    found = [line for line in predict_samples(model.path, folder / "shifted.csv").warnings if "log2" in line]
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))
    if words:
        by_cohort = predict_samples(model.path, folder / "shifted.csv", scale_by="cohort")
        assert not any("log2" in line for line in by_cohort.warnings)


def test_standardised_values_are_refused_by_a_model_of_logarithms(model, table):
    """Near to the training's centres as they may be in spreads, they would be predicted without a word."""
    frame, folder = table
    frame.sub(frame.mean()).div(frame.std(ddof=0)).to_csv(folder / "z.csv")
    with pytest.raises(InputError, match=r"z.csv looks like z-scores .* before they were standardised, or add --sc"):
        predict_samples(model.path, folder / "z.csv")
    by_itself, plain = (predict_samples(model.path, folder / f"{n}.csv", scale_by="cohort") for n in ("z", "new"))
    np.testing.assert_allclose(by_itself.table.prediction, plain.table.prediction, rtol=1e-3)


def test_an_object_gets_the_predictions_of_its_samples(model, table):
    anndata = pytest.importorskip("anndata")
    frame, folder = table
    notes = pd.DataFrame({"batch": ["a", "b"] * 10}, index=frame.index)
    anndata.AnnData(frame.to_numpy(), obs=notes, var=pd.DataFrame(index=frame.columns)).write_h5ad(folder / "new.h5ad")
    found = predict_samples(model.path, folder / "new.h5ad").table
    np.testing.assert_allclose(found.prediction, predict_samples(model.path, folder / "new.csv").table.prediction)
    flags = [f"--checkpoint={model.path}", "--expression=new.h5ad"]
    code, _, err = script("predict", *flags, "--out=predicted.h5ad", folder=folder)
    assert code == 0, err
    held = anndata.read_h5ad(folder / "predicted.h5ad")
    np.testing.assert_allclose(held.obs["tl_jax_prediction"], found.prediction)
    assert held.obs["batch"].tolist() == notes["batch"].tolist()
    pooled = folder / "pooled.h5ad"
    write_object(found.assign(sample_id=[f"P{k}" for k in range(20)]), folder / "new.h5ad", pooled)
    assert anndata.read_h5ad(pooled).obs_names[0] == "P0"
    with pytest.raises(InputError, match=r"an .h5ad is written where --expression is one; name a .csv"):
        check_object(folder / "out.h5ad", folder / "new.csv")


def judged_as(model, **found):
    record = {"name": "spearman", "label": "Spearman", "higher_is_better": True, "chance": 0.0}
    text = json.dumps({"id": model.meta["id"], "metric": record, "p": None, **found})
    (model.path / FILE).write_text(text)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"value": -0.1}, "does not predict: Spearman per fold -0.10 on samples .* no better than chance"),
        ({"value": None}, "could not judge the model"),
        ({"value": 0.2, "p": 0.3}, r"not shown to predict: .* as well with shuffled responses \(p = 0.3\)"),
        ({"value": 0.2, "p": 0.01, "chosen": [-0.1, 0.5]}, r"Spearman -0.10 to 0.50 \(95 %\), which holds chance"),
        ({"value": 0.2, "p": None, "own": [-0.1, 0.5]}, r"over the samples of its own study it has Spearman -0.10 to"),
        ({"value": 0.2, "p": 0.01, "chosen": [0.1, 0.5]}, ""),
        ({"value": 0.2, "p": 0.01, "own": [-0.1, 0.5]}, ""),
        ({"value": 0.5, "id": "another"}, ""),
        ({"metric": 7, "value": 0.5}, "cannot be read"),
    ],
)
def test_a_model_that_is_not_shown_to_predict_says_so(model, table, found, said):
    own = (model.path / FILE).read_text()
    judged_as(model, **found)
    try:
        warnings = [w for w in predict_samples(model.path, table[1] / "new.csv").warnings if "quick" not in w]
    finally:
        (model.path / FILE).write_text(own)
    assert len(warnings) == bool(said)
    assert re.search(said, "".join(warnings))


def test_what_a_study_found_is_kept_beside_its_models(two_step):
    results = two_step[0]
    for one in results.models:
        found = json.loads((one.path / FILE).read_text())
        folds = results.table("metrics").query("arm == @one.arm and metric == 'spearman' and fold != 'pooled'")
        folds = folds[(folds["source"].fillna("") == one.source) & (folds["protocol"] == results.settings.protocol)]
        assert found["id"] == one.meta["id"]
        assert found["value"] == pytest.approx(folds["value"].mean(skipna=False), nan_ok=True)


def test_the_interval_of_each_model_is_kept_and_that_of_the_choice_for_the_best(two_step, tmp_path):
    results = copy(two_step[0])
    one = results.models[0]
    other = one._replace(path=tmp_path / "b", arm="other", source="")
    results.models = [one._replace(path=tmp_path / "a"), other]
    results.recommended = SimpleNamespace(arm=one.arm, source=one.source)
    rows = {"arm": [CHOICE, "other"], "source": "", "protocol": results.settings.protocol, "bca_low": [0.1, -0.2]}
    results.extra = {**results.extra, "intervals": [pd.DataFrame(rows | {"bca_high": 0.5})]}
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    keep_judged(results)
    best, own = (json.loads((tmp_path / folder / FILE).read_text()) for folder in ("a", "b"))
    assert (best["chosen"], own["own"]) == ([0.1, 0.5], [-0.2, 0.5])
    assert "own" not in best
    assert "chosen" not in own


def test_the_training_transform_is_repeated(model, table, monkeypatch):
    frame, folder = table
    (2**frame - 1).to_csv(folder / "linear.csv")
    log2 = predict_samples(model.path, folder / "linear.csv", transform="log2").table
    np.testing.assert_allclose(
        log2.prediction, predict_samples(model.path, folder / "new.csv").table.prediction, rtol=1e-3
    )


def test_lineage_names_every_ancestor(model, two_step):
    text = lineage_text(model.path)
    for ancestor in model.meta["ancestors"]:
        assert ancestor["id"] in text
    lines = [line.strip(" └─") for line in text.splitlines()]
    order = [line.split(":")[0] for line in lines if line.startswith(("source:", "intermediate:", "target:"))]
    assert order == ["source", "intermediate", "target"]
    assert "60 genes" in text
    assert "verified" in text
    assert "not in this folder" not in text
