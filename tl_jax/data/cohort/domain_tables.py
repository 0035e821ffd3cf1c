"""The domains of a cohort file: the tables that it names, read, joined by sample and put into the file's units."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort import readers as formats
from tl_jax.data.cohort.preprocess_keys import batches_of, preprocessing
from tl_jax.data.cohort.responses import annotation_frame, response_frame
from tl_jax.data.cohort.schema import DomainTable
from tl_jax.data.cohort.tables import expression_frame, translated
from tl_jax.data.domain import Domain
from tl_jax.data.genes.names import GeneNames
from tl_jax.data.own_scale import learned_unit
from tl_jax.data.preprocessing.transforms import apply_transform
from tl_jax.data.tables.cells import examples, nearest
from tl_jax.data.tables.losses import told
from tl_jax.data.tables.same_names import nearest_pairs, renamed, renamed_line
from tl_jax.errors import InputError


class TableReader:
    """Tables below the data folder, each read once although several domains may share it."""

    def __init__(self, data_dir: str | Path | None, file: Path, fetch: tuple[str, ...] = ()):
        self.folder = Path(data_dir or os.environ.get("TLJAX_DATA") or "")
        self.given = bool(data_dir or os.environ.get("TLJAX_DATA"))
        self.file = file
        self.fetch = "".join(f"; python -m experiments.fetch {name} --data_dir={self.folder}" for name in fetch)
        self._tables: dict[tuple, pd.DataFrame] = {}
        if self.given and not self.folder.is_dir():
            raise InputError(f"there is no data folder {self.folder}; correct --data_dir or TLJAX_DATA")

    def path(self, table) -> Path:
        """The file that a part of the cohort file means; InputError where it is missing."""
        name = table.path
        if not self.given:
            raise InputError(f"{self.file} needs the file {name}; pass --data_dir or set TLJAX_DATA to its folder")
        # A cohort file may come from somebody else: it names tables, not any file of this machine.
        if not Path(os.path.abspath(self.folder / name)).is_relative_to(os.path.abspath(self.folder)):
            remedy = "place or link the table there, or name a folder above both as --data_dir"
            raise InputError(f"{self.file}: {name} is not in the data folder {self.folder}; {remedy}")
        try:
            return formats.locate(self.folder / name, table)
        except InputError as error:
            raise InputError(f"{error}{self.fetch}") from error

    def read(self, table) -> tuple[pd.DataFrame, Path]:
        """The table that a part of the cohort file names, as it stands, and its path."""
        path = self.path(table)
        reading = formats.reading(path, table)
        if reading not in self._tables:
            self._tables[reading] = formats.read(path, table)
        return self._tables[reading], path


def load_domain(
    part: DomainTable, reader: TableReader, protocol: str, known_genes: set[str]
) -> tuple[Domain, GeneNames]:
    """One domain: the samples that have expression, a response and, where filtered, an annotation; its gene names."""
    response_table, response_path = reader.read(part.response)
    response = response_frame(response_table, response_path, part.response)
    annotation = annotation_frame(*reader.read(part.annotation), part.annotation) if part.annotation else None
    frame, path = reader.read(part.expression)
    expression = expression_frame(frame, path, part.expression, set(response.index), known_genes)
    expression, names = translated(expression, path, part.expression)
    response = as_named(response, expression.index, f"{response_path}")
    if annotation is not None:
        annotation = as_named(annotation, expression.index, part.annotation.path)
    samples = _chosen_samples(part, expression, response, annotation, path, response_path)
    notes = pd.DataFrame("", index=samples, columns=["tissue", "group", "batch"])
    if annotation is not None:
        notes = annotation.reindex(samples).fillna("")
    transform = part.expression.transform
    if protocol == "as_published":
        transform = part.expression.transform_as_published or transform
    domain = Domain(
        name=part.name,
        x=_transformed(transform, expression.loc[samples].to_numpy(), path),
        y=response.loc[samples].to_numpy(dtype=np.float64),
        samples=np.array(samples, dtype=str),
        genes=np.array(expression.columns, dtype=str),
        drugs=tuple(response.columns),
        groups=_groups(part, samples, notes["group"], set(expression.index) | set(response.index), path),
        tissue=np.array(notes["tissue"], dtype=str),
        unit=learned_unit(part.response.unit, part.response.transform),
        direction=part.response.direction,
        scaler=part.scaler or "standard",
        scaler_said=bool(part.scaler),
        replicate=_replicate(part, reader, samples, response.columns),
        transform=transform,
        batch=batches_of(part, notes["batch"], path),
        preprocess=preprocessing(part),
        gene_ids=part.expression.gene_ids,
        read=(
            ("expression", len(expression)),
            ("response", len(response)),
            ("both", len(expression.index.intersection(response.index))),
        ),
    )
    return domain, names


def as_named(frame: pd.DataFrame, ours: pd.Index, what: str) -> pd.DataFrame:
    """A table by sample under the names that the expression has for them; said where they differ."""
    found = renamed(frame.index, ours)
    if not found:
        return frame
    told(f"{what}: {renamed_line(found, 'names of samples')}")
    return frame.rename(index=found)


def _transformed(name: str, x: np.ndarray, path: Path) -> np.ndarray:
    """(n, genes) float32 on the scale that the protocol asks for; all of the file's genes count for a library."""
    try:
        return np.ascontiguousarray(apply_transform(name, x), dtype=np.float32)
    except InputError as error:
        raise InputError(f"{path}: transform '{name}': {error}") from error


def _chosen_samples(part, expression, response, annotation, path: Path, response_path: Path) -> list[str]:
    """Sorted samples of the domain; InputError with examples where nothing is left."""
    _refuse_unknown(part.exclude_samples, {*expression.index, *response.index}, path, "exclude_samples")
    shared = expression.index.intersection(response.index)
    if shared.empty:
        sides = f"{path} has {examples(expression.index)}, {response_path} has {examples(response.index)}"
        remedy = "give both the same names, or cut them with sample_prefix_length or sample_pattern"
        if alike := nearest_pairs(response.index, expression.index):
            sides += f"; most alike: {', '.join(f'{a} and {b}' for a, b in alike)}"
        raise InputError(f"domain '{part.name}': no sample has both expression and response ({sides}); {remedy}")
    rest = [name for name in response.index if name not in expression.index]
    if rest:
        much = len(rest) > len(response) / 2
        alike = nearest_pairs(rest, expression.index.difference(response.index)) if much else []
        near = f"; most alike: {', '.join(f'{a} and {b}' for a, b in alike)}" if alike else ""
        told(f"{response_path}: {len(rest)} of {len(response)} samples have no expression ({examples(rest)}){near}")
    kept = set(shared) & set(response.index[response.notna().any(axis=1)])
    if not kept:
        raise InputError(f"{response_path}: the samples of domain '{part.name}' have no response; check the column")
    if annotation is not None and (part.annotation.include or part.annotation.exclude):
        if not kept & set(annotation.index):
            sides = f"annotation has {examples(annotation.index)}, the tables have {examples(sorted(kept))}"
            raise InputError(
                f"{part.annotation.path}: none of its samples is in domain '{part.name}' ({sides}); "
                "correct sample_column, include or exclude"
            )
        kept &= set(annotation.index)
    kept -= set(part.exclude_samples)
    if not kept:
        raise InputError(f"domain '{part.name}' ({path}): exclude_samples leaves no sample; shorten it")
    return sorted(kept)


def _refuse_unknown(names, known: set[str], path: Path, key: str) -> None:
    for name in names:
        if name not in known:
            raise InputError(f"{path}: there is no sample '{name}' ({key}); {nearest(name, sorted(known))}")


def _groups(part: DomainTable, samples: list[str], column: pd.Series, known: set[str], path: Path) -> np.ndarray:
    """(n,) group names: the annotation's, else the sample itself; [[...]] lists of `groups` join what they name."""
    group = {s: g or s for s, g in zip(samples, column, strict=True)}
    for members in part.groups:
        _refuse_unknown(members, known, path, "groups")
        joined = {group[m] for m in members if m in group}
        group = {s: "/".join(sorted(joined)) if g in joined else g for s, g in group.items()}
    return np.array([group[s] for s in samples], dtype=str)


def _replicate(part: DomainTable, reader: TableReader, samples: list[str], drugs: pd.Index) -> np.ndarray | None:
    """(n, drugs) second measurement, or None where there is none (an absent file may be optional)."""
    if part.replicates is None:
        return None
    if part.replicates.optional:
        try:
            reader.path(part.replicates)
        except InputError:
            return None
    table = replace(part.replicates, drugs=())
    frame, path = reader.read(table)
    second = as_named(response_frame(frame, path, table), pd.Index(samples), str(path))
    own = {d.casefold(): d for d in second.columns}
    columns = [own.get(d.casefold(), d) for d in drugs]
    values = second.reindex(index=samples, columns=columns).to_numpy(dtype=np.float64)
    if not np.isfinite(values).any():
        remedy = "correct or remove [domain.replicates]"
        raise InputError(f"{path}: it repeats no sample and drug of domain '{part.name}'; {remedy}")
    return values
