"""Bulk lines: their expression, their response to drugs from one or more databases, their tissue, their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cells.databases import averaged, by_one_name, filled
from tl_jax.data.cohort import readers
from tl_jax.data.cohort.responses import annotation_frame, response_frame
from tl_jax.data.cohort.schema import AnnotationTable, ResponseTable
from tl_jax.data.cohort.tables import read_expression
from tl_jax.data.genes.table import symbols
from tl_jax.data.tables.cells import examples, nearest_drug
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.line_models import SENSITIVE_SHARE

PREFIX = "NCI"  # H1975 is NCI-H1975
# A375_SKIN is A375: the tissues that CCLE puts behind names.
TISSUE = re.compile(
    r"_(ADRENAL_CORTEX|AUTONOMIC_GANGLIA|BILIARY_TRACT|BONE|BREAST|CENTRAL_NERVOUS_SYSTEM|CERVIX|ENDOMETRIUM|EYE"
    r"|FIBROBLAST|HAEMATOPOIETIC_AND_LYMPHOID_TISSUE|KIDNEY|LARGE_INTESTINE|LIVER|LUNG|OESOPHAGUS|OVARY|PANCREAS"
    r"|PLACENTA|PLEURA|PROSTATE|SALIVARY_GLAND|SKIN|SMALL_INTESTINE|SOFT_TISSUE|STOMACH|TESTIS|THYROID"
    r"|UPPER_AERODIGESTIVE_TRACT|URINARY_TRACT|VULVA)$"
)


@dataclass(frozen=True)
class Lines:
    """Bulk lines.

    x: (lines, genes) float32, log expression. y: lines x drugs, NaN where not measured. tissue: (lines,), "" where
    unknown. notes: what was done on the way, one line each. agreements: {drug: how far the databases agree on it}.
    databases: of several databases what each measured of any line, lines x drugs, in their order.
    """

    x: np.ndarray
    samples: np.ndarray
    genes: np.ndarray
    y: pd.DataFrame
    tissue: np.ndarray
    notes: tuple[str, ...] = ()
    agreements: Mapping[str, str] = field(default_factory=dict)
    databases: tuple[pd.DataFrame, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"Lines({len(self):,} lines x {len(self.genes):,} genes, {self.y.shape[1]:,} drugs)"

    def rows(self, index: np.ndarray) -> Lines:
        """Some lines, in their order."""
        return replace(
            self, x=self.x[index], samples=self.samples[index], y=self.y.iloc[index], tissue=self.tissue[index]
        )

    def columns(self, index: np.ndarray) -> Lines:
        """Some genes."""
        return replace(self, x=self.x[:, index], genes=self.genes[index])


@dataclass(frozen=True)
class LineTables:
    """Where lines are read from; the fields are the flags of the same names without "bulk_"."""

    expression: str
    response: str
    annotation: str | None = None
    line_column: str = "cell_id"
    drug_column: str = "drug"
    value_column: str = "AUC"
    database_column: str = ""
    databases: tuple[str, ...] = ()
    tissue_column: str = ""
    database_weights: tuple[float, ...] = ()

    def __post_init__(self):
        if self.database_weights and len(self.database_weights) != len(self.databases):
            given, names = len(self.database_weights), len(self.databases)
            raise InputError(f"--database_weights has {given} numbers and --databases {names} names")
        if not all(0 < weight < float("inf") for weight in self.database_weights):
            raise InputError("--database_weights must be above 0; leave a database out of --databases instead")


def read_lines(tables: LineTables) -> Lines:
    """Lines that have expression and a response to any drug, sorted by name.

    Of several databases the first that measured a line with a drug counts, or with weights their mean; their agreement
    is a note.
    """
    y, notes, shared, parts = responses(tables)
    options = {"gene_ids": "auto", "duplicate_genes": "mean"}
    x, samples, genes = read_expression(tables.expression, symbols(), y.index, **options)
    kept = sorted(set(samples) & set(y.index))
    if not kept:
        raise InputError(
            f"no line has both expression and response: {tables.expression} has {examples(samples)}, "
            f"{tables.response} has {examples(y.index)}; give both the same names, or correct --line_column"
        )
    at = {name: number for number, name in enumerate(samples)}
    rows = np.array([at[name] for name in kept])
    return Lines(x[rows], samples[rows], genes, y.loc[kept], tissues(tables, kept), tuple(notes), shared, parts)


def responses(tables: LineTables) -> tuple[pd.DataFrame, list[str], dict[str, str], tuple[pd.DataFrame, ...]]:
    """Lines x drugs, notes, how far databases agree on each drug that several measured, and each database's own."""
    wide = ResponseTable(
        path=tables.response,
        sample_column=tables.line_column,
        drug_column=tables.drug_column,
        value_column=tables.value_column,
        duplicates="mean",
    )
    path = readers.locate(Path(tables.response), wide)
    frame = readers.read(path, wide)
    if not tables.databases:
        return response_frame(frame, path, wide), [], {}, ()
    if not tables.database_column:
        raise InputError("--databases needs --database_column, the column that names them")
    filters = ({tables.database_column: (name,)} for name in tables.databases)
    parts, renamed = by_one_name([response_frame(frame, path, replace(wide, filter=one)) for one in filters])
    joined, note = averaged(parts, tables.database_weights) if tables.database_weights else (filled(parts), "")
    named = list(zip(tables.databases, parts, strict=True))
    pairs = list(combinations(named, 2))
    notes = [*renamed, *[agreement(*one, *other) for one, other in pairs], *filter(None, [note])]
    return joined, notes, by_drug(pairs), tuple(parts)


def agreement(name: str, one: pd.DataFrame, other_name: str, other: pd.DataFrame) -> str:
    """How far two databases agree on what both measured: the median over drugs of Spearman over lines."""
    drugs = one.columns.intersection(other.columns)
    shared = one[drugs].corrwith(other[drugs], method="spearman").dropna()
    if shared.empty:
        return f"{name} and {other_name} share no drug"
    return f"{name} and {other_name} agree at Spearman {shared.median():.2f} (median of {len(shared)} shared drugs)"


def by_drug(pairs) -> dict[str, str]:
    """{drug: Spearman over the lines that both databases measured, in words}."""
    found: dict[str, list[str]] = {}
    for (name, one), (other_name, other) in pairs:
        for drug in one.columns.intersection(other.columns):
            both = pd.concat([one[drug], other[drug]], axis=1).dropna()
            if len(both) > 2:
                rho = both.iloc[:, 0].corr(both.iloc[:, 1], method="spearman")
                words = f"{name} and {other_name} agree on it at Spearman {rho:.2f} over {len(both)} shared lines"
                found.setdefault(drug, []).append(words)
    return {drug: "; ".join(words) for drug, words in found.items()}


def tissues(tables: LineTables, lines: Sequence[str]) -> np.ndarray:
    """(lines,) tissue, "" where unknown."""
    if not tables.annotation:
        return np.full(len(lines), "")
    if not tables.tissue_column:
        raise InputError("--bulk_annotation needs --tissue_column, its column of tissues")
    table = AnnotationTable(
        path=tables.annotation, sample_column=tables.line_column, tissue_column=tables.tissue_column
    )
    path = readers.locate(Path(tables.annotation), table)
    found = annotation_frame(readers.read(path, table), path, table)["tissue"]
    return found.reindex(lines).fillna("").to_numpy(dtype=str)


def response_to(lines: Lines, drug: str, fewest: int = 40) -> tuple[Lines, np.ndarray]:
    """The lines measured with a drug, and (lines,) their response; case and punctuation of its name are ignored.

    Raises:
        InputError: an unknown drug (with the nearest names), one measured in too few lines, or one that kills none.
    """
    column = drug_named(drug, list(lines.y.columns))
    measured = lines.y[column].notna().to_numpy()
    if measured.sum() < fewest:
        raise InputError(f"drug '{column}' is measured in {measured.sum()} lines; {fewest} are needed")
    kept = lines.rows(measured)
    y = kept.y[column].to_numpy(np.float64)
    highest = int((y == y.max()).sum())
    if np.quantile(y, SENSITIVE_SHARE) == y.max():
        raise InputError(
            f"drug '{column}' leaves {highest} of {len(y)} lines at its highest response: none tell what makes a line "
            "sensitive; choose another --drug"
        )
    return kept, y


def drug_named(drug: str, known: list[str]) -> str:
    """The table's own spelling of a drug."""
    if drug in known:
        return drug
    found = [name for name in known if folded(name) == folded(drug)]
    if len(found) == 1:
        return found[0]
    hint = f"several are written so: {examples(found)}" if found else nearest_drug(drug, known)
    raise InputError(f"the bulk responses have no drug '{drug}' (--drug); {hint}")


def folded(name: str) -> str:
    """A name without case and punctuation."""
    return re.sub(r"[^A-Z0-9]", "", str(name).upper())


def lines_named(names: Iterable[str], samples: Iterable[str]) -> dict[str, list[str]]:
    """{name: the lines that it means}; without case and punctuation, with and without NCI before it and, as CCLE writes
    it, a tissue behind it."""
    own: dict[str, list[str]] = {}
    for sample in samples:
        for spelt in dict.fromkeys((folded(sample), bare(sample))):
            own.setdefault(spelt, []).append(str(sample))
    return {name: own.get(folded(name)) or own.get(bare(name), []) for name in names}


def bare(name: str) -> str:
    """A folded name without NCI before it and a tissue of CCLE behind it."""
    return folded(TISSUE.sub("", str(name).upper())).removeprefix(PREFIX)


def without_lines(lines: Lines, names: Sequence[str]) -> tuple[Lines, list[str], list[str]]:
    """The other lines, the names of those taken out, and the asked names that no line bears (see lines_named)."""
    meant = lines_named(names, lines.samples)
    out = {line for found in meant.values() for line in found}
    kept = ~np.isin(lines.samples, list(out))
    return lines.rows(kept), sorted(out), [name for name, found in meant.items() if not found]
