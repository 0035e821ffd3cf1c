"""Other names of drugs: brands, codes and synonyms, and the one search for a drug of one table in another.

names.csv, a row for each drug: its generic name, and others with ";" between them. It was written from general
pharmacology. A name that a user gave is never replaced by another name: it is refused, and the refusal names the drug
that is meant. What one table calls a drug is looked up in another by `same_drugs`, and said by `taken_for`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("names.csv")


@lru_cache(maxsize=65_536)  # every drug of a table is held against every other
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


def is_drug(name: str) -> bool:
    """Whether a name is of a drug that is listed."""
    return plain(name) in names()


def other_names(drug: str, known: Iterable[str]) -> list[str]:
    """Which known drugs are this one under another name."""
    wanted = all_names(drug) - {""}
    return [name for name in known if plain(name) in wanted]


def same_drugs(drug: str, known: Iterable[str]) -> list[str]:
    """The known drugs that are this one, those that are written most alike first.

    Exactly so, then in another case, then with other signs, then under another name of the drug.
    """
    known = list(known)
    return list(dict.fromkeys([*spellings(drug, known), *other_names(drug, known)]))


def spellings(drug: str, known: Iterable[str]) -> list[str]:
    """The known drugs of this name, whatever their case and signs, those that are written most alike first."""
    known = list(known)
    exact = [name for name in known if name == drug]
    cased = [name for name in known if name.casefold() == drug.casefold()]
    signs = [name for name in known if plain(name) == plain(drug) != ""]
    return list(dict.fromkeys([*exact, *cased, *signs]))


def same_drug(drug: str, known: Iterable[str]) -> str | None:
    """The known drug that is this one, in its own spelling; None where there is none."""
    return next(iter(same_drugs(drug, known)), None)


def taken_for(drug: str, found: str, where: str) -> str:
    """What to tell a user who has not written the name that was found; "" where only the case differs."""
    if found.casefold() == drug.casefold():
        return ""
    how = "the same name" if plain(found) == plain(drug) else "another name of that drug"
    return f"{drug} is '{found}' in {where} ({how})"
