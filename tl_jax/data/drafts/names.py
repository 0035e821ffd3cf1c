"""Which names two tables have in common, and how they must be cut to agree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from tl_jax.data.tables.cells import as_ids
from tl_jax.data.tables.same_names import renamed

ENOUGH = 0.5  # share of the smaller side's names that must agree as they stand, or they are tried cut
FEWEST = 3  # samples that must agree: fewer would be chance


class Cut(NamedTuple):
    """How sample names are shortened; the keys of a cohort file. Nothing set: not at all."""

    sample_pattern: str = ""
    sample_prefix_length: int = 0

    def keys(self) -> dict:
        """The keys that are set."""
        return {name: value for name, value in self._asdict().items() if value}

    def one(self, name: str) -> str | None:
        """A name cut; None where the pattern finds nothing in it."""
        if self.sample_pattern:
            found = re.search(self.sample_pattern, name)
            return found.group(1) if found else None
        return name[: self.sample_prefix_length or None]

    def apply(self, names: Iterable[str]) -> list[str]:
        """The names cut; those in which the pattern finds nothing are left out."""
        return [cut for name in names if (cut := self.one(name)) is not None]


WHOLE = Cut()
CUTS = (
    Cut(sample_pattern=r"^(.*?)(?:\.\d+)?$"),  # copies that a reader has numbered
    Cut(sample_pattern=r"([A-Za-z]+[-_. ]?\d+)"),
    *(Cut(sample_prefix_length=length) for length in range(16, 3, -1)),
)
FILES = Cut(  # what an aligner calls a sample by: folder/P01Aligned.sortedByCoord.out.bam
    sample_pattern=r"([^/\\]+?)(?:[._-]?(?:Aligned|sorted|dedup|markdup|accepted|Log|ReadsPerGene)[^/\\]*)?"
    r"\.(?:bam|sam|cram|txt|tsv|csv|tab|gz|counts?|out|results|sf|h5)$"
)
# Only where the other side has the bare name: the numbers of two unrelated lists always agree.
ONE_SIDED = (
    FILES,
    Cut(sample_pattern=r"^X(.*)$"),  # R puts an X before names that begin with a digit
    Cut(sample_pattern=r"-(\d+)$"),  # the well behind a barcode of 10x
    Cut(sample_pattern=r"^[^:]+:(.+)$"),  # BR:MCF7 of CellMiner
    Cut(sample_pattern=r"^([^_]+)_"),  # MCF7_BREAST of CCLE
    Cut(sample_pattern=r"(\d+)"),
)
MADE = Cut(sample_pattern=r"^X(\d.*)$")  # R's make.names: X10.A for 10-A
LOOSE = (FILES, MADE)  # after these cuts names need to agree in their normal form only
PAIRS = (
    (FILES, WHOLE),
    *((cut, cut) for cut in CUTS),
    *(pair for cut in (*CUTS, *ONE_SIDED, MADE) for pair in ((cut, WHOLE), (WHOLE, cut))),
)


class Side(NamedTuple):
    """Where names of samples may stand in a table. rows: what the rows of it hold then, "samples" or "genes" (of a
    public format, "cells"). column: of the names, "" where the heading holds them."""

    rows: str
    column: str
    names: list[str]


class Match(NamedTuple):
    """Where the samples' names stand, and the names that both tables have.

    side: what the rows of the expression table hold, "samples", "genes" or "cells". own: its column of names. other:
    the column of the second table, or "" where its heading holds them. own_cut, other_cut: either side's. shared: as
    the expression calls them. counts: how many distinct samples, after the cuts, either table has.
    """

    side: str
    own: str
    other: str
    own_cut: Cut
    other_cut: Cut
    shared: tuple[str, ...]
    counts: tuple[int, int]


def sides_of_expression(frame: pd.DataFrame) -> list[Side]:
    """The heading, and columns of texts; whole numbers beyond the first column are counts."""
    first = str(frame.columns[0])
    ours = [Side("genes", first, [str(c) for c in frame.columns[1:]])]
    text = [c for c in frame.columns if c == first or not pd.api.types.is_numeric_dtype(frame[c])]
    return ours + [Side("samples", name, as_ids(frame[name])) for name in named_columns(frame[text])]


def sides_of_response(table: pd.DataFrame, heading: bool) -> list[Side]:
    """Columns that could hold names, and the heading."""
    theirs = [Side("samples", name, as_ids(table[name])) for name in named_columns(table)]
    return [*theirs, Side("drugs", "", [str(c) for c in table.columns[1:]])] if heading else theirs


def match_names(
    expression: pd.DataFrame,
    table: pd.DataFrame,
    ours: list[Side] | None = None,
    heading: bool = True,
    column: str = "",
) -> Match | None:
    """The best agreement of names between an expression table and another; None where there is none.

    Names as they stand are taken where half of the smaller side agrees, then their normal forms; else cuts are tried,
    for both sides alike and for one side alone, and the first is taken that makes half agree.
    ours: where the expression's names may stand, where it is no plain table. heading: whether the heading of the other
    may hold names, which it does not where both are one table. column: the one of the other that the user states.
    """
    ours = sides_of_expression(expression) if ours is None else ours
    theirs, best = sides_of_response(table, heading), None
    stated = [side for side in theirs if column and side.column == column]
    for pair, loose in (
        ((WHOLE, WHOLE), False),
        ((WHOLE, WHOLE), True),
        *((pair, any(cut in LOOSE for cut in pair)) for pair in PAIRS),
    ):
        for own in ours:
            for other in stated or theirs:
                found = _agreement(own, other, pair, loose)
                if found and (best is None or len(found.shared) > len(best.shared)):
                    best = found
        if best and len(best.shared) >= ENOUGH * min(best.counts):
            return best
    return best


def _agreement(own: Side, other: Side, cuts: tuple[Cut, Cut], loose: bool) -> Match | None:
    """Names of both sides that agree after their cuts; None where they are too few."""
    mine, theirs = (dict.fromkeys(cut.apply(side.names)) for cut, side in zip(cuts, (own, other), strict=True))
    for names in (mine, theirs):
        names.pop("", None)
    shared = set(mine) & set(theirs)
    least = FEWEST
    if loose or cuts != (WHOLE, WHOLE):
        least = max(FEWEST, ENOUGH * min(len(set(own.names)), len(set(other.names))))
        if min(len(mine), len(theirs)) < least and own.rows != "cells":
            return None
    if own.rows == "cells":
        least = FEWEST
    if loose:
        shared |= set(renamed(theirs, mine).values())
    if len(shared) < least:
        return None
    return Match(own.rows, own.column, other.column, *cuts, tuple(sorted(shared)), (len(mine), len(theirs)))


def named_columns(frame: pd.DataFrame) -> list[str]:
    """Columns that could hold names: texts or whole numbers, most of them there."""
    found = []
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_bool_dtype(values) or values.notna().mean() <= ENOUGH:
            continue
        known = values.dropna()
        if pd.api.types.is_numeric_dtype(values) and (known.iloc[:5] % 1 != 0).any():
            continue
        if not pd.api.types.is_numeric_dtype(values) or (known % 1 == 0).all():
            found.append(str(name))
    return found
