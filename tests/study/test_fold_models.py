"""Fold models beside a final model: the models of the cross-validation itself, and the intervals made of them."""

import dataclasses
import shutil

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from tl_jax.checkpoint import load_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.scaling.choice import USUAL
from tl_jax.data.scaling.scaling import fit_response_scale, fit_scaler
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.conformal import cv_plus
from tl_jax.keys import run_key
from tl_jax.models import build
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core import fold_models
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.fold_models import FILE, fold_predictions, keep_fold_models, load_fold_models
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.system.parts import pack, unpack
from tl_jax.training.chain import fit_stage
from tl_jax.training.fit import predict
from tl_jax.trees import flatten
from tl_jax.types import Batch

NETWORK = build(NetworkConfig("two_step", (8, 4)))


@pytest.fixture(scope="module")
def whole():
    """A cohort whose target has 40 samples to train on and 400 that are new."""
    return simulate(seed=5, genes=60, n_source=60, n_intermediate=30, n_target=440)[0]


@pytest.fixture(scope="module")
def target(whole):
    return whole.stage("target").rows(np.arange(40))


@pytest.fixture(scope="module", params=["freeze_layer1", pytest.param("copy_layer1", marks=pytest.mark.slow)])
def done(request, whole, target, tmp_path_factory):
    """(results, settings) of a one-step experiment that keeps fold models."""
    settings = Settings(
        hidden=(8, 4), repeats=2, folds=3, quick=True, source_drugs=("oxaliplatin",), fold_models=True,
        strategies=(request.param,), checkpoint_dir=str(tmp_path_factory.mktemp("folds")),
    )  # fmt: skip
    few = dataclasses.replace(whole, domains=(*whole.domains[:2], target))
    return run_plan(prepare(EXPERIMENTS["exp6_source_to_target"], settings, few)), settings


def final(results):
    return next(s for s in results.stages if s.plan.role == "target")


def loaded(stage):
    variables, meta = load_stage(stage.path)
    return load_fold_models(stage.path, variables, meta)


def write_table(domain, path):
    pd.DataFrame(domain.x, index=domain.samples, columns=domain.genes).rename_axis("id").to_csv(path)
    return path


def test_a_kept_model_equals_a_single_run(done, target):
    results, settings = done
    stage, k = final(results), 1
    models, source = loaded(stage), next(s for s in results.stages if s.plan.role == "source")
    recipe, strategy = settings.recipe(stage.plan.strategy), stage.plan.strategy.function
    fold = partitions(target.response, target.groups, folds=3, repeats=1, seed=settings.seed)[k]
    scaler = fit_scaler(target.x[fold.train], USUAL)
    response = fit_response_scale(target.response[fold.train], target.direction, target.unit)
    y = jnp.asarray(response.to_network(target.response[fold.train]), jnp.float32)
    rows = Batch(jnp.asarray(scaler.apply(target.x[fold.train])), y, jnp.ones(len(fold.train)))
    single, _ = fit_stage(
        run_key(settings.seed, 0, k), source.variables, rows, recipe.hparams().arrays(),
        strategy=strategy, network=NETWORK, config=recipe.fit_config(curves=False),
    )  # fmt: skip
    for leaf, value in flatten(single["params"]).items():
        np.testing.assert_allclose(models.leaves[leaf][k], value, rtol=2e-4, atol=2e-5, err_msg=leaf)
    found = np.asarray(predict(single, jnp.asarray(scaler.apply(target.x[fold.test])), NETWORK))
    error = np.abs(target.response[fold.test] - response.from_network(found))
    np.testing.assert_allclose(models.residuals[fold.test], error, rtol=1e-3, atol=1e-5)
    assert (models.fold_of[fold.test] == k).all()


def test_kept_models_predict_what_the_cross_validation_did(done, target):
    results, _ = done
    models = loaded(final(results))
    own = fold_predictions(models, target.x, NETWORK)[models.fold_of, np.arange(40)]
    table = results.table("predictions").query("repeat == 0").set_index("sample_id")
    np.testing.assert_allclose(own, table.y_pred[target.samples], rtol=1e-4)
    np.testing.assert_allclose(models.residuals, np.abs(table.y_true - table.y_pred)[target.samples], rtol=1e-6)


def test_leaves_that_all_share_are_kept_once(done):
    stage = final(done[0])
    arrays, leaves = unpack((stage.path / FILE).read_bytes()), set(flatten(stage.variables["params"]))
    frozen = {"layer1/kernel", "layer1/bias"} if stage.plan.strategy.name == "freeze_layer1" else set()
    assert {name.removeprefix("leaf:") for name in arrays if name.startswith("leaf:")} == leaves - frozen
    assert not list(stage.path.glob(".*"))


def test_fold_models_are_found_again_replaced_and_mended(done, target, tmp_path, monkeypatch, caplog):
    results, settings = done
    caplog.set_level("INFO", "tl_jax")
    stage = final(results)
    stage = dataclasses.replace(stage, path=shutil.copytree(stage.path, tmp_path / "copy"))
    trained = []

    def keep(folds):
        problem = Problem.drawn(target, Partition(folds, 2, settings.seed), settings.rules)
        keep_fold_models(stage, problem, Arm("copied"), How(settings.network, settings.seed))

    monkeypatch.setattr(fold_models, "trained_folds", lambda f, folds, *_: trained.append(len(folds)) or {"low": [0]})
    keep(3)
    assert (trained, caplog.messages) == ([], [f"reusing fold models {stage.path / FILE}"])
    keep(4)
    keep(4)
    assert trained == [4]
    (stage.path / FILE).write_bytes(b"cut short")
    keep(4)
    assert trained == [4, 4]


def test_intervals_of_new_samples_cover(done, whole, target, tmp_path):
    """Those of the fold models; one cohort's coverage scatters, hence the room around .9."""
    stage, new = final(done[0]), whole.stage("target").rows(np.arange(40, 440))
    plain = predict_samples(stage.path, write_table(new, tmp_path / "new.csv")).table
    found = predict_samples(stage.path, tmp_path / "new.csv", interval=0.9).table.set_index("sample_id")
    np.testing.assert_array_equal(found.prediction, plain.prediction)
    assert "low" not in plain
    assert set(found.level) == {0.9}
    found, models = found.loc[new.samples], loaded(stage)
    low, high = cv_plus(models.residuals, fold_predictions(models, new.x, NETWORK)[models.fold_of], 0.9)
    low, high = np.clip((low, high), 0, 1)  # an AUC lies there
    np.testing.assert_allclose(found.low, low, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.high, high, rtol=1e-3, atol=1e-4)
    covered = np.mean((found.low.to_numpy() <= new.response) & (new.response <= found.high.to_numpy()))
    assert 0.82 < covered < 0.99
    assert (found.high - found.low).median() < 2 * np.ptp(target.response)


def test_genes_without_data_count_as_average(done, target):
    models, x = loaded(final(done[0])), target.x.copy()
    x[:, :5] = np.nan
    gaps = fold_predictions(models, x, NETWORK)
    for k, scaler in enumerate(models.scalers):
        x[:, :5] = scaler.center[:5]
        np.testing.assert_allclose(gaps[k], fold_predictions(models, x, NETWORK)[k], rtol=1e-5)


def test_what_cannot_be_given_is_refused(done, target, tmp_path):
    results, _ = done
    table, kept = write_table(target, tmp_path / "new.csv"), final(results).path
    with pytest.raises(InputError, match=r"--interval=0.99 needs more than the 40 training .* at most 0.975"):
        predict_samples(kept, table, interval=0.99)
    assert np.isfinite(predict_samples(kept, table, interval=0.975).table.low).all()
    with pytest.raises(InputError, match=r"level 90 .* between 0 and 1"):
        predict_samples(kept, table, interval=90)
    with pytest.raises(InputError, match="leave out --scale_by=cohort"):
        predict_samples(kept, table, interval=0.9, scale_by="cohort")
    source = next(s for s in results.stages if s.plan.role == "source").path
    with pytest.raises(InputError, match=r"has no fold models, .* again with --fold_models"):
        predict_samples(source, table, interval=0.9)
    other = shutil.copytree(kept, tmp_path / "other")
    arrays = unpack((kept / FILE).read_bytes())
    (other / FILE).write_bytes(pack({**arrays, "identity": np.asarray("another " + "0" * 64)}))
    with pytest.raises(InputError, match="belongs to another checkpoint"):
        predict_samples(other, table, interval=0.9)
    data = bytearray((kept / FILE).read_bytes())
    data[-100] ^= 1
    (other / FILE).write_bytes(data)
    with pytest.raises(InputError, match=r"folds.part is damaged .* again with --fold_models"):
        predict_samples(other, table, interval=0.9)
    with pytest.raises(InputError, match="--fold_models needs --protocol=honest: under as_published"):
        Settings(fold_models=True, protocol="as_published")
