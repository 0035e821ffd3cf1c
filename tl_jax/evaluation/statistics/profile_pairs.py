"""Samples whose expression is too alike for two samples: the same one twice, or two of one donor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAME = 0.9  # correlation of centred profiles that two lines hardly ever reach, and one measured twice does
EXACT = 0.995  # the same numbers, but for rounding
RELATED = 0.6  # with the margin below: one line on two platforms (median .64 on GDSC and NCI-60)
MARGIN = 0.08
# How far beyond the bulk of all pairs (atanh, in robust standard deviations) a pair must lie besides.
FAR_SAME, FAR_RELATED = 5.5, 4.0
CHUNK = 512  # rows correlated at a time
MOST = 200  # pairs kept


class Pair(NamedTuple):
    """Rows i of the one and j of the other table, the correlation r of their centred profiles, and whether it is SAME
    (else: each other's nearest by a margin, as one line on two platforms is)."""

    i: int
    j: int
    r: float
    same: bool


def profiles(x: np.ndarray, center: np.ndarray | None = None, scale: np.ndarray | None = None) -> np.ndarray:
    """(n, genes) float32 rows of length 1: each gene standardised over the rows (or by center, scale), rows centred.

    A row without spread becomes zeros, which correlate with nothing.
    """
    center = x.mean(axis=0, dtype=np.float64) if center is None else center
    scale = x.std(axis=0, dtype=np.float64) if scale is None else scale
    z = (x - center) / np.where(scale > 1e-6 * (1 + np.abs(center)), scale, np.inf)
    z = np.clip(z, -10, 10)  # a broken value must not decide a whole profile
    z -= z.mean(axis=1, keepdims=True)
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return (z / np.where(length > 0, length, np.inf)).astype(np.float32)


def pairs_within(x: np.ndarray) -> list[Pair]:
    """Pairs i < j of one table, most alike first; of fewer than four samples only equal ones."""
    if len(x) < 4:
        return [Pair(i, j, 1.0, True) for i in range(len(x)) for j in range(i) if np.array_equal(x[i], x[j])]
    own = profiles(x)
    found = {(min(p.i, p.j), max(p.i, p.j)): p for p in _pairs(own, own, itself=True)}
    return sorted((Pair(i, j, p.r, p.same) for (i, j), p in found.items()), key=lambda p: -p.r)


def pairs_across(a: np.ndarray, b: np.ndarray) -> list[Pair]:
    """Pairs of a row of (n, genes) a and one of (m, genes) b on the same genes, most alike first.

    Each table is centred by itself, since platforms differ by more than samples do; a row that was copied from one
    into the other is found by centring both as one.
    """
    found = {(p.i, p.j): p for p in _copied(a, b)}
    if min(len(a), len(b)) >= 4:
        for p in _pairs(profiles(a), profiles(b)):
            found.setdefault((p.i, p.j), p)
    return sorted(found.values(), key=lambda p: -p.r)[:MOST]


def correlations(a: np.ndarray, b: np.ndarray, rows: list[tuple[int, int]]) -> tuple[np.ndarray, float]:
    """r of chosen pairs, each table centred by itself, and the r that one random pair in about 1,000 exceeds."""
    first, second = profiles(a), profiles(b)
    found = np.array([float(first[i] @ second[j]) for i, j in rows])
    middle, spread = _bulk(first, second)
    return found, float(np.tanh(middle + 3.1 * spread))


def _copied(a: np.ndarray, b: np.ndarray) -> list[Pair]:
    """Rows that stand in both tables with the same values (within a hundredth of a gene's spread over both)."""
    both = np.concatenate([a, b])
    scale = both.std(axis=0, dtype=np.float64)
    usable = scale > 0
    if not usable.any():
        return []
    # Four numbers per row find candidates: equal rows have equal numbers.
    direction = np.random.default_rng(0).standard_normal((usable.sum(), 4)) / scale[usable, None]
    first, second = (t[:, usable].astype(np.float64) @ direction for t in (a, b))
    reach = 0.04 * np.sqrt(usable.sum())
    found = []
    for i, keys in enumerate(first):
        for j in np.flatnonzero((np.abs(keys - second) <= reach).all(axis=1)):
            gap = (a[i, usable] - b[j, usable]) / scale[usable]
            if np.sqrt(np.mean(gap**2)) <= 0.01:
                found.append(Pair(i, int(j), 1.0, True))
    return found


def _bulk(a: np.ndarray, b: np.ndarray, itself: bool = False) -> tuple[float, float]:
    """Median and robust standard deviation of atanh(r) over pairs of at most 400 rows of each."""
    rows = [np.linspace(0, len(t) - 1, min(len(t), 400)).astype(int) for t in (a, b)]
    r = a[rows[0]] @ b[rows[1]].T
    values = r[np.triu_indices(len(r), 1)] if itself else r.ravel()
    z = np.arctanh(np.clip(values.astype(np.float64), -0.9999, 0.9999))
    middle = float(np.median(z))
    return middle, max(1.4826 * float(np.median(np.abs(z - middle))), 1e-3)


def _pairs(a: np.ndarray, b: np.ndarray, itself: bool = False) -> list[Pair]:
    """Pairs above SAME, and mutual nearest ones above RELATED, that also lie far beyond the bulk of pairs."""
    middle, spread = _bulk(a, b, itself)
    same = min(max(SAME, float(np.tanh(middle + FAR_SAME * spread))), EXACT)
    related = max(RELATED, float(np.tanh(middle + FAR_RELATED * spread)))
    found: list[Pair] = []
    columns = np.full((2, len(b)), -2.0)  # best and second best of each column
    from_row, rows = np.zeros(len(b), int), []
    for start in range(0, len(a), CHUNK):
        r = a[start : start + CHUNK] @ b.T
        if itself:
            r[np.arange(len(r)), start + np.arange(len(r))] = -2.0
        found += [Pair(start + int(i), int(j), float(r[i, j]), True) for i, j in np.argwhere(r >= same)[: 4 * MOST]]
        best = r.argmax(axis=1)
        rows += [(start + i, int(j), float(r[i, j]), _second(r[i], j)) for i, j in enumerate(best)]
        top = np.sort(r, axis=0)[-2:][::-1] if len(r) > 1 else np.concatenate([r, np.full_like(r, -2.0)])
        better = top[0] > columns[0]
        from_row[better] = start + r.argmax(axis=0)[better]
        columns = np.sort(np.concatenate([columns, top]), axis=0)[-2:][::-1]
    for i, j, r, second in rows:
        if from_row[j] == i and same > r >= related and min(r - second, columns[0][j] - columns[1][j]) >= MARGIN:
            found.append(Pair(i, j, r, False))
    return found


def _second(values: np.ndarray, best: int) -> float:
    """The largest value but the best."""
    if len(values) < 2:
        return -2.0
    return float(max(values[:best].max(initial=-2.0), values[best + 1 :].max(initial=-2.0)))
