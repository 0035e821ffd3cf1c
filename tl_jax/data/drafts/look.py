"""A first look at a user's file: its format, the sheet or member that holds the table, and who its samples may be."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from tl_jax.data.cohort import readers as formats
from tl_jax.data.cohort.schema import ExpressionTable, ResponseTable, SampleTable
from tl_jax.data.cohort.schema_kinds import held
from tl_jax.data.formats.geo import is_series_matrix, read_samples
from tl_jax.data.formats.h5ad import is_h5ad, read_obs
from tl_jax.data.tables.archives import archived
from tl_jax.data.tables.layouts import Layout
from tl_jax.data.tables.raw_tables import SHEETS, find_file, read_with_layout
from tl_jax.data.tables.sheets import sheet_names
from tl_jax.errors import InputError

ENOUGH_ROWS = 3
LAYOUT = tuple(f.name for f in fields(Layout))


@dataclass(frozen=True)
class Look:
    """One table of a file. frame: as it stands; of a public format samples (index) x genes. keys: of a cohort file,
    that say how it is read. format: "table", or the public format. obs: of an .h5ad, what is known of the cells."""

    path: Path
    frame: pd.DataFrame
    keys: dict = field(default_factory=dict)
    format: str = "table"
    obs: pd.DataFrame | None = None


def kind_of_file(path: Path) -> str:
    """The public format of an expression file by its name, "table" for any other."""
    name = path.name.lower().removesuffix(".gz").removesuffix(".zip")
    if path.is_dir() or name.endswith(("matrix.mtx", ".h5", ".hdf5")):
        return "tenx"
    if is_h5ad(path):
        return "h5ad"
    if is_series_matrix(path):
        return "geo_series_matrix"
    return "gct" if name.endswith(".gct") else "table"


def looks(path: Path, part: type[SampleTable], said: dict) -> Iterator[Look]:
    """The tables of a file, most likely first: one, or each sheet of a workbook and each member of a .zip.

    said: keys that the user states. InputError where not one of them can be read.
    """
    path = path if path.is_dir() else find_file(path)
    kind = said.get("format", kind_of_file(path)) if part is ExpressionTable else "table"
    if kind not in ("table", "long"):
        yield _public(path, kind, said)
        return
    if part is ResponseTable and (is_h5ad(path) or is_series_matrix(path)):
        table = ResponseTable(path=str(path))
        yield Look(path, formats.read(path, table))
        return
    fault, seen = None, 0
    for keys in _places(path, said):
        layout = {k: held(v) for k, v in {**keys, **said}.items() if k in LAYOUT}
        try:
            frame, found = read_with_layout(path, "keep", Layout(**layout))
        except InputError as error:
            fault = fault or error
            continue
        if seen and len(frame) < ENOUGH_ROWS:
            continue
        seen += 1
        yield Look(path, frame, {**keys, **found})
    if not seen and fault:
        raise fault


def _public(path: Path, kind: str, said: dict) -> Look:
    """A file of a public format, its cells or samples as they are called in it."""
    keys = {"format": kind, **{k: v for k, v in said.items() if k in ("layer", "gene_column", "member")}}
    table = ExpressionTable(path=str(path), **keys)
    frame = formats.EXPRESSION[kind].shape(formats.read(path, table), path, table)
    obs = read_obs(path) if kind == "h5ad" else read_samples(path) if kind == "geo_series_matrix" else None
    return Look(path, frame, keys, kind, obs)


def _places(path: Path, said: dict) -> list[dict]:
    """Keys that name each table of a workbook or an archive; [{}] for a file that holds one."""
    name = path.name.lower()
    if name.endswith(".zip") and "member" not in said:
        members = archived(path)
        return [{"member": m} for m in members] if len(members) > 1 else [{}]
    if name.endswith(SHEETS) and "sheet" not in said and zipfile.is_zipfile(path):
        sheets = sheet_names(path.read_bytes(), path)
        return [{}, *({"sheet": s} for s in sheets[1:])]
    return [{}]
