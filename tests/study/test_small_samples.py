"""Cohorts of very few samples: refused before any training, or run to the end with a remark for what is left out."""

from functools import partial

import numpy as np
import pytest
from selection import some

from tl_jax.config import NetworkConfig
from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.splits import KINDS
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import BASELINES
from tl_jax.study.core.arms import Arm, How, fitted, run_arms
from tl_jax.study.core.examine import draw_examination
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.settings import Extras

ASKED = Extras(("ridge",), permutations=19, curve_repeats=1, levels=2, nested=("ridge",))
PARTS = {
    "inner": "the nested choice",
    "permuted": "permutations",
    "thinned": "learning curves",
    "varied": "the variance split",
}
QUICK = ("mean", "ridge", "shrunken_ridge", "kernel_ridge", "svr", "elastic_net")


def target(samples):
    cohort = simulate(seed=3, genes=40, n_source=40, n_intermediate=8, n_target=samples)[0]
    return cohort.stage("target").for_drug(cohort.drug)


def drawn(samples, kind, folds=3, protocol="honest", repeats=2):
    """(problem, its examination), or None where the folds themselves are refused."""
    try:
        problem = Problem.drawn(target(samples), Partition(folds, repeats, 400, kind), PROTOCOLS[protocol])
    except InputError:
        return None
    return problem, draw_examination(problem, ASKED)


@pytest.mark.parametrize("protocol", some(PROTOCOLS, "honest"))
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_examined_is_drawn_or_named_as_left_out(kind, protocol):
    """Of 4 to 12 samples in 2 to 4 folds; nothing is left to fail once training has begun."""
    judged = 0
    for samples in range(4, 13):
        for folds in (2, 3, 4):
            found = drawn(samples, kind, folds, protocol)
            if found is None:
                continue
            judged += 1
            problem, examination = found
            for part, name in PARTS.items():
                remarks = [text for text in examination.left_out if text.startswith(f"{name} left out: ")]
                assert (getattr(examination, part) is None) == (len(remarks) == 1)
            problems = [problem, examination.inner, examination.permuted, *(examination.thinned or {}).values()]
            for f in (f for one in problems if one for f in one.folds):
                assert len(f.fold.train) >= 2
                assert len(f.fold.test) >= 1
    assert judged >= 9 or (kind, protocol) == ("leave_one_out", "as_published")


@pytest.mark.parametrize("samples", some([4, 5, 8], 4))
def test_closed_forms_predict_on_whatever_was_drawn(samples):
    known = [name for name in QUICK if name in BASELINES]
    arms = [Arm(name, predict=partial(fitted, BASELINES[name], marker=None, seed=1)) for name in known]
    ran = 0
    for kind in KINDS:
        found = drawn(samples, kind)
        for problem in [found[0], found[1].inner, *(found[1].thinned or {}).values()] if found else ():
            if problem:
                table = run_arms(problem.on(problem.folds[:3]), arms, How(NetworkConfig()))
                assert np.isfinite(table.predictions["y_pred"]).all()
                ran += 1
    assert ran >= 2


@pytest.mark.parametrize(
    ("samples", "protocol", "words"),
    [
        (8, "honest", ["the nested choice left out: only 2 samples lie on one side of the median response"]),
        (8, "as_published", ["the nested choice left out: only 2 samples"]),
        (6, "honest", ["the nested choice left out: ", "learning curves left out: they begin at 4 training samples, "]),
    ],
)
def test_why_a_part_is_left_out(samples, protocol, words):
    _, examination = drawn(samples, "stratified", protocol=protocol)
    assert len(examination.left_out) == len(words)
    for text, start in zip(examination.left_out, words, strict=True):
        assert text.startswith(start)


def test_one_partition_has_no_variance_split():
    _, examination = drawn(8, "stratified", repeats=1)
    assert "the variance split left out: it compares partitions, so that at least 2 --repeats are needed" in (
        examination.left_out
    )
