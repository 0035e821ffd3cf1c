"""The names above the columns of a table: which are missing, which occur twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tl_jax.data.tables.cells import shown
from tl_jax.errors import InputError


def check_heading(heading: Sequence[str], path: Path, repeated_columns: str) -> None:
    """InputError for a name that occurs twice, unless repeated_columns is "keep"."""
    stripped = [h.strip() for h in heading]
    if len(set(stripped)) == len(stripped) or repeated_columns == "keep":
        return
    repeated = [h for h, count in Counter(stripped).items() if h and count > 1]
    if repeated:
        name = shown(repeated[0])
        raise InputError(f"{path}: column '{name}' occurs {stripped.count(repeated[0])} times; rename or drop it")


def named_columns(heading: Sequence[str], empty: Sequence[bool], path: Path) -> list[int]:
    """Positions of the columns to keep: all but those with neither heading nor value, as trailing separators make.

    heading: names, of which the first may be blank (the names of the rows). empty: whether a column has no
    value. InputError where a further column has values and no heading.
    """
    blank = {i for i, name in enumerate(heading) if not name.strip()}
    lost = [i for i in blank if i and not empty[i]]
    if lost:
        raise InputError(f"{path}: column {min(lost) + 1} has values but no heading; name it, or set header_row")
    return [i for i in range(len(heading)) if i not in blank or not empty[i]]


def unique_names(names: Sequence[str]) -> list[str]:
    """Names made unique with the suffixes .1, .2, ..."""
    taken, result = set(), []
    next_of: dict[str, int] = {}  # so that a name that occurs 50,000 times is not counted from 1 each time
    for name in names:
        fresh = name
        while fresh in taken:
            next_of[name] = next_of.get(name, 0) + 1
            fresh = f"{name}.{next_of[name]}"
        taken.add(fresh)
        result.append(fresh)
    return result
