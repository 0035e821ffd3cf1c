"""Sets of genes from a GMT file, and their places among the genes of a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tl_jax.data.genes.table import lookup
from tl_jax.errors import InputError

Sets = dict[str, tuple[str, ...]]


def read_sets(path: str, flag: str) -> Sets:
    """{name: genes} of a GMT file: a set a line, its name, a description and its genes, with tabs between.

    Args:
        flag: that named the file, for messages.
    Raises:
        InputError: no such file, a line that is no set, a name twice, no set at all.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--{flag}={path}: cannot be read as text ({error}); give a GMT file") from error
    found: Sets = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, *rest = (part.strip() for part in line.split("\t"))
        if not name or len(rest) < 2:
            raise InputError(f"--{flag}={path}, line {number}: a set is a name, a description and genes, by tabs")
        if name in found:
            raise InputError(f"--{flag}={path}, line {number}: '{name}' was a set before; keep one, or rename it")
        found[name] = tuple(dict.fromkeys(gene for gene in rest[1:] if gene))
    if not found:
        raise InputError(f"--{flag}={path}: no set is in it; give a GMT file")
    return found


def places(sets: Mapping[str, tuple[str, ...]], genes: np.ndarray) -> dict[str, np.ndarray]:
    """{name: ascending indices of its genes among `genes`}; a gene goes by its name, or by what that means today."""
    place, known = {gene: k for k, gene in enumerate(genes)}, lookup("symbol").one
    found = {}
    for name, members in sets.items():
        named = (gene if gene in place else known.get(gene, gene) for gene in members)
        found[name] = np.array(sorted({place[gene] for gene in named if gene in place}), np.intp)
    return found
