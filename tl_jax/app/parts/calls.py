"""The model's own calls of cells, counted: scores and calls as they stand in a study's files, at any threshold."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.tables import write_csv

SCORE, LABEL, TRUTH = "sens_score", "sens_label", "truth"
# Endings of the columns of cells.csv, and whose scores they are.
MODELS = {
    "": "the study's score",
    "_unsmoothed": "the ridge, cells not averaged",
    "_pretransfer": "the network before transfer",
    "_transferred": "the network after transfer",
}
OF_MAP = ["cell", "x", "y", "cluster", "pseudotime", TRUTH]


class Counts(NamedTuple):
    """Cells by truth and call. A share whose denominator is 0 is None."""

    called_right: int  # called sensitive, and sensitive
    called_wrong: int  # called sensitive, and resistant
    missed: int  # called resistant, and sensitive
    left_right: int  # called resistant, and resistant

    @property
    def precision(self) -> float | None:
        return share(self.called_right, self.called_right + self.called_wrong)

    @property
    def recall(self) -> float | None:
        return share(self.called_right, self.called_right + self.missed)

    @property
    def prevalence(self) -> float | None:
        return share(self.called_right + self.missed, sum(self))


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def read_cells(folder: Path) -> pd.DataFrame:
    """cells.csv, with the places and the truth of map.csv where there is one: a row for each cell.

    Raises:
        InputError: a file that cannot be read, or that lacks a column.
    """
    cells = table(folder / "cells.csv", (SCORE,))
    if not (folder / "map.csv").is_file():
        return cells
    places = table(folder / "map.csv", ("x", "y"))
    own = [name for name in OF_MAP if name in places]
    return cells.merge(places[own].drop_duplicates("cell"), on="cell", how="left")


def table(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    """A table of cells: names as text, all else as numbers."""
    try:
        rows = pd.read_csv(path, dtype={"cell": str}, keep_default_na=False, na_values={}, encoding="utf-8")
        numbers = rows.drop(columns="cell").apply(pd.to_numeric, errors="coerce")
        rows = pd.concat([rows["cell"], numbers], axis=1)
        rows[list(needed)]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path.name} cannot be read ({error}); write it with the study's own script") from error
    return rows


def models(cells: pd.DataFrame) -> dict[str, str]:
    """{ending: whose scores} of the models that the table has, those without a call of their own left out."""
    return {end: name for end, name in MODELS.items() if {f"{SCORE}{end}", f"{LABEL}{end}"} <= set(cells)}


def own_threshold(cells: pd.DataFrame, ending: str) -> float:
    """A threshold at which the model's own calls stand in the file: a score above it is called sensitive."""
    score, label = cells[f"{SCORE}{ending}"], cells[f"{LABEL}{ending}"]
    left = score[label == 0]
    return float(left.max()) if len(left) else float(np.nextafter(score.min(), -np.inf))


def calls(score: pd.Series, threshold: float) -> pd.Series:
    """1 where a score lies above the threshold, else 0."""
    return (score > threshold).astype(int)


def counted(called: pd.Series, truth: pd.Series) -> Counts:
    """Cells of known truth by truth and call."""
    known = truth.isin([0, 1])
    called, truth = called[known], truth[known]
    both = [(1, 1), (1, 0), (0, 1), (0, 0)]
    return Counts(*(int(((called == call) & (truth == true)).sum()) for call, true in both))


def predictions(cells: pd.DataFrame, ending: str, threshold: float) -> bytes:
    """cell, score, called at the threshold, and the truth where one is known: a table for a spreadsheet."""
    rows = pd.DataFrame({"cell": cells["cell"], "score": cells[f"{SCORE}{ending}"]})
    rows["called"] = calls(rows["score"], threshold)
    if TRUTH in cells:
        rows[TRUTH] = cells[TRUTH]
    return as_bytes(rows)


def as_bytes(rows: pd.DataFrame) -> bytes:
    """A table as the house writes it, without a cell that a spreadsheet would run."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        path = Path(place) / "table.csv"
        write_csv(path, rows)
        return path.read_bytes()


def with_truth(cells: pd.DataFrame, content: bytes) -> pd.DataFrame:
    """The cells with the truth of a visitor's table: columns cell and truth, 1 for sensitive and 0 for resistant.

    Raises:
        InputError: no such columns, another value, or no cell of the study.
    """
    import io

    remedy = "write a .csv with the columns cell and truth, 1 for sensitive and 0 for resistant"
    try:
        rows = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8")
    except ValueError as error:
        raise InputError(f"the table of the truth cannot be read; {remedy}") from error
    if not {"cell", TRUTH} <= set(rows):
        raise InputError(f"the table of the truth has the columns {', '.join(rows.columns[:6])}; {remedy}")
    values = rows[TRUTH].str.strip()
    wrong = rows[~values.isin(["0", "1", ""])]
    if len(wrong):
        cell, value = wrong.iloc[0][["cell", TRUTH]]
        raise InputError(f"the truth of cell {cell} is '{value}'; {remedy}")
    known = dict(zip(rows["cell"], pd.to_numeric(values), strict=True))
    if not set(known) & set(cells["cell"]):
        raise InputError("no cell of the table of the truth is one of this study; take the names of cells.csv")
    return cells.assign(**{TRUTH: cells["cell"].map(known)})
