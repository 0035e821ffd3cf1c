"""The choice of a source drug: by experiment 3, on the intermediate only, read by later experiments."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.study.cohort.choice import rank_sources


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
    path = tmp_path / "checkpoints" / cohort.name / "best_source-honest-quick.json"
    assert json.loads(path.read_text())["drug"] == best
    sixth = run("exp6_source_to_target", small(source_drugs=(), strategies=("copy_layer1",)), cohort)
    assert sixth.table("metrics").query("arm == 'copy_layer1'").source.unique().tolist() == [best]
    assert f"source drug {best}" in sixth.notes[0]
    assert best in sixth.stages[-1].meta["note"]
    assert sixth.stages[0].meta["note"] == ""
    with pytest.raises(InputError, match="not this network"):
        run("exp6_source_to_target", small(source_drugs=(), hidden=(9, 4)), cohort)

    moved = dataclasses.replace(cohort.domains[1], y=cohort.domains[1].y + 0.01)
    other = dataclasses.replace(cohort, domains=(cohort.domains[0], moved, cohort.domains[2]))
    with pytest.raises(InputError, match="decided on other data"):
        run("exp7_two_step", small(source_drugs=()), other)
    path.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        run("exp7_two_step", small(source_drugs=()), cohort)


def test_collapsed_folds_count_as_no_correlation(cohort):
    rows = [("Oxaliplatin", f, 0.9 if f == 0 else float("nan")) for f in range(5)]
    rows += [("Bortezomib", f, 0.3) for f in range(5)] + [("Cyclophosphamide", f, float("nan")) for f in range(5)]
    metrics = pd.DataFrame(rows, columns=["source", "fold", "value"]).assign(metric="spearman", arm="copy_layer1")
    drugs = ["Oxaliplatin", "Bortezomib", "Cyclophosphamide"]
    ranking = {row["drug"]: row for row in rank_sources(cohort, drugs, metrics, "copy_layer1")}
    assert ranking["Bortezomib"]["rank"] == 1
    np.testing.assert_allclose(ranking["Oxaliplatin"]["intermediate_spearman"], 0.18)
    assert ranking["Oxaliplatin"]["undefined_folds"] == 4
    assert ranking["Cyclophosphamide"]["rank"] is None
    assert not any(row["chosen"] for row in ranking.values())


def test_no_choice_is_made_from_some_drugs(run, small, cohort, tmp_path):
    partial = run("exp3_source_to_intermediate", small(repeats=1), cohort)
    assert partial.notes == ["no source drug was chosen: only some source drugs were run"]
    assert not any(row["chosen"] for row in partial.ranking)
    assert not list(tmp_path.rglob("best_source*"))
    none = run("exp3_source_to_intermediate", small(repeats=1, strategies=("scratch",), source_drugs=()), cohort)
    assert "no strategy here starts from a source" in none.notes[0]


def test_the_choice_never_sees_target_labels(run, small, cohort, tmp_path):
    target = cohort.domains[2]
    shuffled = dataclasses.replace(target, y=target.y[::-1].copy())
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:2], shuffled))
    rankings = [
        run("exp3_source_to_intermediate", small(source_drugs=(), repeats=1, checkpoint_dir=str(tmp_path / str(i))), c)
        for i, c in enumerate((cohort, other))
    ]
    assert rankings[0].ranking == rankings[1].ranking


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


def test_a_repeated_drug_or_baseline_counts_once(run, small, cohort):
    twice = small(source_drugs=("oxaliplatin", "Oxaliplatin"), baselines=("mean", "mean"), strategies=("copy_layer1",))
    metrics = run("exp6_source_to_target", twice, cohort).table("metrics")
    assert not metrics.duplicated(["arm", "source", "repeat", "fold", "metric"]).any()


def test_no_upstream_model_is_trained_for_nothing(run, small, cohort):
    results = run("exp7_two_step", small(strategies=("scratch",), source_drugs=(), baselines=()), cohort)
    assert [s.plan.role for s in results.stages] == ["target"]
    noted = run("exp4_target", small(strategies=("scratch",), baselines=()), cohort)
    assert "--source_drug changes nothing here" in noted.notes[0]
