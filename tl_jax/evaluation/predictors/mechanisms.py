"""Which drugs act alike: a shipped, dated table that a user may replace by a file of the same columns; never fitted.

mechanisms.csv, a row for each drug: synonyms (";" between them), target, pathway, class, alike, source, as_of. Drugs of
one class act alike, unless `alike` names the drugs itself (";" between them, or "none"). It was written from general
pharmacology before any prediction was seen.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tl_jax.data.drugs.names import all_names, plain, same_drugs
from tl_jax.errors import InputError

FILE = Path(__file__).with_name("mechanisms.csv")
COLUMNS = ("drug", "synonyms", "target", "pathway", "class", "alike", "source", "as_of")
NEEDED = ("drug", "class")
NONE = "none"


class Mechanism(NamedTuple):
    """names: of the drug, without case and signs, synonyms among them. alike: names of drugs, () for its class."""

    drug: str
    names: frozenset[str]
    target: str
    pathway: str
    kind: str
    alike: tuple[str, ...]


class Alike(NamedTuple):
    """drugs: of a source that act as a drug does, as the source spells them. known: whether the table has the drug.
    why: what to tell a user where it has not, or where no source drug acts alike; else ""."""

    drugs: tuple[str, ...]
    known: bool
    why: str


def listed(file: str | None = None) -> tuple[Mechanism, ...]:
    """The shipped table, or that of a user's file, read again where that has changed; errors as in `read`."""
    path = FILE if file is None else Path(file)
    return read(file, path.stat().st_mtime_ns if path.is_file() else 0)


@cache
def read(file: str | None, _changed: int) -> tuple[Mechanism, ...]:
    """The table as it is now.

    Raises:
        InputError: no such file, no CSV, a column that lacks, a drug twice.
    """
    path = FILE if file is None else Path(file)
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"--mechanisms={file}: it cannot be read ({error}); give a CSV of {', '.join(COLUMNS)}"
        ) from error
    if not rows or any(name not in rows[0] for name in NEEDED):
        raise InputError(f"--mechanisms={file}: it needs the columns {' and '.join(NEEDED)} and a row for each drug")
    found, seen = [], {}
    for number, row in enumerate(rows, 2):
        own = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if not own["drug"]:
            raise InputError(f"--mechanisms={file}: line {number} names no drug; fill in its column 'drug'")
        names = frozenset(plain(name) for name in (own["drug"], *parts(own["synonyms"])))
        names = names.union(*(all_names(name) for name in names))
        again = next((name for name in names if name in seen), None)
        if again is not None:
            raise InputError(
                f"--mechanisms={file}: line {number} names '{own['drug']}' as line {seen[again]} does; keep one"
            )
        seen |= dict.fromkeys(names, number)
        found.append(
            Mechanism(own["drug"], names, own["target"], own["pathway"], own["class"], tuple(parts(own["alike"])))
        )
    return tuple(found)


def parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def class_of(drug: str, file: str | None = None) -> str:
    """The class of a drug; "" where the table has none or does not know it. file: as in `acts_alike`."""
    return next((one.kind for one in listed(file) if plain(drug) in one.names), "")


def acts_alike(drug: str, sources: Iterable[str], file: str | None = None) -> Alike:
    """Which of some source drugs act as a drug does.

    Args:
        drug: of the target. sources: names of the source's drugs. file: a user's table; None: the shipped one.
    """
    table = listed(file)
    own = next((one for one in table if plain(drug) in one.names), None)
    sources = list(sources)
    if own is None:
        same = tuple(same_drugs(drug, sources))
        told = f"the source's own {same[0]} alone counts as alike" if same else "no source drug counts as alike"
        return Alike(
            same, False, f"{drug} is not in the table of mechanisms: {told}; add it to a table for --mechanisms"
        )
    if [plain(name) for name in own.alike] == [NONE]:
        wanted = set()
    elif own.alike:
        wanted = set().union(*(names_of(name, table) for name in own.alike))
    else:
        wanted = set().union(*(one.names for one in table if one.kind and one.kind == own.kind), own.names)
    found = tuple(name for name in sources if plain(name) in wanted)
    return Alike(found, True, "" if found else f"no source drug acts as {drug} does ({own.kind or 'no class'})")


def names_of(name: str, table: tuple[Mechanism, ...]) -> frozenset[str]:
    """All names of a drug."""
    return next((one.names for one in table if plain(name) in one.names), all_names(name))
