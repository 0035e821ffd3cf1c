"""Domain and Cohort: what every reader returns and everything later consumes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tl_jax.data.genes.names import GeneNames
from tl_jax.data.preprocessing.preprocess import NOTHING, Preprocess, check_counts
from tl_jax.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

RESISTANT, SENSITIVE = "resistant", "sensitive"
ROLES = ("source", "intermediate", "target")
SCALERS = ("robust", "standard", "none")
LABEL = "label"  # the unit of a response that is 1 or 0 and stays as it is


@dataclass(frozen=True)
class Domain:
    """Samples of one platform or laboratory: expression and drug response.

    Args:
        name: of the domain, such as "target".
        x: (n, genes) float32, expression (log2 scale unless the cohort file says otherwise).
        y: (n, drugs) float64, response in `unit`; NaN where a drug was not measured.
        samples: (n,) str, unique.
        genes: (genes,) str, unique.
        drugs: names of y's columns.
        groups: (n,) str; samples that share a group must share a fold.
        tissue: (n,) str, empty where unknown.
        unit: of y, such as "AUC".
        direction: what a HIGH value means, "resistant" or "sensitive".
        scaler: "robust" (median, IQR), "standard" (mean, sd) or "none", the scaling of x that suits the platform.
        replicate: (n, drugs) float64 or None, a second measurement of y, for label reliability only.
        transform: what was done to x after reading it ("none", "log2", "log_cpm", ...).
        unmeasured: genes that the platform lacks and the chain keeps. Their columns of x are constant, so that any
            scaling by the domain's own rows makes them exactly 0; they say nothing and must not be judged.
        batch: (n,) str, such as a sequencing run, empty where unknown.
        preprocess: what is fitted on training rows and done to x before scaling; x itself stays as it was read.
        read: (what, how many) samples the tables held before they were joined, for a check; may be empty.

    Raises:
        ValueError: arrays whose shapes do not fit.
        InputError: an unknown direction or scaler, or steps for counts on what is none.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    samples: np.ndarray
    genes: np.ndarray
    drugs: tuple[str, ...]
    groups: np.ndarray
    tissue: np.ndarray
    unit: str = "AUC"
    direction: str = RESISTANT
    scaler: str = "standard"
    replicate: np.ndarray | None = None
    transform: str = "none"
    unmeasured: tuple[str, ...] = ()
    batch: np.ndarray | None = None
    preprocess: Preprocess = NOTHING
    read: tuple[tuple[str, int], ...] = ()

    def __post_init__(self):
        n, genes = self.x.shape
        if self.batch is None:
            object.__setattr__(self, "batch", np.full(n, ""))
        expected = {"samples": (n,), "groups": (n,), "tissue": (n,), "genes": (genes,), "y": (n, len(self.drugs))}
        expected["batch"] = (n,)
        if self.replicate is not None:
            expected["replicate"] = self.y.shape
        for field, shape in expected.items():
            found = np.shape(getattr(self, field))
            if found != shape:
                raise ValueError(f"domain {self.name}: {field} has shape {found}, expected {shape}")
        if self.direction not in (RESISTANT, SENSITIVE):
            raise InputError(f"domain {self.name}: direction is '{self.direction}'; write 'resistant' or 'sensitive'")
        if self.scaler not in SCALERS:
            raise InputError(f"domain {self.name}: scaler is '{self.scaler}'; write one of: {', '.join(SCALERS)}")
        if self.preprocess.needs_counts:
            check_counts(self.x, self.samples, self.genes, f"domain {self.name}")

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        more = ", ..." if len(self.drugs) > 3 else ""
        drugs = f"{len(self.drugs)} drug{'s' * (len(self.drugs) != 1)} ({', '.join(self.drugs[:3])}{more})"
        size = f"{len(self):,} samples x {len(self.genes):,} genes"
        return f"Domain({self.name!r}: {size}, {drugs}, {self.unit}, high = {self.direction})"

    @property
    def response(self) -> np.ndarray:
        """(n,) response of a domain that holds exactly one drug without gaps."""
        if len(self.drugs) != 1:
            raise ValueError(f"domain {self.name} holds {len(self.drugs)} drugs: choose one with for_drug")
        return self.y[:, 0]

    def rows(self, index) -> Domain:
        """The same domain with the samples that `index` (integers or booleans) picks, in its order."""
        picked = {f: getattr(self, f)[index] for f in ("x", "y", "samples", "groups", "tissue", "batch")}
        second = None if self.replicate is None else self.replicate[index]
        return replace(self, **picked, replicate=second)

    def for_drug(self, drug: str) -> Domain:
        """Samples measured for one drug (case ignored in its name), y of shape (n, 1) without NaN."""
        column = self.column(drug)
        one = {"y": self.y[:, [column]], "drugs": (self.drugs[column],)}
        if self.replicate is not None:
            one["replicate"] = self.replicate[:, [column]]
        domain = replace(self, **one)
        return domain.rows(np.isfinite(domain.response))

    def for_drugs(self, drugs: Sequence[str]) -> Domain:
        """The samples measured for any of several drugs, y of shape (n, drugs) with NaN where one was not."""
        columns = [self.column(drug) for drug in drugs]
        some = {"y": self.y[:, columns], "drugs": tuple(self.drugs[c] for c in columns)}
        if self.replicate is not None:
            some["replicate"] = self.replicate[:, columns]
        domain = replace(self, **some)
        return domain.rows(np.isfinite(domain.y).any(axis=1))

    def column(self, drug: str) -> int:
        """Index of a drug, its name compared without case."""
        names = [d.casefold() for d in self.drugs]
        if drug.casefold() not in names:
            known = ", ".join(self.drugs[:8]) + (" ..." if len(self.drugs) > 8 else "")
            raise InputError(f"domain {self.name} has no drug '{drug}'; it has: {known}")
        return names.index(drug.casefold())

    @property
    def measured(self) -> np.ndarray:
        """(genes,) bool: which columns of x hold measurements."""
        return ~np.isin(self.genes, self.unmeasured)

    def with_genes(self, genes: np.ndarray) -> Domain:
        """The same samples with exactly `genes`, in that order; all must be present."""
        position = {g: i for i, g in enumerate(self.genes)}
        missing = [g for g in genes if g not in position]
        if missing:
            raise InputError(f"domain {self.name} lacks {len(missing)} of {len(genes)} genes, first '{missing[0]}'")
        index = np.fromiter((position[g] for g in genes), int, len(genes))
        still = tuple(gene for gene in self.unmeasured if gene in set(genes))
        x = np.ascontiguousarray(self.x[:, index])
        return replace(self, x=x, genes=np.asarray(genes), unmeasured=still)


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
    gene_names: dict[str, GeneNames] = dataclasses.field(default_factory=dict)

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
            scaler: of the expression, "robust" or "standard", for all or by domain; None: "standard".
            source_drugs: columns of the first response that may serve as sources; None: all.
            default_source: the source drug where none is named; None: the first by name.
            marker: gene of the baseline marker_gene, "" for none.
            missing_genes: of the first domain that a later one lacks: "drop", "error" or "train_mean".
            expression: further keys of [domain.expression] in docs/cohorts.md, such as {"missing_values": "drop_genes",
                "transform": "log_cpm"}, for all domains.
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
        """Domain by role: 'source' is the first, 'target' the last, 'intermediate' the one between."""
        if role == "source":
            return self.domains[0]
        if role == "target":
            return self.domains[-1]
        if role == "intermediate" and len(self.domains) == 3:
            return self.domains[1]
        raise InputError(f"cohort {self.name} has {len(self.domains)} domains and no {role} among them")
