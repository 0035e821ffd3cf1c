"""Whether scores that were known before training put sources in the order that training then shows."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from tl_jax.evaluation.sources.transferability import SCORES
from tl_jax.evaluation.statistics.metrics import rank_correlation

# Three sources have six orders: one in six studies would show perfect agreement by chance.
FEWEST = 4
TABLE = ("source", "score", "value", "realised_gain", "rank_by_score", "rank_realised")
AGREEMENT = ("score", "sources", "spearman")


def rank_by_scores(
    scores: pd.DataFrame, gains: pd.DataFrame, higher_is_better: Mapping[str, bool] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(table, agreement): every source ranked by each score and by what it gained.

    scores: source, score, value. gains: source, realised_gain (of one arm over training from scratch, more is
    better). higher_is_better: {score: whether more is better} of scores that `transferability.SCORES` does not know.

    table: source, score, value, realised_gain, rank_by_score, rank_realised; rank 1 is best, ties share their mean
    rank, an undefined value has no rank (NaN). agreement: score, sources (those with both values), spearman of the two
    orders: 1 where the score orders sources as the gains do. NaN for fewer than four sources, and where all are equal.
    Raises ValueError for a missing column, a repeated row, or a score of unknown direction.
    """
    direction = {name: score.higher_is_better for name, score in SCORES.items()} | dict(higher_is_better or {})
    _check(scores, gains, direction)
    table = scores[["source", "score", "value"]].merge(gains[["source", "realised_gain"]], on="source", how="left")
    directed = table["value"] * table["score"].map({name: 1 if more else -1 for name, more in direction.items()})
    table["rank_by_score"] = directed.groupby(table["score"], sort=False).rank(ascending=False)
    table["rank_realised"] = table.groupby("score", sort=False)["realised_gain"].rank(ascending=False)
    rows = []
    for name, part in table.assign(directed=directed.rank()).groupby("score", sort=False):  # ranks: LogME may be inf
        both = part[["directed", "realised_gain"]].dropna()
        agree = rank_correlation(both["directed"], both["realised_gain"]) if len(both) >= FEWEST else float("nan")
        rows.append((name, len(both), agree))
    return table[list(TABLE)], pd.DataFrame(rows, columns=list(AGREEMENT))


def agreement_notes(agreement: pd.DataFrame) -> list[str]:
    """A line for each reason why the agreement of some scores is undefined."""
    undefined = agreement[agreement["spearman"].isna()]
    few = undefined["sources"] < FEWEST
    why = [
        f"{n} sources, at least {FEWEST} are needed" if is_few else "all values or all gains are the same"
        for n, is_few in zip(undefined["sources"], few, strict=True)
    ]
    groups = undefined.assign(why=why).groupby("why", sort=False)["score"]
    return [f"{', '.join(names)}: agreement with the realised gains is undefined ({why})" for why, names in groups]


def _check(scores: pd.DataFrame, gains: pd.DataFrame, direction: Mapping[str, bool]) -> None:
    for frame, name, columns in ((scores, "scores", TABLE[:3]), (gains, "gains", ("source", "realised_gain"))):
        missing = [column for column in columns if column not in frame]
        if missing:
            raise ValueError(f"{name} lacks the column '{missing[0]}'")
    for frame, key in ((scores, ["source", "score"]), (gains, ["source"])):
        if frame.duplicated(key).any():
            raise ValueError(f"{' and '.join(key)} {tuple(frame[frame.duplicated(key)][key].iloc[0])} occur twice")
    unknown = sorted(set(scores["score"]) - set(direction))
    if unknown:
        raise ValueError(f"is more of '{unknown[0]}' better or worse? say so in higher_is_better")
