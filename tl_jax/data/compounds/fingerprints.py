"""Extended-connectivity fingerprints (Rogers and Hahn 2010): which circular substructures a compound has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tl_jax.data.compounds.chemical_cache import Arrays, cached
from tl_jax.data.compounds.molecules import molecule, toolkit, unreadable
from tl_jax.errors import InputError

BITS, RADIUS = 1024, 2


def ecfp(
    smiles: Sequence[str], bits: int = BITS, radius: int = RADIUS, counts: bool = False, cache: Path | None = None
) -> np.ndarray:
    """(n, bits) float32: rdkit's Morgan fingerprints, of radius 2 known as ECFP4.

    Each atom's surroundings up to `radius` bonds are hashed onto one of `bits` columns: 1 where a compound has such
    a substructure, or, with counts, how often. Different substructures may share a column (see bit_atoms).
    Stereochemistry is not seen. cache: a folder that keeps the answer. Raises InputError for unreadable SMILES.
    """
    _check(bits, radius)
    smiles = list(smiles)
    settings = {"bits": bits, "radius": radius, "counts": counts}
    kept = cached(cache, "ecfp", smiles, settings, toolkit().version, lambda: _sparse(smiles, bits, radius, counts))
    x = np.zeros((len(smiles), bits), np.float32)
    x[np.repeat(np.arange(len(smiles)), kept["lengths"]), kept["columns"]] = kept["values"]
    return x


def bit_names(bits: int = BITS, radius: int = RADIUS) -> np.ndarray:
    """(bits,) str names of the columns of ecfp: ecfp4_0 ... (the number is the diameter, 2 * radius)."""
    return np.array([f"ecfp{2 * radius}_{bit}" for bit in range(bits)])


def bit_atoms(smiles: str, bits: int = BITS, radius: int = RADIUS) -> dict[int, list[tuple[int, int, tuple[int, ...]]]]:
    """{column: [(centre atom, radius, atoms of the substructure, ascending)]} of one compound, columns ascending.

    Atoms are counted from 0 in the order of the SMILES. A column with substructures of several kinds has them all.
    """
    _check(bits, radius)
    mol, kit = molecule(smiles), toolkit()
    if mol is None:
        raise unreadable([smiles])
    extra = kit.fingerprints.AdditionalOutput()
    extra.AllocateBitInfoMap()
    _generator(bits, radius).GetFingerprint(mol, additionalOutput=extra)
    bonds_apart = kit.Chem.GetDistanceMatrix(mol)
    return {
        bit: [(atom, reach, tuple(np.flatnonzero(bonds_apart[atom] <= reach).tolist())) for atom, reach in found]
        for bit, found in sorted(extra.GetBitInfoMap().items())
    }


def _check(bits: int, radius: int) -> None:
    if bits < 1 or radius < 0:
        raise InputError(f"fingerprints of {bits} bits and radius {radius}: use 1024 or 2048 bits and radius 2")


def _generator(bits: int, radius: int):
    return toolkit().fingerprints.GetMorganGenerator(radius=radius, fpSize=bits)


def _sparse(smiles: list[str], bits: int, radius: int, counts: bool) -> Arrays:
    """Columns that are not zero and their values, row after row, with the number of them in each row."""
    generator, lost = _generator(bits, radius), []
    lengths, columns, values = [], [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)]
    for text in smiles:
        mol = molecule(text)
        if mol is None:
            lost.append(text)
            continue
        row = (generator.GetCountFingerprintAsNumPy if counts else generator.GetFingerprintAsNumPy)(mol)
        columns.append(np.flatnonzero(row).astype(np.uint32))
        values.append(row[columns[-1]].astype(np.uint32))
        lengths.append(len(columns[-1]))
    if lost:
        raise unreadable(lost)
    joined = {"columns": np.concatenate(columns), "values": np.concatenate(values)}
    return {"lengths": np.array(lengths, np.int64), **joined}
