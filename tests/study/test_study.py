"""The two-step study: what it examines beside its arms, and the report that it ends in."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import per_fold as folds_of
from tl_jax.report.sections.leaks import LOOKS
from tl_jax.study.cohort.outputs import write_outputs
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Extras, Settings
from tl_jax.study.cohort.study import prepare_study, run_study, with_extras
from tl_jax.study.core.leak_audit import BALANCED, leak_audit
from tl_jax.study.core.nested import inner_folds
from tl_jax.study.core.permutations import permuted
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.protocol import PROTOCOLS

STUDY = EXPERIMENTS["two_step_study"]
ARMS = ("scratch", "freeze_layer1", "feature_ridge", "average_sources")
GIVEN = {
    "examined": ("scratch", "freeze_layer1", "ridge"),
    "nested": ("scratch", "freeze_layer1", "feature_ridge", "ridge"),
    "permutations": 19,
    "curve_sizes": (8,),
    "curve_repeats": 1,
    "levels": 2,
}


def make(folder, **changes):
    options = {
        "hidden": (8, 4),
        "repeats": 2,
        "folds": 3,
        "quick": True,
        "source_drugs": ("oxaliplatin", "bortezomib"),
        "strategies": ARMS,
        "baselines": ("mean", "ridge"),
        "checkpoint_dir": str(folder),
    }
    return Settings(**{**options, **changes})


@pytest.fixture(scope="session")
def study(cohort, tmp_path_factory):
    # fold_models: kept under honest; the second protocol must not refuse them after all the work of the first.
    settings = with_extras(STUDY, make(tmp_path_factory.mktemp("study"), fold_models=True), **GIVEN)
    return run_study(prepare_study(STUDY, settings, {"honest": cohort, "as_published": cohort}))


@pytest.fixture(scope="session")
def table(study):
    return lambda name: pd.concat(study.extra[name], ignore_index=True)


def per_fold(study, arm, source="", protocol="honest"):
    rows = folds_of(study.table("metrics"))
    own = rows[(rows.arm == arm) & (rows.source == source) & (rows.protocol == protocol)]
    return own.set_index(["repeat", "fold"])["value"]


def test_every_way_to_the_target_is_an_arm(study):
    routes = {"intermediate", "Oxaliplatin", "Bortezomib", "Oxaliplatin > intermediate", "Bortezomib > intermediate"}
    metrics = study.table("metrics")
    for arm, sources in (
        ("freeze_layer1", routes),
        ("feature_ridge", routes),
        ("scratch", {""}),
        ("ridge", {""}),
        ("average_sources", {"intermediate", "all sources", "all sources > intermediate"}),
    ):
        assert set(metrics[metrics.arm == arm].source) == sources
    counts = metrics.groupby(["arm", "source", "protocol"]).size()
    assert set(counts[counts.index.get_level_values("arm") != "nested_choice"]) == {2 * 4 * 5}


def test_all_arms_meet_the_same_rows(study):
    predictions = study.table("predictions")
    rows = predictions.groupby(["arm", "source", "protocol"]).apply(
        lambda part: tuple(zip(part.repeat, part.fold, part.sample_id, strict=True)), include_groups=False
    )
    assert rows.nunique() == 1


def test_permutations_count_what_reaches_the_true_result(study, table):
    found = table("permutations")
    assert set(found.arm) == {"scratch", "freeze_layer1", "ridge"}
    np.testing.assert_allclose(found.p, (1 + found.at_least) / (1 + found.permutations))
    for row in found.itertuples():
        first = per_fold(study, row.arm, row.source).loc[0]
        assert row.observed == pytest.approx(first.mean())
    assert found.null_q95.gt(found.null_mean).all()
    assert found.null_mean.abs().max() < 0.45  # chance is around nothing


def test_labels_are_permuted_in_blocks_of_equal_size():
    y, groups = np.arange(9.0), np.array(list("aabbcdefg"))
    seen = set()
    for seed in range(30):
        new = permuted(y, groups, np.random.default_rng(seed))
        assert sorted(new) == sorted(y)
        assert {tuple(new[:2]), tuple(new[2:4])} == {(0, 1), (2, 3)}
        seen.add(tuple(new))
    assert len(seen) > 20


def test_the_full_size_of_a_learning_curve_is_the_study_itself(study, table):
    curves = table("learning_curves")
    assert set(curves.repeat) == {0}
    most = curves.n_train.max()
    assert set(curves.n_train) == {8, most}
    for (arm, source), part in curves[curves.n_train == most].groupby(["arm", "source"]):
        np.testing.assert_array_equal(part.value, per_fold(study, arm, source).loc[0])
    smaller = curves[(curves.n_train == 8) & (curves.arm == "ridge")].value
    assert not np.allclose(smaller, per_fold(study, "ridge").loc[0])
    gains = table("gain_map")
    assert set(gains.arm) == {"freeze_layer1"}
    assert set(table("extra_samples").source) == set(gains.source)


def test_variance_is_split_for_arms_that_draw(table):
    found = table("variance")
    assert set(found.arm) == {"scratch", "freeze_layer1"}
    shares = found.groupby(["arm", "source"]).share.sum()
    np.testing.assert_allclose(shares, 1)
    assert (found[found.arm == "scratch"].set_index("component").variance[["partition", "interaction"]] > 0).any()


def test_the_nested_choice_predicts_as_what_it_chose(study, table):
    choices, predictions = table("nested_choices"), study.table("predictions")
    predictions = predictions[predictions.protocol == "honest"].set_index(["arm", "source", "repeat", "fold"])
    assert len(choices) == 6
    for row in choices.itertuples():
        mine = predictions.loc[("nested_choice", "", row.repeat, row.fold)]
        theirs = predictions.loc[(row.arm, row.source, row.repeat, row.fold)]
        np.testing.assert_array_equal(mine.y_pred, theirs.y_pred)
    assert set(choices.arm) <= set(GIVEN["nested"])
    assert set(choices.candidates) == {1 + 5 + 5 + 1}


def target_problem(cohort, protocol="honest", **changes):
    """The target's problem, with other fields of its domain where `changes` names some."""
    domain = dataclasses.replace(cohort.stage("target").for_drug(cohort.drug), **changes)
    return Problem.drawn(domain, Partition(3, 2, seed=1), PROTOCOLS[protocol])


def test_inner_folds_never_see_a_held_out_sample(cohort):
    problem = target_problem(cohort)
    outer = problem.folds[0]
    inner = inner_folds(problem, 0)
    assert len(inner) == 3
    assert sorted(np.concatenate([f.fold.test for f in inner])) == list(outer.fold.train)
    y, x = problem.domain.y.copy(), problem.domain.x.copy()
    y[outer.fold.test] += 0.3
    x[outer.fold.test] *= 2
    changed = dataclasses.replace(problem, domain=dataclasses.replace(problem.domain, x=x, y=y))
    for before, after in zip(inner, inner_folds(changed, 0), strict=True):
        np.testing.assert_array_equal(before.fold.train, after.fold.train)
        np.testing.assert_array_equal(before.train.center, after.train.center)
        assert before.response == after.response


def test_the_audit_finds_nothing_here_and_a_leak_where_there_is_one(table, cohort):
    found = table("leak_audit")
    assert set(found.protocol) == {"honest", "as_published"}
    honest = found[(found.protocol == "honest") & (found.stage != "partition")]
    assert set(honest.held_out) == {"nothing"}
    published = found[(found.protocol == "as_published") & (found.stage == "scaling")]
    assert list(published.held_out) == ["expression", "labels"]
    balanced = found[(found.what == "training and held-out rows")].held_out
    assert set(balanced) == {BALANCED} <= set(LOOKS)
    assert not found.result.str.contains("SHARED|SPLIT|IN BOTH|IN COMMON").any()

    problem = target_problem(cohort)
    names = problem.domain.samples.copy()
    names[0] = cohort.stage("source").samples[0]
    # Folds that were drawn without knowing who is related.
    domain = dataclasses.replace(problem.domain, samples=names, groups=np.full_like(problem.domain.groups, "one"))
    leaky = dataclasses.replace(problem, domain=domain)
    audit = leak_audit(leaky, cohort, ["source"]).set_index("what")
    assert "1 SHARED" in audit.loc["models of source", "result"]
    assert audit.loc["models of source", "held_out"] == "expression and labels"
    assert "SPLIT in 6 folds" in audit.loc["related samples", "result"]


def test_protocols_are_compared_on_the_same_folds(study, table):
    found = table("protocols").set_index(["arm", "source"])
    one, other = (per_fold(study, "freeze_layer1", "Oxaliplatin", p) for p in ("honest", "as_published"))
    row = found.loc[("freeze_layer1", "Oxaliplatin")]
    assert row.difference == pytest.approx((other - one).mean())
    assert row.ci_low < row.difference < row.ci_high
    assert ("nested_choice", "") not in found.index


def test_sources_are_ranked_before_and_after_training(table):
    found = table("transferability")
    assert set(found.source) == {
        "intermediate", "Oxaliplatin", "Bortezomib", "Oxaliplatin > intermediate", "Bortezomib > intermediate",
    }  # fmt: skip
    assert {"logme", "h_score", "cka", "zero_shot", "mmd", "coral"} <= set(found.score)
    assert set(found.deciding_arm) == {"freeze_layer1"}


def test_a_stage_that_routes_share_is_listed_once(study):
    paths = [stage.path for stage in study.stages]
    assert len(paths) == len(set(paths))


@pytest.mark.full
def test_the_audit_names_what_was_evaluated(cohort, tmp_path):
    settings = make(tmp_path, strategies=("scratch",), baselines=("mean",), repeats=1)
    results = run_plan(prepare(EXPERIMENTS["exp1_gdsc"], settings, cohort), finals=False)
    audit = pd.concat(results.extra["leak_audit"])
    assert set(audit.evaluated) == {"source: Oxaliplatin", "source: Bortezomib"}
    assert not audit.duplicated().any()


def test_lineage_names_every_parent(table):
    found = table("lineage")
    assert set(found.parent) - {""} <= set(found.id)
    assert not found.id.duplicated().any()
    assert set(found.stage) == {"source", "intermediate", "target"}


def test_every_table_stands_in_the_folder_with_one_report(study, tmp_path):
    assert write_outputs(study, tmp_path) == []
    for name in study.extra:
        assert len(pd.read_csv(tmp_path / f"{name}.csv"))
    page = (tmp_path / "report.html").read_text()
    for word in ("Leak audit", "permut", "Oxaliplatin &gt; intermediate", "not for clinical"):
        assert word.lower() in page.lower()


def test_names_that_are_not_run_are_refused(cohort, tmp_path):
    for given, text in (
        ({"examined": ("fine_tune",)}, "fine_tune is not run here; add it to --strategy"),
        ({"nested": ("ridgy",)}, "ridgy is no arm"),
    ):
        settings = with_extras(STUDY, make(tmp_path), **given)
        with pytest.raises(InputError, match=text):
            prepare_study(STUDY, settings, {"honest": cohort})
    for wrong in ({"permutations": 5}, {"levels": 1}, {"curve_repeats": -1}):
        with pytest.raises(InputError):
            Extras(**wrong)


@pytest.mark.full
def test_a_study_stopped_half_way_goes_on_to_the_same_tables(cohort, tmp_path):
    """Everything that is examined beside the arms is kept in parts too."""
    settings = make(
        tmp_path / "kept", strategies=("scratch", "freeze_layer1", "feature_ridge"), source_drugs=("oxaliplatin",)
    )
    settings = with_extras(STUDY, settings, **{**GIVEN, "nested": ("scratch", "feature_ridge", "ridge")})

    def run():
        return run_study(prepare_study(STUDY, settings, {"honest": cohort}), tmp_path / "work")

    whole = run()
    parts = sorted((tmp_path / "work").rglob("*.part"))
    assert len(parts) > 10
    for path in parts[::2]:
        path.unlink()
    again = run()
    assert set(whole.extra) == set(again.extra)
    for name, frames in whole.extra.items():
        for one, other in zip(frames, again.extra[name], strict=True):
            pd.testing.assert_frame_equal(one, other, check_exact=True)
    for name in ("metrics", "predictions"):
        pd.testing.assert_frame_equal(whole.table(name), again.table(name), check_exact=True)
