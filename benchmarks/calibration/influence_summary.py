"""From rows of simulated studies to the rates of the influence test."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.calibration.summary import ALPHA, rate
from tl_jax.evaluation.statistics.influence import Parts, by_variance, variance_of


def summarise(found: dict[str, pd.DataFrame]) -> dict:
    """Rows of each column by its name -> {null, families, looks, truths: lists of lines}."""
    null = {name: rows for name, rows in found.items() if "difference" in rows and "truth" not in rows}
    return {
        "null": [line for name, rows in null.items() for line in null_rates(name, judged(rows))],
    }


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """With p, low, high of the influence test, and low_wide, high_wide of its wide interval."""
    made = []
    for one in rows[list(Parts._fields)].itertuples(index=False):
        parts = Parts(*one)
        _, p, low, high, _, _ = by_variance(parts, variance_of(parts))
        _, _, low_wide, high_wide, _, _ = by_variance(parts, variance_of(parts, wide=True))
        made.append((p, low, high, low_wide, high_wide))
    made = pd.DataFrame(made, columns=["p", "low", "high", "low_wide", "high_wide"], index=rows.index)
    return pd.concat([rows, made], axis=1)


def null_rates(name: str, rows: pd.DataFrame) -> list[dict]:
    """Rejections of equally good arms and coverage of 0, after each number of repeats."""
    found = []
    for repeats, part in rows.groupby("repeats"):
        about = {"column": name, "repeats": int(repeats), "alike": part["alike"].mean(), "score": part["score"].mean()}
        ends = {"wide_holds": rate((part["low_wide"] <= 0) & (part["high_wide"] >= 0))}
        signals = {signal: rate(own["p"] <= ALPHA) for signal, own in part.groupby("signal", sort=False)}
        tests = {"influence": rate(part["p"] <= ALPHA), "corrected_t": rate(part["corrected_t"] <= ALPHA)}
        error = np.sqrt([variance_of(Parts(*one)) for one in part[list(Parts._fields)].itertuples(index=False)])
        about |= {"sd": part["difference"].std(), "error": float(np.sqrt(np.mean(error**2)))}
        found.append({**about, **tests, **ends, "signals": signals})
    return found


def table_of_rates(report: dict) -> str:
    """For people."""
    lines = ["share of studies with p <= .05, equally good arms (95 % interval): influence test, corrected t"]
    for line in report["null"]:
        words = [
            f"{one['rate']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
            for one in (line["influence"], line["corrected_t"])
        ]
        about = f"{line['column']:24} {line['repeats']:2} repeats"
        lines.append(f"{about}  {words[0]}  {words[1]}  of {line['influence']['studies']}")
    return "\n".join(lines)
