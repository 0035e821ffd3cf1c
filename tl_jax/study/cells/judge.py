"""Tables of how right the scores were: every arm and draw, intervals apart, arms against each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.one_score import of_calls, of_order, of_probability, reason
from tl_jax.evaluation.draws.score_intervals import over_draws, over_rows, over_units, paired
from tl_jax.evaluation.statistics.families import ALPHA
from tl_jax.evaluation.statistics.metrics import get, spearman_rows
from tl_jax.evaluation.statistics.paired import holm
from tl_jax.study.cells.leak import leak
from tl_jax.study.cells.study import CellResults
from tl_jax.study.cells.truth import (
    Truth,
    excluded,
    line_of_cells,
    mixed_response,
    numbers_of,
    truth_of,
    units_of,
    values_of,
)
from tl_jax.study.core.looks import charged

LINES = "lines"
AT_THRESHOLD = ("mcc", "balanced_accuracy", "f1", "weighted_f1", "ami", "ari")  # of calls, named so in tables
MEASURED = (
    *("arm", "reference", "over", "draws", "mean", "mean_reference", "difference", "ci_low", "ci_high"),
    *("p", "p_better"),
)
COMPARED = (*MEASURED[:-1], "p_holm", "p_better", "looks", "p_after_looks", "harm")


def truth_tables(results: CellResults, asked: Truth, looks: int = 1) -> dict[str, pd.DataFrame]:
    """metrics, arms, intervals, comparisons; counted, where cells are excluded; over_lines, where lines measure, and
    leak, where all drugs are scored; graded, where numbers are asked for. looks: how often the cells were judged, this
    time included."""
    found = {"graded": graded(results, asked)} if asked.mixture or asked.against else {}
    return found | (two_classes(results, asked, looks) if asked.column else {})


def two_classes(results: CellResults, asked: Truth, looks: int) -> dict[str, pd.DataFrame]:
    """The tables of a truth of two classes."""
    truth, found = truth_of(results, asked), {}
    if asked.exclude:
        found["counted"] = summarised(results, truth, judged(results, truth))
        truth = np.where(excluded(results, asked), np.nan, truth)
    metrics = judged(results, truth)
    found |= {"metrics": metrics, "arms": summarised(results, truth, metrics)}
    if not reason(truth[np.isfinite(truth)]):
        units = units_of(results, asked, np.isfinite(truth))
        told = {"intervals": intervals(results, truth, metrics, units, asked.unit)}
        found |= told | {"comparisons": comparisons(results, truth, units, looks)}
        results.ledger.remark(*negative_transfer(results, found["comparisons"]))
    if asked.by_line:
        names = values_of(results, asked.column)
        found["over_lines"] = over_lines(results, names)
        if results.settings.leak:
            found["leak"] = leak(results.settings, results.setup, line_of_cells(results, names))
    return found


def judged(results: CellResults, truth: np.ndarray) -> pd.DataFrame:
    """arm, draw, metric, value, reason; what one class alone leaves undefined is NaN, and `reason` says so.

    Calls at the threshold of held-out lines, where the arm has one, and at the true share of sensitive cells.
    """
    known = np.isfinite(truth)
    own, rows = truth[known], []
    why = reason(own)
    for arm, scores in results.scores.items():
        calling = results.callings.get(arm)
        for draw, score in enumerate(scores[:, known]):
            found = of_order(own, score)
            if calling:
                calls = of_calls(own, calling.calls(score))
                found |= {f"{name}_at_threshold" if name in AT_THRESHOLD else name: v for name, v in calls.items()}
                found |= of_probability(own, calling.probability(score))
            rows += [(arm, draw, metric, v, why if np.isnan(v) else "") for metric, v in found.items()]
    return pd.DataFrame(rows, columns=["arm", "draw", "metric", "value", "reason"])


def summarised(results: CellResults, truth: np.ndarray, metrics: pd.DataFrame) -> pd.DataFrame:
    """arm, metric, mean, sd over draws, of_score, share of draws below .5 for AUROC (a sign that is wrong), reason.

    of_score: of the mean over draws, which is what a user gets.
    """
    groups = metrics.groupby(["arm", "metric"], sort=False)
    values = groups["value"]
    found = values.agg(mean="mean", sd="std").reset_index()
    below = values.agg(lambda values: float((values < 0.5).mean()) if values.notna().any() else np.nan).to_numpy()
    found["below_half"] = np.where(found["metric"] == "auroc", below, np.nan)
    found["reason"] = groups["reason"].first().to_numpy()
    delivered = replace(results, scores={arm: scores.mean(axis=0)[None] for arm, scores in results.scores.items()})
    found["of_score"] = judged(delivered, truth)["value"].to_numpy()
    return found


def overlap(results: CellResults, arm: str) -> float:
    """Share of its lines that a draw has in common with another."""
    return results.settings.share if results.varies.get(arm, LINES) == LINES else 0.0


def intervals(results: CellResults, truth: np.ndarray, metrics: pd.DataFrame, units=None, unit="") -> pd.DataFrame:
    """arm, metric, over, n, value, ci_low, ci_high: over cells with the models given, over draws with the cells given.

    Draws are of lines or of seeds, as `over` says; seeds are no samples, so the three are never mixed. units: of
    `units_of`, in place of the cells, and the column that they stand in.
    """
    known, rows, seed = np.isfinite(truth), [], results.settings.seed
    own, names = truth[known], {"auroc": "auroc", "mcc": "mcc_at_threshold"}
    each = {key: rows.to_numpy() for key, rows in metrics.groupby(["arm", "metric"], sort=False)["value"]}
    for arm, scores in results.scores.items():
        calling = results.callings.get(arm)
        for metric, name in names.items():
            if (arm, name) not in each:
                continue
            part = scores[:, known] if metric == "auroc" else calling.calls(scores[:, known])
            values = each[arm, name]
            over = results.varies.get(arm, LINES)
            if units is None:
                rows.append((arm, name, "cells", len(own), values.mean(), *over_rows(own, part, seed, metric)))
            else:
                ends = np.clip(over_units(own, part, units, metric), *get(metric).range)
                rows.append((arm, name, unit, len(set(units)), values.mean(), *ends))
            low, high = np.clip(over_draws(values, overlap(results, arm)), *get(metric).range)
            rows.append((arm, name, over, len(values), values.mean(), low, high))
    return pd.DataFrame(rows, columns=["arm", "metric", "over", "n", "value", "ci_low", "ci_high"])


def comparisons(
    results: CellResults, truth: np.ndarray, units: np.ndarray | None = None, looks: int = 1
) -> pd.DataFrame:
    """AUROC of every arm minus that of the score's arm, and of every transfer minus the same without it.

    Paired by draw; of arms with unlike numbers of draws those that both have. over: "lines", what overlapping draws of
    them say of other lines, or "seeds", these lines given; an arm with more seeds than draws is held against the
    score's arm in both ways. harm: shown to do worse, p after Holm (over all rows) and looks below .05 as for "better".
    units: of `units_of`. looks: how often the cells were judged, this time included.
    """
    known = np.isfinite(truth)
    pairs = [(arm, results.main) for arm in results.scores if arm != results.main] + list(results.before.items())
    held = []
    for arm, reference in dict.fromkeys(pairs):
        # Where one of the two varies over lines that overlap, the difference does too.
        shared = max(overlap(results, arm), overlap(results, reference))
        held.append((arm, reference, LINES if shared else "seeds"))
        if shared and not overlap(results, arm):
            held.append((arm, reference, "seeds"))
    rows = [difference(results, truth[known], known, units, *one) for one in held]
    table = pd.DataFrame(rows, columns=list(MEASURED))
    table = charged(table.assign(p_holm=holm(table["p"])), looks, of="p_holm")
    table = table.assign(harm=(table["p_after_looks"] < ALPHA) & (table["difference"] < 0))
    return table[list(COMPARED)]


def difference(results: CellResults, truth, known, units, arm: str, reference: str, over: str) -> tuple:
    """One row of `comparisons`, as far as MEASURED. Over seeds, seed k stands beside the draw that it learned from."""
    one, other = results.scores[arm][:, known], results.scores[reference][:, known]
    draws = min(len(one), len(other)) if over == LINES else len(one)
    one, other = one[:draws], other[np.arange(draws) % len(other)]
    found = paired(truth, one, other, results.settings.share if over == LINES else 0.0, units)
    means = [np.mean([of_order(truth, score)["auroc"] for score in part]) for part in (one, other)]
    low, high = np.clip(found[1:3], -1, 1)
    return arm, reference, over, draws, *means, found.point, low, high, found.p, found.p_better


def negative_transfer(results: CellResults, table: pd.DataFrame) -> list[str]:
    """A line for every transfer that is shown to do worse than the same arm without it."""
    own = table["arm"].map(results.before) == table["reference"]
    return [
        f"negative transfer: {row['arm']} is shown to do worse than "
        f"{row['reference']}: AUROC {row['difference']:+.2f} (95 % {row['ci_low']:+.2f} to {row['ci_high']:+.2f})"
        for row in table[own].query("harm").to_dict("records")
    ]


def graded(results: CellResults, asked: Truth) -> pd.DataFrame:
    """arm, against, cells, Spearman (mean, sd over draws, of_score) with sensitivity of mixtures and with numbers."""
    numbers = {"measured sensitivity": -mixed_response(results, asked.mixture)} if asked.mixture else {}
    numbers |= {column: numbers_of(results, column, "against") for column in asked.against}
    rows = []
    for arm, scores in results.scores.items():
        for name, own in numbers.items():
            known = np.isfinite(own)
            each = spearman_rows(own[known], scores[:, known])
            whole = float(spearman_rows(own[known], scores[:, known].mean(axis=0)))
            rows.append((arm, name, int(known.sum()), each.mean(), each.std(ddof=1), whole))
    return pd.DataFrame(rows, columns=["arm", "against", "cells", "spearman", "sd", "of_score"])


def over_lines(results: CellResults, lines: np.ndarray) -> pd.DataFrame:
    """arm, lines, Spearman over lines of the mean score and the measured sensitivity."""
    own, rows = results.setup.truth_lines.dropna(), []
    lines = line_of_cells(results, lines)
    for arm, scores in results.scores.items():
        mean = pd.Series(scores.mean(axis=0)).groupby(lines).mean().reindex(own.index).dropna()
        value = float(spearman_rows(-own[mean.index].to_numpy()[None], mean.to_numpy()[None])[0])
        rows.append((arm, len(mean), value))
    return pd.DataFrame(rows, columns=["arm", "lines", "spearman"])
