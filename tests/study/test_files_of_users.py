"""Files that flags name are compared by what they hold, and a chain knows its source's spreads wherever it is used."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import tl_jax as tl
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.cohort import check_cohort
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.many_targets.settings import ManySettings

TABLE = "drug,class\nA,one\nB,one\nC,two\n"


@pytest.mark.parametrize(
    "of",
    [
        lambda path: Settings(mechanisms=path),
        lambda path: ManySettings(mechanisms=path),
        lambda path: CellSettings(networks=NetworkSettings(attention=("A2",), gmt=path)),
    ],
)
def test_what_a_file_holds_decides_whether_a_study_is_the_same(of, tmp_path):
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    for path in (one, other):
        path.write_text(TABLE)
    before = of(str(one)).science()
    assert before == of(str(other)).science()
    one.write_text(TABLE.replace("C,two", "C,one"))
    assert of(str(one)).science() != before
    one.unlink()  # whoever reads it refuses it; it is no same study meanwhile
    assert of(str(one)).science() != before


def test_a_table_of_mechanisms_that_changed_is_read_again(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(TABLE)
    assert acts_alike("A", ["A", "B", "C"], str(path)).drugs == ("A", "B")
    path.write_text("drug,class\nA,one\nB,two\nC,one\nD,two\n")
    assert acts_alike("A", ["A", "B", "C"], str(path)).drugs == ("A", "C")


def frames(*names: str) -> dict:
    rng = np.random.default_rng(0)
    found = {}
    for k, name in enumerate(names):
        x = pd.DataFrame(rng.normal(7, 1 + k, (24, 60)), columns=[f"G{g:02d}" for g in range(60)])
        x.index = [f"{name}{s:02d}" for s in range(24)]
        found[name] = x, pd.Series(rng.normal(size=24), index=x.index, name="drug")
    return found


def test_a_chain_shrinks_towards_its_source_wherever_it_is_used():
    cohort = tl.Cohort.from_frames(frames("source", "target"), scaler={"target": "shrunken"})
    expected = np.var(cohort["source"].x, axis=0, dtype=np.float64)
    np.testing.assert_allclose(cohort["target"].spread_like, expected)
    assert len(tl.rank_sources(cohort)) == 1
    assert check_cohort(cohort).parts
    assert tl.scaled(cohort["target"])[0].shape == (24, 60)


def test_a_chain_without_a_source_says_in_one_line_what_to_write(tmp_path):
    alone = tl.Cohort.from_frames(frames("target"), scaler="shrunken")
    line = "domain target is the first of its chain and has no source .*; write scaler = 'floored'"
    settings = Settings(repeats=1, folds=3, strategies=(), baselines=("ridge",), checkpoint_dir=str(tmp_path))
    for use in (
        check_cohort,
        lambda cohort: tl.scaled(cohort["target"]),
        lambda cohort: prepare(EXPERIMENTS["exp4_target"], settings, cohort),
    ):
        with pytest.raises(InputError, match=line):
            use(alone)
    prepare(EXPERIMENTS["exp4_target"], replace(settings, scaling="floored"), alone)
