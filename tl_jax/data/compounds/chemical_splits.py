"""Training and test compounds: at random, by scaffold or as listed, and small balanced draws of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tl_jax.data.compounds.compounds import Compounds
from tl_jax.data.compounds.molecules import canonical_smiles, scaffolds
from tl_jax.data.compounds.tanimoto import nearest_tanimoto
from tl_jax.errors import InputError

SHARE = 1 / 6  # one of the six equal parts of TL4DTI's data (Bioinformatics 2023, btad234)


class Split(NamedTuple):
    """Row indices of training and test compounds: int, ascending, disjoint."""

    train: np.ndarray
    test: np.ndarray


def random_split(n: int, share: float = SHARE, seed: int = 0) -> Split:
    """round(n * share) of n compounds at random are the test set, whatever their labels."""
    count = _test_count(n, share)
    return _split(n, _generator(seed).permutation(n)[:count])


def scaffold_split(smiles: Sequence[str], share: float = SHARE, seed: int = 0, cache: Path | None = None) -> Split:
    """As grouped_split, by Bemis-Murcko scaffold: no test compound has the scaffold of a training compound.

    Compounds without a ring are one group.
    """
    return grouped_split(scaffolds(smiles, cache=cache), share, seed)


def grouped_split(groups: np.ndarray, share: float = SHARE, seed: int = 0) -> Split:
    """Whole groups at random are the test set, as near to n * share compounds as any choice of whole groups comes.

    groups: (n,). Of two sizes equally near, the smaller. Groups are asked in random order, and one is taken wherever
    the rest can still make up the exact number, so one group may fill most of the test set if it fits.
    Raises InputError where all compounds are one group.
    """
    names, code, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    n = len(code)
    _test_count(n, share)
    if len(names) < 2:
        raise InputError(f"all {n} compounds are one group, such as one scaffold; use the random split")
    order = _generator(seed).permutation(len(names))
    # Bit t of reach[i] says whether the groups from place i of the order on can make up exactly t compounds.
    reach = [1]
    for group in order[::-1]:
        reach.append(reach[-1] | reach[-1] << int(sizes[group]))
    reach = reach[::-1]
    left = min((t for t in range(1, n) if reach[0] >> t & 1), key=lambda t: (abs(t - n * share), t))
    taken = []
    for group, rest in zip(order, reach[1:], strict=True):
        size = int(sizes[group])
        if size <= left and rest >> (left - size) & 1:
            taken.append(group)
            left -= size
    return _split(n, np.flatnonzero(np.isin(code, taken)))


def listed_split(compounds: Compounds, path: str | Path) -> Split:
    """The compounds that a text file names, one per line, are the test set.

    A line is an id (all compounds that share it), or a SMILES in any spelling. Blank lines and repeats do not matter.
    Raises InputError that names every line which is none of the compounds.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path} ({error}); give a text file with one test compound a line") from error
    wanted = dict.fromkeys(line.strip() for line in lines if line.strip())
    known, test, unknown = _names(compounds), set(), []
    spelt = [name for name in wanted if name not in known]
    keys = dict(zip(spelt, canonical_smiles(spelt, stereo=compounds.stereo), strict=True)) if spelt else {}
    for name in wanted:
        rows = known.get(name) or known.get(keys[name])
        test |= rows or set()
        unknown += [] if rows else [name]
    if unknown:
        named = ", ".join(f"'{name}'" for name in unknown)
        raise InputError(f"{path}: {len(unknown)} lines are no compounds of {compounds.name}: {named}; drop them")
    return _split(len(compounds), np.array(sorted(test), int))


def balanced_draws(y: np.ndarray, train_rows: np.ndarray, size: int, draws: int, seed: int = 0) -> list[np.ndarray]:
    """`draws` small training sets of floor(size / 2) actives and as many inactives; each ascending row indices.

    y: (n,) of 0 and 1. train_rows: indices into y, the only rows that are drawn from, each at most once per draw. An
    odd size gives one row less, as in TL4DTI's code: 5 gives 4. A draw depends on seed, size, its own number and the
    rows of each class, never on the other sizes or the number of draws.
    Raises InputError naming the largest possible size where a class has too few training rows.
    """
    train_rows = np.unique(train_rows)
    classes = [train_rows[np.asarray(y)[train_rows] == label] for label in (1, 0)]
    if sum(map(len, classes)) < len(train_rows):
        raise ValueError("y holds other values than 0 and 1")
    half, most = size // 2, min(map(len, classes))
    if draws < 1:
        raise InputError(f"draws is {draws}; ask for at least 1")
    if not 1 <= half <= most:
        counts = f"{len(classes[0])} active and {len(classes[1])} inactive training compounds"
        remedy = f"choose a size from 2 to {2 * most}" if most else "a balanced draw needs both classes"
        raise InputError(f"no balanced draw of {size} compounds can be made from {counts}; {remedy}")
    found = []
    for draw in range(draws):
        rng = _generator(seed, size, draw)
        found.append(np.sort(np.concatenate([rng.choice(rows, half, replace=False) for rows in classes])))
    return found


def without_compounds(
    source_keys: np.ndarray,
    test_keys: np.ndarray,
    *,
    similarity: float | None = None,
    x_source: np.ndarray | None = None,
    x_test: np.ndarray | None = None,
) -> np.ndarray:
    """Ascending indices of the source's compounds that are none of the target's test compounds.

    source_keys: (n,), test_keys: (m,), made with the same choice of stereo. With similarity (above 0, at most 1) also
    those go whose Tanimoto similarity to any test compound reaches it; x_source: (n, bits), x_test: (m, bits)
    fingerprints. Similarity 1 takes out stereoisomers, too.
    """
    keep = ~np.isin(source_keys, test_keys)
    if similarity is not None:
        if not 0 < similarity <= 1:
            raise InputError(f"similarity is {similarity}; give a Tanimoto similarity above 0 and at most 1")
        if x_source is None or x_test is None:
            raise ValueError("fingerprints of both sides are needed to compare them")
        if len(x_test):
            keep &= nearest_tanimoto(x_source, x_test) < similarity
    return np.flatnonzero(keep)


def _names(compounds: Compounds) -> dict[str, set[int]]:
    """{id, SMILES or key: rows}, those of merged rows of the file included."""
    known, row_of = {}, {}
    for row, names in enumerate(zip(compounds.ids, compounds.smiles, compounds.keys, strict=True)):
        row_of[str(names[2])] = row
        for name in names:
            known.setdefault(str(name), set()).add(row)
    for other, key in compounds.merged:
        if key in row_of:
            for name in (other.id, other.smiles):
                known.setdefault(name, set()).add(row_of[key])
    return known


def _generator(*seeds: int) -> np.random.Generator:
    if seeds[0] < 0:
        raise InputError(f"the seed is {seeds[0]}; it must be 0 or more")
    return np.random.default_rng(seeds)


def _test_count(n: int, share: float) -> int:
    """How many compounds the share asks for: at least one, and at least one must be left for training."""
    count = round(n * share) if 0 < share < 1 else 0
    if not 0 < count < n:
        raise InputError(f"a test share of {share:.3g} of {n} compounds leaves none to test or to train on; change it")
    return count


def _split(n: int, test: np.ndarray) -> Split:
    held_out = np.zeros(n, bool)
    held_out[test] = True
    if held_out.all() or not held_out.any():
        raise InputError(f"{int(held_out.sum())} of {n} compounds are test compounds; leave some on both sides")
    return Split(np.flatnonzero(~held_out), np.flatnonzero(held_out))
