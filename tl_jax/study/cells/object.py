"""The user's own object with what was found in it: his fields stay, ours are added beside them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cells.cells import GENOME, unique
from tl_jax.data.formats.h5ad import is_h5ad
from tl_jax.data.genes.names import translate
from tl_jax.evaluation.draws.thresholds import Calling
from tl_jax.study.cells.settings import EMBEDDED
from tl_jax.study.cells.study import CellResults
from tl_jax.system.files import write_atomic
from tl_jax.system.runtime import versions

WITHOUT = "cells.h5ad was not written: it needs anndata (pip install 'tl_jax[sc]'); cells.csv has the scores"


def score_columns(scores: np.ndarray, calling: Calling | None, ending: str = "") -> dict[str, np.ndarray]:
    """Of (draws, cells): mean score and its sd over draws (NaN of one), and where something makes it a call:
    probability, call, and the share of draws that agree."""
    score = scores.mean(axis=0)
    sd = scores.std(axis=0, ddof=1) if len(scores) > 1 else np.full_like(score, np.nan)
    found = {"sens_score": score, "sens_score_sd": sd}
    if calling:
        label = calling.calls(score)
        found |= {"sens_prob": calling.probability(score), "sens_label": label}
        found |= {"sens_label_agreement": (calling.calls(scores) == label).mean(axis=0)}
    return {f"{name}{ending}": values for name, values in found.items()}


def write_object(
    results, scores: pd.DataFrame, path: Path, lineage: dict, places: dict | None = None, by_gene: dict | None = None
) -> list[str]:
    """Write the user's object with the scores in its table of cells; what stood in the way.

    Args:
        results: with settings, setup and ledger. scores: one row per cell that passed, "cell" first; a cell that did
        not pass has empty fields. lineage: what the scores rest on. places: {name: (cells, k)} for obsm. by_gene:
        {name: (names of genes, their values (genes, k))} for varm, NaN for the user's other genes.
    """
    try:
        import anndata
    except ImportError:
        return [WITHOUT]
    settings, setup = results.settings, results.setup
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that names are repeated: they are the user's
        if settings.cells != EMBEDDED and is_h5ad(Path(settings.cells)) and not settings.cells.endswith(".gz"):
            held, rows = anndata.read_h5ad(settings.cells), setup.kept
        else:
            obs = pd.DataFrame(index=setup.cells.samples)
            held = anndata.AnnData(setup.cells.x, obs=obs, var=pd.DataFrame(index=setup.cells.genes))
            rows = np.arange(len(held))
        for name in scores.columns[1:]:
            held.obs[free(name, held.obs)] = spread(scores[name].to_numpy(np.float64), rows, len(held))
        for name, own in (places or {}).items():
            held.obsm[free(name, held.obsm)] = spread(own, rows, len(held))
        genes = translate([GENOME.sub("", gene) for gene in held.var_names]).names
        for name, (known, values) in (by_gene or {}).items():
            table = pd.DataFrame(values, index=known).reindex(genes)
            held.varm[free(name, held.varm)] = table.to_numpy(np.float64)
        held.uns[free("tl", held.uns)] = about(results, lineage)
        write_atomic(path, lambda place: held.write_h5ad(place))
    return []


def free(name: str, taken) -> str:
    """The name, or the first of NAME_tl, NAME_tl-1, ... that the user's object does not have."""
    return name if name not in taken else unique([*taken, f"{name}_tl"])[0][-1]


def spread(values: np.ndarray, rows: np.ndarray, total: int) -> np.ndarray:
    """Values of some rows as those of all; NaN for the others."""
    found = np.full((total, *values.shape[1:]), np.nan)
    found[rows] = values
    return found


def lineage_of(results: CellResults) -> dict:
    """What the scores rest on."""
    return {
        "drug": results.setup.drug,
        "arm": results.main,
        "threshold": results.calling.threshold,
        "direction_settled": results.settled,
        "networks": {arm: own.record["id"] for arm, own in results.networks.items()},
    }


def about(results, lineage: dict) -> dict:
    """uns["tl"]: texts and lists of texts, which every reader of the format knows."""
    setup = results.setup
    lines = {"lines": setup.lines.samples.tolist(), "lines_out": list(setup.out)}
    records = {"settings": results.settings.told(), "lineage": lineage | lines, "versions": versions()}
    return {name: json.dumps(record, default=str) for name, record in records.items()} | {
        "warnings": np.array(results.ledger.notes, dtype=object)
    }
