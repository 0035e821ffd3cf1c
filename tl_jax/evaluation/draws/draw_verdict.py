"""The result of a study over draws of training compounds in a few sentences, from its tables alone."""

from __future__ import annotations

import pandas as pd

ALPHA = 0.05
FAULT = "["  # an arm that tries a fault of the published code is called ARM[FAULT]
NO_MODEL = "scratch"


def correct(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The rows of one metric, without arms that try a fault of the published code."""
    return rows[(rows["metric"] == metric) & ~rows["arm"].str.contains(FAULT, regex=False)]


def claimed(rows: pd.DataFrame) -> pd.Series:
    """The p that claims are read from; a table of an earlier version was not charged for looks."""
    return rows["p_after_looks"] if "p_after_looks" in rows else rows["p_holm"]


def verdict(comparisons: pd.DataFrame, arms: pd.DataFrame, metric: str = "mcc") -> list[str]:
    """Sentences on the smallest and the largest training set, for each reference, and on models that saw none of it.

    A transfer counts as better or worse where p after Holm's correction over the arms of its size, charged for looks,
    is below .05.
    """
    rows = comparisons[(comparisons["metric"] == metric) & (comparisons["source"] != "")]
    rows = rows[rows["arm"] != "zero_shot"]
    sentences = [one for name, part in rows.groupby("reference", sort=False) for one in against(name, part)]
    known = arms[(arms["metric"] == metric) & (arms["size"] == 0)]
    if len(known):
        low, high, label = known["value"].min(), known["value"].max(), metric.upper()
        reached = f"{low:.2f}" if len(known) == 1 else f"{low:.2f} to {high:.2f}"
        sentences.append(f"Source models that saw no training compound of the target reach {label} {reached}.")
    return sentences


def against(reference: str, rows: pd.DataFrame) -> list[str]:
    """What the transfers are against one reference, at the smallest and the largest size."""
    name = "training from scratch" if reference == NO_MODEL else reference
    found = {}
    for size in dict.fromkeys((rows["size"].min(), rows["size"].max())):
        part = rows[rows["size"] == size]
        shown = part[claimed(part) < ALPHA]
        found[size] = len(part), int((shown["difference"] > 0).sum()), int((shown["difference"] < 0).sum())
    sizes = " or with ".join(f"{size:,.0f}" for size in found)
    if not any(better or worse for _, better, worse in found.values()):
        most = max(count for count, _, _ in found.values())
        return [f"With {sizes} training compounds none of {most} transfers is shown to differ from {name}."]
    return [
        f"With {size:,.0f} training compounds {better} of {count} transfers {'is' if better == 1 else 'are'} shown to "
        f"predict better than {name}, {worse} worse."
        for size, (count, better, worse) in found.items()
    ]
