"""Domain: samples of one laboratory, what every reader returns and everything later consumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tl_jax.data.preprocessing.preprocess import NOTHING, Preprocess, check_counts
from tl_jax.data.tables.cells import nearest_drug
from tl_jax.errors import InputError

RESISTANT, SENSITIVE = "resistant", "sensitive"
SHRUNKEN = "shrunken"  # towards the spreads of the source, which the domain must know
SCALERS = ("robust", "standard", "floored", SHRUNKEN, "none")
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
        scaler: the scaling of x that suits the platform: "robust" (median, IQR), "standard" (mean, sd), "floored"
            (mean, sd of at least the median of all), "shrunken" (mean, sd shrunken towards the source's) or "none".
        scaler_said: whether a user wrote scaler = "standard"; where not, a protocol may have a default of its own.
        spread_like: (genes,) variances of the source's genes, which "shrunken" shrinks towards; else None.
        replicate: (n, drugs) float64 or None, a second measurement of y, for label reliability only.
        transform: what was done to x after reading it ("none", "log2", "log_cpm", ...).
        unmeasured: genes that the platform lacks and the chain keeps. Their columns of x are constant, so that any
            scaling by the domain's own rows makes them exactly 0; they say nothing and must not be judged.
        batch: (n,) str, such as a sequencing run, empty where unknown.
        preprocess: what is fitted on training rows and done to x before scaling; x itself stays as it was read.
        read: (what, how many) samples the tables held before they were joined, for a check; may be empty.
        gene_ids: what kind of names its table gave the genes, as a cohort file says.

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
    gene_ids: str = "given"
    spread_like: np.ndarray | None = None
    scaler_said: bool = False

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
        if self.spread_like is not None and np.shape(self.spread_like) != (genes,):
            raise ValueError(f"domain {self.name}: spread_like has shape {np.shape(self.spread_like)}, not ({genes},)")
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

    def rows(self, index: np.ndarray | Sequence[int]) -> Domain:
        """Some of the samples.

        Args:
            index: (k,) row numbers, in the order wanted, or (n,) booleans.

        Returns:
            Domain: x (k, genes), y (k, drugs) and all else of these samples.
        """
        picked = {f: getattr(self, f)[index] for f in ("x", "y", "samples", "groups", "tissue", "batch")}
        second = None if self.replicate is None else self.replicate[index]
        return replace(self, **picked, replicate=second)

    def for_drug(self, drug: str) -> Domain:
        """The samples measured for one drug.

        Args:
            drug: its name, case ignored.

        Returns:
            Domain: of k samples, y (k, 1) without NaN.

        Raises:
            InputError: no such drug.
        """
        column = self.column(drug)
        one = {"y": self.y[:, [column]], "drugs": (self.drugs[column],)}
        if self.replicate is not None:
            one["replicate"] = self.replicate[:, [column]]
        domain = replace(self, **one)
        return domain.rows(np.isfinite(domain.response))

    def for_drugs(self, drugs: Sequence[str]) -> Domain:
        """The samples measured for any of several drugs.

        Args:
            drugs: their names, case ignored.

        Returns:
            Domain: of k samples, y (k, len(drugs)) in that order, NaN where one was not measured.

        Raises:
            InputError: no such drug, or one string for a list.
        """
        if isinstance(drugs, str):
            raise InputError(f"drugs={drugs!r} is no list; write ['{drugs}'], or for_drug('{drugs}')")
        columns = [self.column(drug) for drug in drugs]
        some = {"y": self.y[:, columns], "drugs": tuple(self.drugs[c] for c in columns)}
        if self.replicate is not None:
            some["replicate"] = self.replicate[:, columns]
        domain = replace(self, **some)
        return domain.rows(np.isfinite(domain.y).any(axis=1))

    def column(self, drug: str) -> int:
        """The place of a drug among the columns of y.

        Args:
            drug: its name, case ignored.

        Returns:
            int: y[:, column] are its responses.

        Raises:
            InputError: no such drug.
        """
        names = [d.casefold() for d in self.drugs]
        if drug.casefold() not in names:
            raise InputError(f"domain {self.name} has no drug '{drug}'; {nearest_drug(drug, self.drugs)}")
        return names.index(drug.casefold())

    @property
    def measured(self) -> np.ndarray:
        """(genes,) bool: which columns of x hold measurements."""
        return ~np.isin(self.genes, self.unmeasured)

    def with_genes(self, genes: np.ndarray | Sequence[str]) -> Domain:
        """The same samples with some genes only.

        Args:
            genes: (k,) names, in the order wanted.

        Returns:
            Domain: x (n, k).

        Raises:
            InputError: a gene that the domain lacks, or one string for a list.
        """
        if isinstance(genes, str):
            raise InputError(f"genes={genes!r} is no list; write ['{genes}']")
        position = {g: i for i, g in enumerate(self.genes)}
        missing = [g for g in genes if g not in position]
        if missing:
            raise InputError(f"domain {self.name} lacks {len(missing)} of {len(genes)} genes, first '{missing[0]}'")
        index = np.fromiter((position[g] for g in genes), int, len(genes))
        still = tuple(gene for gene in self.unmeasured if gene in set(genes))
        x = np.ascontiguousarray(self.x[:, index])
        like = None if self.spread_like is None else self.spread_like[index]
        return replace(self, x=x, genes=np.asarray(genes), unmeasured=still, spread_like=like)
