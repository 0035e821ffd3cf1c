"""The order of genes that comes beside a model: a text with one name per line."""

from __future__ import annotations

import csv
from pathlib import Path

from tl_jax.data.tables.archives import unpacked
from tl_jax.data.tables.raw_tables import find_file
from tl_jax.errors import InputError

HEADINGS = ("gene", "genes", "gene_symbol", "symbol", "name", "feature", "0")  # "0": what pandas writes


def read_gene_list(path: str | Path, count: int) -> list[str]:
    """`count` names in the order of the file (.txt or .csv, one per line, UTF-8).

    A heading is dropped where there is one line too many and it is a usual word. Raises InputError for a wrong count, a
    line that is empty or holds several fields, and a name that occurs twice: each would shift or mix up weights.
    """
    path = find_file(path)
    try:
        ending = path.suffix.lower()
        lines = unpacked(path, ending if ending in (".gz", ".zip") else "").decode("utf-8-sig")
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines.splitlines())]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no UTF-8 text of gene names ({error}); give one name per line") from error
    while rows and not any(rows[-1]):
        rows.pop()
    for number, row in enumerate(rows, start=1):
        if len(row) != 1 or not row[0]:
            raise InputError(f"{path}, line {number}, holds {len(row) if any(row) else 'no'} names; give one per line")
    names = [row[0] for row in rows]
    if len(names) == count + 1 and names[0].casefold() in HEADINGS:
        names = names[1:]
    if len(names) != count:
        raise InputError(f"{path} names {len(names)} genes, the weights take {count}; give the genes of their training")
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if first.setdefault(name, number) != number:
            raise InputError(f"{path} names {name!r} twice (genes {first[name]} and {number}); each needs its own name")
    return names
