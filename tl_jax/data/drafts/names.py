"""Which names two tables have in common, and how they must be cut to agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from tl_jax.data.tables.cells import as_ids

ENOUGH = 0.5  # share of the smaller side's names that must agree as they stand, or they are tried cut
FEWEST = 3  # samples that must agree: fewer would be chance


class Cut(NamedTuple):
    """How sample names are shortened; the keys of a cohort file. Nothing set: not at all."""

    sample_pattern: str = ""
    sample_prefix_length: int = 0

    def keys(self) -> dict:
        """The keys that are set."""
        return {name: value for name, value in self._asdict().items() if value}

    def apply(self, names: Iterable[str]) -> list[str]:
        """The names cut; those in which the pattern finds nothing are left out."""
        if self.sample_pattern:
            found = (re.search(self.sample_pattern, name) for name in names)
            return [match.group(1) for match in found if match]
        return [name[: self.sample_prefix_length or None] for name in names]


WHOLE = Cut()
CUTS = (
    Cut(sample_pattern=r"^(.*?)(?:\.\d+)?$"),  # copies that a reader has numbered
    Cut(sample_pattern=r"([A-Za-z]+[-_. ]?\d+)"),
    *(Cut(sample_prefix_length=length) for length in range(16, 3, -1)),
)
# Only where the other side has the bare name: the numbers of two unrelated lists always agree.
ONE_SIDED = (
    Cut(sample_pattern=r"^X(.*)$"),  # R puts an X before names that begin with a digit
    Cut(sample_pattern=r"(\d+)"),
)
PAIRS = (
    *((cut, cut) for cut in CUTS),
    *(pair for cut in (*CUTS, *ONE_SIDED) for pair in ((cut, WHOLE), (WHOLE, cut))),
)


class Match(NamedTuple):
    """Where the samples' names stand, and the names that both tables have.

    side: what the rows of the expression table hold, "samples" or "genes". own: its column of names. other: the
    column of the second table, or "" where its heading holds them. own_cut, other_cut: either side's.
    """

    side: str
    own: str
    other: str
    own_cut: Cut
    other_cut: Cut
    shared: tuple[str, ...]


def match_names(expression: pd.DataFrame, table: pd.DataFrame) -> Match | None:
    """The best agreement of names between an expression table and another; None where there is none.

    Names as they stand are taken where half of the smaller side agrees; else cuts are tried, for both sides alike and
    for one side alone, and the first is taken that makes half agree.
    """
    first = str(expression.columns[0])
    ours = [("genes", first, [str(c) for c in expression.columns[1:]])]
    # Whole numbers beyond the first column are counts.
    text = [c for c in named_columns(expression) if c == first or not pd.api.types.is_numeric_dtype(expression[c])]
    ours += [("samples", name, as_ids(expression[name])) for name in text]
    theirs = [(name, as_ids(table[name])) for name in named_columns(table)]
    theirs.append(("", [str(c) for c in table.columns[1:]]))
    best = None
    for pair in ((WHOLE, WHOLE), *PAIRS):
        for side, own, names in ours:
            for other, values in theirs:
                shared = common(names, values, pair)
                few = len(shared) < (
                    FEWEST if pair == (WHOLE, WHOLE) else ENOUGH * min(len(set(names)), len(set(values)))
                )
                if not few and len(shared) >= FEWEST and (best is None or len(shared) > len(best.shared)):
                    best = Match(side, own, other, *pair, tuple(sorted(shared)))
        if best and len(best.shared) >= ENOUGH * min(side_counts(best, expression, table)):
            return best
    return best


def named_columns(frame: pd.DataFrame) -> list[str]:
    """Columns that could hold names: text or whole numbers, none empty."""
    found = []
    for name in frame.columns:
        values = frame[name]
        whole = pd.api.types.is_integer_dtype(values) and not pd.api.types.is_bool_dtype(values)
        text = not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        if (whole or text) and values.notna().all():
            found.append(str(name))
    return found


def common(names: Sequence[str], others: Sequence[str], cuts: tuple[Cut, Cut]) -> set[str]:
    """Names of both sides after their cuts, empty ones apart."""
    return (set(cuts[0].apply(names)) & set(cuts[1].apply(others))) - {""}


def side_counts(match: Match, expression: pd.DataFrame, table: pd.DataFrame) -> tuple[int, int]:
    """How many distinct samples, after the cuts, the expression table and the other one have."""
    own = as_ids(expression[match.own]) if match.side == "samples" else [str(c) for c in expression.columns[1:]]
    other = as_ids(table[match.other]) if match.other else [str(c) for c in table.columns[1:]]
    return len(set(match.own_cut.apply(own))), len(set(match.other_cut.apply(other)))
