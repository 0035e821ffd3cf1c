"""From the attributions of a fingerprint's columns to the atoms of one molecule.

A column of a circular fingerprint stands for surroundings of atoms in a molecule. Its attribution is divided equally
among the surroundings that set it, and each of their shares equally among the atoms there, so that nothing is lost:
the atoms' sum is that of the columns that are on. A column that is off belongs to no atom, yet it has an attribution
where the baseline is not zero; it is given apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

Surroundings = Sequence[tuple[int, int, Sequence[int]]]  # (centre, radius, atoms) of all that set one column


class AtomAttributions(NamedTuple):
    """atoms: (n_atoms,) float64. off: {column: attribution} of columns that are off and whose attribution is not 0."""

    atoms: np.ndarray
    off: dict[int, float]


def atom_attributions(values, surroundings: Mapping[int, Surroundings], n_atoms: int) -> AtomAttributions:
    """Fold attributions (columns,) of one molecule's fingerprint back to its atoms.

    surroundings: {column: [(centre, radius, atoms)]} of every column that is on, atoms counted from 0 below n_atoms
    (`tl_jax.data.compounds.fingerprints.bit_atoms`). Whether columns hold 0/1 or counts makes no difference.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError(f"attributions of shape {values.shape} are not finite numbers of one molecule's columns")
    atoms, off = np.zeros(n_atoms), values.copy()
    for column, places in surroundings.items():
        if not 0 <= column < len(values) or not places:
            raise ValueError(f"column {column} with {len(places)} surroundings is none of {len(values)} columns")
        for _, _, members in places:
            inside = np.unique(np.asarray(members, np.int64))
            if not len(inside) or inside[0] < 0 or inside[-1] >= n_atoms:
                raise ValueError(f"column {column} names atoms {list(members)} of a molecule with {n_atoms} atoms")
            atoms[inside] += values[column] / len(places) / len(inside)
        off[column] = 0.0
    return AtomAttributions(atoms, {int(column): float(off[column]) for column in np.flatnonzero(off)})
