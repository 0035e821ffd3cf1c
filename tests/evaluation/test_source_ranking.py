"""Sources ranked by scores and by gains."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from tl_jax.evaluation.sources.source_ranking import agreement_notes, rank_by_scores


def frames(values, gains):
    """values: {score: list}, gains: list; sources named a, b, ..."""
    names = [chr(97 + i) for i in range(len(gains))]
    rows = [(s, score, v) for score, column in values.items() for s, v in zip(names, column, strict=True)]
    scores = pd.DataFrame(rows, columns=["source", "score", "value"])
    return scores, pd.DataFrame({"source": names, "realised_gain": gains})


def test_a_known_table():
    scores, gains = frames({"logme": [1, 3, 2, 0], "mmd": [0.1, 0.4, 0.2, 0.3]}, [0.2, 0.1, 0.0, -0.1])
    table, agreement = rank_by_scores(scores, gains)
    assert list(table.columns) == ["source", "score", "value", "realised_gain", "rank_by_score", "rank_realised"]
    assert table[table.score == "logme"].rank_by_score.tolist() == [3, 1, 2, 4]
    assert table[table.score == "mmd"].rank_by_score.tolist() == [1, 4, 2, 3]  # a distance: less is better
    assert table.rank_realised.tolist() == [1, 2, 3, 4] * 2
    assert agreement.score.tolist() == ["logme", "mmd"]
    assert agreement.sources.tolist() == [4, 4]
    np.testing.assert_allclose(agreement.spearman, [0.4, 0.4])
    assert agreement_notes(agreement) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 3)), min_size=4), st.sampled_from(["cka", "mmd"]))
def test_agreement_is_scipys_and_follows_the_direction(pairs, score):
    values, gains = zip(*pairs, strict=True)
    table, agreement = rank_by_scores(*frames({score: values}, gains))
    if len(set(values)) > 1 and len(set(gains)) > 1:
        sign = 1 if score == "cka" else -1
        np.testing.assert_allclose(agreement.spearman[0], sign * spearmanr(values, gains)[0], atol=1e-12)
        ranks = spearmanr(table.rank_by_score, table.rank_realised)[0]
        np.testing.assert_allclose(agreement.spearman[0], ranks, atol=1e-12)
    else:
        assert np.isnan(agreement.spearman[0])
        assert "the same" in agreement_notes(agreement)[0]


def test_order_of_rows_does_not_matter():
    scores, gains = frames({"cka": [5, 1, 4, 2, 3]}, [1, 2, 5, 3, 4])
    one = rank_by_scores(scores, gains)[1].spearman[0]
    assert rank_by_scores(scores.sample(frac=1, random_state=0), gains.iloc[::-1])[1].spearman[0] == one


def test_too_few_sources_are_said():
    agreement = rank_by_scores(*frames({"cka": [1, 2, 3]}, [1, 2, 3]))[1]
    assert np.isnan(agreement.spearman[0])
    assert agreement_notes(agreement) == [
        "cka: agreement with the realised gains is undefined (3 sources, at least 4 are needed)"
    ]


def test_an_undefined_value_has_no_rank():
    scores, gains = frames({"label_repeatability": [0.3, np.nan, 0.2, 0.5, 0.6]}, [5, 4, 3, 2, np.nan])
    table, agreement = rank_by_scores(scores, gains)
    np.testing.assert_array_equal(table.rank_by_score, [3, np.nan, 4, 2, 1])
    np.testing.assert_array_equal(table.rank_realised, [1, 2, 3, 4, np.nan])
    assert agreement.sources[0] == 3
    assert np.isnan(agreement.spearman[0])


def test_an_infinite_score_is_the_best():
    table, agreement = rank_by_scores(*frames({"logme": [0.1, np.inf, 0.2, 0.3]}, [1, 4, 2, 3]))
    assert table.rank_by_score.tolist() == [4, 1, 3, 2]
    assert agreement.spearman[0] == pytest.approx(1)


def test_a_score_of_ones_own():
    scores, gains = frames({"mine": [1, 2, 3, 4]}, [1, 2, 3, 4])
    with pytest.raises(ValueError, match="'mine' better or worse"):
        rank_by_scores(scores, gains)
    assert rank_by_scores(scores, gains, {"mine": True})[1].spearman[0] == 1
    assert rank_by_scores(scores, gains, {"mine": False})[1].spearman[0] == -1


def test_faults():
    scores, gains = frames({"cka": [1, 2, 3, 4]}, [1, 2, 3, 4])
    with pytest.raises(ValueError, match="gains lacks the column 'realised_gain'"):
        rank_by_scores(scores, gains.drop(columns="realised_gain"))
    with pytest.raises(ValueError, match="twice"):
        rank_by_scores(pd.concat([scores, scores]), gains)
    with pytest.raises(ValueError, match="twice"):
        rank_by_scores(scores, pd.concat([gains, gains]))
