"""The choice of a source drug: by experiment 3, on the intermediate only, read by later experiments."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.study.cohort.choice import rank_sources


@pytest.mark.full
def test_experiment_3_chooses_and_6_and_7_read_it(run, small, cohort, tmp_path):
    with pytest.raises(InputError, match=r"no source drug was chosen yet.*exp3_source_to_intermediate.*--source_drug"):
        run("exp6_source_to_target", small(source_drugs=()), cohort)
    third = run("exp3_source_to_intermediate", small(source_drugs=(), repeats=1), cohort)
    ranking = {row["drug"]: row for row in third.ranking}
    assert set(ranking) == set(cohort.source_drugs)
    folds = third.table("metrics").query("metric == 'spearman' and arm == 'copy_layer1' and fold != 'pooled'")
    means = folds.groupby("source").value.mean()
    best = means.idxmax()
    assert ranking[best]["chosen"]
    np.testing.assert_allclose(ranking[best]["intermediate_spearman"], means[best])
    assert third.table("metrics").query("arm == 'scratch'").source.unique().tolist() == [""]
    (path,) = (tmp_path / "checkpoints" / cohort.name).glob("best_source-honest-quick-temozolomide-*.json")
    assert json.loads(path.read_text())["drug"] == best
    sixth = run("exp6_source_to_target", small(source_drugs=(), strategies=("copy_layer1",)), cohort)
    assert sixth.table("metrics").query("arm == 'copy_layer1'").source.unique().tolist() == [best]
    assert f"source drug {best}" in sixth.notes[0]
    assert best in sixth.stages[-1].meta["note"]
    assert sixth.stages[0].meta["note"] == ""
    with pytest.raises(InputError, match="decided with --hidden=8,4, not --hidden=9,4"):
        run("exp6_source_to_target", small(source_drugs=(), hidden=(9, 4)), cohort)

    moved = dataclasses.replace(cohort.domains[1], y=cohort.domains[1].y + 0.01)
    other = dataclasses.replace(cohort, domains=(cohort.domains[0], moved, cohort.domains[2]))
    with pytest.raises(InputError, match="decided on other data"):
        run("exp7_two_step", small(source_drugs=()), other)
    path.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        run("exp7_two_step", small(source_drugs=()), cohort)


DRUGS = ["Oxaliplatin", "Bortezomib", "Cyclophosphamide"]


def folds_of(values, metric="spearman"):
    """A table of metrics: {drug: its values in the folds of one repeat}."""
    rows = [(drug, 0, fold, value) for drug, own in values.items() for fold, value in enumerate(own)]
    frame = pd.DataFrame(rows, columns=["source", "repeat", "fold", "value"])
    return frame.assign(metric=metric, arm="copy_layer1")


def ranked(cohort, metrics, *more):
    return {row["drug"]: row for row in rank_sources(cohort, DRUGS, metrics, "copy_layer1", *more)}


def test_collapsed_folds_count_as_no_correlation(cohort):
    """Folds whose predictions are one value have a Spearman of 0, and are counted beside it."""
    predicted = {"Oxaliplatin": [[0.1, 0.2, 0.3]] + [[0.5] * 3] * 4, "Bortezomib": [[0.1, 0.3, 0.2]] * 5}
    predicted["Cyclophosphamide"] = [[0.7] * 3] * 5
    truth = [0.0, 0.5, 1.0]
    values = {drug: [spearman(truth, one) for one in own] for drug, own in predicted.items()}
    rows = [(drug, 0, fold, y) for drug, own in predicted.items() for fold, some in enumerate(own) for y in some]
    predictions = pd.DataFrame(rows, columns=["source", "repeat", "fold", "y_pred"]).assign(arm="copy_layer1")
    ranking = ranked(cohort, folds_of(values), "spearman", predictions)
    assert ranking["Bortezomib"]["rank"] == 1
    np.testing.assert_allclose(ranking["Oxaliplatin"]["intermediate_spearman"], 0.2)
    assert [ranking[drug]["undefined_folds"] for drug in DRUGS] == [4, 0, 5]
    assert (ranking["Cyclophosphamide"]["rank"], ranking["Cyclophosphamide"]["intermediate_spearman"]) == (3, 0)
    assert not any(row["chosen"] for row in ranking.values())


def test_lucky_folds_of_a_network_that_diverged_do_not_win(cohort):
    gone = float("nan")
    metrics = folds_of(
        {"Oxaliplatin": [0.9, gone, gone], "Bortezomib": [0.5, 0.5, 0.5], "Cyclophosphamide": [gone] * 3}
    )
    ranking = ranked(cohort, metrics)
    assert ranking["Bortezomib"]["rank"] == 2  # 0.9, and twice the worst of those that did not diverge
    assert ranking["Oxaliplatin"]["undefined_folds"] == 2
    none = ranked(cohort, folds_of({drug: [gone] * 3 for drug in DRUGS}))
    assert [row["rank"] for row in none.values()] == [None] * 3


def test_the_lowest_error_is_chosen(cohort):
    metrics = folds_of({"Oxaliplatin": [0.3, 0.4], "Bortezomib": [0.1, 0.2], "Cyclophosphamide": [0.9, 0.9]}, "rmse")
    ranking = ranked(cohort, metrics, "rmse")
    assert [ranking[drug]["rank"] for drug in DRUGS] == [2, 1, 3]
    np.testing.assert_allclose(ranking["Bortezomib"]["intermediate_rmse"], 0.15)


@pytest.mark.full
def test_no_choice_is_made_from_some_drugs(run, small, cohort, tmp_path):
    partial = run("exp3_source_to_intermediate", small(repeats=1), cohort)
    assert "no source drug was chosen: only some source drugs were run" in partial.notes
    assert not any(row["chosen"] for row in partial.ranking)
    assert not list(tmp_path.rglob("best_source*"))
    none = run("exp3_source_to_intermediate", small(repeats=1, strategies=("scratch",), source_drugs=()), cohort)
    assert any("no strategy here starts from a source" in note for note in none.notes)


@pytest.mark.full
def test_the_choice_never_sees_target_labels(run, small, cohort, tmp_path):
    target = cohort.domains[2]
    shuffled = dataclasses.replace(target, y=target.y[::-1].copy())
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:2], shuffled))
    rankings = [
        run("exp3_source_to_intermediate", small(source_drugs=(), repeats=1, checkpoint_dir=str(tmp_path / str(i))), c)
        for i, c in enumerate((cohort, other))
    ]
    assert rankings[0].ranking == rankings[1].ranking


@pytest.mark.full
def test_two_domains_use_the_default_source(run, small, cohort):
    short = dataclasses.replace(cohort, domains=(cohort.domains[0], cohort.domains[2]))
    results = run("exp6_source_to_target", small(source_drugs=(), strategies=("copy_layer1",), baselines=()), short)
    assert results.table("metrics").source.unique().tolist() == [cohort.default_source]
    with pytest.raises(InputError, match="no intermediate"):
        run("exp7_two_step", small(), short)


def test_an_unmeasured_drug_is_refused(run, small, cohort):
    source = cohort.domains[0]
    y = source.y.copy()
    y[:, source.column("Oxaliplatin")] = np.nan
    other = dataclasses.replace(cohort, domains=(dataclasses.replace(source, y=y), *cohort.domains[1:]))
    with pytest.raises(InputError, match=r"domain source .* has 0 samples measured for Oxaliplatin"):
        run("exp1_gdsc", small(strategies=("scratch",)), other)


@pytest.mark.full
def test_a_repeated_drug_or_baseline_counts_once(run, small, cohort):
    twice = small(source_drugs=("oxaliplatin", "Oxaliplatin"), baselines=("mean", "mean"), strategies=("copy_layer1",))
    metrics = run("exp6_source_to_target", twice, cohort).table("metrics")
    assert not metrics.duplicated(["arm", "source", "repeat", "fold", "metric"]).any()


@pytest.mark.full
def test_no_upstream_model_is_trained_for_nothing(run, small, cohort):
    results = run("exp7_two_step", small(strategies=("scratch",), source_drugs=(), baselines=()), cohort)
    assert [s.plan.role for s in results.stages] == ["target"]
    noted = run("exp4_target", small(strategies=("scratch",), baselines=()), cohort)
    assert "--source_drug changes nothing here" in noted.notes[0]
