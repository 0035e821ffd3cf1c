"""Does an arm use what a source's labels carry? The arm again after the source has learnt labels that belong to nobody.

p is exact where the labels of a source are exchangeable given its expression (within a tissue or batch, where they are
exchangeable only there): the true labels are then one more permutation. A small p says that what this source's labels
carry is used by this arm. It does not say that the arm beats a model without a source: that takes a comparison beside
it (`with_gains`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.families import ALPHA
from tl_jax.evaluation.statistics.paired import holm
from tl_jax.evaluation.statistics.sequential import after_looks

STOP = 10  # permutations as good as the truth after which no more are trained (Besag and Clifford 1991)
TIE = 1e-9  # scores closer than this are equal: the same predictions, computed in another order
COLUMNS = (
    *("arm", "source", "protocol", "permuted", "method", "observed", "permutations", "at_least", "p"),
    *("null_mean", "null_q95", "decides"),
)
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


def needed(sources: int, least: int = 199, alpha: float = ALPHA) -> int:
    """Permutations with which p can fall below alpha after Holm's correction over so many sources and a first look."""
    return max(least, int(np.ceil(3 * sources / alpha)) - 1)


def floored(rows: pd.DataFrame) -> list[str]:
    """A remark where no permutation did as well, and p still fails after all corrections: more of them could show it.

    rows: with the columns at_least, permutations, p_after_looks.
    """
    own = rows[(rows["at_least"] == 0) & (rows["p_after_looks"] > ALPHA)]
    if own.empty:
        return []
    count = int(own["permutations"].max())
    return [
        f"source test: of {len(own)} row{'s' if len(own) > 1 else ''} no permutation did as well, but {count} "
        "permutations are too few for a p below .05 after all corrections; ask for more (--source_permutations)"
    ]


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


def with_gains(rows: pd.DataFrame, gains: pd.DataFrame, looks: int, one_sided: bool, sign: int = 1) -> pd.DataFrame:
    """The table with `p_holm` over the sources of each arm and method, `p_after_looks`, which is that charged for all
    looks at the samples, the `reference`, and whether a source is shown to help `beyond` it.

    Args:
        gains: arm, source, reference, mean_difference, p (two-sided) of every arm minus the reference. sign: 1 where
        more of the metric is better, else -1. one_sided: whether the direction was registered before the run.
    Beyond is what passes both tests: that of the source, and among the sources that pass it the comparison of the arm,
    Holm's correction over these sources and the looks counted in both.
    """
    names = ["arm", "source"]
    known = gains.set_index(names)[["reference", "mean_difference", "p"]].rename(columns={"p": "p_gain"})
    found = rows.join(known, on=names).assign(p_holm=np.nan, p_after_looks=np.nan, beyond=False)
    for _, part in rows.groupby(["arm", "method"], sort=False):
        found.loc[part.index, "p_holm"] = holm(part["p"])
        found.loc[part.index, "p_after_looks"] = [after_looks(p, looks) for p in found.loc[part.index, "p_holm"]]
        own = found.loc[part.index]
        passed = own[(own["p_after_looks"] <= ALPHA) & (sign * own["mean_difference"] > 0)]
        gained = holm(passed["p_gain"] / (2 if one_sided else 1))
        found.loc[passed.index, "beyond"] = [after_looks(p, looks) <= ALPHA for p in gained]
    return found.drop(columns=["mean_difference", "p_gain"]).fillna({"reference": ""})


def words(rows: pd.DataFrame, protocol: str) -> str:
    """What the source test lets one say, in a sentence; "" where nothing was tested."""
    own = rows[rows["decides"] & (rows["protocol"] == protocol) & rows["p_after_looks"].notna()]
    if own.empty:
        return ""
    arm, count = own["arm"].iloc[0], len(own)
    passed = own[own["p_after_looks"] <= ALPHA].sort_values("p", kind="stable")
    if passed.empty:
        least = own["p_after_looks"].min()
        what = f"the labels of none of {count} sources are" if count > 1 else "the source's labels are not"
        return f"{what} shown to be used by {arm} (source test, least p {least:.2g})"
    named = ", ".join(f"{row['source']} (p {row['p_after_looks']:.2g})" for row in passed.to_dict("records")[:3])
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
