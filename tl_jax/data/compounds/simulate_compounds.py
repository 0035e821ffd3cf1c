"""Simulated compounds of three protein families whose truth is known, for demos and tests without a file.

Real, readable SMILES: a ring system with three substituents. A compound's pChEMBL is the sum of what its parts are
worth, part of which all families share. `relatedness` is the cosine between two families' worths: at 1 they are the
same, at 0 a source family says nothing about the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd

from tl_jax.data.compounds.compound_file import Row
from tl_jax.data.compounds.compounds import Compounds, gather
from tl_jax.data.compounds.molecules import canonical_smiles
from tl_jax.errors import InputError

FAMILIES = ("alpha", "beta", "gamma")
ACTIVE_FROM = 7.0  # pChEMBL, as in the public data
RINGS = (
    "c1c({0})cc({1})cc1{2}",
    "n1c({0})cc({1})cc1{2}",
    "n1c({0})nc({1})cc1{2}",
    "c1c({0})c2cc({1})ccc2nc1{2}",
    "c1c({0})c2cc({1})ccc2n1{2}",
    "s1c({0})c({1})cc1{2}",
    "c1({2})c({0})oc2cc({1})ccc12",
    "C1C({0})CN({1})CC1{2}",
    "C1N({0})CCN({1})C1{2}",
    "c1c({0})ccc(c1)-c1cc({1})ccc1{2}",
    "n1n({0})c({1})cc1{2}",
    "c1nc({0})c2c(n1)ccc({1})c2{2}",
)
SUBSTITUENTS = (
    *("C", "CC", "C(C)C", "C(C)(C)C", "CO", "CCO", "CN", "CCN(C)C", "CC(=O)O", "CC#N", "C(F)(F)F", "CCc8ccccc8"),
    *("Cc8ccccc8", "Cc8ccncc8", "C8CC8", "C8CCCCC8", "CC8CCOCC8", "C(=O)C", "C(=O)N", "C(=O)NC", "C(=O)OC"),
    *("C(=O)N8CCOCC8", "C(=O)c8ccccc8", "S(=O)(=O)C", "S(=O)(=O)N", "S(=O)(=O)c8ccccc8", "c8ccccc8", "c8ccc(F)cc8"),
    *("c8ccc(Cl)cc8", "c8ccncc8", "c8ccco8", "CCCl", "CCBr", "CCCC"),
)
SITES = 3
SHARES = ("relatedness", "noise", "shared")


@dataclass(frozen=True)
class Settings:
    """size: compounds per family, 20 to 20,000. relatedness, 0..1: of each family to each other. noise, 0..1: share of
    the pChEMBL's variance that the compound's parts do not explain. shared, 0..1: share of a family's compounds that
    every family was tested on, so that there is something to keep out of a source."""

    seed: int = 0
    size: int = 600
    relatedness: float = 0.8
    noise: float = 0.4
    shared: float = 0.05

    def __post_init__(self):
        if not 20 <= self.size <= 20_000 or self.seed < 0:
            raise InputError(f"simulate: size {self.size}, seed {self.seed}; use a size in 20..20000 and a seed >= 0")
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"simulate: {name} is {getattr(self, name)}; it must lie in 0..1")

    def stream(self, *names: str) -> np.random.Generator:
        """A generator of its own for each purpose."""
        return np.random.default_rng([self.seed, crc32("/".join(names).encode())])


def simulate_compounds(**settings) -> dict[str, Compounds]:
    """{family: Compounds without features} of FAMILIES, `size` each, about half active; arguments: see Settings.

    The same arguments give the same compounds. Raises InputError for a value out of range, or without rdkit.
    """
    table = simulated_table(**settings)
    columns = ("family", "compound_id", "smiles", "label")
    rows = zip(*(table[column].tolist() for column in columns), range(2, len(table) + 2), strict=True)
    return gather(Row(*row) for row in rows)


def simulated_table(**settings) -> pd.DataFrame:
    """The same as a table for read_compounds: family, compound_id, smiles, pchembl, label (1 where pchembl >= 7)."""
    s = Settings(**settings)
    rings, substituents = _worths(s, len(RINGS)), _worths(s, len(SUBSTITUENTS))
    tables = []
    for number, family in enumerate(FAMILIES):
        parts, smiles = _structures(s, family)
        # Each part has mean 0 and variance 1 over the parts, so that their sum has the variance 1 + SITES.
        worth = rings[number][parts[:, 0]] + substituents[number][parts[:, 1:]].sum(axis=1)
        error = s.stream("noise", family).standard_normal(s.size)
        pchembl = ACTIVE_FROM + np.sqrt((1 - s.noise) / (1 + SITES)) * worth + np.sqrt(s.noise) * error
        ids = [f"{family}-{i + 1:05d}" for i in range(s.size)]
        values = {"pchembl": pchembl.round(2), "label": (pchembl.round(2) >= ACTIVE_FROM).astype(int)}
        tables.append(pd.DataFrame({"family": family, "compound_id": ids, "smiles": smiles, **values}))
    return pd.concat(tables, ignore_index=True)


def _worths(s: Settings, parts: int) -> np.ndarray:
    """(families, parts), mean 0 and variance 1 over the parts; the cosine of two families is the relatedness."""
    drawn = s.stream("worth", str(parts)).standard_normal((parts, 1 + len(FAMILIES)))
    common, *own = np.linalg.qr(drawn - drawn.mean(axis=0))[0].T * np.sqrt(parts)
    return np.sqrt(s.relatedness) * common + np.sqrt(1 - s.relatedness) * np.stack(own)


def _structures(s: Settings, family: str) -> tuple[np.ndarray, list[str]]:
    """(size, 1 + SITES) numbers of ring system and substituents, and as many different compounds as SMILES."""
    common, spare = round(s.size * s.shared), s.size + s.size // 4 + 20
    drawn = [_draw(s.stream("shared"), common), _draw(s.stream("structures", family), spare)]
    parts = np.concatenate(drawn)
    # Swapping two substituents may give the same compound.
    keys = canonical_smiles([_smiles(row) for row in parts])
    first = np.sort(np.unique(keys, return_index=True)[1])[: s.size]
    return parts[first], [keys[row] for row in first]


def _draw(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(0, [len(RINGS)] + [len(SUBSTITUENTS)] * SITES, (count, 1 + SITES))


def _smiles(parts: np.ndarray) -> str:
    ring, *sites = parts
    return RINGS[ring].format(*(SUBSTITUENTS[site] for site in sites))
