"""A study of draws from its table of predictions: each arm's mean with its interval, and each arm against another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.draws import draws as d
from tl_jax.evaluation.draws.classification import LOWER_IS_BETTER, resampled
from tl_jax.evaluation.statistics.paired import corrected_t, holm

PREDICTIONS = ("source", "arm", "size", "draw", "compound_id", "y_true", "probability")
COLUMNS = (
    *("size", "source", "arm", "reference_source", "reference", "metric", "draws", "n_test", "mean", "mean_reference"),
    *("difference", "ci_low", "ci_high", "p", "p_holm", "p_better", "overlap", "p_naive_t"),
)
ARM_COLUMNS = ("size", "source", "arm", "metric", "value", "ci_low", "ci_high", "sd_draws", "draws", "n_test")
Key = tuple[str, str]  # source, arm


class TestSet(NamedTuple):
    """What all draws share: compounds (n,), truth (n,) 0 or 1, clusters (n,) or None."""

    compounds: np.ndarray
    truth: np.ndarray
    clusters: np.ndarray | None


class Grid(NamedTuple):
    """Predictions of a study.

    sizes: {size: {(source, arm): (draws, n)}}, arms of size 0 at every size; draws: their names, in order, by size;
    untrained: {(source, arm): (1, n)} of size 0.
    """

    sizes: dict[int, dict[Key, np.ndarray]]
    draws: dict[int, tuple]
    tests: TestSet
    untrained: dict[Key, np.ndarray]


def compare_draws(
    predictions: pd.DataFrame,
    reference: str,
    *,
    overlap: Mapping[int, float],
    metric: str = "mcc",
    clusters: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row per size and arm: its mean minus the reference's, with interval and p, paired by draw and compound.

    predictions: one row per source ("" for none), arm, size, draw and compound_id, with y_true (0 or 1) and
    probability. An arm with size 0 has no training compounds (zero-shot): its predictions stand at every size and
    draw. The reference is that of the arm's own source where there is one, else that without a source.
    overlap: {size: draws.mean_overlap}. metric: of classification.resampled. clusters: {compound_id: cluster}, for
    compounds that are alike. p_better is high where the arm is better, also for metrics where less is better; p_holm
    counts all arms of a size. p_naive_t is the usual paired t-test over draws, which is far too easily significant.
    Raises InputError for a missing reference, size or prediction, and for two predictions of one compound.
    """
    grid, tables = arranged(predictions, clusters), []
    for size, arms in grid.sizes.items():
        shared = _known(overlap, size)
        rows = [_row(size, arms, key, reference, grid.tests, shared, metric) for key in arms]
        rows = [row for row in rows if row]
        for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
            row["p_holm"] = adjusted
        tables += rows
    return pd.DataFrame(tables, columns=list(COLUMNS))


def arm_intervals(
    predictions: pd.DataFrame,
    *,
    overlap: Mapping[int, float],
    metric: str = "mcc",
    clusters: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row per size and arm: its mean over draws with the interval of draws.crossed_t, and the sd over draws.

    Arguments as for `compare_draws`. An arm of size 0 has one row; its interval is over test compounds alone. Arms
    share draws and test compounds, so that whether two differ cannot be read off their intervals: see `compare_draws`.
    """
    grid, rows = arranged(predictions, clusters), []
    trained = [(n, key, p) for n, arms in grid.sizes.items() for key, p in arms.items() if key not in grid.untrained]
    # An untrained arm would be the same in a second draw.
    untrained = [(0, key, np.repeat(p, 2, axis=0)) for key, p in grid.untrained.items()]
    for size, key, p in (*untrained, *trained):
        per_draw = _per_draw(metric, grid.tests, p)
        without = d.left_out(metric, grid.tests.truth, p, grid.tests.clusters)
        found = d.crossed_t(per_draw, without, _known(overlap, size) if size else 0.0)
        draws = len(p) if size else 1
        spread = float(np.std(per_draw, ddof=1)) if draws > 1 else float("nan")
        rows.append((size, *key, metric, *found[:3], spread, draws, len(grid.tests.truth)))
    return pd.DataFrame(rows, columns=list(ARM_COLUMNS))


def arranged(predictions: pd.DataFrame, clusters: Mapping[str, str] | None = None) -> Grid:
    """The table as arrays, arms of size 0 at every size; InputError where draws or arms meet other compounds."""
    missing = [name for name in PREDICTIONS if name not in predictions]
    if missing:
        raise InputError(f"the predictions lack the column '{missing[0]}'")
    truth = predictions.groupby("compound_id", sort=True)["y_true"].agg(["min", "max"])
    if (truth["min"] != truth["max"]).any():
        raise InputError(f"compound {truth.index[truth['min'] != truth['max']][0]} is both active and inactive")
    ids, sizes, draws = truth.index, {}, {}
    for size, part in predictions.assign(source=predictions["source"].fillna("")).groupby("size", sort=True):
        draws[size] = tuple(sorted(part["draw"].unique()))
        sizes[size] = {
            key: _matrix(rows, ids, draws[size], (*key, size)) for key, rows in part.groupby(["source", "arm"])
        }
    untrained = {key: p[:1] for key, p in sizes.pop(0, {}).items()}
    for size, arms in sizes.items():
        arms |= {key: np.repeat(p, len(draws[size]), axis=0) for key, p in untrained.items() if key not in arms}
    unknown = [i for i in ids if i not in clusters] if clusters is not None else []
    if unknown:
        raise InputError(f"compound {unknown[0]} has no cluster; give each test compound one")
    own = None if clusters is None else np.asarray([clusters[i] for i in ids])
    return Grid(sizes, draws, TestSet(ids.to_numpy(), truth["min"].to_numpy(np.float64), own), untrained)


def reference_of(key: Key, arms, reference: str) -> Key:
    """The reference arm of the same source, or that without one; InputError where there is neither."""
    for source in (key[0], ""):
        if (source, reference) in arms:
            return source, reference
    there = ", ".join(dict.fromkeys(arm for _, arm in arms))
    raise InputError(f"no arm '{reference}' to compare {key[1]} {key[0]} with; there are: {there}")


def _known(overlap: Mapping[int, float], size: int) -> float:
    """The overlap of draws of a size."""
    if size not in overlap:
        raise InputError(f"no overlap for draws of {size} rows; give draws.mean_overlap of drawn and pool rows")
    return overlap[size]


def _per_draw(metric: str, tests: TestSet, probability: np.ndarray) -> np.ndarray:
    """(draws,) values of one arm."""
    return resampled(metric, tests.truth, probability, np.ones((1, len(tests.truth))))[0]


def _matrix(rows: pd.DataFrame, ids: pd.Index, draws: tuple, name: tuple) -> np.ndarray:
    """(draws, n) probabilities of one arm at one size."""
    source, arm, size = name
    where = f"arm {arm}{f' from {source}' if source else ''}, {size} rows"
    if rows.duplicated(["draw", "compound_id"]).any():
        raise InputError(
            f"{where}: compound {rows.loc[rows.duplicated(['draw', 'compound_id']), 'compound_id'].iloc[0]}"
            " has two predictions in one draw; keep one row per compound"
        )
    table = rows.pivot(index="draw", columns="compound_id", values="probability").reindex(index=draws, columns=ids)
    if table.isna().to_numpy().any():
        draw, place = np.argwhere(table.isna().to_numpy())[0]
        raise InputError(
            f"{where}: no prediction (or NaN) of compound {ids[place]} in draw {draws[draw]}; all arms and draws "
            "must predict the same test compounds"
        )
    return table.to_numpy(np.float64)


def _row(size, arms, key, reference, tests: TestSet, overlap, metric) -> dict | None:
    """One comparison; None for the reference itself."""
    other = reference_of(key, arms, reference)
    if key == other:
        return None
    a, b = arms[key], arms[other]
    each = [_per_draw(metric, tests, p) for p in (a, b)]
    difference = each[0] - each[1]
    without = [d.left_out(metric, tests.truth, p, tests.clusters) for p in (a, b)]
    found = d.crossed_t(difference, without[0] - without[1], overlap)
    better = 1 - found.p_better if metric in LOWER_IS_BETTER else found.p_better
    return {
        **{"size": size, "source": key[0], "arm": key[1], "reference_source": other[0], "reference": reference},
        **{"metric": metric, "draws": len(difference), "n_test": len(tests.truth), "overlap": overlap},
        **{"mean": float(each[0].mean()), "mean_reference": float(each[1].mean()), "difference": found.point},
        **{"ci_low": found.ci_low, "ci_high": found.ci_high, "p": found.p, "p_better": better},
        "p_naive_t": corrected_t(difference, 0.0).p,
    }
