"""Genes that are known to go with resistance to a drug, or with sensitivity: a shipped, dated list with its sources.

markers.csv, a row for each drug and gene: high_means says what a high expression goes with; level "expression" where
expression shows it, else what does ("mutation", "fusion"), so that no arm on expression can. They hold on average over
many tumours; a small cohort may go the other way by chance.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tl_jax.data.drugs.names import all_names, plain

FILE = Path(__file__).with_name("markers.csv")
EXPRESSION = "expression"


class Marker(NamedTuple):
    """resistant: +1 where a high expression goes with resistance, -1 where it goes with sensitivity."""

    drug: str
    gene: str
    resistant: int
    level: str
    evidence: str
    source: str
    as_of: str


@cache
def listed() -> tuple[Marker, ...]:
    """The whole list, in the order of the file."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    signs = {"resistant": 1, "sensitive": -1}
    return tuple(
        Marker(r["drug"], r["gene"], signs[r["high_means"]], *(r[k] for k in ("level", "evidence", "source", "as_of")))
        for r in rows
    )


def markers_of(drug: str) -> list[Marker]:
    """What is known of a drug, by any of its names, without case and signs; nothing where it is not listed."""
    names = all_names(drug)
    found = [one for one in listed() if plain(one.drug) in names]
    return list({one.gene: one for one in reversed(found)}.values())[::-1]  # one drug may stand there by two names


def signs_of(drug: str) -> list[Marker]:
    """Of what is known of a drug, what expression shows."""
    return [one for one in markers_of(drug) if one.level == EXPRESSION]
