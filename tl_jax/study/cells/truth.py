"""How right the scores were, where the truth is known: read after the scores are on disk, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tl_jax.data.cells.lines import lines_named
from tl_jax.data.tables.cells import as_ids, nearest
from tl_jax.errors import InputError
from tl_jax.study.cells.study import CellResults


@dataclass(frozen=True)
class Truth:
    """column: of the cells' table. sensitive: its values that mean sensitive. by_line: the column names each cell's
    line, whose measured response is the truth. exclude: values whose cells are left out of the tables, and counted in
    one beside them. replicates: a column of replicates of one treatment, which a score must not tell apart.
    mixture: {column of shares: the line that it is the share of}; the shares weigh the lines' measured responses.
    against: columns of numbers that the score is held beside, such as the amount of RNA. unit: a column of what was
    sampled, such as donors or plates, whose cells are one unit of intervals and tests; "": each cell by itself."""

    column: str = ""
    sensitive: tuple[str, ...] = ()
    by_line: bool = False
    exclude: tuple[str, ...] = ()
    replicates: str = ""
    mixture: tuple[tuple[str, str], ...] = ()
    against: tuple[str, ...] = ()
    unit: str = ""


def truth_of(results: CellResults, asked: Truth) -> np.ndarray:
    """(cells,) 1 sensitive, 0 resistant, NaN where the column is empty; excluded cells as their value has it.

    Raises:
        InputError: no such column, more than two values without --sensitive, or a value that is not there.
    """
    values = values_of(results, asked.column)
    if asked.by_line:
        return measured(response_by_cell(results, values))
    known = sorted(set(values) - {""})
    for flag, named in (("sensitive", asked.sensitive), ("truth_exclude", asked.exclude)):
        absent = [value for value in named if value not in known]
        if absent:
            raise InputError(f"--{flag}={absent[0]}: '{asked.column}' has no such value; {nearest(absent[0], known)}")
    sensitive = asked.sensitive or (("1",) if set(known) <= {"0", "1"} else ())
    if not sensitive:
        raise InputError(f"--truth={asked.column} has the values {', '.join(known[:8])}; say which is --sensitive")
    return np.where(values == "", np.nan, np.isin(values.astype(str), sensitive)).astype(np.float64)


def check_truth(results: CellResults, asked: Truth) -> None:
    """Raise InputError where a column or a value that is asked for is not there; what is read here goes nowhere."""
    if asked.column:
        truth_of(results, asked)
    if asked.replicates:
        values_of(results, asked.replicates, "replicate_column")
    if asked.mixture:
        mixed_response(results, asked.mixture)
    for column in asked.against:
        numbers_of(results, column, "against")
    units_of(results, asked, np.isfinite(truth_of(results, asked)) if asked.unit else np.zeros(0))


def units_of(results: CellResults, asked: Truth, known: np.ndarray) -> np.ndarray | None:
    """The unit of each cell that has a truth (known: (cells,) whether), or None where every cell is one.

    Raises:
        InputError: no such column, such a cell without a unit, or fewer than two units.
    """
    if not asked.unit:
        return None
    found = values_of(results, asked.unit, "unit_column")[known]
    if empty := int((found == "").sum()):
        raise InputError(f"--unit_column={asked.unit}: {empty} of {len(found)} cells with a truth have no value there")
    if len(found) and len(set(found)) < 2:
        raise InputError(
            f"--unit_column={asked.unit}: all cells with a truth have one value, and one unit has no spread"
        )
    return found


def excluded(results: CellResults, asked: Truth) -> np.ndarray:
    """(cells,) whether a cell's value is one that --truth_exclude names."""
    return np.isin(values_of(results, asked.column).astype(str), asked.exclude)


def values_of(results: CellResults, column: str, flag: str = "truth") -> np.ndarray:
    """(cells,) texts of a column of the cells' table, "" where it is empty."""
    obs = results.setup.cells.obs
    if obs is None or column not in obs:
        known = [] if obs is None else list(obs.columns)
        raise InputError(f"the table of cells has no column '{column}' (--{flag}); {nearest(column, known)}")
    return np.array(as_ids(obs[column]), dtype=object)


def measured(response: np.ndarray) -> np.ndarray:
    """1 for cells of a line whose response lies below the middle of the lines' range, 0 above."""
    low, high = np.nanmin(response), np.nanmax(response)
    if low == high:
        raise InputError("the cells' lines have one measured response; a truth by line needs lines that differ")
    return np.where(np.isnan(response), np.nan, response < (low + high) / 2).astype(np.float64)


def response_by_cell(results: CellResults, lines: np.ndarray) -> np.ndarray:
    """(cells,) measured response of each cell's line, NaN where it was not measured."""
    own = results.setup.truth_lines
    found = pd.Series(line_of_cells(results, lines)).map(own).to_numpy(np.float64)
    if not np.isfinite(found).any():
        raise InputError(f"no cell's line has a measured response; the lines taken out are: {', '.join(own.index)}")
    return found


def mixed_response(results: CellResults, mixture: tuple[tuple[str, str], ...]) -> np.ndarray:
    """(cells,) measured responses of lines, weighted by each cell's shares of them."""
    own, total = results.setup.truth_lines, np.zeros(len(results.setup.cells))
    meant = lines_named([line for _, line in mixture], own.index)
    for column, line in mixture:
        if not meant[line] or not np.isfinite(own[meant[line][0]]):
            raise InputError(f"--mixture={column}:{line}: no line of this name with a response was taken out")
        total += numbers_of(results, column, "mixture") * own[meant[line][0]]
    return total


def numbers_of(results: CellResults, column: str, flag: str) -> np.ndarray:
    """(cells,) numbers of a column of the cells' table, NaN where it is empty."""
    found = pd.to_numeric(pd.Series(values_of(results, column, flag)).replace("", np.nan), errors="coerce")
    if not found.notna().any():
        raise InputError(f"--{flag}={column}: the column holds no number")
    return found.to_numpy(np.float64)


def line_of_cells(results: CellResults, names: np.ndarray) -> np.ndarray:
    """(cells,) the line as the bulk tables call it, found as when it was taken out; "" for any other."""
    meant = lines_named(dict.fromkeys(names), results.setup.truth_lines.index)
    return np.array([next(iter(meant[name]), "") for name in names], dtype=object)
