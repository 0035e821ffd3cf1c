"""Predictions for new samples from a stage checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd

from tl_jax.checkpoint import load_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.domain import LABEL
from tl_jax.data.genes import align_matrix
from tl_jax.data.scaling import ResponseScale, Scaler, fit_scaler
from tl_jax.data.tables import read_expression
from tl_jax.errors import InputError
from tl_jax.models import build
from tl_jax.study.fold_models import interval_columns, models_for_intervals
from tl_jax.training.fit import predict

# Of |scaled expression|, median over the table: about .7 for data like the training data.
FAR = 4.0


class Predicted(NamedTuple):
    """table: sample_id, prediction (the response's own unit), drug, unit; low, high, level where intervals were asked.

    coverage: share of genes found.
    """

    table: pd.DataFrame
    coverage: float
    genes: int
    meta: dict


def predict_samples(
    checkpoint: Path,
    expression: Path,
    *,
    min_coverage: float = 0.8,
    scale_by: str = "checkpoint",
    transform: str = "checkpoint",
    interval: float | None = None,
) -> Predicted:
    """Predict the samples of an expression table (csv, tsv, parquet; either orientation), genes aligned by name.

    transform: what to do to the table first; "checkpoint" repeats what was done to the training table.
    Genes that the table lacks are set to the training centre, that is to no information; below `min_coverage`
    the table is refused. scale_by="checkpoint" scales by the training rows; "cohort" by the new samples
    themselves, for a platform that differs from the training data's (needs at least 5 samples).
    interval: level of CV+ prediction intervals by the checkpoint's fold models, such as .9; they hold for samples
    drawn and scaled as the training samples were.
    """
    if interval is not None and scale_by == "cohort":
        raise InputError("--interval holds for samples on the training scale; leave out --scale_by=cohort")
    variables, meta = load_stage(checkpoint)
    if meta["response_scale"]["unit"] == LABEL:
        raise InputError(f"{checkpoint} is a model of compounds; give it --compounds, a table of SMILES")
    models = None if interval is None else models_for_intervals(checkpoint, variables, meta, interval)
    name = meta["transform"] if transform == "checkpoint" else transform
    x, samples, found = read_expression(expression, known_genes=meta["genes"], transform=name)
    matrix, coverage = align_matrix(x, found, meta["genes"])
    if coverage < min_coverage:
        raise InputError(
            f"{expression} has {coverage:.0%} of the {len(meta['genes'])} genes of {checkpoint}; at least "
            f"{min_coverage:.0%} are needed: check gene names (symbols?), or lower --min_coverage"
        )
    scaled = scale_new(matrix, meta, scale_by, expression)
    network = build(NetworkConfig(meta["network"]["name"], tuple(meta["network"]["hidden"])))
    on_network_scale = np.asarray(predict(variables, jnp.asarray(scaled), network))
    value = ResponseScale(**meta["response_scale"]).from_network(on_network_scale)
    table = pd.DataFrame({"sample_id": samples, "prediction": value})
    if models is not None:
        table = table.assign(**interval_columns(models, matrix, network, interval))
    unit = meta["response_scale"]["unit"]
    return Predicted(table.assign(drug=meta["drug"], unit=unit), coverage, len(meta["genes"]), meta)


def scale_new(matrix: np.ndarray, meta: dict, scale_by: str, path: Path) -> np.ndarray:
    """(n, genes) float32 scaled expression, missing genes at 0."""
    absent = np.isnan(matrix).all(axis=0)
    if scale_by == "checkpoint" and not meta["scaler"]["center"]:
        raise InputError(
            "the checkpoint was imported without a scaler: use --scale_by=cohort, or import it with --scaler"
        )
    known = Scaler(np.asarray(meta["scaler"]["center"], np.float32), np.asarray(meta["scaler"]["scale"], np.float32))
    if scale_by == "cohort":
        if len(matrix) < 5:
            raise InputError(f"{path} has {len(matrix)} samples; --scale_by=cohort needs at least 5")
        known = fit_scaler(np.where(absent, 0, matrix), meta["scaler"]["kind"])
    scaled = np.where(absent, 0, known.apply(matrix)).astype(np.float32)
    distance = float(np.median(np.abs(scaled[:, ~absent])))
    if distance > FAR:
        raise InputError(
            f"{path} is {distance:.1f} training spreads away from the training data in the median: another scale "
            "(counts instead of log2?) or platform; transform it, or use --scale_by=cohort"
        )
    return scaled
