"""The model that a study of cells keeps: numbers in model.npz, words in model.json, nothing that could run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from threadpoolctl import threadpool_limits

from tl_jax.data.cells.neighbours import Components
from tl_jax.data.cells.preparation import STREAMED, Preparation
from tl_jax.data.cells.reach import Reach
from tl_jax.data.cells.shared import Clipped, fit_scaling
from tl_jax.data.scaling.scaling import Scaler
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.thresholds import Calling
from tl_jax.evaluation.predictors.line_weights import line_weights
from tl_jax.study.cells.study import CellResults
from tl_jax.system.files import digest, write_atomic, write_json

ARRAYS, WORDS = "model.npz", "model.json"
DEPTHS = ("", "none", "regress")  # thinned counts and Pearson residuals want all cells at once


@dataclass(frozen=True)
class KeptModel:
    """weights: (draws, genes) and bias: (draws,) of the ridge on scaled genes; genes: (genes,) symbols.

    preparation, reach, calling: as the study settled them. words: model.json, with kind and library of the study's
    cells, min_genes of a cell, drug, lineage.
    """

    weights: np.ndarray
    bias: np.ndarray
    genes: np.ndarray
    preparation: Preparation
    reach: Reach
    calling: Calling
    words: dict

    def scores(self, scaled: np.ndarray) -> np.ndarray:
        """(draws, m) of scaled rows, high = sensitive."""
        return self.weights @ scaled.T + self.bias[:, None]


def fitted_weights(results: CellResults) -> tuple[np.ndarray, np.ndarray]:
    """(weights (draws, genes), bias (draws,)) of the study's ridge, float32."""
    setup = results.setup
    problem, alpha = setup.problem(results.settings), results.settings.penalty
    with results.ledger.timed("model"), threadpool_limits(1):
        fitted = [
            line_weights(f.scaled_train(problem.domain), f.y[f.fold.train], setup.lines.tissue[f.fold.train], alpha)
            for f in problem.folds
        ]
    weights, bias = (np.array(part, np.float32) for part in zip(*fitted, strict=True))
    return weights, bias


def keep_model(results: CellResults, folder: Path, weights: tuple[np.ndarray, np.ndarray] | None = None) -> list[str]:
    """Write the model of a study into a folder; why not, where it cannot be kept.

    Args:
        weights: what `fitted_weights` gives, where it is at hand.
    """
    setup, settings = results.setup, results.settings
    streamed = settings.scaler in STREAMED, settings.depth in DEPTHS, not settings.cell_cycle
    if not all(streamed):
        flags = f"--scaler={settings.scaler}", f"--depth={settings.depth}", "--cell_cycle"
        what = flags[streamed.index(False)]
        return [f"no model was kept: with {what} a cell's values depend on all other cells"]
    reach = Reach.fit(fit_scaling(setup.lines.x, settings.scaler).apply(setup.lines.x))
    weights, bias = weights or fitted_weights(results)
    arrays = {"weights": weights, "bias": bias, **dict(_arrays(setup.preparation, reach))}
    write_atomic(folder / ARRAYS, lambda place: np.savez(place, **arrays))
    words = {
        "drug": setup.drug,
        "genes": setup.lines.genes.tolist(),
        "scaler": settings.scaler,
        "neighbours": setup.preparation.neighbours,
        "level": setup.preparation.level,
        "kind": setup.kind,
        "library": setup.library,
        "min_genes": settings.filters.min_genes,
        "calling": results.calling._asdict(),
        "direction_settled": results.settled,
        "lineage": {
            "lines": setup.lines.samples.tolist(),
            "lines_out": list(setup.out),
            "lines_digest": digest(setup.lines.x, setup.y),
            "cells_digest": digest(setup.plain),
            "arm": results.main,
            "seed": settings.seed,
        },
    }
    write_json(folder / WORDS, words)
    return []


def _arrays(own: Preparation, reach: Reach) -> Iterator[tuple[str, np.ndarray]]:
    for name, scaler in (("plain", own.plain), ("smooth", own.smooth)):
        yield f"{name}_center", scaler.center
        yield f"{name}_scale", scaler.scale
    for name, components in (("cells", own.components), ("lines", reach.components)):
        if components is not None:
            yield f"{name}_mean", components.mean
            yield f"{name}_axes", components.axes
    if own.slope is not None:
        yield "slope", own.slope
    yield "places", reach.places
    yield "distances", reach.own


def load_model(folder: Path) -> KeptModel:
    """Read what `keep_model` wrote.

    Raises:
        InputError: no such model, or a damaged one.
    """
    folder = Path(folder)
    folder = folder / "model" if (folder / "model" / WORDS).is_file() else folder
    if not (folder / WORDS).is_file():
        raise InputError(f"{folder} holds no model of a study of cells (--model); name a study's folder, or its model/")
    try:
        words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
        with (folder / ARRAYS).open("rb") as held, np.load(held, allow_pickle=False) as file:
            arrays = dict(file)
        return _model(words, arrays)
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise InputError(f"{folder} holds a damaged model ({error}); run its study again") from error


def _model(words: dict, arrays: dict[str, np.ndarray]) -> KeptModel:
    kind = Scaler if words["scaler"] == "minmax" else Clipped
    scalers = [kind(arrays[f"{name}_center"], arrays[f"{name}_scale"]) for name in ("plain", "smooth")]
    genes = np.array(words["genes"], dtype=str)
    wrong = [name for name in ("weights", "plain_center", "lines_axes") if arrays[name].shape[-1] != len(genes)]
    if wrong:
        raise ValueError(f"{wrong[0]} is not of {len(genes)} genes")
    slope, level = arrays.get("slope"), words["level"]
    components = Components(arrays["cells_mean"], arrays["cells_axes"]) if "cells_axes" in arrays else None
    preparation = Preparation(words["scaler"], slope, level, words["neighbours"], components, *scalers)
    reach = Reach(Components(arrays["lines_mean"], arrays["lines_axes"]), arrays["places"], arrays["distances"])
    return KeptModel(arrays["weights"], arrays["bias"], genes, preparation, reach, Calling(**words["calling"]), words)
