"""Genes matched by name: over a chain of domains, and for new samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.genes.names import UNKNOWN, kind_of
from tl_jax.data.tables.cells import examples
from tl_jax.errors import InputError

MIN_SHARED = 50
MIN_SHARE = 0.01
MIN_MEASURED = 0.5  # of the first domain's genes, where those that a later domain lacks are filled in


def shared_genes(names: Sequence[str], genes: Sequence[Sequence[str]]) -> np.ndarray:
    """Genes that every domain has, sorted, so that the order of columns in a file changes nothing.

    names: of the domains; genes: their gene names. Raises InputError where fewer than 50 genes, or under
    1 % of the smallest domain, are shared: such a chain rests on chance matches of names.
    """
    shared = set(genes[0]).intersection(*genes[1:])
    smallest = min(len(g) for g in genes)
    if len(genes) > 1 and (len(shared) < MIN_SHARED or len(shared) < MIN_SHARE * smallest):
        sides = "; ".join(f"{n} has {len(g)}: {examples(sorted(g))}" for n, g in zip(names, genes, strict=True))
        kinds = {n: kind_of(g) for n, g in zip(names, genes, strict=True)}
        remedy = "give all tables the same kind of gene names"
        if len(set(kinds.values()) - {UNKNOWN}) > 1:
            named = ", ".join(f"{name} by {kind.replace('_', ' ')}" for name, kind in kinds.items())
            remedy = f"they name genes in different ways ({named}): set gene_ids = 'auto' in every [domain.expression]"
        folded = set.intersection(*({x.casefold() for x in g} for g in genes))
        if len(folded) >= MIN_SHARED:
            remedy = f"{len(folded)} agree but for upper and lower case, so give all tables the same case"
        raise InputError(f"the domains share {len(shared)} genes, too few to transfer ({sides}); {remedy}")
    return np.array(sorted(shared), dtype=str)


def align_domains(
    domains: Sequence[Domain], missing_genes: str = "drop"
) -> tuple[tuple[Domain, ...], dict[str, float]]:
    """The domains on the same sorted genes, and {name: share of its own genes that is kept}.

    missing_genes: what to do with genes of the first domain that another lacks. "drop": keep the shared ones only.
    "error": refuse. "train_mean": keep all; a domain that lacks one gets the first domain's mean in every row, which
    its own scaling turns into exactly 0, and names the gene in `unmeasured`; it must measure half of them.
    """
    names, genes = [d.name for d in domains], [d.genes.tolist() for d in domains]
    kept = shared_genes(names, genes)
    if missing_genes != "drop":
        kept = np.array(sorted(genes[0]), dtype=str)
        for name, own in zip(names, genes, strict=True):
            _check_missing(name, sorted(set(genes[0]) - set(own)), len(kept), names[0], missing_genes)
        domains = [_filled(d, domains[0]) for d in domains]
    coverage = {n: float(np.isin(g, kept).mean()) for n, g in zip(names, genes, strict=True)}
    return tuple(d.with_genes(kept) for d in domains), coverage


def _check_missing(name: str, missing: list[str], wanted: int, first: str, missing_genes: str) -> None:
    lacks = f"domain '{name}' lacks {len(missing)} of the {wanted} genes of '{first}' ({examples(missing)})"
    if missing and missing_genes == "error":
        raise InputError(f"{lacks}; set missing_genes = 'drop' to keep the shared ones, or 'train_mean'")
    if len(missing) > (1 - MIN_MEASURED) * wanted:
        raise InputError(f"{lacks}, more than half: too many to fill in; set missing_genes = 'drop'")


def _filled(domain: Domain, first: Domain) -> Domain:
    """The domain with the genes that only `first` has, at their mean in `first`."""
    lacking = ~np.isin(first.genes, domain.genes)
    if not lacking.any():
        return domain
    if domain.preprocess:
        message = f"domain '{domain.name}' has preprocess steps, which would move genes that are filled in"
        raise InputError(f"{message}; set missing_genes = 'drop', or leave out preprocess")
    mean = first.x[:, lacking].mean(axis=0, dtype=np.float64).astype(np.float32)
    x = np.concatenate([domain.x, np.tile(mean, (len(domain), 1))], axis=1)
    genes = np.concatenate([domain.genes, first.genes[lacking]])
    return replace(domain, x=x, genes=genes, unmeasured=tuple(sorted(first.genes[lacking].tolist())))


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
