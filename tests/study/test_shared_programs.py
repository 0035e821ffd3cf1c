"""Arms that share a program, learning rates and epochs read on the way: the same tables as alone."""

import pandas as pd
import pytest

from tl_jax.errors import InputError


def predictions(results, arm):
    table = results.table("predictions")
    return table[table.arm == arm].drop(columns="arm").reset_index(drop=True)


def close(one, other):
    pd.testing.assert_frame_equal(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.full
def test_arms_of_one_program_equal_each_alone(run, small, cohort):
    """Two strategies from two source drugs, trained as one axis."""
    options = {"baselines": (), "repeats": 1, "source_drugs": cohort.source_drugs[:2]}
    together = run("exp6_source_to_target", small(strategies=("copy_layer1", "fine_tune"), **options), cohort)
    assert "arm copy_layer1+fine_tune" in together.seconds
    table = together.table("predictions")
    assert table.groupby(["arm", "source"]).size().nunique() == 1
    assert table.groupby(["arm", "source"]).ngroups == 4
    alone = run("exp6_source_to_target", small(strategies=("fine_tune",), **options), cohort)
    close(predictions(together, "fine_tune"), predictions(alone, "fine_tune"))
    assert {w.name for w in together.gene_weights} == {
        f"{s}:{a}" for a, s in set(zip(table.arm, table.source, strict=True))
    }


@pytest.mark.full
def test_epochs_are_read_off_one_training(run, small, cohort):
    options = {"strategies": ("scratch",), "baselines": (), "repeats": 1}
    read = run("exp4_target", small(epochs=6, read_epochs=(2, 4), **options), cohort)
    assert list(dict.fromkeys(read.table("predictions").arm)) == ["scratch@2", "scratch@4", "scratch"]
    short = run("exp4_target", small(epochs=2, **options), cohort)
    close(predictions(read, "scratch@2"), predictions(short, "scratch"))
    assert set(read.table("history").arm) == {"scratch"}
    assert len(read.stages) == 1
    with pytest.raises(InputError, match="--read_epochs=6: the training ends after 6 epochs"):
        run("exp4_target", small(epochs=6, read_epochs=(6,), **options), cohort)


@pytest.mark.full
def test_learning_rates_are_arms_of_one_program(run, small, cohort):
    options = {"strategies": ("scratch", "zero_shot"), "baselines": (), "repeats": 1, "epochs": 3}
    both = run("exp5_intermediate_to_target", small(learning_rate=(0.01, 0.001), **options), cohort)
    arms = ["scratch lr=0.01", "scratch lr=0.001", "zero_shot"]
    assert list(dict.fromkeys(both.table("predictions").arm)) == arms
    for rate in (0.01, 0.001):
        alone = run("exp5_intermediate_to_target", small(learning_rate=(rate,), **options), cohort)
        close(predictions(both, f"scratch lr={rate:g}"), predictions(alone, "scratch"))
    recipes = [stage.meta["recipe"]["learning_rate"] for stage in both.stages if stage.plan.role == "target"]
    assert recipes == [0.01, 0.001]
