"""Genes matched by name: over a chain of domains, and for new samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tl_jax.data.cells import examples
from tl_jax.data.domain import Domain
from tl_jax.errors import InputError

MIN_SHARED = 50
MIN_SHARE = 0.01


def shared_genes(names: Sequence[str], genes: Sequence[Sequence[str]]) -> np.ndarray:
    """Genes that every domain has, sorted, so that the order of columns in a file changes nothing.

    names: of the domains; genes: their gene names. Raises InputError where fewer than 50 genes, or under
    1 % of the smallest domain, are shared: such a chain rests on chance matches of names.
    """
    shared = set(genes[0]).intersection(*genes[1:])
    smallest = min(len(g) for g in genes)
    if len(genes) > 1 and (len(shared) < MIN_SHARED or len(shared) < MIN_SHARE * smallest):
        sides = "; ".join(f"{n} has {len(g)}: {examples(sorted(g))}" for n, g in zip(names, genes, strict=True))
        remedy = "give all tables the same kind of gene names"
        folded = set.intersection(*({x.casefold() for x in g} for g in genes))
        if len(folded) >= MIN_SHARED:
            remedy = f"{len(folded)} agree but for upper and lower case, so give all tables the same case"
        raise InputError(f"the domains share {len(shared)} genes, too few to transfer ({sides}); {remedy}")
    return np.array(sorted(shared), dtype=str)


def align_domains(domains: Sequence[Domain]) -> tuple[tuple[Domain, ...], dict[str, float]]:
    """The domains on their shared genes, sorted, and {name: share of its own genes that is kept}."""
    shared = shared_genes([d.name for d in domains], [d.genes.tolist() for d in domains])
    coverage = {d.name: len(shared) / len(d.genes) for d in domains}
    return tuple(d.with_genes(shared) for d in domains), coverage


def align_matrix(x: np.ndarray, genes: Sequence[str], wanted: Sequence[str]) -> tuple[np.ndarray, float]:
    """Columns of x by gene name, for a model that expects `wanted`.

    x: (n, genes). Returns (n, wanted) of x's float type, NaN where a gene is missing, and the share of
    `wanted` that was found. Raises InputError for a repeated name in `genes`, or none found.
    """
    names = [str(g) for g in genes]
    position = {g: i for i, g in enumerate(names)}
    if len(position) < len(names):
        repeated = next(g for i, g in enumerate(names) if position[g] != i)
        raise InputError(f"gene '{repeated}' occurs more than once; average or drop its copies")
    found = [(i, position[str(g)]) for i, g in enumerate(wanted) if str(g) in position]
    if not found:
        sides = f"wanted {examples(map(str, wanted))}; given {examples(names)}"
        raise InputError(f"none of the {len(wanted)} genes is in the table ({sides}); use the same kind of gene names")
    aligned = np.full((len(x), len(wanted)), np.nan, dtype=np.result_type(x.dtype, np.float32))
    to, origin = np.array(found).T
    aligned[:, to] = x[:, origin]
    return aligned, len(found) / len(wanted)
