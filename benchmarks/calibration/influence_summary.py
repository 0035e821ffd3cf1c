"""From rows of simulated studies to the rates of the influence test, and how often a verdict's sentences are true."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.calibration.summary import ALPHA, by_truth, rate
from tl_jax.evaluation.statistics.influence import Parts, by_variance, variance_of
from tl_jax.evaluation.statistics.sequential import after_looks

GAINS = (-np.inf, -0.075, -0.025, 0.025, 0.075, 0.125, 0.175, 0.25, np.inf)  # bins of true differences
CORRECTIONS = ("max_t", "holm", "holm_corrected_t")


def summarise(found: dict[str, pd.DataFrame]) -> dict:
    """Rows of each finished column by its name -> lists of lines, ready for JSON."""
    null = {name: judged(rows) for name, rows in found.items() if "difference" in rows and "truth" not in rows}
    real = {name: judged(rows) for name, rows in found.items() if "truth" in rows}
    return {
        "null": [line for name, rows in null.items() for line in null_rates(name, rows)],
        "looks": [line for name, rows in null.items() for line in looks(name, rows)],
        "families": [family(name, rows) for name, rows in found.items() if "max_t" in rows],
        "sentences": [line for name, rows in real.items() for line in sentences(name, rows)],
        "power": [line for name, rows in real.items() for line in power(name, rows)],
    }


def merged(recorded: dict, fresh: dict, order: list[str]) -> dict:
    """Lines of both, by columns in the order of the plan. A column that was summed up afresh replaces its record, and
    one that the plan has no more is dropped."""
    new = names_of(fresh)
    found = {}
    for key, lines in fresh.items():
        kept = [line for line in recorded.get(key, []) if line["column"] not in new and line["column"] in order]
        found[key] = sorted(kept + lines, key=lambda line: order.index(line["column"]))
    return found


def names_of(report: dict) -> set[str]:
    """The columns of which a report holds lines."""
    return {line["column"] for key in ("null", "families", "power") for line in report[key]}


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """With p, low, high of the influence test, and low_wide, high_wide of its wide interval."""
    made = []
    for one in rows[list(Parts._fields)].itertuples(index=False):
        parts = Parts(*one)
        variance = variance_of(parts)
        _, p, low, high, _, _ = by_variance(parts, variance)
        _, _, low_wide, high_wide, _, _ = by_variance(parts, variance_of(parts, wide=True))
        made.append((p, low, high, low_wide, high_wide, variance))
    columns = ["p", "low", "high", "low_wide", "high_wide", "v"]
    return pd.concat([rows.reset_index(drop=True), pd.DataFrame(made, columns=columns)], axis=1)


def null_rates(name: str, rows: pd.DataFrame) -> list[dict]:
    """Rejections of equally good arms and coverage of 0, after each number of repeats."""
    found = []
    for repeats, part in rows.groupby("repeats"):
        about = {"column": name, "repeats": int(repeats), "alike": part["alike"].mean(), "score": part["score"].mean()}
        about |= {"sd": part["difference"].std(), "error": float(np.sqrt(part["v"].mean()))}
        tests = {"influence": rate(part["p"] <= ALPHA), "corrected_t": rate(part["corrected_t"] <= ALPHA)}
        signals = {signal: rate(own["p"] <= ALPHA) for signal, own in part.groupby("signal", sort=False)}
        found.append({**about, **tests, "wide_holds": rate(holds(part, 0.0, "_wide")), "signals": signals})
    return found


def holds(rows: pd.DataFrame, truth, kind: str = "") -> pd.Series:
    """Whether intervals hold the true difference."""
    return (rows[f"low{kind}"] <= truth) & (truth <= rows[f"high{kind}"])


def looks(name: str, rows: pd.DataFrame) -> list[dict]:
    """Studies of equal arms that end with a significant look, by who stops at the first such look."""
    reads = sorted(set(rows["repeats"]))
    if len(reads) < 3:
        return []
    p = rows.pivot(index="seed", columns="repeats", values="p")[reads].to_numpy()
    paid = np.array([[after_looks(one, look + 1) for look, one in enumerate(row)] for row in p])
    about = {"column": name, "after": [int(read) for read in reads]}
    return [
        {**about, "looks": "any, uncharged", **rate((p <= ALPHA).any(axis=1))},
        {**about, "looks": "any, charged", **rate((paid <= ALPHA).any(axis=1))},
    ]


def family(name: str, rows: pd.DataFrame) -> dict:
    """Families of equally good arms in which any is called different, and single arms that are."""
    errors = {correction: rate(rows[correction] <= ALPHA) for correction in CORRECTIONS}
    return {"column": name, **errors, "single": float(rows["single"].mean())}


def sentences(name: str, rows: pd.DataFrame) -> list[dict]:
    """How often each sentence on one arm and the reference is said, and how often it is true; intervals likewise."""
    up, shown, truth = rows["difference"] > 0, rows["p"] <= ALPHA, rows["truth"]
    found = []
    for words, said, true in (
        ("better", shown & up, truth > 0),
        ("worse", shown & ~up, truth < 0),
        ("lower on average, not shown to be worse", ~shown & ~up, truth < 0),
        ("not shown to beat the reference", ~(shown & up), truth <= 0),
    ):
        about = {"column": name, "sentence": words, "said": float(said.mean())}
        found.append({**about, **rate(true[said])})
    for words, kind in (("the narrow interval", ""), ("the interval", "_wide")):
        inside = holds(rows, truth, kind)
        found.append({"column": name, "sentence": words, "said": 1.0, **rate(inside)})
        large = truth.abs() > 0.075
        about = {"column": name, "sentence": f"{words}, truth beyond .075", "said": float(large.mean())}
        found.append({**about, **rate(inside[large])})
    return found


def power(name: str, rows: pd.DataFrame) -> list[dict]:
    """Rejections by bins of the true difference, by either test."""
    return by_truth(rows, {"column": name}, {"p": "influence", "corrected_t": "corrected_t"}, GAINS)


def table_of_rates(report: dict) -> str:
    """For people."""
    lines = ["share of studies with p <= .05, equally good arms (95 % interval): influence test, corrected t"]
    for line in report["null"]:
        words = [text(line[test]) for test in ("influence", "corrected_t")]
        about = f"{line['column']:24} {line['repeats']:2} repeats"
        lines.append(f"{about}  {words[0]}  {words[1]}  of {line['influence']['studies']}")
    for line in report["families"]:
        lines.append(f"{line['column']:24} any of 8 arms: {', '.join(text(line[one]) for one in CORRECTIONS)}")
    for line in report["looks"] + report["sentences"]:
        words = line.get("looks") or line["sentence"]
        lines.append(f"{line['column']:24} {words}: {text(line)} of {line['studies']}")
    return "\n".join(lines)


def text(found: dict) -> str:
    return f"{found['rate']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
