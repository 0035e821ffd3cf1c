"""What the called classes are made of, by scanpy: their genes, a map of the cells, clusters and pseudotime.

Nothing here changes a score or sees a truth; modules.py compares with one afterwards.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy import sparse

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.study import CellResults
from tl_jax.study.cells.transferred import columns

MOST = 20_000  # cells of a map; scores take all
INDEXED = 4096  # cells beyond which scanpy's own index of neighbours fails as it is installed today
COMPONENTS, NEIGHBOURS, TOP, P = 50, 15, 50, 0.05
PERMUTATIONS = 99
CLASSES = ("resistant", "sensitive")


@contextmanager
def scanpy():
    """scanpy, with its warnings about itself left unsaid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scanpy as found

        yield found


def held_cells(results: CellResults):
    """An AnnData of the log values of all genes, with score and label: all cells, or a drawn share of each label.

    Returns:
        The object and the indices of its cells among those scored.
    """
    setup, label = results.setup, results.calling.calls(results.score)
    rows = np.arange(len(label))
    if len(label) > MOST:
        random = np.random.default_rng([results.settings.seed, 11])
        parts = [np.flatnonzero(label == one) for one in (0, 1)]
        rows = [random.choice(p, round(MOST * len(p) / len(label)), replace=False) for p in parts]
        rows = np.sort(np.concatenate(rows))
    import anndata

    x = setup.everything.x[rows]
    obs = pd.DataFrame({"score": results.score[rows]}, index=setup.everything.samples[rows])
    obs["label"] = pd.Categorical(np.array(CLASSES)[label[rows]], CLASSES)
    held = anndata.AnnData(x if sparse.issparse(x) else np.asarray(x), obs, pd.DataFrame(index=setup.everything.genes))
    return held, rows


def class_genes(held, column: str) -> pd.DataFrame:
    """class, gene, score, log_fold, p_adjusted of the genes that tell the classes of a column apart (Wilcoxon).

    Without rows where a class has fewer than 2 cells. log_fold is NaN where values are no logarithms.
    """
    counted = held.obs[column].value_counts()
    if len(counted) < 2 or counted.min() < 2:
        return pd.DataFrame(columns=["class", "gene", "score", "log_fold", "p_adjusted"])
    with scanpy() as sc:
        sc.tl.rank_genes_groups(held, column, method="wilcoxon", key_added=column)
        found = sc.get.rank_genes_groups_df(held, None, key=column)
    names = {"group": "class", "names": "gene", "scores": "score", "logfoldchanges": "log_fold"}
    return found.rename(columns={**names, "pvals_adj": "p_adjusted"})[[*names.values(), "p_adjusted"]]


def module(genes: pd.DataFrame, name: str) -> list[str]:
    """The 50 genes that stand out most in a class, of those at p < .05."""
    own = genes[(genes["class"] == name) & (genes["p_adjusted"] < P) & (genes["score"] > 0)]
    return own["gene"].head(TOP).astype(str).tolist()


def module_score(held, genes: list[str], seed: int) -> np.ndarray:
    """(cells,) mean of some genes less that of others of like level, by score_genes; NaN without genes."""
    if not genes:
        return np.full(held.n_obs, np.nan)
    with scanpy() as sc:
        sc.tl.score_genes(held, genes, score_name="module", random_state=seed)
    return held.obs.pop("module").to_numpy(np.float64)


def laid_out(held, seed: int) -> pd.DataFrame:
    """cell, x, y, cluster: one layout for every colouring (PCA, neighbours, UMAP, Leiden)."""
    count = min(COMPONENTS, held.n_obs - 1, held.n_vars - 1)
    near = min(NEIGHBOURS, held.n_obs - 1)
    with scanpy() as sc:
        sc.pp.pca(held, n_comps=count, random_state=seed)
        transformer = "sklearn" if held.n_obs > INDEXED else None
        sc.pp.neighbors(held, n_neighbors=near, random_state=seed, transformer=transformer)
        sc.tl.leiden(held, flavor="igraph", n_iterations=2, directed=False, random_state=seed)
        if held.obs["leiden"].nunique() > 1:
            sc.tl.paga(held, groups="leiden")
        sc.tl.umap(held, random_state=seed)
        sc.tl.diffmap(held, n_comps=min(15, held.n_obs - 1))
    x, y = held.obsm["X_umap"].T.astype(np.float64)
    return pd.DataFrame({"cell": held.obs_names, "x": x, "y": y, "cluster": held.obs["leiden"].astype(int).to_numpy()})


def paths(held) -> pd.DataFrame:
    """one, other, connectivity: how far two clusters hang together (PAGA, Wolf et al. 2019), after `laid_out`."""
    if "paga" not in held.uns:
        return pd.DataFrame(columns=["one", "other", "connectivity"])
    found = sparse.triu(held.uns["paga"]["connectivities"], 1).tocoo()
    numbers = held.obs["leiden"].cat.categories.astype(int)
    table = pd.DataFrame({"one": numbers[found.row], "other": numbers[found.col], "connectivity": found.data})
    return table.sort_values("connectivity", ascending=False, ignore_index=True)


def networks_on(results: CellResults, rows: np.ndarray) -> pd.DataFrame:
    """Of the network that is shown, before and after transfer: score, label where something calls it, and agreement,
    the share of seeds that rank the cell above or below the middle as the mean does."""
    found = {}
    for ending, arm in columns(results).items():
        scores = results.scores[arm]
        mean, middle = scores.mean(axis=0), np.median(scores, axis=1, keepdims=True)
        same = np.sign(scores - middle) == np.sign(mean - np.median(mean))
        found |= {f"score{ending}": mean[rows], f"agreement{ending}": same.mean(axis=0)[rows]}
        if calling := results.callings.get(arm):
            found[f"label{ending}"] = calling.calls(mean)[rows]
    return pd.DataFrame(found, index=rows)


def pseudotime(held, root: int) -> np.ndarray:
    """(cells,) diffusion pseudotime from one cell, after `laid_out`; NaN where no path leads."""
    held.uns["iroot"] = root
    with scanpy() as sc:
        sc.tl.dpt(held)
    found = held.obs["dpt_pseudotime"].to_numpy(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def trajectory(held, root: str, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """(root, cells, Spearman of score and pseudotime, p of a permutation test, and the null's 95 % point; pseudotime).

    Without a named root the most sensitive cell is one, and that choice alone makes score and time run together: the
    null chooses its root among permuted scores likewise.
    """
    score = held.obs["score"].to_numpy(np.float64)
    if root and root not in held.obs_names:
        raise InputError(f"--root={root}: no cell that is drawn has this name; there is '{held.obs_names[0]}'")
    first = held.obs_names.get_loc(root) if root else int(score.argmax())
    time, random = pseudotime(held, first), np.random.default_rng([seed, 12])
    observed = run_together(score, time)
    null = []
    for _ in range(PERMUTATIONS):
        drawn = random.permutation(score)
        null.append(run_together(drawn, time if root else pseudotime(held, int(drawn.argmax()))))
    at_least = int(np.sum(np.abs(null) >= abs(observed)))
    row = {
        "root": str(held.obs_names[first]),
        "cells": int(np.isfinite(time).sum()),
        "spearman": observed,
        "p": (1 + at_least) / (1 + PERMUTATIONS),
        "null_95": float(np.quantile(np.abs(null), 0.95)),
    }
    return pd.DataFrame([row]), time


def run_together(score: np.ndarray, time: np.ndarray) -> float:
    """Spearman over the cells that have a time."""
    timed = np.isfinite(time)
    return float(spearman_rows(score[timed], time[timed])) if timed.sum() > 2 else float("nan")


def biology(results: CellResults) -> tuple[dict[str, pd.DataFrame], np.ndarray]:
    """Tables genes, map (its index: which of the scored cells), trajectory and paga, and the layout of all cells
    (cells, 2), NaN where a cell was not drawn."""
    seed, (held, rows) = results.settings.seed, held_cells(results)
    genes = class_genes(held, "label")
    places = laid_out(held, seed)
    path, time = trajectory(held, results.settings.root, seed)
    places = places.assign(score=held.obs["score"].to_numpy(), label=results.calling.calls(results.score)[rows])
    places = places.assign(pseudotime=time).set_axis(rows).join(networks_on(results, rows))
    layout = np.full((len(results.score), 2), np.nan)
    layout[rows] = places[["x", "y"]].to_numpy()
    top = genes[genes["p_adjusted"] < P].groupby("class", observed=True).head(2 * TOP)
    return {"genes": top, "map": places, "trajectory": path, "paga": paths(held)}, layout
