"""Does an arm use what a source's labels carry? The arm again after the source has learnt labels that belong to nobody.

p is exact where the labels of a source are exchangeable given its expression (within a tissue or batch, where they are
exchangeable only there): the true labels are then one more permutation. A small p says that what this source's labels
carry is used by this arm. It does not say that the arm beats a model without a source: that takes a comparison beside
it (`beyond_scratch`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.paired import holm

STOP = 10  # permutations as good as the truth after which no more are trained (Besag and Clifford 1991)
TIE = 1e-9  # scores closer than this are equal: the same predictions, computed in another order
COLUMNS = ("arm", "source", "protocol", "permuted", "method", "observed", "permutations", "at_least", "p")
COLUMNS = (*COLUMNS, "null_mean", "null_q95", "decides")
RETRAINED, SHUFFLED, GLS = "retrained", "shuffled_rows", "gls"
METHODS = {
    RETRAINED: "the source trained again on permuted labels",
    SHUFFLED: "what the source says of the target's samples shuffled among them",
    GLS: "the source's prediction as a covariate beside the genes",
}


class Sequential(NamedTuple):
    """permutations: how many were used. at_least: those that predict as well or better. p: one-sided."""

    permutations: int
    at_least: int
    p: float


def sequential(observed: float, permuted: Sequence[float], stop: int | None = STOP) -> Sequential:
    """The p-value of permutations that end early, whatever else was computed.

    Args:
        observed: the score on true labels, more being better. permuted: (B,) scores in the order of their numbers; NaN
        (a network that diverged) counts as no worse. stop: see STOP; None: never.
    After the l-th permutation that is the `stop`-th as good as the truth p is stop / l, else (1 + at_least) / (1 + B)
    (Besag and Clifford 1991); both are at most alpha with a probability of at most alpha where the truth is one more
    permutation. NaN where the truth has no score.
    """
    scores = np.asarray(permuted, np.float64)
    if not np.isfinite(observed):
        return Sequential(len(scores), 0, float("nan"))
    reached = np.cumsum(~(scores < observed - TIE))
    if stop is not None and len(reached) and reached[-1] >= stop:
        used = int(np.argmax(reached >= stop)) + 1
        return Sequential(used, stop, stop / used)
    count = int(reached[-1]) if len(reached) else 0
    return Sequential(len(scores), count, (1 + count) / (1 + len(scores)))


def ended(observed: float, permuted: Sequence[float], stop: int | None = STOP) -> bool:
    """Whether further permutations would change nothing."""
    return not np.isfinite(observed) or (stop is not None and sequential(observed, permuted, stop).at_least >= stop)


def needed(sources: int, least: int = 199, alpha: float = 0.05) -> int:
    """Permutations with which a p after Holm's correction over so many sources can fall well below alpha."""
    return max(least, int(np.ceil(2 * sources / alpha)) - 1)


def deciding(rows: pd.DataFrame) -> pd.Series:
    """Which row of the table speaks for its source: one arm for all sources, fixed by the order of the rows alone.

    The first arm of the table that was tested for the most sources, retrained where it was.
    """
    if rows.empty:
        return pd.Series(False, rows.index)
    ranked = rows.assign(place=[list(METHODS).index(method) for method in rows["method"]])
    counts = ranked.groupby(["arm", "place"], sort=False)["source"].nunique()
    arm, place = max(counts.index, key=lambda key: (counts[key], -key[1]))
    own = (ranked["arm"] == arm) & (ranked["place"] == place)
    return own & ~rows["source"].where(own).duplicated()


def with_gains(rows: pd.DataFrame, gains: pd.DataFrame, one_sided: bool, sign: int = 1) -> pd.DataFrame:
    """The table with `p_holm` over the sources of each arm and method, `reference`, and whether a source is shown to
    help `beyond` it.

    Args:
        gains: arm, source, reference, mean_difference, p (two-sided) of every arm minus the reference. sign: 1 where
        more of the metric is better, else -1. one_sided: see `beyond_scratch`.
    """
    found = rows.assign(p_holm=np.nan, reference="", beyond=False)
    for _, part in rows.groupby(["arm", "method"], sort=False):
        found.loc[part.index, "p_holm"] = holm(part["p"])
    known = {(row["arm"], row["source"]): row for row in gains.to_dict("records")}
    for at, row in found.iterrows():
        other = known.get((row["arm"], row["source"]))
        if other is not None:
            found.at[at, "reference"] = other["reference"]
            gain = sign * other["mean_difference"]
            found.at[at, "beyond"] = beyond_scratch(row["p_holm"], other["p"], gain, one_sided)
    return found


def words(rows: pd.DataFrame, protocol: str, alpha: float = 0.05) -> str:
    """What the source test lets one say, in a sentence; "" where nothing was tested."""
    own = rows[rows["decides"] & (rows["protocol"] == protocol) & rows["p_holm"].notna()]
    if own.empty:
        return ""
    arm, passed, count = own["arm"].iloc[0], own[own["p_holm"] <= alpha].sort_values("p", kind="stable"), len(own)
    if passed.empty:
        least = own["p_holm"].min()
        what = f"the labels of none of {count} sources are" if count > 1 else "the source's labels are not"
        return f"{what} shown to be used by {arm} (source test, least p after Holm {least:.2g})"
    named = ", ".join(f"{row['source']} (p after Holm {row['p_holm']:.2g})" for row in passed.to_dict("records")[:3])
    more = f" and {len(passed) - 3} more" if len(passed) > 3 else ""
    text = f"what the labels of {named}{more} carry is used by {arm}"
    text += f", {len(passed)} of {count} sources tested" if count > 1 else ""
    beyond = passed[passed["beyond"]]
    if beyond.empty:
        return f"{text}, which does not say that it beats {passed['reference'].iloc[0] or 'a model without a source'}"
    return f"{text}; {', '.join(beyond['source'])} also helps beyond {beyond['reference'].iloc[0]}"


def deciding_p(rows: pd.DataFrame) -> dict[str, float] | None:
    """{source: its one-sided p} of the rows that decide; None where there is none."""
    own = rows[rows["decides"].astype(bool)]
    return dict(zip(own["source"], own["p"], strict=True)) or None


def beyond_scratch(p_source: float, p_two_sided: float, gain: float, one_sided: bool, alpha: float = 0.05) -> bool:
    """Whether a source is shown to help beyond training from scratch: its labels are used, and the arm is better.

    Args:
        p_source: of this test. p_two_sided, gain: of the arm minus the arm without a source, gain > 0 being better.
        one_sided: whether the direction was registered before the run; else the comparison stays two-sided.
    """
    p = p_two_sided / 2 if one_sided else p_two_sided
    return bool(p_source <= alpha and gain > 0 and p <= alpha)
