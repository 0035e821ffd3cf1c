"""What the values of a response mean: unit, direction, cells that are no numbers, values that stand for a gap."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.response_scales import suggested, why_suggested
from tl_jax.data.cohort.schema_kinds import wanted_values
from tl_jax.data.directions import direction_of
from tl_jax.data.domain import RESISTANT, SENSITIVE
from tl_jax.data.drafts.points import UNKNOWN, Points
from tl_jax.data.tables.cells import as_ids, examples
from tl_jax.data.tables.numbers import CENSORED, MISSING, as_numbers, fault_text, faults, placeholders
from tl_jax.data.tables.same_names import normal
from tl_jax.data.tables.selection import select_rows

UNIT = re.compile(r"(^|[_ .])units?$", re.IGNORECASE)
MOST_UNITS = 6
EQUAL = {"=", "==", "eq"}
RELATIONS = EQUAL | {">", "<", ">=", "<=", ">>", "<<", "~", "\u2265", "\u2264"}


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
    found, of_drug = {}, _of_the_drug(frame, keys)
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
        _ask_of_units(of_drug, column, path, points)
        _ask_of_limits(of_drug, column, path, keys, points)
        _say_of_shares(known, column, path, points)
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


def _of_the_drug(frame: pd.DataFrame, keys: dict) -> pd.DataFrame:
    """The rows of the drugs that are asked for; all where none is named."""
    wanted = {normal(drug) for drug in keys.get("drugs", ()) if drug != UNKNOWN}
    if "drug_column" not in keys or not wanted:
        return frame
    return frame[[normal(name) in wanted for name in as_ids(frame[keys["drug_column"]])]]


def _ask_of_limits(frame: pd.DataFrame, column: str, path: Path, keys: dict, points: Points) -> None:
    """A column of = and > beside the numbers says which of them are limits: asked, for they are no measurements."""
    for other in frame.columns.drop(column):
        if frame[other].dtype.kind in "iufb":
            continue
        cells = as_ids(frame[other])
        signs = pd.Series([cell.strip("'\" ") for cell in cells])
        known = signs[signs != ""]
        if not len(known) or not known.isin(RELATIONS).all() or keys.get("censored") == "clip":
            continue
        limits = known[~known.isin(EQUAL)]
        if len(limits):
            exact = next((c for c in cells if c.strip("'\" ") in EQUAL), "=")
            points.ask(
                f"{path}: {len(limits)} of {len(frame)} values of '{column}' are limits by the column '{other}', "
                f"such as '{limits.iloc[0]}'; set censored = 'clip' to take the limit as the value, or set filter = "
                f"{{ {other} = '{exact}' }} to leave those rows out",
                "response",
            )


def _ask_of_units(frame: pd.DataFrame, column: str, path: Path, points: Points) -> None:
    """A column that gives the numbers several units makes them no measurements of one thing: asked."""
    for other in frame.columns.drop(column):
        if frame[other].dtype.kind in "iufb" or not UNIT.search(str(other)):
            continue
        units = Counter(filter(None, as_ids(frame[other])))
        if 1 < len(units) <= MOST_UNITS:
            most = max(units, key=units.get)
            points.ask(
                f"{path}: the values of '{column}' are in several units by the column '{other}' "
                f"({examples(units, MOST_UNITS)}); write them in one, or set filter = {{ {other} = '{most}' }}",
                "response",
            )


def _say_of_shares(numbers: pd.Series, column: str, path: Path, points: Points) -> None:
    """A few values of 0 to 1.2 among ones of tens may be shares among percentages: said with how many."""
    known = numbers.dropna()
    small, rest = known[(known > 0) & (known <= 1.2)], known[known > 1.2]
    if not (len(small) and len(rest) > len(small)) or (known < 0).any() or rest.max() > 200:
        return
    between = rest.min() > 10 * small.max()
    if between and 100 * small.min() >= rest.min() / 2 and 100 * small.max() <= 1.5 * rest.max():
        points.say(
            f"{path.name}: {len(small)} of {len(known)} values of '{column}' are at most {small.max():g}, all others "
            f"at least {rest.min():g}: if these are shares among percentages, correct them"
        )


def _suggest_scale(known: np.ndarray, column: str, unit: str, points: Points) -> None:
    better = suggested(known, unit)
    if better != "none":
        what = "their logarithm" if better == "log10" else "their logit"
        points.say(
            f"'{column}': {why_suggested(known, better)}; --response_keys=\"transform = '{better}'\" learns {what}"
        )
