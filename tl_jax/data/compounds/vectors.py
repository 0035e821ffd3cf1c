"""Vectors of compounds worked out elsewhere, such as the 300 numbers of a message-passing network, from a file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.compounds.compounds import Compounds
from tl_jax.data.compounds.molecules import canonical_smiles
from tl_jax.data.tables.archives import check_size
from tl_jax.data.tables.cells import clean_ids
from tl_jax.data.tables.numbers import number_matrix
from tl_jax.data.tables.raw_tables import find_file, read_table
from tl_jax.errors import InputError

ID_COLUMNS = ("id", "compound_id")
NAMES = (*ID_COLUMNS, "smiles")
_DAMAGE = (
    *(OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, TypeError, OverflowError, MemoryError),
    *(NotImplementedError, RuntimeError, SyntaxError),
)


def described(compounds: Compounds, path: str | Path) -> Compounds:
    """The compounds with the vectors of a file as features: rows are found by id, or by SMILES in any spelling."""
    table = vector_table(path)
    if table.index.name in ID_COLUMNS:
        x = _looked_up(table, compounds.ids.tolist(), path)
    else:
        keys = canonical_smiles(table.index, stereo=compounds.stereo)
        x = _looked_up(_one_row_each(table.set_axis(keys), path), compounds.keys.tolist(), path)
    return compounds.with_features(x, table.columns.astype(str))


def vector_table(path: str | Path) -> pd.DataFrame:
    """Finite vectors (rows x k, float64), row names in the index, which is called as the file calls them.

    A table (.csv, .tsv, .parquet; also packed): the first of the columns id, compound_id, smiles names the rows, the
    other two are ignored, and all further columns are numbers. An .npz: x, (n, k), and id, compound_id or smiles, (n,)
    of str. A name may return with the same vector only.
    """
    path = Path(path)
    frame = _from_npz(path) if path.suffix.lower() == ".npz" else read_table(path)
    named = [column for column in NAMES if column in frame.columns]
    if not named:
        raise InputError(f"{path} names no compounds; add {', '.join(NAMES[:-1])} or {NAMES[-1]}")
    names = clean_ids(frame[named[0]], path, "compound")
    numbers = frame.drop(columns=named)
    if numbers.columns.empty:
        raise InputError(f"{path} holds no numbers beside its names; save the vectors again")
    values = number_matrix(numbers, names, path).astype(np.float64)
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise InputError(f"{path}: '{names[row]}' has no value in column '{numbers.columns[column]}'; fill it in")
    return _one_row_each(pd.DataFrame(values, index=pd.Index(names, name=named[0]), columns=numbers.columns), path)


def _from_npz(path: Path) -> pd.DataFrame:
    path = find_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            check_size(sum(info.file_size for info in archive.infolist()), path, "its arrays")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except InputError:
        raise
    except _DAMAGE as error:
        remedy = "save x as numbers and the names as str, with numpy.savez"
        raise InputError(f"{path} is no .npz of plain arrays ({error}); {remedy}") from error
    x, names = arrays.get("x"), {name: arrays[name] for name in NAMES if name in arrays}
    if x is None or x.ndim != 2 or x.dtype.kind not in "fiu":
        raise InputError(f"{path} has no array x of numbers, (compounds, k); save it under that name")
    for name, found in names.items():
        if found.shape != x.shape[:1]:
            raise InputError(f"{path}: {name} has shape {found.shape}, but x has {len(x)} rows; save them together")
    return pd.DataFrame(x, columns=[f"v{i}" for i in range(x.shape[1])]).assign(**names)


def _one_row_each(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """The table without repeated rows; InputError for a name with two different vectors."""
    if table.index.is_unique:
        return table
    values, first = table.to_numpy(), {}
    for row, name in enumerate(table.index):
        if not np.array_equal(values[first.setdefault(name, row)], values[row]):
            raise InputError(f"{path}: compound '{name}' has two different vectors; keep one of them")
    return table.iloc[list(first.values())]


def _looked_up(table: pd.DataFrame, ids: list[str], path: str | Path) -> np.ndarray:
    row_of = {name: row for row, name in enumerate(table.index)}
    missing = [name for name in dict.fromkeys(ids) if name not in row_of]
    if missing:
        named = ", ".join(f"'{name}'" for name in missing)
        raise InputError(f"{path} has no vector for {len(missing)} of {len(ids)} compounds: {named}; add them")
    return table.to_numpy()[[row_of[name] for name in ids]].astype(np.float32)
