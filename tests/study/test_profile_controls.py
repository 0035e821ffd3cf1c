"""Negative controls of a study of many targets with known truth, and its gains by drug class."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.evaluation.statistics.metrics import per_fold
from tl_jax.study.many_targets.by_class import UNKNOWN, by_class
from tl_jax.study.many_targets.outputs import write_many
from tl_jax.study.many_targets.tables import over_targets
from tl_jax.study.many_targets.targets import ManySettings, run_many_targets

TARGETS, DRUGS, LINES, SAMPLES = 8, 16, 100, 24
BOTH = ("profile_gp", "profile_gp_mechanism")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    shelf = str(tmp_path_factory.mktemp("stages"))
    arms = ("ridge", "repaired_ridge", *BOTH)
    return ManySettings(arms=arms, repeats=2, folds=3, min_lines=20, checkpoint_dir=shelf)


@pytest.fixture(scope="module")
def cohort():
    """Target drug Tk is source drug Sk on other samples: its weights of eight directions are the same."""
    cohort = simulate(seed=12, genes=80, n_source=LINES, n_intermediate=30, n_target=SAMPLES)[0]
    rng, target, source = np.random.default_rng(3), cohort.stage("target"), cohort.stage("source")
    weights = rng.normal(size=(80, 8)) @ rng.normal(size=(8, DRUGS))
    response, own = (((x - x.mean(axis=0)) / x.std(axis=0)) @ weights for x in (source.x, target.x))
    response = response / response.std(axis=0) + 0.4 * rng.normal(size=response.shape)
    own = (own / own.std(axis=0) + 1.2 * rng.normal(size=own.shape))[:, :TARGETS]
    source = replace(source, y=response, drugs=tuple(f"S{k}" for k in range(DRUGS)), replicate=None)
    target = replace(target, y=own, drugs=tuple(f"T{k}" for k in range(TARGETS)))
    return replace(cohort, domains=(source, *cohort.domains[1:-1], target), drug="T0")


def table_of(path, moved: int) -> str:
    """A table of mechanisms that calls Tk alike Sk, or the source drug of another target."""
    lines = [f"T{k},class {k % 2},S{(k + moved) % TARGETS}" for k in range(TARGETS)]
    path.write_text("\n".join(["drug,class,alike", *lines]) + "\n")
    return str(path)


def means(results) -> pd.Series:
    """{arm: mean over targets of the mean Spearman per fold}."""
    table = per_fold(results.table("metrics"), "spearman")
    return table.groupby(["target", "arm"])["value"].mean().groupby("arm").mean()


@pytest.fixture(scope="module")
def right(settings, cohort, tmp_path_factory):
    file = table_of(tmp_path_factory.mktemp("mechanisms") / "right.csv", 0)
    return run_many_targets(replace(settings, mechanisms=file), cohort)


def test_mechanisms_that_are_shuffled_among_targets_lose_their_gain(settings, cohort, right, tmp_path):
    true, gains = means(right), []
    for moved in (1, 3):
        shuffled = means(
            run_many_targets(replace(settings, mechanisms=table_of(tmp_path / f"{moved}.csv", moved)), cohort)
        )
        assert shuffled["profile_gp"] == true["profile_gp"]
        gains.append(shuffled["profile_gp_mechanism"] - shuffled["profile_gp"])
    gain = true["profile_gp_mechanism"] - true["profile_gp"]
    assert gain > 0.05
    assert max(gains) < gain - 0.05


def test_labels_that_are_permuted_among_samples_are_not_predicted(cohort, right):
    """The mechanisms are those of the true labels."""
    rng, target, true, found = np.random.default_rng(4), cohort.stage("target"), means(right), []
    for _ in range(2):
        y = np.column_stack([rng.permutation(column) for column in target.y.T])
        drawn = replace(cohort, domains=(*cohort.domains[:-1], replace(target, y=y)))
        found.append(means(run_many_targets(replace(right.settings, repeats=1), drawn)))
    for arm in ("repaired_ridge", *BOTH):
        assert abs(np.mean([one[arm] for one in found])) < 0.12, arm
        assert true[arm] > 0.2, arm


def test_gains_by_class_by_hand(right, tmp_path):
    over = over_targets(right)
    table, blocks = over.by_class.set_index(["class", "arm"]), over.blocks.set_index("target")
    assert set(table.index) == {(f"class {k}", arm) for k in range(2) for arm in BOTH}
    for kind in range(2):
        drugs = [f"T{k}" for k in range(kind, TARGETS, 2)]
        for arm in BOTH:
            gain = (blocks[arm] - blocks["repaired_ridge"])[drugs]
            row = table.loc[(f"class {kind}", arm)]
            assert row["drugs"] == "; ".join(drugs)
            assert row[["gain", "least", "most"]].tolist() == pytest.approx([gain.mean(), gain.min(), gain.max()])
            assert (row["targets"], row["won"], row["reference"]) == (4, (gain > 0).mean(), "repaired_ridge")
    write_many(right, over, tmp_path)
    kept = pd.read_csv(tmp_path / "by_class.csv").set_index(["class", "arm"])
    pd.testing.assert_series_equal(kept["gain"], table["gain"])
    assert "Gain over repaired_ridge by drug class" in (tmp_path / "report.html").read_text()


def test_classes_of_an_error_of_unknown_drugs_and_without_a_process():
    """Lower is better; the shipped table knows Gemcitabine and no drug of the second name."""
    blocks = pd.DataFrame({"target": ["Gemcitabine", "nobody's drug"], "protocol": "honest", "ridge": [2.0, 3.0]})
    assert by_class(blocks, "ridge", "rmse").empty
    table = by_class(blocks.assign(profile_gp=[1.5, 4.0]), "ridge", "rmse")
    assert table[["class", "gain", "won"]].to_numpy().tolist() == [
        ["antimetabolite, deoxycytidine", 0.5, 1.0],
        [UNKNOWN, -1.0, 0.0],
    ]
    assert by_class(blocks.assign(profile_gp=1.0), None, "spearman").empty
