"""Comparisons read as every arm against one reference."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.statistics.families import base
from tl_jax.evaluation.statistics.metrics import JUDGED

__all__ = ["against", "base", "claimed", "named", "turned"]


def against(comparisons: pd.DataFrame, reference: str, metric: str = JUDGED) -> pd.DataFrame:
    """Every arm minus `reference`: the comparisons of one metric per fold, the arm first, in their order.

    Columns: arm, source, reference and those of `comparisons` that do not name a pair.
    """
    rows = claimed(comparisons[comparisons["metric"] == metric])
    first = rows[rows["arm_b"] == reference]
    second = turned(rows[(rows["arm_a"] == reference) & (rows["arm_b"] != reference)])
    both = pd.concat([first, second]).sort_index(kind="stable").drop(columns="reference", errors="ignore")
    return both.rename(columns={"arm_a": "arm", "source_a": "source", "arm_b": "reference"}).drop(columns="source_b")


def claimed(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Comparisons with the columns that claims are read from, also where an earlier version wrote them.

    p: of the main test. p_family: corrected for the arms of a family. p_after_looks: that, charged for looks. A table
    without them was tested by the corrected t and corrected by Holm over all pairs.
    """
    found = comparisons.copy()
    for name, earlier in (("p", "p_corrected"), ("p_family", "p_holm"), ("p_after_looks", "p_family")):
        if name not in found and earlier in found:
            found[name] = found[earlier]
    return found


def turned(rows: pd.DataFrame) -> pd.DataFrame:
    """Comparisons of b with a instead of a with b."""
    swapped = {"arm_a": "arm_b", "source_a": "source_b", "ci_low": "ci_high", "p_better": "p_worse"}
    swapped |= {new: old for old, new in swapped.items()}
    result = rows.rename(columns=swapped)[list(rows.columns)].copy()
    negative = [name for name in ("mean_difference", "ci_low", "ci_high", "t", "cliffs_delta") if name in result]
    result[negative] = -result[negative]
    if "win_rate" in result:
        result["win_rate"] = 1 - result["win_rate"]
    return result


def named(arm: str, source: str) -> str:
    """An arm and where it starts."""
    return f"{arm} from {source}" if source else arm
