"""The baselines of an experiment: those of the house, the drug's known markers, and lists of genes of the
user's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.tables.cells import examples
from tl_jax.evaluation.predictors.baselines import (
    BASELINES,
    MARKER,
    PATHWAYS,
    SCALED_AS,
    SIGNATURE,
    available,
    marker_gene,
    signature,
)
from tl_jax.evaluation.predictors.fits import FITS
from tl_jax.evaluation.predictors.fits import marker_gene as fit_marker
from tl_jax.evaluation.predictors.fits import signature as fit_signature
from tl_jax.evaluation.predictors.gene_sets import SCALER, fit_pathways, pathways
from tl_jax.evaluation.predictors.markers import EXPRESSION, markers_of
from tl_jax.study.cohort.pathways import Known, known_sets
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.arms import Arm, fitted, fitted_form
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.problem import Problem

OF_COHORT = "marker_gene"  # the baseline on the gene that a cohort file names; with it go the drug's known markers


def baselines_of(cohort: Cohort, settings: Settings, problem: Problem, source: str, ledger: Ledger) -> Iterator[Arm]:
    """The baselines of one domain, each once. source: as tables name it; what cannot be run is remarked."""
    domain, seed = problem.domain, settings.seed
    measured = np.flatnonzero(domain.measured)
    columns = measured if domain.unmeasured else None
    marker = position(domain.genes[measured], cohort.marker)
    named = dict.fromkeys(settings.baselines)
    for name in named:
        if name.startswith(MARKER):
            continue
        if name not in available(marker):
            ledger.remark(f"baseline {name} left out: {why_no_marker(cohort)}")
            continue
        options = {"marker": marker, "seed": seed, "columns": columns, "scaler": SCALED_AS.get(name)}
        fit = partial(fitted_form, FITS[name], **options) if name in FITS else None
        yield Arm(
            name, source, predict=partial(fitted, BASELINES[name], **options), about=marker, fit=fit, columns=columns
        )
    genes = [name.removeprefix(MARKER) for name in named if name.startswith(MARKER)]
    asked = OF_COHORT in named or genes
    known = known_markers(cohort, domain.drugs[0], ledger) if asked else []
    for gene in dict.fromkeys([*genes, *known]):
        if (column := position(domain.genes[measured], gene)) is None:
            ledger.remark(f"{MARKER}{gene} left out: {why_absent(cohort, gene)}")
        else:
            # Steps of preprocessing want the whole table; without them the gene alone is read.
            own = {"marker": column} if domain.preprocess else {"marker": 0, "columns": measured[[column]]}
            yield of_genes(f"{MARKER}{gene}", source, marker_gene, fit_marker, **own)
    if settings.pathways:
        yield of_sets(known_sets(settings.pathways, domain), domain, source, ledger)
    if settings.signature:
        yield from signed(cohort, settings.signature, problem, source, ledger)


def of_genes(name: str, source: str, function, fit, columns: np.ndarray | None = None, **options) -> Arm:
    """An arm that reads some genes alone, as does the model that it leaves. columns: their places; None: all."""
    options["columns"] = columns
    predict, form = partial(fitted, function, **options), partial(fitted_form, fit, **options)
    return Arm(name, source, predict=predict, about=name, fit=form, columns=columns)


def of_sets(known: Known, domain: Domain, source: str, ledger: Ledger) -> Arm:
    """The arm on the scores of gene sets, which reads their genes alone where no step wants the whole table."""
    if told := known.remark():
        ledger.remark(told)
    columns = None if domain.preprocess else np.unique(np.concatenate(known.places))
    own = known.places if columns is None else [np.searchsorted(columns, one) for one in known.places]
    options = {"columns": columns, "scaler": SCALER, "sets": own}
    predict, fit = partial(fitted, pathways, **options), partial(fitted_form, fit_pathways, **options)
    return Arm(PATHWAYS, source, predict=predict, about=known.identity, fit=fit, columns=columns)


def signed(cohort: Cohort, genes: tuple[str, ...], problem: Problem, source: str, ledger: Ledger) -> Iterator[Arm]:
    """The signature on those of its genes that are measured."""
    domain = problem.domain
    found = np.flatnonzero(np.isin(domain.genes, genes) & domain.measured)
    absent = [gene for gene in genes if gene not in set(domain.genes[found].tolist())]
    if absent:
        ledger.remark(
            f"{SIGNATURE}: {len(absent)} of its {len(genes)} genes are not measured by the whole chain: "
            f"{examples(absent)}"
        )
    if len(found) and not domain.preprocess:
        yield of_genes(SIGNATURE, source, signature, fit_signature, found)
    else:
        why = "none of its genes is there" if not len(found) else "the target has preprocess steps"
        ledger.remark(f"{SIGNATURE} left out: {why}")


def position(genes: np.ndarray, gene: str) -> int | None:
    """The place of a gene; None where it is not there."""
    found = np.flatnonzero(genes == gene)
    return int(found[0]) if len(found) else None


def known_markers(cohort: Cohort, drug: str, ledger: Ledger) -> list[str]:
    """Genes whose expression is known to go with the response to a drug, but for the cohort's own marker."""
    found = markers_of(drug)
    for one in found:
        if one.level != EXPRESSION:
            ledger.remark(
                f"{one.gene} is known for {drug} by {one.level} ({one.source}), which expression does not show: no arm"
            )
    return [one.gene for one in found if one.level == EXPRESSION and one.gene != cohort.marker]


def why_no_marker(cohort: Cohort) -> str:
    """Why the baseline on the cohort's own marker cannot run."""
    return why_absent(cohort, cohort.marker) if cohort.marker else "the cohort names no marker gene (marker = 'GENE')"


def why_absent(cohort: Cohort, gene: str) -> str:
    """Why a gene is not among those of the chain."""
    lacking = [domain.name for domain in cohort.domains if gene in domain.unmeasured]
    for domain in cohort.domains:
        named = cohort.gene_names.get(domain.name)
        if named is not None and gene not in set(named.names):
            lacking.append(domain.name)
    if not lacking:
        return f"{gene} is not among the genes of the cohort"
    where = " and ".join(dict.fromkeys(lacking))
    return f"{where} does not measure {gene}, so that the chain does not hold it"
