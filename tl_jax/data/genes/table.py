"""The offline table of gene names that comes with the package, read when first asked; docs/genes.md has its sources.

One row for each human gene: current symbol, Entrez id, Ensembl ids, previous symbols, aliases, mouse orthologs
(symbol:Ensembl id). tools/build_genes.py makes it.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).resolve().parent / "genes.tsv.gz"
COLUMNS = ("symbol", "entrez", "ensembl", "previous", "aliases", "mouse")


class Lookup(NamedTuple):
    """What names of one kind mean.

    one: {name: its only gene}. several: {name: candidates} of a name that means no single gene, or shares its gene
    with another name of its species (mouse genes of one human gene).
    """

    one: dict[str, str]
    several: dict[str, tuple[str, ...]]

    def __contains__(self, name: str) -> bool:
        return name in self.one or name in self.several


@cache
def rows() -> tuple[str, tuple[tuple[str, ...], ...]]:
    """(source and date of the table, its rows as tuples of COLUMNS)."""
    note, heading, *lines = gzip.decompress(FILE.read_bytes()).decode("utf-8").splitlines()
    if tuple(heading.split("\t")) != COLUMNS:
        raise ValueError(f"{FILE} has the columns {heading!r}, expected {COLUMNS}")
    return note.removeprefix("# "), tuple(tuple(line.split("\t")) for line in lines)


@cache
def symbols() -> frozenset[str]:
    """Current symbols."""
    return frozenset(row[0] for row in rows()[1])


@cache
def lookup(kind: str) -> Lookup:
    """Names of a kind: "symbol" (current, previous, alias), "ensembl", "entrez", "mouse_symbol", "mouse_ensembl".

    A current symbol means its own gene, also where it is an alias of another. ValueError for another kind.
    """
    if kind == "symbol":
        return _symbols()
    if kind in ("mouse_symbol", "mouse_ensembl"):
        return _mouse(("mouse_symbol", "mouse_ensembl").index(kind))
    if kind not in ("ensembl", "entrez"):
        raise ValueError(f"unknown kind of gene names '{kind}'")
    return _sorted_out((name, row[0]) for row in rows()[1] for name in _parts(row[COLUMNS.index(kind)]))


def _symbols() -> Lookup:
    current = symbols()
    old = ((name, row[0]) for row in rows()[1] for cell in row[3:5] for name in _parts(cell) if name not in current)
    found = _sorted_out(old)
    return Lookup({**found.one, **{name: name for name in current}}, found.several)


def _mouse(part: int) -> Lookup:
    """Mouse genes of one human gene each, which is of no other mouse gene; the others are not resolved."""
    pairs, shared = [], {}
    for row in rows()[1]:
        mice = [name.partition(":")[::2][part] for name in _parts(row[5])]
        pairs += [(name, row[0]) for name in mice if name]
        if len(mice) > 1:
            shared.update({name: (row[0],) for name in mice if name})
    found = _sorted_out(pairs)
    return Lookup({n: s for n, s in found.one.items() if n not in shared}, {**shared, **found.several})


def _sorted_out(pairs: Iterable[tuple[str, str]]) -> Lookup:
    one: dict[str, str] = {}
    several: dict[str, set[str]] = defaultdict(set)
    for name, gene in pairs:
        if one.setdefault(name, gene) != gene:
            several[name] |= {one[name], gene}
    for name in several:
        del one[name]
    return Lookup(one, {name: tuple(sorted(genes)) for name, genes in several.items()})


def _parts(cell: str) -> Iterator[str]:
    return filter(None, cell.split("|"))
