"""What a model of lines learns: the response as it is measured, the same without a line's general part, or two classes.

Whatever it is, HIGH means resistant; of two classes resistant is 1 and sensitive 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cells.lines import Lines, drug_named, folded
from tl_jax.data.drugs.names import same_drugs
from tl_jax.data.tables.cells import as_ids, require_column
from tl_jax.data.tables.raw_tables import find_file, read_table
from tl_jax.errors import InputError

AUC, WATERFALL, QUANTILE, TABLE = "auc", "waterfall", "quantile", "table"
STRAIGHT = 0.95  # Pearson of the sorted responses with their rank from which a waterfall has no bend
WORDS = {"sensitive": 0.0, "resistant": 1.0, "1": 0.0, "0": 1.0}


def check_kind(kind: str) -> None:
    """Raise InputError for what --response cannot be."""
    name, _, more = kind.partition(":")
    known = kind in (AUC, WATERFALL) or (name == TABLE and more)
    if name == QUANTILE:
        known = re.fullmatch(r"0?\.\d+", more) is not None and 0 < float(more) < 1
    if not known:
        raise InputError(f"--response={kind}: there are: auc, quantile:SHARE (quantile:0.2), waterfall, table:FILE")


def labelled(lines: Lines, y: np.ndarray, drug: str, kind: str, line_column: str):
    """The lines that have a label (Lines), what a model learns of them (lines,), and notes.

    Args:
        y: (lines,) measured response. kind: "auc", "quantile:SHARE" (the lowest share is sensitive), "waterfall", or
        "table:FILE" with a row for each line and a column for each drug, 1 or sensitive, 0 or resistant.
        line_column: of such a file, that names the lines.
    """
    name, _, more = kind.partition(":")
    if name == AUC:
        return lines, y, []
    if name == TABLE:
        found = of_table(Path(more), lines.samples, drug, line_column)
    else:
        cut = waterfall_cut(y) if name == WATERFALL else float(np.quantile(y, float(more)))
        found = np.where(y <= cut, 0.0, 1.0)
    kept = np.isfinite(found)
    sensitive = int((found == 0).sum())
    if not 0 < sensitive < kept.sum():
        raise InputError(f"--response={kind}: {sensitive} of {kept.sum()} lines are sensitive; both classes are needed")
    note = f"learned from two classes ({kind}): {sensitive} of {kept.sum()} lines are sensitive"
    return lines.rows(kept), found[kept], [note]


def waterfall_cut(y: np.ndarray) -> float:
    """The response up to which a line is sensitive: the bend of the sorted responses, furthest from the line through
    both ends; their median where they run straight. Barretina et al. 2012, without their band of intermediate lines."""
    ordered = np.sort(y)
    rank = np.linspace(0, 1, len(y))
    if len(np.unique(y)) < 3 or np.corrcoef(ordered, rank)[0, 1] > STRAIGHT:
        return float(np.median(ordered))
    height = (ordered - ordered[0]) / (ordered[-1] - ordered[0])
    return float(ordered[np.argmax(np.abs(height - rank))])


def of_table(path: Path, samples: Sequence[str], drug: str, line_column: str) -> np.ndarray:
    """(lines,) 0 sensitive, 1 resistant, NaN without a label; of a line with several rows the first counts."""
    path = find_file(path)
    frame = read_table(path, "keep")
    require_column(frame, line_column, path, "--line_column")
    column = drug_named(drug, [str(name) for name in frame.columns if name != line_column])
    texts = [str(text).strip().lower().removesuffix(".0") for text in as_ids(frame[column])]
    unknown = [text for text in texts if text and text not in WORDS]
    if unknown:
        raise InputError(f"{path}: column '{column}' has '{unknown[0]}'; sensitive, resistant, 1 or 0 are needed")
    names = [folded(name) for name in as_ids(frame[line_column])]
    labels = pd.Series([WORDS.get(text, np.nan) for text in texts], index=names).dropna()
    labels = labels[~labels.index.duplicated()]
    return labels.reindex([folded(name) for name in samples]).to_numpy(np.float64)


def without_general(y: pd.DataFrame) -> pd.DataFrame:
    """Lines x drugs less what the mean over all other drugs explains of each (least squares, over measured lines)."""
    scaled = (y - y.mean()) / y.std()
    total, count = scaled.sum(axis=1), scaled.notna().sum(axis=1)
    found = y.copy()
    for drug in y.columns:
        known = y[drug].notna()
        same = scaled[same_drugs(drug, y.columns)]  # it may stand there by two names
        left = count - same.notna().sum(axis=1)
        others = ((total - same.sum(axis=1)) / left).where(left > 0)[known].fillna(0)
        others = others - others.mean()
        spread = float(others @ others)
        slope = float(others @ y.loc[known, drug]) / spread if spread > 0 else 0.0
        found.loc[known, drug] = y.loc[known, drug] - slope * others
    return found
