"""Judgement of scores by a truth: reasons, excluded cells, intervals apart, transfers that do harm."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from experiments import scdeal
from tl_jax.data.cells.cells import Cells
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.thresholds import Calling
from tl_jax.study.cells.judge import comparisons, intervals, judged, summarised, truth_tables
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.study import CellResults
from tl_jax.study.cells.truth import Truth, check_truth

RANDOM = np.random.default_rng(4)
STATE = np.array(["parental", "resistant", "holiday", ""])[np.arange(80) % 4]


class Held:
    """What a judgement needs of a setup."""

    cells = Cells(np.zeros((80, 1)), np.arange(80).astype(str), np.array(["A"]), "log", pd.DataFrame({"state": STATE}))


@pytest.fixture
def results():
    right = np.where(STATE == "parental", 1.0, 0.0)
    scores = {
        "ridge_smoothed": right + RANDOM.normal(scale=0.8, size=(5, 80)),
        "network": right + RANDOM.normal(scale=0.8, size=(3, 80)),
        "network_mmd": -right + RANDOM.normal(scale=0.8, size=(3, 80)),
    }
    found = CellResults(CellSettings(smooth=10), Held(), scores)
    return replace(
        found,
        callings={"ridge_smoothed": Calling(0.5, 1.0, 0.0)},
        varies={"network": "seeds", "network_mmd": "seeds"},
        before={"network_mmd": "network"},
    )


def test_excluded_cells_are_left_out_and_counted_beside(results):
    tables = truth_tables(results, Truth("state", ("parental", "holiday"), exclude=("holiday",)))
    score = results.scores["ridge_smoothed"]
    for name, kept in (("arms", np.isin(STATE, ["parental", "resistant"])), ("counted", STATE != "")):
        truth = np.isin(STATE, ["parental", "holiday"])[kept]
        expected = np.mean([roc_auc_score(truth, row[kept]) for row in score])
        found = tables[name].set_index(["arm", "metric"]).loc[("ridge_smoothed", "auroc"), "mean"]
        assert found == pytest.approx(expected)
    with pytest.raises(InputError, match="--truth_exclude=holidy"):
        truth_tables(results, Truth("state", ("parental",), exclude=("holidy",)))


def test_one_class_alone_has_no_intervals_but_a_reason(results):
    tables = truth_tables(results, Truth("state", ("parental", "resistant", "holiday")))
    assert {"metrics", "arms"} == set(tables)
    rows = tables["arms"].set_index(["arm", "metric"])
    assert rows.loc[("network", "auroc"), "reason"] == "one class only: all 60 are sensitive"
    assert np.isnan(rows.loc[("network", "auroc"), "mean"])
    assert rows.loc[("ridge_smoothed", "brier"), "reason"] == ""


def test_intervals_are_apart_and_say_what_varies(results):
    truth = np.where(STATE == "", np.nan, STATE == "parental")
    table = intervals(results, truth, judged(results, truth)).set_index(["arm", "metric", "over"]).sort_index()
    assert set(table.loc["network", "auroc"].index) == {"cells", "seeds"}
    assert set(table.loc["ridge_smoothed", "mcc_at_threshold"].index) == {"cells", "lines"}
    assert ("network", "mcc_at_threshold", "cells") not in table.index  # it has no threshold of held-out lines
    assert table.loc[("network", "auroc", "cells"), "n"] == 60
    assert table.loc[("network", "auroc", "seeds"), "n"] == 3
    assert (table["ci_low"] <= table["value"]).all()
    assert (table["value"] <= table["ci_high"]).all()


def test_a_transfer_that_turns_the_sign_is_named(results):
    truth = np.where(STATE == "", np.nan, STATE == "parental")
    table = comparisons(results, truth).set_index(["arm", "reference", "over"])
    assert table.loc[("network_mmd", "network", "seeds"), "harm"]
    assert table.loc[("network", "ridge_smoothed", "lines"), "draws"] == 3  # those that both have
    truth_tables(results, Truth("state", ("parental",)))
    named = [note for note in results.ledger.notes if note.startswith("negative transfer")]
    assert len(named) == 1
    assert "network_mmd is shown to do worse than network" in named[0]
    flipped = table["p_holm"] >= 0.05
    assert not table.loc[flipped, "harm"].any()


def test_more_seeds_than_draws_are_held_against_the_score_in_both_ways(results):
    """Over seeds, seed k stands beside draw k of the lines, counted around; over lines, the first of each draw."""
    right = np.where(STATE == "parental", 1.0, 0.0)
    many = right + RANDOM.normal(scale=2.0, size=(20, 80))
    results = replace(results, scores=results.scores | {"network": many}, varies={"network": "seeds"})
    truth = np.where(STATE == "", np.nan, STATE == "parental")
    known = np.isfinite(truth)
    table = comparisons(results, truth).set_index(["arm", "reference", "over"])
    lines, seeds = (table.loc[("network", "ridge_smoothed", over)] for over in ("lines", "seeds"))
    assert (lines["draws"], seeds["draws"]) == (5, 20)
    ridge = [roc_auc_score(truth[known], row[known]) for row in results.scores["ridge_smoothed"]]
    network = [roc_auc_score(truth[known], row[known]) for row in many]
    assert seeds["difference"] == pytest.approx(np.mean(network) - np.mean(ridge))
    assert lines["difference"] == pytest.approx(np.mean(network[:5]) - np.mean(ridge))
    assert seeds["ci_high"] - seeds["ci_low"] < lines["ci_high"] - lines["ci_low"]
    assert ("network_mmd", "ridge_smoothed", "seeds") not in table.index  # its draws differ in lines


def test_a_summary_has_the_share_of_draws_below_half(results):
    truth = np.where(STATE == "", np.nan, STATE == "parental")
    rows = summarised(results, truth, judged(results, truth)).set_index(["arm", "metric"])
    known = np.isfinite(truth)
    mean = results.scores["network"].mean(axis=0)
    assert rows.loc[("network", "auroc"), "of_score"] == roc_auc_score(truth[known], mean[known])
    assert rows.loc[("network_mmd", "auroc"), "below_half"] == 1
    assert np.isnan(rows.loc[("network_mmd", "prevalence"), "below_half"])


def test_mixtures_are_judged_by_the_weighted_response_of_their_lines(results):
    share = RANDOM.random(80)
    obs = pd.DataFrame({"a": share, "b": 1 - share, "rna": RANDOM.random(80), "word": STATE})
    held = Held()
    held.cells = replace(Held.cells, obs=obs)
    held.truth_lines = pd.Series({"NCIH1975": 0.9, "A549": 0.3})
    own = replace(results, setup=held, scores={"ridge_smoothed": np.stack([share, -share])})
    asked = Truth(mixture=(("a", "A-549"), ("b", "H1975")), against=("rna",))
    table = truth_tables(own, asked)["graded"].set_index("against")
    assert table.loc["measured sensitivity", "spearman"] == pytest.approx(0.0, abs=1e-12)
    assert table.loc["measured sensitivity", "sd"] == pytest.approx(np.sqrt(2))
    one = replace(own, scores={"ridge_smoothed": np.stack([share, share])})
    rows = truth_tables(one, asked)["graded"].set_index("against")["spearman"]
    assert rows["measured sensitivity"] == pytest.approx(1)  # A549 is the sensitive one
    assert rows["rna"] == pytest.approx(pd.Series(share).corr(obs["rna"], method="spearman"))
    for wrong, words in ((Truth(mixture=(("a", "H358"),)), "H358"), (Truth(against=("word",)), "no number")):
        with pytest.raises(InputError, match=words):
            truth_tables(own, wrong)


def test_what_is_asked_for_is_there_before_the_work():
    """Replicates need no truth; a name that is mistyped is found at once."""
    small = CellSettings(min_genes=100)
    scdeal.plan(small, Truth(replicates="sensitive", against=("sensitive",)))
    wrong = {"replicate_column": Truth(replicates="batch"), "against": Truth(against=("rna",)), "truth": Truth("state")}
    wrong |= {"mixture": Truth(mixture=(("sensitive", "A549"),)), "truth_exclude": Truth("sensitive", exclude=("2",))}
    for flag, asked in wrong.items():
        with pytest.raises(InputError, match=f"--{flag}"):
            scdeal.plan(small, asked)


def test_a_transfer_of_one_seed_is_shown_to_do_no_harm(results):
    few = {arm: scores[: 1 if arm.startswith("network") else 5] for arm, scores in results.scores.items()}
    own = replace(results, scores=few)
    truth_tables(own, Truth("state", ("parental",), exclude=("holiday",)))
    assert not [note for note in own.ledger.notes if note.startswith("negative transfer")]


def of_units(results, units):
    held = Held()
    held.cells = replace(Held.cells, obs=Held.cells.obs.assign(donor=units))
    return replace(results, setup=held)


def test_cells_that_are_units_of_their_own_change_no_test(results):
    truth = np.where(STATE == "", np.nan, STATE == "parental")
    own = of_units(results, [f"d{k}" for k in range(80)])
    tables = truth_tables(own, Truth("state", ("parental",), unit="donor"))
    pd.testing.assert_frame_equal(tables["comparisons"], comparisons(results, truth))
    rows = tables["intervals"].set_index(["arm", "metric", "over"])
    assert rows.loc[("network", "auroc", "donor"), "n"] == 60
    plain = intervals(results, truth, judged(results, truth)).set_index(["arm", "metric", "over"])
    ends = ["ci_low", "ci_high"]  # another method, the same question
    found, before = rows.loc[("network", "auroc", "donor"), ends], plain.loc[("network", "auroc", "cells"), ends]
    np.testing.assert_allclose(found.astype(float), before.astype(float), atol=0.03)


def test_copies_of_a_donors_cells_add_nothing(results):
    """Each cell three times: by cells an interval narrows, by donors it stays, and so does the test."""
    place = np.repeat(np.arange(80), 3)
    held = Held()
    obs = pd.DataFrame({"state": STATE[place], "donor": place.astype(str)})
    held.cells = Cells(np.zeros((240, 1)), np.arange(240).astype(str), np.array(["A"]), "log", obs)
    many = replace(results, setup=held, scores={arm: one[:, place] for arm, one in results.scores.items()})
    asked = Truth("state", ("parental",), unit="donor")
    once, thrice = (truth_tables(one, asked) for one in (of_units(results, np.arange(80).astype(str)), many))
    pd.testing.assert_frame_equal(once["comparisons"], thrice["comparisons"])
    pd.testing.assert_frame_equal(once["intervals"], thrice["intervals"])
    by_cells = truth_tables(many, replace(asked, unit=""))["intervals"]
    one, other = (
        rows.query("arm == 'network'").eval("ci_high - ci_low").iloc[0] for rows in (by_cells, once["intervals"])
    )
    assert one < 0.75 * other


def test_a_donor_that_holds_a_class_leaves_intervals_empty(results):
    own = of_units(results, np.where(STATE == "parental", "one", np.arange(80).astype(str)))
    tables = truth_tables(own, Truth("state", ("parental",), unit="donor"))
    assert tables["comparisons"]["p"].isna().all()
    over = tables["intervals"].query("over == 'donor'")
    assert over[["ci_low", "ci_high"]].isna().all(axis=None)
    assert over["value"].notna().all()


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (np.where(np.arange(80) < 3, "", "a"), "--unit_column=donor: 3 of 60 cells with a truth have no value there"),
        (np.full(80, "a"), "all cells with a truth have one value"),
    ],
)
def test_units_that_say_nothing_are_refused(results, units, words):
    with pytest.raises(InputError, match=words):
        check_truth(of_units(results, units), Truth("state", ("parental",), unit="donor"))
