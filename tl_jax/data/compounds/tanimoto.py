"""How far a compound lies from those a model was trained on: outside their reach a probability means little."""

from __future__ import annotations

import numpy as np


def nearest_tanimoto(x_query: np.ndarray, x_train: np.ndarray, block: int = 1024) -> np.ndarray:
    """(n,) float64: each query's Tanimoto similarity, 0..1, to its nearest training compound.

    x_query: (n, bits), x_train: (m, bits) fingerprints of the same kind, m at least 1. For bits: shared bits over bits
    in either; for counts: the sum of the smaller over the sum of the larger (Grant et al. 2006 and rdkit). Two
    fingerprints without any bit have similarity 0, as in rdkit. Exact: all sums are whole numbers.
    block: rows at a time, for memory only.
    """
    return nearest_row(x_query, x_train, block)[1]


def nearest_row(x_query: np.ndarray, x_train: np.ndarray, block: int = 1024) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int64: the row of x_train nearest to each query, the first of several alike; and its similarity as above."""
    x_query, x_train = _whole(x_query, "x_query"), _whole(x_train, "x_train")
    if x_query.shape[1] != x_train.shape[1] or not len(x_train) or block < 1:
        raise ValueError(f"fingerprints of shapes {x_query.shape} and {x_train.shape}, block {block}")
    nearest, row = np.zeros(len(x_query)), np.zeros(len(x_query), np.int64)
    if not len(x_query):
        return row, nearest
    levels = np.minimum(x_query.max(axis=0), x_train.max(axis=0))
    sums = x_query.sum(axis=1, dtype=np.float64), x_train.sum(axis=1, dtype=np.float64)
    for start in range(0, len(x_train), block):
        train = slice(start, start + block)
        unary = _unary(x_train[train], levels)
        for begin in range(0, len(x_query), block):
            query = slice(begin, begin + block)
            shared = (_unary(x_query[query], levels) @ unary.T).astype(np.float64)
            either = sums[0][query, None] + sums[1][None, train] - shared
            similarity = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
            best = similarity.argmax(axis=1)
            value = similarity[np.arange(len(best)), best]
            row[query] = np.where(value > nearest[query], start + best, row[query])
            nearest[query] = np.maximum(nearest[query], value)
    return row, nearest


def _whole(x: np.ndarray, name: str) -> np.ndarray:
    """Fingerprints as float32, in which sums of whole numbers are exact up to 2^24."""
    x = np.asarray(x)
    if x.ndim != 2 or not np.array_equal(x, np.floor(x)) or (x.size and x.min() < 0):
        raise ValueError(f"{name} is no fingerprint: it must be (n, bits) of whole numbers from 0 on")
    if x.size and x.sum(axis=1, dtype=np.float64).max() >= 2**24:
        raise ValueError(f"{name} has counts that add up to 2^24 or more in one compound")
    return x.astype(np.float32)


def _unary(x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """A column "at least k" for each column and each k up to its level: products then add up the smaller counts."""
    columns = np.repeat(np.arange(len(levels)), levels.astype(int))
    first = np.repeat(np.cumsum(levels) - levels, levels.astype(int))
    return (x[:, columns] > np.arange(len(columns)) - first).astype(np.float32)
