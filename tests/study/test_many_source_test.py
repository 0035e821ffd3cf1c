"""The source test of many targets: exact where lines keep their responses, found where a source helps, and resumed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.errors import InputError
from tl_jax.report.sections.many_source import sentences
from tl_jax.study.core.permuted_stages import shuffled_orders
from tl_jax.study.many_targets.outputs import write_many
from tl_jax.study.many_targets.source_test import ALL
from tl_jax.study.many_targets.tables import over_targets
from tl_jax.study.many_targets.targets import ManySettings, run_many_targets

DRUGS = ("T0", "T1", "T2")
ARMS = ("ridge", "profile_gp", "profile_gp_mechanism")
LINES = 90


@pytest.fixture(scope="module", autouse=True)
def settings(tmp_path_factory):
    shelf = str(tmp_path_factory.mktemp("stages"))
    return ManySettings(arms=ARMS, repeats=1, folds=3, min_lines=20, source_permutations=19, checkpoint_dir=shelf)


def cohort_of(related: bool, **source):
    """Three targets on 24 samples that follow what moves the source's 14 drugs, or nothing that any table holds."""
    cohort = simulate(seed=12, genes=60, n_source=LINES, n_intermediate=30, n_target=24)[0]
    rng, target = np.random.default_rng(2), cohort.stage("target")
    weights = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 14))
    response, own = ((x - x.mean(axis=0)) @ weights for x in (cohort.stage("source").x, target.x))
    response = response / response.std() + 0.3 * rng.normal(size=(LINES, 14))
    own = own[:, :3] / own.std() if related else rng.normal(size=(24, 3))
    upstream = replace(
        cohort.stage("source"), y=response, drugs=tuple(f"S{k}" for k in range(14)), replicate=None, **source
    )
    target = replace(target, y=own + 0.3 * rng.normal(size=(24, 3)), drugs=DRUGS)
    return replace(cohort, domains=(upstream, *cohort.domains[1:-1], target), drug="T0")


@pytest.fixture(scope="module")
def results(settings):
    return run_many_targets(settings, cohort_of(related=True))


def test_labels_that_cannot_move_give_the_arm_itself(settings):
    """Each line the only one of its tissue: every permutation is the truth, to rounding."""
    cohort = cohort_of(related=True, tissue=np.array([f"tissue{k}" for k in range(LINES)]))
    source = cohort.stage("source")
    assert (shuffled_orders(source, 400, range(1, 4)) == np.arange(LINES)).all()
    table = run_many_targets(settings, cohort).source_test
    np.testing.assert_allclose(table["null_mean"], table["observed"], atol=1e-12)
    assert (table["p"] == 1).all()
    assert (table["permutations"] == 10).all()


def test_a_source_that_the_targets_follow_is_used_and_another_is_not(settings, results):
    table = results.source_test
    whole = table[table["target"] == ALL].set_index("arm")
    assert (whole["p"] == 1 / 20).all()
    assert (whole["observed"] > whole["null_mean"] + 0.1).all()
    other = run_many_targets(settings, cohort_of(related=False)).source_test
    assert (other.loc[other["target"] == ALL, "p"] > 0.05).all()


def test_rows_say_what_the_study_says(results):
    table, targets = results.source_test, over_targets(results).targets
    assert list(table["target"]) == [ALL, ALL, *(drug for drug in DRUGS for _ in range(2))]
    own = table[table["target"] != ALL].set_index(["target", "arm"])["observed"]
    np.testing.assert_allclose(own, targets.set_index(["target", "arm"])["spearman"].loc[own.index])
    for arm, part in table.groupby("arm"):
        first = part["target"] == ALL
        assert part.loc[first, "observed"].item() == pytest.approx(part.loc[~first, "observed"].mean()), arm
        assert part.loc[first, "p_holm"].isna().all()
        assert (part.loc[~first, "p_holm"] >= part.loc[~first, "p"]).all()
        assert part.loc[~first, "p_holm"].min() == pytest.approx(min(1, 3 * part.loc[~first, "p"].min()))


def test_an_error_is_better_where_it_is_lower(settings):
    table = run_many_targets(replace(settings, metric="rmse"), cohort_of(related=True)).source_test
    whole = table[table["target"] == ALL]
    assert (whole["p"] == 1 / 20).all()
    assert (whole["observed"] < whole["null_mean"]).all()


@pytest.mark.full
def test_a_stopped_test_goes_on(settings, results, tmp_path, monkeypatch):
    first = run_many_targets(settings, cohort_of(related=True), tmp_path)
    monkeypatch.setattr("tl_jax.study.many_targets.source_test.permuted_profiles", None)
    again = run_many_targets(settings, cohort_of(related=True), tmp_path)
    for one in (first, again):
        pd.testing.assert_frame_equal(one.source_test, results.source_test)


@pytest.mark.full
def test_what_is_written(results, tmp_path):
    assert write_many(results, over_targets(results), tmp_path) == []
    assert len(pd.read_csv(tmp_path / "source_test.csv")) == len(results.source_test)
    page = (tmp_path / "report.html").read_text()
    # 19 permutations end at p = .05, and the first look doubles it.
    assert "labels carry is not shown to be used by profile_gp under honest (p 0.100)" in page
    assert "19 permutations are too few for a p below .05 after all corrections" in page
    table = pd.read_csv(tmp_path / "source_test.csv")
    whole = table["target"] == ALL
    np.testing.assert_allclose(table.loc[whole, "p_after_looks"], 2 * table.loc[whole, "p"])
    np.testing.assert_allclose(table.loc[~whole, "p_after_looks"], np.minimum(1, 2 * table.loc[~whole, "p_holm"]))


def test_sentences_by_hand():
    rows = pd.DataFrame({"target": [ALL, "A", "B"], "arm": "x", "protocol": "honest", "p_holm": [np.nan, 0.04, 0.3]})
    (text,) = sentences(rows.assign(p=[0.01, 0.02, 0.3]))
    assert text == (
        "Over all targets, what the source's labels carry is used by x under honest (p 0.010); 1 of 2 targets have a "
        "p of .05 or less by themselves, 1 after all corrections"
    )
    assert "is not shown to be used" in sentences(rows.assign(p=0.2))[0]
    (charged,) = sentences(rows.assign(p=[0.03, 0.02, 0.3], p_after_looks=[0.06, 0.08, 0.6]))
    assert "is not shown to be used by x under honest (p 0.060)" in charged
    assert "1 of 2 targets have a p of .05 or less by themselves, 0 after all corrections" in charged


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"source_permutations": 5}, "--source_permutations=5: fewer than 19"),
        ({"source_permutations": 19, "arms": ("ridge",)}, "--arms names neither"),
    ],
)
def test_what_cannot_be_tested_is_said(given, words):
    with pytest.raises(InputError, match=words):
        ManySettings(**given)
