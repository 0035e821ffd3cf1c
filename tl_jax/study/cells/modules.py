"""Module scores of predicted classes against those of true classes, and how much of that any classifier gets.

Source: scDEAL compares the scores of the 50 genes that stand out in each class (docs/single_cell.md). Both sides come
from one matrix, so the statistic rises with accuracy by itself: random calls of equal accuracy show by how much.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tl_jax.study.cells.biology import CLASSES, TOP, class_genes, held_cells, module, module_score
from tl_jax.study.cells.study import CellResults

RANDOM_GENES, RANDOM_CALLS = 100, 10
MOST_GENES = 3000  # the most variable ones, of which modules are made
# Pearson of sensitive and of resistant modules. scDEAL: recomputed from its authors' tables; ATSDP-NET: its abstract
PUBLISHED = (
    ("scDEAL, GSE110894", 0.898, 0.772),
    ("scDEAL, HN120", 0.925, 0.870),
    ("ATSDP-NET, set not named", 0.888, 0.788),
)
COLUMNS = ["compared", "class", "pearson", "low", "high", "draws"]


def modules(results: CellResults, truth: np.ndarray) -> pd.DataFrame:
    """compared, class, pearson, and for what was drawn: low, high (the middle 95 %) and draws; the published beside.

    Args:
        truth: (cells,) 1, 0 or NaN: cells without a label are left out.
    """
    rows = list(_published())
    held, drawn = held_cells(results)
    known = np.isfinite(truth[drawn])
    held, label = variable(held[known].copy()), truth[drawn][known].astype(int)
    called = (held.obs["label"] == CLASSES[1]).to_numpy().astype(int)
    true = scores_of(held, label, results.settings.seed)
    if true is None:
        return pd.DataFrame(rows, columns=COLUMNS)
    own = agreement(scores_of(held, called, results.settings.seed), true)
    found = [("called against true classes", *pair, np.nan, np.nan, 1) for pair in zip(CLASSES, own, strict=True)]
    random = np.random.default_rng([results.settings.seed, 13])
    genes = np.array(held.var_names)
    nulls = {
        f"{TOP} random genes": [
            agreement((module_score(held, random.choice(genes, min(TOP, len(genes)), False).tolist(), 0),) * 2, true)
            for _ in range(RANDOM_GENES)
        ],
        "random calls of equal accuracy": [
            agreement(scores_of(held, as_accurate(label, called, random), results.settings.seed), true)
            for _ in range(RANDOM_CALLS)
        ],
    }
    for name, values in nulls.items():
        for one, column in zip(CLASSES, np.array(values, np.float64).T, strict=True):
            column = column[np.isfinite(column)]
            ends = np.quantile(column, (0.025, 0.975)) if len(column) else (np.nan, np.nan)
            found.append((name, one, column.mean() if len(column) else np.nan, *ends, len(column)))
    return pd.DataFrame([*found, *rows], columns=COLUMNS)


def _published() -> Iterator[tuple]:
    for name, sensitive, resistant in PUBLISHED:
        for one, value in zip(CLASSES, (resistant, sensitive), strict=True):
            yield f"published: {name}", one, value, np.nan, np.nan, 1


def variable(held):
    """The object on its most variable genes."""
    x = held.X
    squares = np.asarray((x.multiply(x) if hasattr(x, "multiply") else x**2).mean(axis=0)).ravel()
    spread = squares - np.asarray(x.mean(axis=0)).ravel() ** 2
    return held[:, np.sort(np.argsort(-spread, kind="stable")[:MOST_GENES])].copy()


def scores_of(held, label: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Module scores of the resistant and the sensitive class of (cells,) 0 and 1; None where a class is too small."""
    held.obs["class"] = pd.Categorical(np.array(CLASSES)[label], CLASSES)
    genes = class_genes(held, "class")
    return tuple(module_score(held, module(genes, name), seed) for name in CLASSES) if len(genes) else None


def agreement(one, other) -> tuple[float, float]:
    """Pearson of two sides, class by class; NaN where a side has no module."""
    if one is None:
        return float("nan"), float("nan")
    return tuple(pearson(a, b) for a, b in zip(one, other, strict=True))


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Of two (cells,) vectors; NaN where one is constant or has gaps."""
    defined = np.isfinite([a, b]).all() and np.ptp(a) > 0 and np.ptp(b) > 0
    return float(np.corrcoef(a, b)[0, 1]) if defined else float("nan")


def as_accurate(label: np.ndarray, called: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Calls that are right for as many cells of each class, but for which ones is drawn."""
    found = label.copy()
    for one in (0, 1):
        own = np.flatnonzero(label == one)
        wrong = random.choice(own, int((called[own] != one).sum()), replace=False)
        found[wrong] = 1 - one
    return found


def published_agreement(table: pd.DataFrame) -> tuple[float, float]:
    """(sensitive, resistant) Pearson of a table of scDEAL's own module scores, by its authors' column names."""
    names = [[f"{side}_{kind}_DEG_score" for side in ("Predicted", "Ground_truth")] for kind in reversed(CLASSES)]
    return tuple(pearson(*table[pair].to_numpy(np.float64).T) for pair in names)
