"""Other names of drugs: brands, codes and synonyms, so that a drug that is there is found under none of them unsaid.

names.csv, a row for each drug: its generic name, and others with ";" between them. It was written from general
pharmacology. A name is never replaced: an unknown one is refused, and the refusal names the drug that is meant.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("names.csv")


def plain(drug: str) -> str:
    """A drug's name without case, blanks and signs."""
    return re.sub(r"[\W_]+", "", drug).casefold()


def all_names(drug: str) -> frozenset[str]:
    """A drug's names as `plain` has them, its own among them."""
    return names().get(plain(drug), frozenset((plain(drug),)))


@cache
def names() -> dict[str, frozenset[str]]:
    """All names of the drug that a name is of; names as `plain` has them."""
    with FILE.open(encoding="utf-8", newline="") as opened:
        rows = [[row["drug"], *row["others"].split(";")] for row in csv.DictReader(opened)]
    groups = [frozenset(plain(name) for name in row) for row in rows]
    return {name: group for group in groups for name in group}


def other_names(drug: str, known: Iterable[str]) -> list[str]:
    """Which known drugs are this one under another name."""
    wanted = all_names(drug)
    return [name for name in known if plain(name) in wanted]
