"""The score beside what it would be of nothing: permutations, and replicates of one treatment."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.classification import auroc
from tl_jax.study.cells.study import CellResults
from tl_jax.study.cells.truth import Truth, excluded, truth_of, values_of

COLUMNS = ("null", "arm", "metric", "draw", "value")
SHOWN = 0.05  # p above which a score does not stand out
FEW = "; so few nulls cannot give a p of .05, run 19 or more"
NOTHING_THERE = (0.45, 0.55)  # AUROC of replicates of one treatment


def null_tables(results: CellResults, asked: Truth) -> dict[str, pd.DataFrame]:
    """nulls: null, arm, metric, draw, value. against_nulls: their spread beside what was observed; {} without any.

    Metrics are the agreement of bootstraps on the sign, and AUROC where there is a truth of two classes.
    """
    rows = permutations(results, asked)
    if asked.replicates:
        rows += replicates(results, values_of(results, asked.replicates, "replicate_column"))
    if not rows:
        return {}
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    beside = against(table, observed(results, asked))
    for row in beside.query("metric == 'auroc' and p > @SHOWN").to_dict("records"):
        results.ledger.remark(
            f"AUROC {row['observed']:.2f} does not stand out of the null '{row['null']}' "
            f"({row['low']:.2f} to {row['high']:.2f}, p {row['p']:.2f}{FEW if 1 / (1 + row['n']) > SHOWN else ''})"
        )
    return {"nulls": table, "against_nulls": beside}


def truth_in_tables(results: CellResults, asked: Truth) -> np.ndarray:
    """(cells,) truth, NaN where it is unknown, excluded or not asked for."""
    if not asked.column:
        return np.full(len(results.setup.cells), np.nan)
    truth = truth_of(results, asked)
    return np.where(excluded(results, asked), np.nan, truth)


def permutations(results: CellResults, asked: Truth) -> list[tuple]:
    """Rows of the permuted responses and genes."""
    truth, rows = truth_in_tables(results, asked), []
    known = np.isfinite(truth)
    for name, null in results.nulls.items():
        for draw, (score, agreement) in enumerate(zip(null.scores, null.agreement, strict=True)):
            rows.append((name, results.main, "agreement", draw, float(agreement)))
            value = auroc(truth[known], score[known])
            rows += [(name, results.main, "auroc", draw, value)] if np.isfinite(value) else []
    return rows


def observed(results: CellResults, asked: Truth) -> dict[str, float]:
    """{metric: the score's own value}."""
    truth = truth_in_tables(results, asked)
    known = np.isfinite(truth)
    each = [auroc(truth[known], score[known]) for score in results.scores[results.main]]
    return {"agreement": results.agreement, "auroc": float(np.mean(each))}


def replicates(results: CellResults, names: np.ndarray) -> list[tuple]:
    """AUROC of every arm between each two replicates; a remark where the score tells them apart."""
    rows = []
    for one, other in combinations(sorted(set(names) - {""}), 2):
        pair, label = np.isin(names, [one, other]), f"{one} against {other}"
        for arm, scores in results.scores.items():
            each = [auroc((names[pair] == one).astype(float), score[pair]) for score in scores]
            rows += [(label, arm, "auroc", draw, value) for draw, value in enumerate(each)]
            low, high = NOTHING_THERE
            if arm == results.main and not low <= np.mean(each) <= high:
                results.ledger.remark(
                    f"the score tells replicates of one treatment apart: AUROC {np.mean(each):.2f} for {label}"
                )
    return rows


def against(table: pd.DataFrame, own: dict[str, float]) -> pd.DataFrame:
    """null, arm, metric, n, mean, low, high (95 % of the null), observed, p: share of nulls that reach the observed.

    p counts the observed as one of its null (Phipson and Smyth 2010); replicates have none.
    """
    rows = []
    for (null, arm, metric), values in table.groupby(["null", "arm", "metric"], sort=False)["value"]:
        seen = own[metric] if " against " not in null else np.nan
        low, high = values.quantile([0.025, 0.975])
        p = (1 + (values >= seen).sum()) / (1 + len(values)) if np.isfinite(seen) else np.nan
        rows.append((null, arm, metric, len(values), values.mean(), low, high, seen, p))
    columns = ["null", "arm", "metric", "n", "mean", "low", "high", "observed", "p"]
    return pd.DataFrame(rows, columns=columns)
