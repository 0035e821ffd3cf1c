"""Studies of compounds and of many targets count looks and register plans as cohorts do."""

import dataclasses
import tomllib

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.evaluation.draws.draw_verdict import verdict
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.evaluation.statistics.source_test import floored
from tl_jax.report.sections.many import over_samples_verdict
from tl_jax.study.compounds import looks as of_compounds
from tl_jax.study.core.looks import note
from tl_jax.study.many_targets import looks as of_targets
from tl_jax.study.many_targets.outputs import write_many
from tl_jax.study.many_targets.settings import ManySettings
from tl_jax.study.many_targets.tables import over_targets
from tl_jax.study.many_targets.targets import run_many_targets

DRUGS = ("A", "B", "C")
ARMS = ("mean", "ridge", "profile_gp")


@pytest.fixture
def chain():
    """A small chain whose target of 20 samples has three drugs."""
    cohort = simulate(seed=3, genes=40, n_source=40, n_intermediate=20, n_target=20)[0]
    y = cohort.stage("target").y + 0.05 * np.random.default_rng(5).normal(size=(20, 3))
    return with_drugs(cohort, y, DRUGS)


def with_drugs(cohort, y, drugs):
    target = dataclasses.replace(cohort.stage("target"), y=y, drugs=drugs)
    return dataclasses.replace(cohort, domains=(*cohort.domains[:-1], target), drug=drugs[0])


def asked(folder, **more):
    return ManySettings(
        **{"arms": ARMS, "repeats": 1, "folds": 3, "min_lines": 20, "checkpoint_dir": str(folder), **more}
    )


def test_many_targets_are_charged_for_looks_by_target(chain, tmp_path):
    def judged(cohort=chain, **more):
        return over_targets(run_many_targets(asked(tmp_path, **more), cohort))

    first, again = judged(), judged()
    for over in (first, again):  # the very same study is no further look
        held = over.targets.dropna(subset=["p_family_over_ridge"])
        assert set(held["looks"]) == {1}
        charged = np.minimum(1, 2 * held["p_family_over_ridge"])
        np.testing.assert_allclose(held["p_after_looks_over_ridge"], charged)
        np.testing.assert_allclose(over.over_samples.p_after_looks, np.minimum(1, 2 * over.over_samples.p_family))
        assert any("honest: first look at these samples" in line for line in over.notes)
    # Two of the three drugs with other folds, then all three: two were judged three times, one twice.
    target = chain.stage("target")
    few = with_drugs(chain, target.y[:, :2], DRUGS[:2])
    assert set(judged(few, seed=500).targets["looks"]) == {2}
    more = judged(seed=600)
    assert more.targets.groupby("target")["looks"].first().to_dict() == {"A": 3, "B": 3, "C": 2}
    assert set(more.over_samples["looks"]) == {3}
    np.testing.assert_allclose(more.over_samples.p_after_looks, np.minimum(1, 12 * more.over_samples.p_family))


def test_many_targets_register_their_plan_before_they_run(chain, tmp_path):
    plan = tmp_path / "plan.toml"
    results = run_many_targets(asked(tmp_path, register=str(plan)), chain)
    found = tomllib.loads(plan.read_text())
    assert found["targets"] == [f"{drug}, honest" for drug in DRUGS]
    assert (found["arms"], found["references"]) == (list(ARMS), ["ridge"])
    assert results.registered.new
    other = run_many_targets(asked(tmp_path, register=str(plan), seed=7), chain)
    assert other.registered.changes == ("settings.seed: 400 -> 7",)
    write_many(other, over_targets(other), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Not run as registered in" in page
    assert "settings.seed: 400 -&gt; 7" in page


def test_a_gain_over_samples_is_claimed_after_looks():
    row = {"arm": "profile_gp", "reference": "ridge", "targets": 3, "samples": 20, "gain": 0.1, "ci_low": 0.01}
    rows = pd.DataFrame([{**row, "ci_high": 0.2, "p": 0.03, "p_family": 0.03}])
    before = over_samples_verdict(rows, "honest", 3, get("spearman"), 1)
    after = over_samples_verdict(rows.assign(p_after_looks=0.06), "honest", 3, get("spearman"), 1)
    assert "1 of 1 arms that use the source gain" in before
    assert "no arm that uses the source is shown to gain" in after
    assert "p 0.060 after all 1 arms and all looks" in after


def test_a_transfer_of_compounds_counts_as_better_after_looks():
    row = {"metric": "mcc", "source": "kinase", "arm": "mode1", "reference": "scratch", "size": 6, "difference": 0.2}
    rows, arms = pd.DataFrame([{**row, "p_holm": 0.03}]), pd.DataFrame(columns=["metric", "size", "value"])
    assert "1 of 1 transfers is shown to predict better" in verdict(rows, arms)[0]
    assert "none of 1 transfers is shown to differ" in verdict(rows.assign(p_after_looks=0.06), arms)[0]


def test_a_p_that_permutations_bound_is_said():
    rows = pd.DataFrame({"at_least": [0, 0, 3], "permutations": [19, 99, 40], "p_after_looks": [0.1, 0.02, 0.2]})
    (line,) = floored(rows)
    assert "of 1 row no permutation did as well, but 19 permutations are too few" in line
    assert floored(rows.iloc[1:]) == []


def test_references_of_compounds_are_known_before_the_run():
    pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")
    from tl_jax.study.compounds.settings import DtiSettings

    assert of_compounds.references(DtiSettings()) == ["scratch", "random_forest"]
    assert of_compounds.references(DtiSettings(shallow=("svc", "logistic"))) == ["scratch", "svc"]
    assert of_compounds.references(DtiSettings(methods=("scratch", "mode1"))) == ["scratch"]
    assert of_compounds.references(DtiSettings(methods=("mode1", "shallow"), shallow=())) == []


def test_a_study_of_compounds_charges_looks_and_registers(tmp_path):
    pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")
    from tl_jax.study.compounds.settings import DtiSettings
    from tl_jax.study.compounds.setup import make_setup
    from tl_jax.study.compounds.study import run_dti
    from tl_jax.study.compounds.tables import judged

    plan = tmp_path / "plan.toml"
    small = {"hidden": (4, 2), "repeats": 2, "sizes": (6,), "epochs": 1, "source_epochs": 1, "bits": 64, "quick": True}
    small |= {"sources": ("beta",), "methods": ("scratch", "shallow"), "shallow": ("logistic",)}
    given = DtiSettings(**small, checkpoint_dir=str(tmp_path), register=str(plan))
    setup = make_setup(given, tmp_path / "compounds")
    results = run_dti(given, setup)
    assert tomllib.loads(plan.read_text())["references"] == ["scratch", "logistic"]
    assert results.registered.new
    for count in (1, 1):
        table = judged(results)["comparisons"]
        assert set(table["looks"]) == {count}
        np.testing.assert_allclose(table["p_after_looks"], np.minimum(1, 2 * table["p_holm"]))
    assert any("first look at these compounds: p_after_looks is p_holm times 2" in one for one in results.ledger.notes)

    def count(**changes):
        own = dataclasses.replace(given, **changes)
        return len(of_compounds.record(own, setup))

    assert count(data="elsewhere.csv", register=None, final=("mode1",)) == 1
    assert count(seed=7) == 2
    assert count(dropout=0.2) == 3
    assert count(protocol="as_published") == 1
    assert "p_holm times 12" in note(of_compounds.record(given, setup), "p_holm", "compounds")
    labels = dataclasses.replace(setup.target, y=1 - setup.target.y)
    assert len(of_compounds.record(given, dataclasses.replace(setup, target=labels))) == 1


def test_what_a_target_was_judged_for_is_told_by_protocol():
    seen = {("honest", "A"): [{}], ("honest", "B"): [{}, {"seed": 2}], ("transductive", "A"): [{}]}
    assert of_targets.of_protocol(seen, "honest") == 2
    assert of_targets.of_protocol(seen, "transductive") == 1
    first, second = of_targets.notes(seen)
    assert first.startswith("protocol honest: these samples were judged 1 time(s) before")
    assert second.startswith("protocol transductive: first look")
