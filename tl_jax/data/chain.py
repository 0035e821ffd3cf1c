"""Cohort: an ordered chain of domains on the same genes, from the first source to the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.data.genes.names import GeneNames
from tl_jax.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("source", "intermediate", "target")


@dataclass(frozen=True)
class Cohort:
    """An ordered chain of domains on the same genes in the same order; `cohort["target"]` is one of them.

    load_cohort reads one from files, Cohort.from_frames takes pandas frames.

    Args:
        name: of the cohort, a word.
        title: for headings.
        domains: (source, intermediate, target), or any chain of at least one.
        source_drugs: drugs of the first domain that may serve as sources.
        default_source: the source drug where none is named and there is no intermediate to choose it on.
        drug: the target's drug.
        marker: gene of the marker baseline, or "" for none.
        coverage: {domain name: share of its own genes that the chain keeps}.
        gene_names: {domain name: what became of the gene names of its table}; empty for a simulated chain.
    """

    name: str
    title: str
    domains: tuple[Domain, ...]
    source_drugs: tuple[str, ...]
    default_source: str
    drug: str
    marker: str
    coverage: dict[str, float]
    gene_names: dict[str, GeneNames] = field(default_factory=dict)

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, tuple[pd.DataFrame, pd.Series | pd.DataFrame]],
        *,
        drug: str | None = None,
        unit: str | Mapping[str, str] | None = None,
        direction: str | Mapping[str, str] | None = None,
        groups: Mapping[str, pd.Series] | None = None,
        tissue: Mapping[str, pd.Series] | None = None,
        scaler: str | Mapping[str, str] | None = None,
        source_drugs: Sequence[str] | None = None,
        default_source: str | None = None,
        marker: str = "",
        missing_genes: str = "drop",
        expression: Mapping[str, object] | None = None,
        name: str = "frames",
        title: str = "",
    ) -> Cohort:
        """A cohort from pandas frames, joined by sample and by gene as the tables of a cohort file are.

        Args:
            frames: {domain: (expression, response)} in the order of the chain, the target last. expression: samples
                (index) x genes (columns), log2 scale, without gaps. response: a Series by sample, or samples x drugs,
                NaN where not measured. Samples that stand in one of the two only are left out.
            drug: the target's, a column of the last response; None: its only one. It also names a Series that has no
                name.
            unit: of the response, for all domains or {domain: unit}; None: "AUC".
            direction: what a HIGH response means, "resistant" or "sensitive", for all or by domain; None: "resistant".
            groups: {domain: Series by sample}; samples of one group share a fold. None: each is its own.
            tissue: {domain: Series by sample}, for checks and reports.
            scaler: of the expression, one of `--scaling` or "robust", for all or by domain; None: "standard" for the
                first of several, of the others as the protocol has it (docs/experiments.md, Scaling).
            source_drugs: columns of the first response that may serve as sources; None: all.
            default_source: the source drug where none is named; None: the first by name.
            marker: gene of the baseline marker_gene, "" for none.
            missing_genes: of the first domain that a later one lacks: "drop", "error" or "train_mean".
            expression: what to do with the expression of all domains, such as {"missing_values": "drop_genes",
                "transform": "log_cpm"}: transform, gene_ids, date_names, duplicate_genes, duplicate_samples,
                missing_values, ignore_columns, sample_prefix_length or sample_pattern, as docs/cohorts.md explains.
            name: of the cohort, a word.
            title: for headings.

        Returns:
            Cohort: x (n, genes) float32 on the shared genes, sorted, and sorted samples; the order of rows and columns
            in the frames changes nothing.

        Raises:
            InputError: gaps, text among numbers, a sample or gene twice, no shared names, an unknown drug; it names the
            frame with the column or sample.
        """
        # Above this floor, since it reads as cohort files do; imported when called.
        from tl_jax.data.cohort.frames import from_frames

        per_domain = {"unit": unit, "direction": direction, "groups": groups, "tissue": tissue, "scaler": scaler}
        return from_frames(
            frames,
            name=name,
            title=title,
            drug=drug,
            source_drugs=source_drugs,
            default_source=default_source,
            marker=marker,
            missing_genes=missing_genes,
            per_domain=per_domain,
            expression=expression or {},
        )

    def __repr__(self) -> str:
        lines = (f"  {domain!r}" for domain in self.domains)
        head = f"Cohort({self.name!r}, drug {self.drug!r}, {len(self.genes):,} genes, {len(self.domains)} domains)"
        return "\n".join([head, *lines])

    def __getitem__(self, name: str) -> Domain:
        """A domain by its role or its own name; InputError for any other."""
        if name in ROLES:
            return self.stage(name)
        found = {domain.name: domain for domain in self.domains}
        if name not in found:
            known = ", ".join((*ROLES, *(one for one in found if one not in ROLES)))
            raise InputError(f"cohort {self.name} has no domain '{name}'; there are: {known}")
        return found[name]

    @property
    def genes(self) -> np.ndarray:
        return self.domains[0].genes

    def stage(self, role: str) -> Domain:
        """A domain by its role.

        Args:
            role: "source" is the first, "target" the last, "intermediate" the one between.

        Returns:
            Domain: x (n, genes) on the genes of the whole chain.

        Raises:
            InputError: another word, or an intermediate of a chain that has none.
        """
        if role == "source":
            return self.domains[0]
        if role == "target":
            return self.domains[-1]
        if role == "intermediate" and len(self.domains) == 3:
            return self.domains[1]
        raise InputError(f"cohort {self.name} has {len(self.domains)} domains and no {role} among them")
