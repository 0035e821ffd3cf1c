"""Genes that the target does not measure and the chain keeps: no arm, table or prediction makes anything of them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.genes import align_domains
from tl_jax.errors import InputError
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.stages import fingerprint

GONE = [*(f"G{i:04d}" for i in (20, 21, 22, 30, 31, 40, 41, 58, 59)), "MGMT"]  # the marker among them
FOREST = ("mean", "ridge", "kernel_ridge", "svr", "elastic_net", "random_forest")


def lacking(cohort, missing_genes, gone=GONE):
    """The chain whose target never measured some genes."""
    *before, target = cohort.domains
    target = target.with_genes(np.array([g for g in target.genes if g not in gone]))
    domains, coverage = align_domains((*before, target), missing_genes)
    return dataclasses.replace(cohort, domains=domains, coverage=coverage)


@pytest.fixture(scope="module")
def filled(cohort):
    return lacking(cohort, "train_mean")


def one_step(cohort, folder, **changes):
    """Experiment 5 with the published transfer, in seconds."""
    settings = Settings(
        hidden=(8, 4), repeats=1, folds=3, quick=True, strategies=("copy_layer1",), baselines=("marker_gene",),
        checkpoint_dir=str(folder), **changes,
    )  # fmt: skip
    return run_plan(prepare(EXPERIMENTS["exp5_intermediate_to_target"], settings, cohort))


@pytest.fixture(scope="module")
def final(filled, tmp_path_factory):
    """(results, the final model of the target), with fold models."""
    results = one_step(filled, tmp_path_factory.mktemp("checkpoints"), fold_models=True)
    return results, next(s for s in results.stages if s.plan.role == "target")


@pytest.mark.full
def test_baselines_are_those_of_the_measured_genes(cohort, filled, small, run):
    settings = small(strategies=(), baselines=FOREST, repeats=1)
    found, plain = (
        run("exp4_target", settings, chain).table("predictions") for chain in (filled, lacking(cohort, "drop"))
    )
    pd.testing.assert_frame_equal(found, plain)


def test_a_marker_that_is_not_measured_is_left_out(filled, final):
    results, _ = final
    assert filled.marker == "MGMT"
    assert "marker_gene" not in set(results.table("metrics").arm)
    assert any("marker_gene left out" in note for note in results.notes)


def test_the_value_filled_in_decides_nothing(filled, final, tmp_path):
    *before, target = filled.domains
    moved = dataclasses.replace(target, x=np.where(target.measured, target.x, np.float32(1234.5)))
    assert fingerprint(moved) != fingerprint(target)
    other = dataclasses.replace(filled, domains=(*before, moved))
    found = one_step(other, tmp_path, fold_models=True).table("predictions")
    pd.testing.assert_frame_equal(found, final[0].table("predictions"))


def test_no_weight_is_reported(filled, final):
    results, stage = final
    (weights,) = results.gene_weights
    assert list(weights.index[weights.isna()]) == GONE
    assert stage.meta["unmeasured"] == GONE
    assert next(iter(results.data.values()))["unmeasured_genes"] == 10
    upstream = next(s for s in results.stages if s.plan.role == "intermediate")
    assert "unmeasured" not in upstream.meta


def test_predictions_do_not_see_them(cohort, filled, final, tmp_path):
    _, stage = final
    full = cohort.stage("target")
    frame = pd.DataFrame(full.x, index=pd.Index(full.samples, name="sample"), columns=full.genes)
    frame.assign(**dict.fromkeys(GONE, 1e4)).to_csv(tmp_path / "wild.csv")
    frame.drop(columns=GONE).to_csv(tmp_path / "without.csv")
    wild, without = (
        predict_samples(stage.path, tmp_path / f"{name}.csv", missing_genes="error", interval=0.8)
        for name in ("wild", "without")
    )
    pd.testing.assert_frame_equal(wild.table, without.table)
    assert wild.coverage == without.coverage == 1
    assert wild.genes == 50
    frame.drop(columns=[*GONE, "G0000"]).to_csv(tmp_path / "less.csv")
    less = predict_samples(stage.path, tmp_path / "less.csv")
    np.testing.assert_allclose(less.coverage, 49 / 50)
    with pytest.raises(InputError, match=r"less.csv lacks 1 of the genes of .*\('G0000'\); add them, or leave out"):
        predict_samples(stage.path, tmp_path / "less.csv", missing_genes="error")
    frame[GONE].to_csv(tmp_path / "only.csv")
    with pytest.raises(InputError, match=r"only.csv has 0% of the 50 genes"):
        predict_samples(stage.path, tmp_path / "only.csv", min_coverage=0)


def test_the_chain_keeps_what_the_source_learnt(cohort, filled):
    """The source trains on all its genes; with missing_genes = "drop" it would not."""
    assert len(filled.genes) == 60
    assert len(lacking(cohort, "drop").genes) == 50
    assert fingerprint(filled.stage("source")) == fingerprint(align_domains(cohort.domains)[0][0])
