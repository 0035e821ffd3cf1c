"""A table of many targets in place of a cohort's own target response."""

import numpy as np
import pytest

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.errors import InputError

TABLE = "line,Olaparib,Cisplatin\np3,0.9,0.3\np1,0.7,\np2,0.5,0.1\nelsewhere,0.1,0.1\n"


def with_table(load, text=TABLE, **options):
    (load.folder / "many.csv").write_text(text)
    load()
    return load_cohort(load.folder / "own.toml", load.folder, targets=Targets("many.csv", **options))


def test_the_table_takes_the_place_of_the_target_alone(load):
    plain, cohort = load(), with_table(load, unit="viability", direction="sensitive")
    target = cohort.stage("target")
    assert target.drugs == ("Cisplatin", "Olaparib")
    assert list(target.samples) == ["p1", "p2", "p3"]
    np.testing.assert_array_equal(target.y, [[np.nan, 0.7], [0.1, 0.5], [0.3, 0.9]])
    assert (target.unit, target.direction) == ("viability", "sensitive")
    assert target.groups[0] == target.groups[2] != target.groups[1]
    np.testing.assert_array_equal(target.x, plain.stage("target").x)
    np.testing.assert_array_equal(cohort.stage("source").y, plain.stage("source").y)
    assert cohort.drug == "Cisplatin"


def test_a_sample_without_a_response_of_its_own_takes_part(load):
    """Samples are those of the table that have expression, whatever the cohort's own response knows."""
    load()
    (load.folder / "patients_auc.csv").write_text("patient,auc\np1,0.1\np2,0.2\n")
    assert list(load().stage("target").samples) == ["p1", "p2"]
    assert list(with_table(load).stage("target").samples) == ["p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("line,A\nq1,1\nq2,2\n", "no sample has both expression and response"),
        ("line,A\np1,high\np2,2\n", "many.csv.*high"),
        ("line,A\np1,1\np1,2\n", "sample 'p1' has 2 rows"),
    ],
)
def test_a_faulty_table_is_refused_in_one_line(load, text, message):
    with pytest.raises(InputError, match=message) as caught:
        with_table(load, text)
    assert "\n" not in str(caught.value)


def test_no_table_can_be_put_into_a_simulation():
    with pytest.raises(InputError, match=r"simulates its target, which the samples of many\.csv cannot be part of"):
        load_cohort("simulated", targets=Targets("many.csv"))


def test_a_missing_table_is_named(load):
    load()
    with pytest.raises(InputError, match=r"there is no file .*absent\.csv"):
        load_cohort(load.folder / "own.toml", load.folder, targets=Targets("absent.csv"))
