"""Compounds of a protein family with their labels: one row for each compound, whatever the file repeats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.compounds.compound_file import Row, read_rows
from tl_jax.data.compounds.molecules import canonical_smiles
from tl_jax.data.tables.losses import lost
from tl_jax.errors import InputError


@dataclass(frozen=True)
class Compounds:
    """What was measured on one protein family.

    x: (n, features) float32, no columns until with_features. y: (n,) float64, 1 active, 0 inactive. smiles, ids: (n,)
    str as in the file; several compounds may share an id. keys: (n,) str, unique: canonical SMILES, equal in two
    families for one compound. features: (features,) str. stereo: whether keys tell stereoisomers apart.
    Of the file's rows, unparsed are those whose SMILES cannot be read, unmeasured those without a value to compare with
    the threshold, merged those that joined another row of the same compound, each with its key.
    disagreeing: keys of compounds whose rows had different labels; they count as active.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    smiles: np.ndarray
    ids: np.ndarray
    keys: np.ndarray
    features: np.ndarray
    stereo: bool = True
    unparsed: tuple[Row, ...] = ()
    unmeasured: tuple[Row, ...] = ()
    merged: tuple[tuple[Row, str], ...] = ()
    disagreeing: tuple[str, ...] = ()

    def __post_init__(self):
        n, columns = self.x.shape
        expected = {"features": (columns,), **dict.fromkeys(("y", "smiles", "ids", "keys"), (n,))}
        for field, shape in expected.items():
            found = np.shape(getattr(self, field))
            if found != shape:
                raise ValueError(f"compounds {self.name}: {field} has shape {found}, expected {shape}")
        if not np.isin(self.y, (0, 1)).all():
            raise ValueError(f"compounds {self.name}: y holds other values than 0 and 1")

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, index) -> Compounds:
        """The compounds that `index` (integers or booleans) picks, in its order; the lists of the file's rows stay."""
        return replace(self, **{f: getattr(self, f)[index] for f in ("x", "y", "smiles", "ids", "keys")})

    def with_features(self, x: np.ndarray, names: Sequence[str]) -> Compounds:
        """The same compounds described by x, (n, features); names: (features,)."""
        return replace(self, x=np.asarray(x, np.float32), features=np.asarray(names, dtype=str))


def read_compounds(
    path: str | Path, *, threshold: float | None = None, stereo: bool = True, cache: Path | None = None
) -> dict[str, Compounds]:
    """{family: Compounds without features} of a table with the columns family, smiles, label (see read_rows).

    threshold: labels from the column pchembl, 1 where it is at least this. stereo=False takes stereoisomers, and a
    compound written with and without its stereocentres, for one compound: fingerprints cannot tell them apart, so
    leaving them apart puts equal rows into training and test. cache: a folder for the canonical SMILES.
    """
    rows = read_rows(path, threshold)
    families = gather(rows, stereo=stereo, cache=cache)
    gone = [row for own in families.values() for row in own.unparsed]
    names = [f"line {row.line}: {row.smiles}" for row in sorted(gone, key=lambda row: row.line)]
    lost(path, "compounds", names, len(rows), "have a SMILES that cannot be read", "correct the column smiles")
    return families


def gather(rows: Iterable[Row], *, stereo: bool = True, cache: Path | None = None) -> dict[str, Compounds]:
    """{family: Compounds}, families in alphabetical order, compounds by id, then SMILES, whatever the rows' order.

    Rows of a family with the same canonical SMILES are one compound: active if any row is, its id and SMILES the first
    in the alphabet. Raises InputError for a family of which nothing is left.
    """
    rows = sorted(rows, key=lambda row: (row.family, row.id, row.smiles, row.line))
    keys = canonical_smiles([row.smiles for row in rows], stereo=stereo, cache=cache)
    families = {}
    for row, key in zip(rows, keys, strict=True):
        families.setdefault(row.family, []).append((row, key))
    return {family: _family(family, found, stereo) for family, found in families.items()}


def _family(name: str, found: list[tuple[Row, str]], stereo: bool) -> Compounds:
    unparsed = tuple(row for row, key in found if not key)
    unmeasured = tuple(row for row, key in found if key and row.label is None)
    same = {}
    for row, key in found:
        if key and row.label is not None:
            same.setdefault(key, []).append(row)
    if not same:
        first = f"line {found[0][0].line}: '{found[0][0].smiles}'"
        raise InputError(f"family '{name}' has no compound with a readable SMILES and a value (first {first}); drop it")
    labels = [{row.label for row in rows} for rows in same.values()]
    return Compounds(
        name,
        np.zeros((len(same), 0), np.float32),
        np.array([max(values) for values in labels], np.float64),
        np.array([rows[0].smiles for rows in same.values()]),
        np.array([rows[0].id for rows in same.values()]),
        np.array(list(same)),
        np.zeros(0, dtype=str),
        stereo,
        unparsed,
        unmeasured,
        tuple((row, key) for key, rows in same.items() for row in rows[1:]),
        tuple(key for key, values in zip(same, labels, strict=True) if len(values) > 1),
    )


def reading(families: Mapping[str, Compounds]) -> pd.DataFrame:
    """What became of the rows, one line per family: family, compounds, active, merged (rows that joined another),
    disagreeing (compounds with both labels), unparsed, unmeasured."""
    lines = [
        {
            "family": name,
            "compounds": len(c),
            "active": int(c.y.sum()),
            "merged": len(c.merged),
            "disagreeing": len(c.disagreeing),
            "unparsed": len(c.unparsed),
            "unmeasured": len(c.unmeasured),
        }
        for name, c in families.items()
    ]
    return pd.DataFrame(lines)


def left_out(families: Mapping[str, Compounds]) -> pd.DataFrame:
    """Every row of the file that is no compound of its own: family, id, smiles, line, reason ("unparsed", "unmeasured"
    or "merged")."""
    lines = [
        (name, row.id, row.smiles, row.line, reason)
        for name, c in families.items()
        for reason in ("unparsed", "unmeasured", "merged")
        for row in ([row for row, _ in c.merged] if reason == "merged" else getattr(c, reason))
    ]
    return pd.DataFrame(lines, columns=["family", "id", "smiles", "line", "reason"])
