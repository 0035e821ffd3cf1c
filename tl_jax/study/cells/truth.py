"""How right the scores were, where the truth is known: read after the scores are on disk, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tl_jax.data.cells.lines import lines_named
from tl_jax.data.tables.cells import as_ids, nearest
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.classification import LABEL_METRICS, auroc, average_precision, count
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.study import CellResults


@dataclass(frozen=True)
class Truth:
    """column: of the cells' table. sensitive: its value that means sensitive. by_line: the column names each cell's
    line, whose measured response is the truth."""

    column: str
    sensitive: str = ""
    by_line: bool = False


def truth_of(results: CellResults, asked: Truth) -> np.ndarray:
    """(cells,) 1 sensitive, 0 resistant, NaN where the column is empty.

    Raises:
        InputError: no such column, more than two values without --sensitive, or a value that is not there.
    """
    obs = results.setup.cells.obs
    if obs is None or asked.column not in obs:
        known = [] if obs is None else list(obs.columns)
        raise InputError(f"the table of cells has no column '{asked.column}' (--truth); {nearest(asked.column, known)}")
    values = np.array(as_ids(obs[asked.column]), dtype=object)
    if asked.by_line:
        return measured(response_by_cell(results, values))
    known = sorted(set(values) - {""})
    sensitive = asked.sensitive or ("1" if set(known) <= {"0", "1"} else "")
    if not sensitive:
        raise InputError(f"--truth={asked.column} has the values {', '.join(known[:8])}; say which is --sensitive")
    if sensitive not in known and asked.sensitive:
        raise InputError(f"--sensitive={sensitive}: '{asked.column}' has no such value; {nearest(sensitive, known)}")
    return np.where(values == "", np.nan, values == sensitive).astype(np.float64)


def measured(response: np.ndarray) -> np.ndarray:
    """1 for cells of a line whose response lies below the middle of the lines' range, 0 above."""
    low, high = np.nanmin(response), np.nanmax(response)
    if low == high:
        raise InputError("the cells' lines have one measured response; a truth by line needs lines that differ")
    return np.where(np.isnan(response), np.nan, response < (low + high) / 2).astype(np.float64)


def response_by_cell(results: CellResults, lines: np.ndarray) -> np.ndarray:
    """(cells,) measured response of each cell's line, NaN where it was not measured."""
    own = results.setup.truth_lines
    found = pd.Series(line_of_cells(results, lines)).map(own).to_numpy(np.float64)
    if not np.isfinite(found).any():
        raise InputError(f"no cell's line has a measured response; the lines taken out are: {', '.join(own.index)}")
    return found


def line_of_cells(results: CellResults, names: np.ndarray) -> np.ndarray:
    """(cells,) the line as the bulk tables call it, found as when it was taken out; "" for any other."""
    meant = lines_named(dict.fromkeys(names), results.setup.truth_lines.index)
    return np.array([next(iter(meant[name]), "") for name in names], dtype=object)


def judged(results: CellResults, truth: np.ndarray) -> pd.DataFrame:
    """arm, draw, metric, value; a metric that one class alone leaves undefined is NaN.

    Calls at the threshold of held-out lines, and at the true share of sensitive cells.
    """
    known = np.isfinite(truth)
    own, rows = truth[known], []
    for arm, scores in results.scores.items():
        for draw, score in enumerate(scores[:, known]):
            found = measures(own, score)
            if arm == results.main:
                found |= at_threshold(own, results.calling.calls(score))
            rows += [(arm, draw, metric, value) for metric, value in found.items()]
    return pd.DataFrame(rows, columns=["arm", "draw", "metric", "value"])


def measures(truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Of one score: AUROC, average precision, and what the calls at the true share are worth."""
    share = truth.mean()
    cut = np.quantile(score, 1 - share) if 0 < share < 1 else np.nan
    counted = count(truth, score > cut)
    both = 0 < share < 1
    return {
        "auroc": auroc(truth, score),
        "average_precision": average_precision(truth, score),
        "prevalence": float(share),
        "mcc_at_true_share": float(LABEL_METRICS["mcc"](counted)) if both else float("nan"),
    }


def at_threshold(truth: np.ndarray, calls: np.ndarray) -> dict[str, float]:
    """What the calls at the threshold of held-out lines are worth."""
    counted = count(truth, calls)
    found = {f"{name}_at_threshold": float(function(counted)) for name, function in LABEL_METRICS.items()}
    sensitive, resistant = counted.tp + counted.fn, counted.tn + counted.fp
    return found | {
        "recall_sensitive": float(counted.tp / sensitive) if sensitive else float("nan"),
        "recall_resistant": float(counted.tn / resistant) if resistant else float("nan"),
        "called_sensitive": float(np.mean(calls)),
    }


def over_lines(results: CellResults, lines: np.ndarray) -> pd.DataFrame:
    """arm, lines, Spearman over lines of the mean score and the measured sensitivity."""
    own, rows = results.setup.truth_lines.dropna(), []
    lines = line_of_cells(results, lines)
    for arm, scores in results.scores.items():
        mean = pd.Series(scores.mean(axis=0)).groupby(lines).mean().reindex(own.index).dropna()
        value = float(spearman_rows(-own[mean.index].to_numpy()[None], mean.to_numpy()[None])[0])
        rows.append((arm, len(mean), value))
    return pd.DataFrame(rows, columns=["arm", "lines", "spearman"])


def summarised(metrics: pd.DataFrame) -> pd.DataFrame:
    """arm, metric, mean, sd over draws, share of draws below .5 for AUROC (a sign that is wrong)."""
    groups = metrics.groupby(["arm", "metric"], sort=False)["value"]
    found = groups.agg(mean="mean", sd="std").reset_index()
    below = groups.agg(lambda values: float((values < 0.5).mean()) if values.notna().any() else np.nan).to_numpy()
    found["below_half"] = np.where(found["metric"] == "auroc", below, np.nan)
    return found
