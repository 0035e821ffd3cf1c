"""Models of preprocessed samples: what they keep, and that a new table meets the training's own preprocessing."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from tl_jax.checkpoint import load_stage, record_digest
from tl_jax.config import NetworkConfig
from tl_jax.data.preprocessing.preprocess import Preprocess
from tl_jax.data.scaling.choice import USUAL
from tl_jax.data.scaling.scaled import prepare
from tl_jax.data.scaling.scaling import ResponseScale
from tl_jax.data.scaling.units import unit_notes
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.cohort import check_cohort
from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.models import build
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.cohort.prepare import prepare as planned
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.fold_models import fold_predictions, load_fold_models
from tl_jax.study.core.folds import scale_folds
from tl_jax.study.core.lineage import lineage_text
from tl_jax.study.core.stages import describe, scaled_rows
from tl_jax.study.weights.exported import export_model
from tl_jax.study.weights.import_weights import Wishes, import_weights
from tl_jax.training.fit import predict

SMALL = NetworkConfig("two_step", (8, 4))
NETWORK = build(SMALL)
OTHERS = [
    {"steps": ("tmm_cpm_log", "combat", "low_expression")},
    {"combat_unknown": "pooled"},
    {"low_expression_below": 8.0},
]


@pytest.fixture(name="target")
def of_counts(counted_target):
    """The target as an experiment scales it."""
    return dataclasses.replace(counted_target, scaler=USUAL)


@pytest.fixture(scope="module")
def done(counted, tmp_path_factory):
    settings = Settings(
        hidden=SMALL.hidden,
        repeats=1,
        folds=3,
        quick=True,
        source_drugs=("oxaliplatin",),
        strategies=("copy_layer1", "feature_ridge"),
        baselines=("ridge",),
        fold_models=True,
        checkpoint_dir=str(tmp_path_factory.mktemp("counted")),
    )
    return run_plan(planned(EXPERIMENTS["exp7_two_step"], settings, counted)), settings


@pytest.fixture
def model(done):
    return next(s for s in done[0].stages if s.plan.role == "target" and s.plan.strategy.name == "copy_layer1")


@pytest.fixture
def table(target, tmp_path):
    """Counts and batches of the target's samples as files."""
    frame = pd.DataFrame(target.x, index=pd.Index(target.samples, name="id"), columns=target.genes)
    frame.to_csv(tmp_path / "counts.csv")
    batches = pd.DataFrame({"sample": target.samples, "batch": target.batch})
    batches.to_csv(tmp_path / "batches.csv", index=False)
    return frame, batches, tmp_path


def test_the_ridge_of_the_study_is_one_on_preprocessed_rows(done, target):
    results, settings = done
    found = results.table("predictions").query("arm == 'ridge'").set_index("sample_id")
    folds = partitions(target.response, target.groups, folds=3, repeats=1, seed=settings.seed)
    for f in scale_folds(target, folds, settings.rules):
        train = f.fold.train
        rows = f.scaled_train(target), target.response[train], f.scaled_test(target)
        y = BASELINES["ridge"](*rows, groups=target.groups[train], marker=None, seed=settings.seed)
        np.testing.assert_allclose(found.y_pred[target.samples[f.fold.test]], y, rtol=1e-6)


def test_every_arm_predicts_and_fold_models_predict_what_the_cross_validation_did(done, target, model):
    table = done[0].table("predictions")
    assert set(table.arm) == {"copy_layer1", "feature_ridge", "ridge"}
    assert table.groupby("arm").y_pred.std().min() > 0
    variables, meta = load_stage(model.path)
    models = load_fold_models(model.path, variables, meta)
    own = fold_predictions(models, target.x, NETWORK, target.batch)[models.fold_of, np.arange(len(target))]
    cross_validated = table.query("arm == 'copy_layer1'").set_index("sample_id").y_pred[target.samples]
    np.testing.assert_allclose(own, cross_validated, rtol=1e-3)


def test_a_stage_knows_its_preprocessing_and_its_identity_includes_it(done, counted, model):
    roles = {s.plan.role: [part["step"] for part in s.meta["preprocess"]] for s in done[0].stages}
    steps = counted.domains[2].preprocess.steps
    assert roles == {"source": ["rank_normal"], "intermediate": ["quantile"], "target": list(steps)}
    assert f"preprocessed by {', '.join(steps)}, fitted on its 40 samples" in lineage_text(model.path)
    rows = scaled_rows(next(s for s in done[0].stages if s.plan.role == "source"))
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=0.35)  # robust: the median is 0, the mean near it
    domain = model.plan.domain
    what = [domain.preprocess, *(dataclasses.replace(domain.preprocess, **change) for change in OTHERS)]
    others = [dataclasses.replace(domain, preprocess=one) for one in what]
    others.append(dataclasses.replace(domain, batch=np.roll(domain.batch, 1)))
    plans = [dataclasses.replace(model.plan, domain=other) for other in others]
    assert len({describe(plan, SMALL, 1, None)[0]["id"] for plan in plans}) == len(others)


def test_a_new_table_meets_the_training_preprocessing(model, table, target):
    frame, _, folder = table
    found = predict_samples(model.path, folder / "counts.csv", batch=str(folder / "batches.csv"), interval=0.8)
    (_, _), x = prepare(target)
    raw = np.asarray(predict(model.variables, jnp.asarray(x), NETWORK))
    expected = ResponseScale(**model.meta["response_scale"]).from_network(raw)
    np.testing.assert_allclose(found.table.prediction, expected, rtol=1e-5)
    assert found.pooled == 0
    assert (found.table.low < found.table.high).all()
    # One sample alone, genes in another order, is predicted the same.
    one = frame.iloc[[4], ::-1]
    one.to_csv(folder / "one.csv")
    alone = predict_samples(model.path, folder / "one.csv", batch=target.batch[4]).table
    np.testing.assert_allclose(alone.prediction, found.table.prediction[[4]], rtol=1e-5)


def test_missing_genes_change_a_prediction_little(model, table):
    frame, _, folder = table
    batches = str(folder / "batches.csv")
    frame.drop(columns=frame.columns[[2, 30, 44]]).to_csv(folder / "few.csv")
    few = predict_samples(model.path, folder / "few.csv", batch=batches)
    whole = predict_samples(model.path, folder / "counts.csv", batch=batches)
    np.testing.assert_allclose(few.coverage, 57 / 60)
    assert np.corrcoef(few.table.prediction, whole.table.prediction)[0, 1] > 0.9


def test_batches_that_a_model_cannot_correct(model, table):
    _, batches, folder = table
    counts = folder / "counts.csv"
    with pytest.raises(InputError, match=r"counts.csv: combat: 40 samples have no batch; name it .*--batch"):
        predict_samples(model.path, counts)
    with pytest.raises(InputError, match=r"batch 'run9' .* known are run1, run2"):
        predict_samples(model.path, counts, batch="run9")
    batches.iloc[1:].to_csv(folder / "short.csv", index=False)
    with pytest.raises(InputError, match=r"short.csv has no row for sample .*\(1 in all\)"):
        predict_samples(model.path, counts, batch=str(folder / "short.csv"))
    batches.rename(columns={"batch": "run"}).to_csv(folder / "named.csv", index=False)
    with pytest.raises(InputError, match="has no column 'batch'; give it the columns sample and batch"):
        predict_samples(model.path, counts, batch=str(folder / "named.csv"))
    pd.concat([batches, batches.iloc[:1].assign(batch="run9")]).to_csv(folder / "twice.csv", index=False)
    with pytest.raises(InputError, match="rows that disagree"):
        predict_samples(model.path, counts, batch=str(folder / "twice.csv"))


def test_values_that_are_no_counts_are_refused(model, table):
    frame, _, folder = table
    np.log2(frame + 1).to_csv(folder / "logged.csv")
    with pytest.raises(InputError, match=r"logged.csv: no value exceeds .* look like logarithms"):
        predict_samples(model.path, folder / "logged.csv", batch="run1")
    (frame - 500).to_csv(folder / "negative.csv")
    with pytest.raises(
        InputError, match=r"negative.csv: sample '.*' has -.* for gene '.*' needs counts|never negative"
    ):
        predict_samples(model.path, folder / "negative.csv", batch="run1")


def test_a_batch_is_refused_where_none_is_corrected(done, table):
    source = next(s for s in done[0].stages if s.plan.role == "source")
    with pytest.raises(InputError, match=r"--batch=run1 changes nothing: .* corrects no batches"):
        predict_samples(source.path, table[2] / "counts.csv", batch="run1")


@pytest.mark.full
def test_an_unknown_batch_is_pooled_where_the_model_was_told_so(counted, table, small, run):
    source, middle, target = counted.domains
    what = dataclasses.replace(target.preprocess, combat_unknown="pooled")
    cohort = dataclasses.replace(counted, domains=(source, middle, dataclasses.replace(target, preprocess=what)))
    stage = run("exp4_target", small(repeats=1, strategies=("scratch",), baselines=()), cohort).stages[0]
    found = [predict_samples(stage.path, table[2] / "counts.csv", batch=b) for b in ("", "run7", "run1")]
    np.testing.assert_array_equal(found[0].table.prediction, found[1].table.prediction)
    assert [one.pooled for one in found] == [40, 40, 0]
    assert not np.allclose(found[1].table.prediction, found[2].table.prediction)


def test_a_checkpoint_from_before_preprocessing_still_predicts(cohort, run, small, tmp_path):
    stage = run("exp4_target", small(repeats=1, strategies=("scratch",), baselines=()), cohort).stages[0]
    domain = stage.plan.domain
    pd.DataFrame(domain.x, index=pd.Index(domain.samples, name="id"), columns=domain.genes).to_csv(tmp_path / "x.csv")
    before = predict_samples(stage.path, tmp_path / "x.csv").table
    meta = json.loads((stage.path / "stage.json").read_text())
    assert meta.pop("preprocess") == []
    (stage.path / "stage.json").write_text(json.dumps({**meta, "content": record_digest(meta)}))
    pd.testing.assert_frame_equal(predict_samples(stage.path, tmp_path / "x.csv").table, before)


def test_an_exported_model_takes_its_preprocessing_along(model, table):
    _, _, folder = table
    file, steps = export_model(model.path, folder / "model.npz")
    assert steps == [part["step"] for part in model.meta["preprocess"]]
    import_weights(Wishes(weights=file, out=folder / "back"))
    assert load_stage(folder / "back")[1]["preprocess"] == model.meta["preprocess"]
    batch = str(folder / "batches.csv")
    ours, theirs = (predict_samples(path, folder / "counts.csv", batch=batch) for path in (model.path, folder / "back"))
    pd.testing.assert_frame_equal(ours.table, theirs.table)
    with pytest.raises(InputError, match="--like: the model's preprocessing was fitted on its own genes"):
        import_weights(Wishes(weights=file, out=folder / "other", like="nci60"))


def test_units_and_checks_look_at_preprocessed_rows(counted):
    """Counts that a step turns into logarithms are no clash of units, nor are ranks that somebody chose."""
    assert unit_notes(counted.domains) == []
    bare = [dataclasses.replace(domain, preprocess=Preprocess()) for domain in counted.domains]
    assert any(note.severe and "counts" in note.text for note in unit_notes(bare))
    checked = check_cohort(counted)
    assert not [f for f in checked.findings if f.check == "units"]
    assert checked.cohort.stage("target").transform == ", ".join(counted.stage("target").preprocess.steps)
