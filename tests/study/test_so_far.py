"""What a study that still runs says of the arms that are done: the same numbers as at its end, and of no other arm."""

from functools import partial

import numpy as np
import pandas as pd

import tl_jax as tl
from tl_jax.config import NetworkConfig
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.so_far import COLUMNS, FILE


def problem() -> Problem:
    cohort = tl.load_cohort("simulated")
    target = cohort["target"].for_drug(cohort.drug)
    return Problem.drawn(target, Partition(folds=3, repeats=2, seed=4), PROTOCOLS["honest"])


def by(sign: float, domain, fold) -> np.ndarray:
    return sign * domain.x[fold.fold.test, 0].astype(float)


def read(work) -> pd.DataFrame:
    return pd.read_csv(work / FILE, keep_default_na=False)


def test_an_arm_is_told_when_it_is_done_and_not_before(tmp_path):
    seen = []

    def looks(domain, fold):
        seen.append(read(tmp_path)["arm"].tolist())
        return by(1.0, domain, fold)

    arms = [Arm("first", predict=partial(by, -1.0)), Arm("second", source="Ä", predict=looks)]
    found = run_arms(problem(), arms, How(NetworkConfig(), work=tmp_path))
    assert seen == [["first"]] * 6
    rows = read(tmp_path)
    assert set(rows) == set(COLUMNS)
    assert rows["repeats"].tolist() == [2, 2]
    metrics = found.metrics
    for row, arm in zip(rows.itertuples(), ("first", "second"), strict=True):
        own = metrics[(metrics["arm"] == arm) & (metrics["split"] == "pooled") & (metrics["metric"] == "spearman")]
        np.testing.assert_allclose(row.value, own["value"].mean(), rtol=1e-8)


def test_a_study_that_goes_on_tells_each_arm_once(tmp_path):
    arms = [Arm("first", source="=1", predict=partial(by, -1.0)), Arm("second", predict=partial(by, 1.0))]
    how = How(NetworkConfig(), work=tmp_path)
    run_arms(problem(), arms[:1], how)
    run_arms(problem(), arms, how)
    assert read(tmp_path)["arm"].tolist() == ["first", "second"]


def test_permutations_and_the_like_are_not_told(tmp_path):
    arm = Arm("first", predict=partial(by, 1.0))
    run_arms(problem(), [arm], How(NetworkConfig(), work=tmp_path), "permutations")
    run_arms(problem(), [arm], How(NetworkConfig()))
    assert not (tmp_path / FILE).exists()
