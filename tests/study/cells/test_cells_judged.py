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
from tl_jax.study.cells.truth import Truth

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
    table = comparisons(results, truth).set_index(["arm", "reference"])
    assert table.loc[("network_mmd", "network"), "harm"]
    assert table.loc[("network", "ridge_smoothed"), "draws"] == 3  # those that both have
    truth_tables(results, Truth("state", ("parental",)))
    named = [note for note in results.ledger.notes if note.startswith("negative transfer")]
    assert len(named) == 1
    assert "network_mmd is shown to do worse than network" in named[0]
    flipped = table["p_holm"] >= 0.05
    assert not table.loc[flipped, "harm"].any()


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
