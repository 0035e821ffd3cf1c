"""What the audit says of the nested choice, held against what really moves when held-out samples do."""

import dataclasses

import numpy as np
import pytest

from tl_jax.study.core.leak_audit import leak_audit
from tl_jax.study.core.nested import inner_folds, inner_problem
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.protocol import PROTOCOLS


def problem_of(domain, protocol):
    return Problem.drawn(domain, Partition(3, 2, seed=1), PROTOCOLS[protocol])


def selection(problem, cohort):
    audit = leak_audit(problem, cohort, ["source"], inner=inner_problem(problem)).set_index("stage")
    return audit.loc["selection"]


def seen_by_inner_folds(problem):
    """What of the first fold's held-out samples shapes its inner folds: found by changing it."""
    domain, held_out = problem.domain, problem.folds[0].fold.test
    x, y = domain.x.copy(), domain.y.copy()
    x[held_out] = x[held_out][:, ::-1] * 3 + 1
    y[held_out] = y[held_out] * 2 + 5
    seen = []
    for name, changes in (("expression", {"x": x}), ("labels", {"y": y})):
        other = dataclasses.replace(problem, domain=dataclasses.replace(domain, **changes))
        if statistics(other) != statistics(problem):
            seen.append(name)
    return " and ".join(seen) or "nothing"


def statistics(problem):
    """All that inner folds of the first fold take from rows, as text."""
    found = []
    for f in inner_folds(problem, 0):
        rows = [f.fold.train.tolist(), f.fold.test.tolist()]
        scalers = [part.tolist() for one in (f.train, f.test) for part in (one.center, one.scale)]
        found.append([rows, scalers, f.response, f.prepare.record() if f.prepare else None])
    return repr(found)


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_the_row_of_the_nested_choice_says_what_is_so(cohort, counted_target, protocol, prepared):
    domain = counted_target if prepared else cohort.stage("target").for_drug(cohort.drug)
    problem = problem_of(domain, protocol)
    row = selection(problem, cohort)
    assert row.held_out == seen_by_inner_folds(problem)
    assert row.result == "none in common"
    if row.held_out == "nothing":
        assert row.fitted_on == "inner folds of the training rows"
    else:
        assert f"scaled with the {row.held_out} of all samples" in row.fitted_on


def test_under_the_transductive_protocol_expression_is_seen(cohort):
    domain = cohort.stage("target").for_drug(cohort.drug)
    found = {name: selection(problem_of(domain, name), cohort).held_out for name in PROTOCOLS}
    assert found == {"honest": "nothing", "as_published": "labels", "transductive": "expression"}


def test_inner_folds_that_hold_a_held_out_row_are_found(cohort):
    problem = problem_of(cohort.stage("target").for_drug(cohort.drug), "honest")
    inner = inner_problem(problem)
    first, held_out = inner.folds[0], problem.folds[0].fold.test[:1]
    leaky = dataclasses.replace(first.fold, train=np.concatenate([first.fold.train, held_out]))
    inner = inner.on([dataclasses.replace(first, fold=leaky), *inner.folds[1:]])
    audit = leak_audit(problem, cohort, [], inner=inner).set_index("stage")
    assert audit.loc["selection", "result"] == "1 IN COMMON"
