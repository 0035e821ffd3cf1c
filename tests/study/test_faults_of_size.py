"""What a few samples do not allow is known before any training; the audit says what each protocol lends."""

import dataclasses

import numpy as np
import pytest

from tl_jax.errors import InputError
from tl_jax.study.cohort import prepare as preparing
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.study import prepare_study, with_extras
from tl_jax.study.core.leak_audit import leak_audit
from tl_jax.study.core.nested import inner_problem
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.protocol import PROTOCOLS

STUDY = EXPERIMENTS["two_step_study"]
ASKED = {"permutations": 19, "curve_repeats": 1, "levels": 2}


@pytest.fixture
def eight(cohort):
    """The chain with 8 samples of the target."""
    return dataclasses.replace(cohort, domains=(*cohort.domains[:2], cohort.domains[2].rows(np.arange(8))))


def settings_of(small, **changes):
    options = {"strategies": ("scratch", "freeze_layer1", "feature_ridge"), "baselines": ("ridge",), "epochs": 2}
    return with_extras(STUDY, small(**{**options, **changes}), **ASKED)


def test_a_study_of_eight_samples_is_planned_without_its_nested_choice(eight, small):
    """That it runs to its end is a test of the script (test_small_cohorts)."""
    plan = prepare_study(STUDY, settings_of(small), dict.fromkeys(("honest", "as_published"), eight))
    assert any(note.startswith("the nested choice left out: ") for note in plan.own.notes)


def test_a_protocol_beside_that_cannot_be_is_left_out_before_training(eight, small):
    settings = settings_of(small, split="leave_one_out")
    plan = prepare_study(STUDY, settings, dict.fromkeys(("honest", "as_published"), eight))
    assert plan.beside == ()
    assert "the protocol as_published left out: " in plan.notes[-1]


def test_one_repeat_has_no_variance_split(eight, small):
    plan = prepare_study(STUDY, settings_of(small, repeats=1), {"honest": eight})
    assert any("the variance split left out: " in note and "--repeats" in note for note in plan.own.notes)


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name.startswith("exp")])
def test_eight_samples_are_planned_or_refused_before_training(name, cohort, small, monkeypatch):
    """Every experiment on a chain of eight samples each; nothing is trained to find out."""
    chain = dataclasses.replace(cohort, domains=tuple(d.rows(np.arange(8)) for d in cohort.domains))
    strategies = ("scratch",) if not EXPERIMENTS[name].routes else ("scratch", "copy_layer1")
    for folds, fits in ((2, True), (3, True), (5, False)):
        settings = small(strategies=strategies, folds=folds)
        if fits:
            assert preparing.prepare(EXPERIMENTS[name], settings, chain).groups
        else:
            with pytest.raises(InputError, match="stratified folds"):
                preparing.prepare(EXPERIMENTS[name], settings, chain)


def test_one_drug_of_several_that_is_too_small_is_left_out(cohort, small):
    source = cohort.domains[0]
    y = source.y.copy()
    y[3:, source.column("Oxaliplatin")] = np.nan
    chain = dataclasses.replace(cohort, domains=(dataclasses.replace(source, y=y), *cohort.domains[1:]))
    settings = small(strategies=("scratch",), source_drugs=())
    plan = preparing.prepare(EXPERIMENTS["exp1_gdsc"], settings, chain)
    assert "Oxaliplatin" not in plan.drugs
    assert len(plan.drugs) == len(cohort.source_drugs) - 1
    assert any(note.startswith("Oxaliplatin left out: ") for note in plan.notes)


@pytest.mark.parametrize(
    ("protocol", "sees"), [("honest", "nothing"), ("as_published", "labels"), ("transductive", "expression")]
)
def test_the_audit_says_what_the_nested_choice_sees(cohort, protocol, sees):
    domain = cohort.stage("target").for_drug(cohort.drug)
    problem = Problem.drawn(domain, Partition(3, 1, 400), PROTOCOLS[protocol])
    inner = inner_problem(problem)
    audit = leak_audit(problem, cohort, ("source",), inner=inner).set_index("stage")
    assert audit.loc["selection", "held_out"] == sees
    # It is true: held-out rows of an outer fold do or do not reach the statistics of its inner ones.
    held = problem.folds[0].fold.test
    for what, column in (("expression", "train"), ("labels", "response")):
        x, y = domain.x.copy(), domain.y.copy()
        x[held], y[held] = (x[held] + 5, y[held]) if what == "expression" else (x[held], y[held] + 5)
        other = inner_problem(
            dataclasses.replace(problem, domain=dataclasses.replace(domain, x=x, y=y, replicate=None))
        )
        before, after = (getattr(one.folds[0], column) for one in (inner, other))
        same = before == after if what == "labels" else np.array_equal(before.center, after.center)
        assert same != (what in sees)


def test_a_network_that_sees_lent_expression_is_named(cohort):
    domain = cohort.stage("target").for_drug(cohort.drug)
    for protocol, sees in (("honest", "nothing"), ("transductive", "expression")):
        problem = Problem.drawn(domain, Partition(3, 1, 400), PROTOCOLS[protocol])
        audit = leak_audit(problem, cohort, (), moved=True).set_index("what")
        assert audit.loc["networks", "held_out"] == sees
        assert leak_audit(problem, cohort, ()).set_index("what").loc["networks", "held_out"] == "nothing"
