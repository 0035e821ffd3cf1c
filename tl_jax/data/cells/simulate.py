"""A simulated pair of bulk lines and cells whose truth is known: the embedded example."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from tl_jax.data.cells.cells import Cells
from tl_jax.data.cells.lines import Lines

DRUGS = ("simulib", "twinib", "otherib")
TISSUES = ("lung", "skin", "brain", "bone")
TRUTH = "sensitive"  # the column of the cells' table that holds the truth, 1 or 0


def simulated_pair(seed: int = 400, lines: int = 160, cells: int = 240, genes: int = 400) -> tuple[Lines, Cells]:
    """Lines and cells that share a programme of genes which makes them resistant.

    Lines: log expression of tissue, programme and noise, and responses to three drugs of which two follow the
    programme. Cells: counts of another platform, of which half run the programme high; few counts, unlike depths.
    """
    random = np.random.default_rng([seed, 7])
    names = np.sort([f"GENE{number:04d}" for number in range(genes)]).astype(str)
    programme = random.normal(size=genes) * (random.random(genes) < 0.25)
    level = random.normal(2.0, 0.8, genes)
    tissue = random.integers(0, len(TISSUES), lines)
    of_tissue = random.normal(scale=0.7, size=(len(TISSUES), genes))
    activity = random.normal(size=lines)
    x = (
        4
        + level
        + of_tissue[tissue]
        + 0.3 * np.outer(activity, programme)
        + random.normal(scale=0.4, size=(lines, genes))
    )
    noise = random.normal(scale=(0.05, 0.05, 0.12), size=(lines, 3))
    y = np.clip(0.7 + np.outer(activity, (0.1, 0.09, 0.0)) + noise, 0, 1)
    samples = np.array([f"LINE{number:03d}" for number in range(lines)], dtype=str)
    high = random.random(cells) < 0.5
    rate = level + 0.15 * np.outer(np.where(high, 1.0, -1.0), programme) + random.normal(scale=0.3, size=(cells, genes))
    depth = random.lognormal(np.log(1500), 0.4, cells)
    share = np.exp(rate) / np.exp(rate).sum(axis=1, keepdims=True)
    counts = random.poisson(share * depth[:, None]).astype(np.float32)
    obs = pd.DataFrame({"cell": [f"CELL{number:04d}" for number in range(cells)], TRUTH: (~high).astype(int)})
    return (
        Lines(
            x.astype(np.float32),
            samples,
            names,
            pd.DataFrame(y, index=samples, columns=list(DRUGS)),
            np.array(TISSUES)[tissue],
        ),
        Cells(sparse.csr_matrix(counts), obs["cell"].to_numpy(dtype=str), names, "counts", obs),
    )
