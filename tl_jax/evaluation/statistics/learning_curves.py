"""What a source gains at each size of the training set, and how many samples that gain is worth.

Both functions read one long table of a metric, one row per arm, source, protocol, size, repeat and fold: columns arm,
source ("" for arms without one), protocol, n_train, n_test (held-out rows of the fold), repeat, fold, value. A gain is
positive where the arm is better: of an error it is how much lower the arm's is.
Every size must be judged on the same folds by every arm (tl_jax/data/subsample.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import JUDGED, sign
from tl_jax.evaluation.statistics.paired import corrected_t, holm

CURVES = ("arm", "source", "protocol", "n_train", "n_test", "repeat", "fold", "value")
GAINS = ("arm", "source", "protocol", "n_train", "gain", "ci_low", "ci_high", "p_corrected", "p_holm")
EXTRA = ("arm", "source", "protocol", "n_train", "gain", "extra", "extra_low", "extra_high", "note")


def gain_map(curves: pd.DataFrame, reference: str = "scratch", metric: str = JUDGED) -> pd.DataFrame:
    """One row per protocol, size and arm with a source: its mean gain over the reference on the folds they share.

    Columns: arm, source, protocol, n_train, gain, ci_low, ci_high (95 %), p_corrected, p_holm. Intervals and p are of
    the corrected resampled t-test with the size's own n_test / n_train, p_holm counts all cells of a protocol. The
    correction was derived for training sets that are all but the held-out rows; small ones drawn out of these overlap
    less, so that it errs on the side of caution there. Folds without a value in either arm are left out.
    Raises InputError where the reference is missing, ValueError for missing columns or repeated rows.
    """
    rows = []
    for (protocol, n_train, source, arm), (difference, ratio) in _cells(_upward(curves, metric), reference):
        test = corrected_t(difference, ratio)
        gain = float(np.mean(difference)) if len(difference) else float("nan")
        rows.append((arm, source, protocol, n_train, gain, test.low, test.high, test.p))
    table = pd.DataFrame(rows, columns=list(GAINS[:-1]))
    table["p_holm"] = table.groupby("protocol", sort=False)["p_corrected"].transform(holm) if rows else []
    return table[list(GAINS)]


def extra_samples(curves: pd.DataFrame, reference: str = "scratch", metric: str = JUDGED) -> pd.DataFrame:
    """How many samples more the reference needs for the same mean: "transfer is worth `extra` samples".

    The reference's means at the measured sizes are smoothed to a curve that never falls (isotonic regression,
    weighted by folds) and joined by straight lines. extra = n' - n_train, n' being the size where this curve has
    gained `gain` over its value at n_train; less than 0 where transfer costs samples. A curve of fixed form is not
    fitted: a handful of sizes between 10 and 50 cannot tell a power law's parameters apart, and no form is agreed for
    correlations, while "more samples do not hurt" is all that is needed. extra_low, extra_high: the same for the ends
    of the gain's corrected 95 % interval; the curve itself counts as known, so the interval is too short.
    Nothing is extrapolated: beyond the measured sizes a value is NaN and `note` says which bound holds.
    """
    gains, known = gain_map(curves, reference, metric), _reference(_upward(curves, metric), reference)
    rows = []
    for protocol, part in gains.groupby("protocol", sort=False):
        sizes, level = _smoothed(known[known["protocol"] == protocol])
        for row in part.itertuples():
            n = row.n_train
            ends = [_worth(sizes, level, n, gain) for gain in (row.gain, row.ci_low, row.ci_high)]
            values, sides = zip(*ends, strict=True)
            rows.append((row.arm, row.source, protocol, n, row.gain, *values, _note(sides, sizes, n)))
    return pd.DataFrame(rows, columns=list(EXTRA))


def _upward(curves: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The curves with more being better: an error with its sign changed."""
    _check(curves)
    return curves if sign(metric) > 0 else curves.assign(value=-curves["value"])


def _cells(curves: pd.DataFrame, reference: str) -> Iterator[tuple[tuple, tuple[np.ndarray, float]]]:
    """((protocol, n_train, source, arm), (differences to the reference per fold, n_test / n_train))."""
    known = _reference(curves, reference)
    folds = ["protocol", "n_train", "repeat", "fold"]
    others = curves[(curves["source"] != "") & (curves["arm"] != reference)]
    both = others.merge(known[[*folds, "value"]], on=folds, how="left", suffixes=("", "_reference"), indicator=True)
    alone = both[both["_merge"] != "both"]
    if len(alone):
        protocol, n, repeat, fold = alone[folds].iloc[0]
        raise InputError(
            f"the arm '{reference}' has no value at {n} training rows, repeat {repeat}, fold {fold} ({protocol}), "
            f"where '{alone['arm'].iloc[0]}' has one; run both on the same folds"
        )
    both["difference"] = both["value"] - both["value_reference"]
    for protocol, source, arm in dict.fromkeys(zip(both["protocol"], both["source"], both["arm"], strict=True)):
        part = both[(both["protocol"] == protocol) & (both["source"] == source) & (both["arm"] == arm)]
        for n_train, cell in part.groupby("n_train"):
            ratio, difference = float(cell["n_test"].mean() / n_train), cell["difference"].to_numpy(np.float64)
            yield (protocol, n_train, source, arm), (difference[np.isfinite(difference)], ratio)


def _check(curves: pd.DataFrame) -> None:
    missing = [column for column in CURVES if column not in curves]
    if missing:
        raise ValueError(f"the learning curves lack the column '{missing[0]}'")
    keys = ["arm", "source", "protocol", "n_train", "repeat", "fold"]
    if curves.duplicated(keys).any():
        raise ValueError(f"two values for {tuple(curves[curves.duplicated(keys)][keys].iloc[0])}")


def _reference(curves: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Rows of the reference, which has one source or none."""
    known = curves[curves["arm"] == reference]
    if known.empty:
        there = ", ".join(dict.fromkeys(curves["arm"]))
        raise InputError(f"the learning curves have no arm '{reference}' to compare with; they have: {there}")
    if known["source"].nunique() > 1:
        raise ValueError(f"the reference '{reference}' has several sources: {', '.join(known['source'].unique())}")
    return known


def _smoothed(known: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(sizes, values) of the curve that never falls."""
    found = known[np.isfinite(known["value"])].groupby("n_train")["value"].agg(["mean", "size"])
    if found.empty:
        return np.empty(0), np.empty(0)
    sizes = found.index.to_numpy(np.float64)
    return sizes, IsotonicRegression().fit_transform(sizes, found["mean"], sample_weight=found["size"])


def _worth(sizes: np.ndarray, level: np.ndarray, n: float, gain: float) -> tuple[float, int]:
    """(samples, 0), or (NaN, 1 or -1) where the gain leads above the largest or below the smallest size."""
    if np.isnan(gain) or n not in sizes:
        return float("nan"), 0
    here = level[sizes == n][0]
    nearest = level[np.argmin(np.abs(level - here - gain))]
    wanted = nearest if abs(nearest - here - gain) < 1e-12 else here + gain  # rounding crosses no flat part
    if wanted == here:
        return 0.0, 0
    if not level[0] <= wanted <= level[-1]:
        return float("nan"), 1 if gain > 0 else -1
    # Where the curve is flat, the size nearest to n: the first that reaches the level, the last that is not above it.
    i = int(np.searchsorted(level, wanted, "left") if gain > 0 else np.searchsorted(level, wanted, "right") - 1)
    j = i - 1 if gain > 0 else i + 1
    share = (level[i] - wanted) / (level[i] - level[j])
    return float(sizes[i] + share * (sizes[j] - sizes[i]) - n), 0


def _note(sides, sizes: np.ndarray, n: float) -> str:
    """What is known of the value, or of the ends of its interval, outside the measured sizes."""
    bounds = {0: "", 1: f">= {sizes[-1] - n:g}" if len(sizes) else "", -1: f"<= {sizes[0] - n:g}" if len(sizes) else ""}
    value, low, high = sides
    if value:
        return bounds[value]
    ends = [f"{name} end {bounds[side]}" for name, side in (("lower", low), ("upper", high)) if side]
    return ", ".join(ends)
