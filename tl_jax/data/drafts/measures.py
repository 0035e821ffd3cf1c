"""What the values of a response mean: unit, direction, cells that are no numbers, values that stand for a gap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.response_scales import suggested, why_suggested
from tl_jax.data.cohort.schema_kinds import wanted_values
from tl_jax.data.directions import direction_of
from tl_jax.data.domain import RESISTANT, SENSITIVE
from tl_jax.data.drafts.points import UNKNOWN, Points
from tl_jax.data.tables.cells import as_ids
from tl_jax.data.tables.numbers import CENSORED, MISSING, as_numbers, fault_text, faults, placeholders
from tl_jax.data.tables.selection import select_rows


def meaning(frame: pd.DataFrame, path: Path, keys: dict, wishes, points: Points) -> dict:
    """Keys unit and direction: by the words of the column, then of the metric that a filter names; asked in doubt."""
    column = keys.get("value_column", UNKNOWN)
    names = [column] if column != UNKNOWN else []
    names += [str(v) for name, v in (keys.get("filter") or {}).items() if v != UNKNOWN and not isinstance(v, list)]
    names += [str(d) for d in keys.get("drugs", ())] if column == UNKNOWN else []
    found = next(((n, d) for n in names if (d := direction_of(n)).high or d.doubt), (None, None))
    unit = wishes.unit or (found[0] if found[0] and column == UNKNOWN and len(names) == 1 else None)
    unit = unit or (column if column != UNKNOWN else "response")
    if column != UNKNOWN and found[0] and found[0] != column and not wishes.unit:
        unit = found[0]
    if wishes.direction:
        if found[0] and found[1].high not in ("", wishes.direction):
            points.say(
                f"'{found[0]}' usually means that high is {found[1].high}; --direction={wishes.direction} counts"
            )
        return {"unit": unit, "direction": wishes.direction}
    if found[0] and found[1].high:
        points.say(
            f"a high value is taken to mean {found[1].high}, by the name '{found[0]}': check it; --direction says"
        )
        return {"unit": unit, "direction": found[1].high}
    why = f": {found[1].doubt}" if found[0] else ""
    real = [n for n in names if n != UNKNOWN]
    what = f"the name '{found[0] or real[0]}'" if found[0] or real else "the table"
    ask = f"add --direction={RESISTANT} or --direction={SENSITIVE}"
    points.ask(f"{path}: {what} does not say whether a high value means a resistant or a sensitive sample{why}; {ask}")
    return {"unit": unit, "direction": UNKNOWN}


def check_values(frame: pd.DataFrame, path: Path, samples: str, keys: dict, points: Points) -> dict:
    """Further keys for the cells of the response that are no numbers; open points for what stands for a gap."""
    if UNKNOWN not in str(keys.get("filter")):
        frame = select_rows(frame, path, wanted_values(keys.get("filter") or {}), "filter")
    columns = [keys["value_column"]] if "value_column" in keys else keys.get("drugs", [])
    columns = [c for c in columns if c in frame.columns]
    found: dict = {}
    for column in columns:
        values, rows = frame[column], as_ids(frame[samples])
        bad = faults(values)
        cells = {row: str(values.iloc[row]).strip() for row in bad if rows[row]}  # notes below the heading name none
        beyond = [r for r, cell in cells.items() if CENSORED.fullmatch(cell)]
        if beyond and keys.get("censored") == "clip":
            cells = {r: c for r, c in cells.items() if r not in beyond}
        gaps = {r: c for r, c in cells.items() if MISSING.fullmatch(c)}
        wrong = [r for r in cells if r not in gaps]
        if wrong:
            points.ask(fault_text(values, wrong, rows, path, column), "response")
        for row, cell in gaps.items():
            points.say(f"{path.name}: '{cell}' (column '{column}', row '{rows[row]}') is taken for a missing value")
        if gaps:
            found["missing"] = sorted({*found.get("missing", ()), *gaps.values()})
        known = as_numbers(values)
        _ask_of_gaps(known, column, path, points)
        if "transform" not in keys:
            _suggest_scale(known.to_numpy(), column, keys.get("unit", column), points)
    return found


def _ask_of_gaps(numbers: pd.Series, column: str, path: Path, points: Points) -> None:
    known = numbers.to_numpy()
    for value in placeholders(known):
        points.ask(
            f"{path}: {int((known == value).sum())} values of '{column}' are {value:g}, far from all others; if that "
            f"means a missing value, set missing = ['{value:g}']",
            "response",
        )


def _suggest_scale(known: np.ndarray, column: str, unit: str, points: Points) -> None:
    better = suggested(known, unit)
    if better != "none":
        what = "their logarithm" if better == "log10" else "their logit"
        points.say(
            f"'{column}': {why_suggested(known, better)}; --response_keys=\"transform = '{better}'\" learns {what}"
        )
