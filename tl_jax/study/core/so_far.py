"""What the arms that are done gave, beside the finished parts of a study that still runs: numbers, and no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tl_jax.report.tables import no_formula, write_csv
from tl_jax.study.core.table import ArmResult

FILE = "so_far.csv"
KEYS = ["domain", "arm", "source", "protocol", "metric"]
COLUMNS = [*KEYS, "value", "repeats"]


def tell(work: Path | None, found: Sequence[ArmResult], metric: str) -> None:
    """Write the mean over repeats of the metric that judges, pooled over a repeat's folds, for arms that are done.

    An arm that is told again, as after a study went on, takes the place of its row. work: None where nothing is kept.
    """
    if work is None or not found:
        return
    rows = pd.DataFrame([row(one, metric) for one in found], columns=COLUMNS)
    path = work / FILE
    if path.is_file():
        before = pd.read_csv(path, dtype=dict.fromkeys(KEYS, str), keep_default_na=False, na_values={"value": [""]})
        rows = pd.concat([before, rows]).drop_duplicates(KEYS, keep="last")
    write_csv(path, rows)


def row(one: ArmResult, metric: str) -> tuple:
    """One arm's row."""
    own = one.metrics[(one.metrics["fold"] == "pooled") & (one.metrics["metric"] == metric)]
    keys = (one.domain, one.arm, one.source, one.protocol, metric)
    return *map(no_formula, keys), own["value"].mean(), own["repeat"].nunique()
