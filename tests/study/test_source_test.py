"""The source test of a study: against a slow twin, exact where labels carry nothing, within tissues, and resumed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from tl_jax.data.scaling.scaling import fit_response_scale
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.source_methods import SourceView, shrunken_ridge, source_coefficients
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.evaluation.statistics.source_test import sequential
from tl_jax.study.cohort import source_test as at_work
from tl_jax.study.cohort.arms import Case
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.source_closed import at_once, coefficients, directed, scored
from tl_jax.study.core import permuted_stages
from tl_jax.study.core.permuted_stages import movable, retrain, shuffled_labels
from tl_jax.study.core.stages import TrainedStage, scaled_rows

SMALL = {"hidden": (6, 3), "repeats": 1, "folds": 3, "quick": True, "baselines": ("ridge",), "epochs": 2}
ARMS = ("freeze_layer1", "feature_ridge", "shrunken_ridge")
PERMUTATIONS = 19


def settings_of(folder, **given):
    own = {"strategies": ARMS, "source_drugs": ("oxaliplatin",), "source_permutations": PERMUTATIONS, **SMALL, **given}
    return Settings(**own, checkpoint_dir=str(folder))


def run(cohort, folder, experiment="exp7_two_step", work=None, **given):
    plan = prepare(EXPERIMENTS[experiment], settings_of(folder, **given), cohort)
    return run_plan(plan, work, finals=False)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def results(cohort, shelf):
    with threadpool_limits(1):
        return run(cohort, shelf, source_test=("all",), source_stand_in=("shuffled_rows", "gls"))


@pytest.fixture(scope="module")
def table(results):
    return results.extra["source_test"][0]


@pytest.fixture(scope="module")
def planned(cohort, shelf):
    """(problem, a case whose stages were never trained): a source ridge needs no network."""
    plan = prepare(EXPERIMENTS["exp7_two_step"], settings_of(shelf), cohort)
    way = plan.groups[0].ways[0]
    stages = tuple(TrainedStage(stage, None, shelf, {}, False) for stage in way.stages)
    return plan.groups[0].problem, Case(way, stages, True)


@pytest.mark.full
def test_every_arm_from_the_source_is_tested_and_one_decides(table):
    retrained = table[table["method"] == "retrained"]
    assert set(retrained["arm"]) == set(ARMS)
    assert (retrained["permuted"] == "source: Oxaliplatin").all()
    assert retrained.loc[retrained["decides"], "arm"].tolist() == ["shrunken_ridge"]
    assert retrained["p"].between(1 / (PERMUTATIONS + 1), 1).all()


@pytest.mark.full
def test_an_arm_of_several_sources_is_tested_with_all_of_them_permuted(cohort, shelf):
    drugs = {"strategies": ("average_sources", "profile_gp"), "source_drugs": ("oxaliplatin", "bortezomib")}
    found = run(cohort, shelf, "exp6_source_to_target", source_test=("all",), **drugs).extra["source_test"][0]
    assert found[["arm", "permuted"]].to_numpy().tolist() == [
        ["average_sources", "source: Oxaliplatin; source: Bortezomib"]
    ]


@pytest.mark.full
def test_stand_ins_bear_their_names_and_one_that_trains_is_left_out_with_a_remark(table, results):
    assert set(table.loc[table["method"] == "shuffled_rows", "arm"]) == {"feature_ridge", "shrunken_ridge"}
    assert table.loc[table["method"] == "gls", "arm"].tolist() == ["gls"]
    assert any("shuffled_rows of freeze_layer1 left out" in note for note in results.notes)


def slow_scores(problem, stages, labels):
    """One source and one fold at a time, by the functions that the arm itself calls."""
    found = []
    for y in labels:
        coefficients = None
        for place, stage in enumerate(stages):
            domain = stage.plan.domain
            own = domain.response if place else y
            scale = fit_response_scale(domain.response, domain.direction, domain.unit)
            coefficients = source_coefficients(scaled_rows(stage), scale.to_network(own), coefficients)
        values = []
        for f in problem.folds:
            train, test = f.scaled_train(problem.domain), f.scaled_test(problem.domain)
            view = SourceView(*[None] * 4, train @ coefficients, test @ coefficients)
            groups = problem.domain.groups[f.fold.train]
            values.append(
                spearman(f.y[f.fold.test], shrunken_ridge([view], train, f.y[f.fold.train], test, groups=groups))
            )
        found.append(np.mean(values))
    return np.asarray(found)


def test_scores_are_those_of_a_slow_twin(planned):
    problem, case = planned
    source, numbers = case.stages[0].plan.domain, range(1, 6)
    slow = slow_scores(problem, case.stages, shuffled_labels(source, 400, numbers))
    np.testing.assert_allclose(at_once("shrunken_ridge", problem, case, numbers, 400), slow, atol=1e-9)


@pytest.mark.full
def test_p_is_that_of_a_slow_twin(results, table):
    problem, stages = results.plan.groups[0].problem, results.stages[:2]
    source = stages[0].plan.domain
    slow = slow_scores(problem, stages, shuffled_labels(source, 400, range(1, PERMUTATIONS + 1)))
    row = table[(table["arm"] == "shrunken_ridge") & (table["method"] == "retrained")].iloc[0]
    observed = slow_scores(problem, stages, [source.response])[0]
    np.testing.assert_allclose(row["observed"], observed, atol=1e-9)
    assert row["p"] == (1 + np.sum(slow >= observed - 1e-9)) / (1 + PERMUTATIONS)


def test_it_is_exact_where_the_labels_of_the_source_carry_nothing(planned):
    """Labels drawn at random within tissues are one more permutation of themselves: p is uniform, or larger."""
    problem, case = planned
    source, found = case.stages[0].plan, []
    for seed in range(50):
        y = shuffled_labels(source.domain, 77, [seed])[0]
        own = replace(case.stages[0], plan=replace(source, domain=replace(source.domain, y=y[:, None])))
        labels = np.column_stack([y, *shuffled_labels(own.plan.domain, 1000 + seed, range(10))])
        sources = coefficients((own, *case.stages[1:]), labels)
        with threadpool_limits(1):
            scores = scored(problem, directed("shrunken_ridge", problem, sources))
        found.append(sequential(scores[0], scores[1:], None).p)
    for alpha in (2 / 11, 5 / 11):
        assert np.mean(np.asarray(found) <= alpha + 1e-12) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 50)


def test_labels_stay_within_tissue_and_batch_and_with_their_group(cohort):
    source = cohort.stage("source").for_drug("Oxaliplatin")
    batch = np.where(np.arange(len(source)) % 2, "run1", "run2")
    pairs = np.repeat([f"g{k}" for k in range(len(source))], 2)[: len(source)]
    tissue = np.where(np.arange(len(source)) // 2 % 2, "lung", "skin")
    for domain in (replace(source, batch=batch), replace(source, groups=pairs, tissue=tissue), source):
        drawn = shuffled_labels(domain, 400, range(1, 6))
        again = shuffled_labels(domain, 400, [3])
        np.testing.assert_array_equal(again[0], drawn[2])
        assert (drawn != domain.response).any()
        for part in set(zip(domain.tissue, domain.batch, strict=True)):
            own = (domain.tissue == part[0]) & (domain.batch == part[1])
            for y in drawn:
                np.testing.assert_array_equal(np.sort(y[own]), np.sort(domain.response[own]))
    y = shuffled_labels(replace(source, groups=pairs, tissue=tissue), 400, [1])[0]
    partner = {(a, b) for a, b in source.response[: len(source) // 2 * 2].reshape(-1, 2)}
    assert {(a, b) for a, b in y[: len(source) // 2 * 2].reshape(-1, 2)} == partner


def test_a_sample_alone_in_its_tissue_keeps_its_label(cohort):
    source = cohort.stage("source").for_drug("Oxaliplatin")
    tissue = np.array(["lung"] * (len(source) - 1) + ["skin"])
    domain = replace(source, tissue=tissue)
    assert movable(domain) == len(source) - 1
    assert shuffled_labels(domain, 400, [1])[0, -1] == source.response[-1]


@pytest.mark.full
def test_a_stage_trained_again_on_its_own_labels_is_the_stage(results, monkeypatch):
    """So that the truth is one more permutation: same key, recipe and rows, to rounding."""
    monkeypatch.setattr(permuted_stages, "shuffled_labels", lambda domain, seed, numbers: domain.response[None])
    how = at_work.How(results.settings.network, results.settings.seed)
    (chain,) = retrain(results.stages[:2], [1], how)
    for again, first in zip(chain, results.stages, strict=False):
        for layer, leaves in first.variables["params"].items():
            for name, leaf in leaves.items():
                np.testing.assert_allclose(again.variables["params"][layer][name], leaf, atol=2e-4)


@pytest.mark.full
def test_blocks_change_no_number_and_a_stopped_run_goes_on_to_the_same_bits(
    cohort, shelf, table, tmp_path, monkeypatch
):
    monkeypatch.setattr(at_work, "block_size", lambda stages: 8)
    made, own = [], at_work.block

    def stopping(*given):
        made.append(list(given[4]))
        if len(made) == 2:
            raise KeyboardInterrupt
        return own(*given)

    monkeypatch.setattr(at_work, "block", stopping)
    given = {"work": tmp_path, "source_test": ("all",), "source_stand_in": ("shuffled_rows", "gls")}
    with pytest.raises(KeyboardInterrupt):
        run(cohort, shelf, **given)
    again = run(cohort, shelf, **given).extra["source_test"][0]
    assert made[0] not in made[2:]
    pd.testing.assert_frame_equal(again, table, check_exact=True)


@pytest.mark.full
def test_a_user_is_told_the_time_of_networks(results):
    (note,) = [note for note in results.notes if note.startswith("source test of freeze_layer1, feature_ridge")]
    assert "up to 19 permutations on each of 1 ways" in note
    assert "at most" in note


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"source_test": ("copy_layer1",)}, "no arm of this study that starts from a source"),
        ({"source_permutations": 5}, "fewer than 19"),
        ({"source_stand_in": ("bootstrap",)}, "there are: shuffled_rows, gls"),
        ({"source_test": ("all", "closed")}, "stand alone"),
        ({"source_test": ("none",), "source_stand_in": ("gls",)}, "changes nothing"),
    ],
)
def test_what_the_test_cannot_do_is_refused(cohort, tmp_path, given, message):
    with pytest.raises(InputError, match=message):
        prepare(EXPERIMENTS["exp7_two_step"], settings_of(tmp_path, **given), cohort)
