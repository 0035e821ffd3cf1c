"""The verdict claims only what the corrected tests show, whichever way round the pairs stand."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_jax.evaluation.statistics.against import turned
from tl_jax.evaluation.statistics.comparisons import compare
from tl_jax.evaluation.statistics.verdict import is_transfer, verdict, versus

COLUMNS = ["experiment", "protocol", "source", "arm", "repeat", "fold", "metric", "value", "n_train", "n_test"]


def metrics(levels, protocol="honest", spread=0.02, metric="spearman"):
    """Values per fold around the given levels, on folds whose difficulty all arms share."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, (10, 4))
    rows = [
        ("exp", protocol, source, arm, repeat, fold, metric, level + noise[repeat, k] + rng.normal(0, spread))
        + ((22, 22) if fold == "pooled" else (14, (8, 7, 7)[k]))
        for (arm, source), level in levels.items()
        for repeat in range(10)
        for k, fold in enumerate((0, 1, 2, "pooled"))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def against_scratch(frame):
    return compare(frame, by_source=False, reference="scratch")


def said(levels, detectable=None, **more):
    frame = metrics(levels, **more)
    return verdict(against_scratch(frame), frame, detectable)


EQUAL = {("scratch", ""): 0.3, ("copy_layer1", "drug"): 0.31, ("fine_tune", "drug"): 0.29, ("ridge", ""): 0.3}


def test_equal_arms_get_no_claim():
    text = said(EQUAL, spread=0.2)
    assert text.startswith("On 22 samples no transfer is shown to beat training from scratch: the best of 2, ")
    assert "better" not in text
    assert "the best baseline, ridge, reaches a Spearman of 0." in text
    assert "picked by its result, so no difference is claimed" in text
    assert text.endswith(".")


def test_ridge_is_the_reference_unless_another_is_fixed():
    frame = metrics({**EQUAL, ("ridge", ""): 0.9})
    text = verdict(compare(frame, by_source=False), frame)
    assert "no transfer is shown to beat ridge on the target's own genes: the best of 2, " in text
    assert "negative transfer: 2 of 2 are shown to do worse than ridge, " in text
    assert "the best baseline" not in text


def test_lower_on_average_is_no_harm():
    text = said({**EQUAL, ("copy_layer1", "drug"): 0.28}, spread=0.2)
    assert "negative transfer" not in text
    assert re.search(r"[12] of 2 (is|are) lower than scratch on average, not shown to be worse", text)


def test_the_verdict_reads_the_p_that_is_charged():
    frame = metrics({**EQUAL, ("copy_layer1", "drug"): 0.7})
    rows = against_scratch(frame)
    assert "is better than" in verdict(rows.assign(p_after_looks=rows["p_family"]), frame)
    assert "no transfer is shown" in verdict(rows.assign(p_after_looks=1.0), frame)


def test_a_table_of_an_earlier_version_is_read_by_its_own_columns():
    frame = metrics({**EQUAL, ("copy_layer1", "drug"): 0.7})
    earlier = compare(frame, by_source=False).drop(columns=["p", "p_family", "family", "reference", "test"])
    assert "1 of 2 transfer arms is better than training from scratch: copy_layer1" in verdict(earlier, frame)


def test_a_shown_gain_is_named_with_its_interval():
    text = said({**EQUAL, ("copy_layer1", "drug"): 0.7})
    assert "1 of 2 transfer arms is better than training from scratch: copy_layer1 from drug gains +0.4" in text
    assert "after all corrections" in text


def test_a_study_judged_by_an_error_calls_less_better():
    levels = {("scratch", ""): 0.6, ("copy_layer1", "drug"): 0.2, ("fine_tune", "drug"): 0.9, ("ridge", ""): 0.1}
    frame = metrics(levels, metric="rmse")
    text = verdict(against_scratch(frame), frame, metric="rmse")
    assert "1 of 2 transfer arms is better than training from scratch: copy_layer1 from drug changes by -0.397 " in text
    assert "in RMSE per fold" in text
    assert "negative transfer: 1 of 2 is shown to do worse than scratch" in text
    worst = re.search(r"the worst fine_tune from drug by ([+-]\d\.\d+)", text)
    assert worst
    assert float(worst[1]) == pytest.approx(0.3, abs=0.05)
    assert "the best baseline, ridge, reaches a RMSE of 0.0974 against 0.201, picked by its result" in text
    assert "Spearman" not in text
    alone = metrics({("scratch", ""): 0.5, ("ridge", ""): 0.3}, metric="rmse")
    said_alone = verdict(compare(alone, by_source=False), alone, metric="rmse")
    assert "the lowest RMSE per fold is that of ridge (0.3" in said_alone


def test_harm_is_named():
    text = said({**EQUAL, ("fine_tune", "drug"): -0.2})
    assert "negative transfer: 1 of 2 is shown to do worse than scratch, the worst fine_tune from drug by -0.5" in text


def test_the_order_of_arms_does_not_matter():
    # Exactly the same values, only turned round, so that a pair stands the other way.
    frame = metrics(EQUAL)
    other = pd.concat([rows for _, rows in reversed(list(frame.groupby(["arm", "source"], sort=False)))])
    assert verdict(against_scratch(frame), frame) == verdict(against_scratch(other), other)


def test_turning_twice_changes_nothing():
    rows = compare(metrics(EQUAL), by_source=False)
    pd.testing.assert_frame_equal(turned(turned(rows)), rows)


def test_a_turned_pair_is_the_comparison_of_the_turned_arms():
    frame = metrics({("scratch", ""): 0.3, ("copy_layer1", "drug"): 0.4})
    swapped = frame.iloc[::-1].sort_values(["repeat"], kind="stable")
    one, other = (versus(compare(f, by_source=False), "honest").iloc[0] for f in (frame, swapped))
    numbers = [n for n in one.index if isinstance(one[n], float)]
    np.testing.assert_allclose(one[numbers].to_numpy(float), other[numbers].to_numpy(float), atol=1e-12)
    assert one["mean_difference"] > 0


def test_what_could_have_been_found():
    detectable = pd.DataFrame(
        [("scratch", "", arm, "drug", "honest", "spearman", 0.8, size) for arm, size in
         (("copy_layer1", 0.21), ("fine_tune", 0.33))],
        columns=["arm_a", "source_a", "arm_b", "source_b", "protocol", "metric", "power", "detectable"],
    )  # fmt: skip
    text = said(EQUAL, detectable)
    size = "0.21" if "copy_layer1 from drug, changes" in text else "0.33"
    assert text.endswith(f"it takes a true difference of at least {size} to be found in 80% of such studies.")


def test_other_protocols_are_not_mixed_in():
    both = pd.concat([metrics(EQUAL), metrics({**EQUAL, ("copy_layer1", "drug"): 0.9}, "as_published")])
    assert verdict(against_scratch(both), both) == said(EQUAL)
    alone = said(EQUAL, protocol="as_published")
    assert alone.startswith("Under the protocol as_published alone, without an honest one: on 22 samples")


def test_without_transfer_nothing_is_said_of_it():
    text = said({("scratch", ""): 0.3, ("ridge", ""): 0.5})
    assert "no transfer was compared with training from scratch" in text
    assert "that of ridge (0.5" in text
    assert "better" not in text


def test_the_first_variant_of_scratch_is_the_reference_and_not_the_best():
    levels = {("scratch lr=0.01", ""): 0.1, ("scratch lr=0.001", ""): 0.4, ("copy_layer1 lr=0.001", "drug"): 0.42}
    frame = metrics(levels)
    text = verdict(compare(frame, by_source=False), frame)
    assert "is better than scratch lr=0.01: copy_layer1 lr=0.001 from drug" in text


@pytest.mark.parametrize(
    ("arm", "source", "expected"),
    [
        ("copy_layer1", "drug", True),
        ("copy_layer1@50", "a > b", True),
        ("my_idea", "all sources", True),
        ("my_idea", "", False),
        ("scratch", "", False),
        ("scratch lr=0.1", "drug", False),
        ("ridge", "drug", False),
    ],
)
def test_which_arms_are_transfer(arm, source, expected):
    assert is_transfer(arm, source) is expected


IDEAS = metrics({("scratch", ""): 0.3, **{(f"idea{k}", "drug"): 0.3 for k in range(5)}})


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-0.6, 0.6), st.floats(0, 1)), min_size=1, max_size=5))
def test_better_is_never_said_without_a_corrected_p(arms):
    columns = ["protocol", "metric", "source_a", "arm_a", "source_b", "arm_b", "mean_difference", "ci_low", "ci_high"]
    rows = [
        ("honest", "spearman", "drug", f"idea{k}", "", "scratch", gain, gain - 0.1, gain + 0.1, p, 0.4, 0.4)
        for k, (gain, p) in enumerate(arms)
    ]
    text = verdict(pd.DataFrame(rows, columns=[*columns, "p_holm", "p_better", "p_worse"]), IDEAS)
    shown = sum(gain > 0 and p < 0.05 for gain, p in arms)
    assert (" better than training from scratch" in text) == (shown > 0)
    assert not shown or f"{shown} of {len(arms)} transfer arms" in text
