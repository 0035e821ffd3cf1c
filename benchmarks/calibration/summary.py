"""From the table of simulated studies to the numbers of the report."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.calibration.jobs import LOOKS
from benchmarks.calibration.studies import REPEATS, folds_of
from benchmarks.calibration.verdicts import TESTS
from tl_jax.evaluation.statistics.comparisons import ROPE
from tl_jax.evaluation.statistics.detectable import noncentrality, power_at
from tl_jax.evaluation.statistics.sequential import after_looks

ALPHA = 0.05
STATED = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # bins of stated probabilities
REACHES = (0.2, 0.4, 0.6, 0.8, 1.0)  # bins of true differences as a share of the detectable
TRUTHS = (-np.inf, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, np.inf)  # bins of true differences


def rate(hits) -> dict[str, float]:
    """Share of true values in `hits`, with its exact 95 % binomial interval and the number of studies."""
    hits = np.asarray(hits, bool)
    if not len(hits):
        return {"rate": float("nan"), "low": float("nan"), "high": float("nan"), "studies": 0}
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(method="exact")
    return {"rate": float(hits.mean()), "low": interval.low, "high": interval.high, "studies": len(hits)}


def summarise(table: pd.DataFrame) -> dict:
    """Everything that the report tells, ready for JSON."""
    null = table[table["kind"].isin(["twins", "halves"])]
    real = table[table["kind"] == "transfer"]
    return {
        "null": null_rates(null),
        "looks": look_rates(table[table["kind"] == "looked"]),
        "truths": [truths(n, rows) for n, rows in real.groupby("n")],
        "reliability": [line for n, rows in real.groupby("n") for line in reliability(n, rows)],
        "power": [line for n, rows in real.groupby("n") for line in power(n, rows)],
        "reach": [line for n, rows in real.groupby("n") for line in reach(n, rows)],
    }


def null_rates(null: pd.DataFrame) -> list[dict]:
    """Rejections of each test where the arms are equal; signal "all" joins the signals of a kind."""
    found = []
    groups = [(key, rows) for key, rows in null.groupby(["kind", "n", "signal"], sort=False)]
    groups += [((*key, "all"), rows) for key, rows in null[null["kind"] == "twins"].groupby(["kind", "n"], sort=False)]
    for (kind, n, signal), rows in groups:
        spread = np.sqrt(max(0.0, np.var(rows["truth"], ddof=1) - np.mean(rows["truth_error"] ** 2)))
        about = {"kind": kind, "n": int(n), "signal": signal, "spearman": rows["spearman"].mean(), "true_sd": spread}
        about |= {"sd": (rows["difference"] - rows["truth"]).std(), "corrected_error": corrected_error(n, rows)}
        found += [{**about, "test": test, **rate(rows[test] <= ALPHA)} for test in TESTS]
    return found


def corrected_error(n: int, rows: pd.DataFrame) -> float:
    """Root mean square of the corrected standard errors, from the intervals."""
    half = (rows["high"] - rows["low"]) / 2 / stats.t.isf(0.025, folds_in_all(n) - 1)
    return float(np.sqrt((half**2).mean()))


def folds_in_all(n: int) -> int:
    return REPEATS * folds_of(n)


def look_rates(rows: pd.DataFrame) -> list[dict]:
    """Studies of equal arms that end with a significant look, when one stops at the first such look."""
    found = []
    for n, part in rows.groupby("n"):
        for test in ("wilcoxon_repeats", "corrected_t"):
            p = part.pivot(index="seed", columns="look", values=test)[list(LOOKS)].to_numpy()
            planned = [[after_looks(value, k + 1, len(LOOKS)) for k, value in enumerate(row)] for row in p]
            about = {"n": int(n), "test": test}
            found.append({**about, "looks": "the first alone", **rate(p[:, 0] <= ALPHA)})
            found.append({**about, "looks": "any, uncorrected", **rate((p <= ALPHA).any(axis=1))})
            found.append({**about, "looks": "any, corrected", **rate((np.array(planned) <= ALPHA).any(axis=1))})
    return found


def truths(n: int, rows: pd.DataFrame) -> dict:
    """The true differences that the Bayesian test is held against; how far the studies miss them on average; how often
    the corrected interval holds them."""
    each = rows.drop_duplicates("seed")
    quantiles = {f"q{q:02d}": float(np.quantile(each["truth"], q / 100)) for q in (5, 25, 50, 75, 95)}
    inside = (rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"])
    shares = {"better": np.mean(each["truth"] > ROPE), "worse": np.mean(each["truth"] < -ROPE)}
    about = {"n": int(n), "populations": len(each), "studies": len(rows), "error": each["truth_error"].mean()}
    miss = (rows["difference"] - rows["truth"]).groupby(rows["seed"]).mean()
    about |= {"bias": miss.mean(), "bias_error": miss.std(ddof=1) / np.sqrt(len(miss))}
    return {**about, **quantiles, **shares, "coverage": rate(inside), "detectable": rows["detectable"].median()}


def reliability(n: int, rows: pd.DataFrame) -> list[dict]:
    """Stated probabilities of the Bayesian test against how often it is so, by bins of the stated."""
    true = {
        "better": rows["truth"] > ROPE,
        "same": rows["truth"].abs() <= ROPE,
        "worse": rows["truth"] < -ROPE,
    }
    found = []
    for event, holds in true.items():
        for low, high in pairwise(STATED):
            here = (rows[event] > low) & (rows[event] <= high) if low else rows[event] <= high
            if here.any():
                about = {"n": int(n), "event": event, "from": low, "to": high, "stated": rows.loc[here, event].mean()}
                found.append({**about, **rate(holds[here])})
    return found


def power(n: int, rows: pd.DataFrame) -> list[dict]:
    """Rejections by bins of the true difference."""
    tests = {test: test for test in ("corrected_t", "bayes", "wilcoxon_repeats")}
    return by_truth(rows, {"n": int(n)}, tests, TRUTHS)


def by_truth(rows: pd.DataFrame, about: dict, tests: dict[str, str], edges: tuple[float, ...]) -> list[dict]:
    """Rejections by bins of the true difference, and how many of them point the wrong way.

    about: what each line begins with. tests: {column of p: name of the test}. edges: of the bins.
    """
    found = []
    for low, high in pairwise(edges):
        part = rows[(rows["truth"] > low) & (rows["truth"] <= high)]
        for column, test in tests.items() if len(part) else ():
            hit = part[column] <= ALPHA
            wrong = int((hit & (np.sign(part["difference"]) != np.sign(part["truth"]))).sum())
            line = {**about, "test": test, "from": low, "to": high, "truth": part["truth"].mean()}
            found.append({**line, **rate(hit), "wrong_side": wrong})
    return found


def reach(n: int, rows: pd.DataFrame) -> list[dict]:
    """Rejections where the truth is a given share of what the test should find with a power of .8, and the power
    that the model of `detectable_difference` promises there.

    The typical detectable difference of like studies is taken: a study's own is small where its spread happens to be,
    and so is its p.
    """
    share = rows["truth"] / rows.groupby(["signal", "relatedness"])["detectable"].transform("median")
    df, found = folds_in_all(n) - 1, []
    for low, high in pairwise(REACHES):
        here = (share > low) & (share <= high)
        if here.any():
            promised = power_at(share[here].mean() * noncentrality(df), df)
            about = {"n": int(n), "from": low, "to": high, "promised": promised}
            found.append({**about, **rate(rows.loc[here, "corrected_t"] <= ALPHA)})
    return found
