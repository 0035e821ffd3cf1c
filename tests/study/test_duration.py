"""The time that a study of a cohort is said to take: of all that it runs, and said before anything is trained."""

from dataclasses import replace

import pytest
from scripting import script

import tl_jax as tl
from tl_jax.study.cohort.duration import folds_of, lasting, words
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.settings import Extras

QUICK = Settings(quick=True, repeats=2, strategies=("scratch",), baselines=("ridge",))


def plan(**changes):
    return prepare(EXPERIMENTS["exp4_target"], replace(QUICK, **changes), tl.load_cohort("simulated"))


def test_all_that_is_examined_is_counted():
    plain = plan()
    extras = Extras(examined=("scratch", "ridge"), nested=("ridge",), permutations=19, curve_repeats=1, levels=2)
    more = plan(extras=extras)
    [group], drawn = more.groups, more.groups[0].examination
    examined = len(drawn.permuted.folds) + sum(len(one.folds) for one in drawn.thinned.values())
    whole = folds_of(plain, plain.groups[0], "ridge")
    assert folds_of(more, group, "ridge") - whole == len(drawn.inner.folds) + examined
    assert folds_of(more, group, "scratch", network=True) - whole == examined + len(drawn.varied.folds)
    assert lasting([more]) > lasting([plain])
    assert lasting([plain, plain]) > lasting([plain])
    assert "22 samples x 2,000 genes; 2 arms on 2 x 3 folds, 1 protocol; about 1 min of one core" in words([plain])


@pytest.mark.full
def test_a_study_of_a_cohort_says_its_time_and_stops(tmp_path):
    asked = ("--cohort=simulated", "--quick", "--protocol=honest", "--beside=none", "--plan_only", "--out=out")
    code, out, err = script("two_step_study", *asked, folder=tmp_path)
    assert code == 0, err
    assert "of one core" in out
    assert out.rstrip().endswith("nothing was trained")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
