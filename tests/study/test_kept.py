"""Every arm leaves a model: what a kept closed form predicts, reads and says of itself, and cohorts of one domain."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.checkpoint import load_stage
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.study.cohort.arms import Case, arms_of
from tl_jax.study.cohort.outputs import write_outputs
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.kept import everything
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.lineage import lineage_text

METHODS = ("feature_ridge", "shrunken_ridge", "average_sources", "stack_sources")
PLAIN = tuple(name for name in BASELINES if name not in ("tabpfn", "gradient_boosting"))


@pytest.fixture(scope="module")
def done(cohort, tmp_path_factory):
    """(results, table of the target's own expression) of closed forms alone: only the source is trained."""
    folder = tmp_path_factory.mktemp("kept")
    sets = folder / "sets.gmt"
    names = cohort.genes.tolist()
    own = {"FIRST": names[:8], "SECOND": [*names[5:20], "absent"], "FEW": [*names[:3], "absent"]}
    sets.write_text("".join("\t".join((name, "made up", *genes)) + "\n" for name, genes in own.items()))
    settings = Settings(
        pathways=str(sets), hidden=(8, 4), repeats=2, folds=3, quick=True, source_drugs=("oxaliplatin",),
        fold_models=True,
        strategies=("zero_shot", *METHODS), baselines=(*PLAIN, "marker:nowhere"),
        signature=(*cohort.genes[:4].tolist(), "absent"), checkpoint_dir=str(folder),
    )  # fmt: skip
    results = run_plan(prepare(EXPERIMENTS["exp6_source_to_target"], settings, cohort))
    target = cohort.stage("target")
    frame = pd.DataFrame(target.x, index=pd.Index(target.samples, name="sample"), columns=target.genes)
    frame.to_csv(folder / "new.csv")
    return results, folder / "new.csv"


def model(results, arm):
    return next(one for one in results.models if one.arm == arm)


def test_every_arm_leaves_a_model(done):
    results, _ = done
    arms = {arm for arm, _ in results.arms.arms}
    assert {one.arm for one in results.models} == arms == {"zero_shot", *METHODS, *PLAIN, "signature", "pathways"}


@pytest.mark.parametrize("arm", [*METHODS, *PLAIN, "signature", "pathways"])
def test_a_kept_model_predicts_as_the_arm_refitted(done, arm):
    results, table = done
    group = results.plan.groups[0]
    cases = [Case(way, tuple(results.stages), True) for way in group.ways]
    _, closed = arms_of(results.plan, group.problem, cases, Ledger())
    (own,) = (one for _, one in closed if one.name == arm)
    kept = model(results, arm)
    found = predict_samples(kept.path, table).table.set_index("sample_id").loc[group.problem.domain.samples]
    expected = own.predict(group.problem.domain, everything(group.problem))
    np.testing.assert_allclose(found.prediction, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arm", ["zero_shot", *METHODS, *PLAIN, "signature", "pathways"])
def test_fold_models_predict_what_the_cross_validation_did(done, arm):
    """The interval's own residuals are those of the table."""
    from tl_jax.study.core.fold_models import fold_predictions, load_fold_models
    from tl_jax.study.core.respond import load_model, network_of

    results, _ = done
    kept, target = model(results, arm), results.plan.groups[0].problem.domain
    variables, meta = load_model(kept.path)
    models = load_fold_models(kept.path, variables, meta)
    rows = target.x[:, np.isin(target.genes, meta["genes"])]
    own = fold_predictions(models, rows, network_of(meta))[models.fold_of, np.arange(len(target))]
    table = results.table("predictions").query("repeat == 0 and arm == @arm").set_index("sample_id")
    np.testing.assert_allclose(own, table.y_pred[target.samples], rtol=1e-3, atol=1e-4)


def test_intervals_and_lineage_of_a_closed_form(done):
    results, table = done
    found = predict_samples(model(results, "ridge").path, table, interval=0.8).table
    assert ((found.low < found.prediction) & (found.prediction < found.high)).mean() > 0.8
    told = lineage_text(model(results, "feature_ridge").path)
    assert told.startswith("source: ")
    assert "fitted in closed form" in told
    _, meta = load_stage(model(results, "marker_gene").path)
    assert meta["strategy"] == "marker_gene"
    assert not meta["ancestors"]


def test_a_signature_needs_its_own_genes_alone(done, cohort):
    results, table = done
    frame = pd.read_csv(table, index_col=0)[cohort.genes[:4].tolist()]
    frame.to_csv(table.parent / "few.csv")
    few = predict_samples(model(results, "signature").path, table.parent / "few.csv").table
    pd.testing.assert_frame_equal(few, predict_samples(model(results, "signature").path, table).table)
    assert any("1 of its 5 genes" in note and "absent" in note for note in results.notes)


def test_a_marker_that_is_absent_says_why(done):
    assert "marker:nowhere left out: nowhere is not among the genes of the cohort" in done[0].notes


def test_a_model_on_source_models_needs_them_beside_it(done, tmp_path):
    import shutil

    results, table = done
    kept = shutil.copytree(model(results, "feature_ridge").path, tmp_path / "alone")
    with pytest.raises(InputError, match="which must stand beside it"):
        predict_samples(kept, table)


def test_a_cohort_of_one_domain_runs_without_a_source(cohort, tmp_path):
    alone = replace(cohort, domains=cohort.domains[-1:])
    settings = Settings(
        hidden=(8, 4), repeats=1, folds=3, quick=True, epochs=1,
        strategies=("scratch", "freeze_layer1", "feature_ridge"), baselines=("ridge",), checkpoint_dir=str(tmp_path),
    )  # fmt: skip
    for name in ("exp6_source_to_target", "two_step_study"):
        plan = prepare(EXPERIMENTS[name], settings, alone)
        assert any("one domain and no source: left out are freeze_layer1, feature_ridge" in note for note in plan.notes)
    results = run_plan(plan)
    assert {arm for arm, _ in results.arms.arms} == {"scratch", "ridge"}
    (tmp_path / "out").mkdir()
    write_outputs(results, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The one domain of this cohort, without a source: nothing is transferred" in page
    assert "How far models lie apart" in page
    for false in ("Every way to the target", "What transfer gained", "shared by all domains"):
        assert false not in page
    with pytest.raises(InputError, match="nothing that was asked for runs"):
        prepare(EXPERIMENTS[name], replace(settings, strategies=("zero_shot",), baselines=()), alone)
