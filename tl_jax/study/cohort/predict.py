"""Predictions for new samples from a stage checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.data.cohort.genes import align_matrix
from tl_jax.data.cohort.tables import read_for_model
from tl_jax.data.domain import LABEL
from tl_jax.data.formats.h5ad import is_h5ad
from tl_jax.data.genes.names import GeneNames
from tl_jax.data.own_scale import on_own_scale, own_scale, possible_words
from tl_jax.data.preprocessing.preprocess import Fitted, check_counts, from_record
from tl_jax.data.preprocessing.transforms import apply_transform
from tl_jax.data.scaling.new_batches import batches_for
from tl_jax.data.scaling.scaling import ResponseScale, Scaler, fit_scaler
from tl_jax.data.tables.cells import examples
from tl_jax.errors import InputError
from tl_jax.study.cohort.judged import doubts
from tl_jax.study.cohort.new_units import check_scale, check_units, shift_words
from tl_jax.study.core.fold_models import interval_columns, models_for_intervals
from tl_jax.study.core.respond import load_model, network_of, respond

# Of |scaled expression|, median over the table: about .7 for data like the training data.
FAR = 4.0
QUICK_HIDDEN = (100, 20)  # the network of --quick


class Predicted(NamedTuple):
    """table: sample_id, prediction (the response's own unit), drug, unit; low, high, level where intervals were asked.

    coverage: share found of the genes (their number) that the model was trained on. names: what became of the table's
    gene names. pooled: samples of a batch that the model does not know, corrected as of an average one. warnings: why
    not to rely on the predictions. outside: what is said of values that cannot be; "" where there were none.
    """

    table: pd.DataFrame
    coverage: float
    genes: int
    meta: dict
    names: GeneNames
    pooled: int = 0
    warnings: tuple[str, ...] = ()
    outside: str = ""


def predict_samples(
    checkpoint: Path,
    expression: Path,
    *,
    min_coverage: float = 0.8,
    scale_by: str = "checkpoint",
    transform: str = "checkpoint",
    interval: float | None = None,
    gene_ids: str = "checkpoint",
    reading: dict | None = None,
    missing_genes: str = "train_mean",
    batch: str = "",
) -> Predicted:
    """Predict the samples of an expression table (csv, tsv, parquet, h5ad; either orientation), genes aligned by name.

    transform: what to do to the table first; "checkpoint" repeats what was done to the training table.
    Genes that the table lacks are set to the training centre, that is to no information; below `min_coverage`
    the table is refused, and so is one that lacks any where missing_genes="error". Genes that the model's own training
    data lacked count as average whatever the table holds. gene_ids: kind of the table's gene names
    (gene_names.GENE_IDS); all but "given" match names that mean the same gene; "checkpoint": as the training table's.
    reading: further keys of [domain.expression] that say how the table is read.
    scale_by="checkpoint" scales by the training rows; "cohort" by the new samples themselves, for a platform that
    differs from the training data's (needs at least 5 samples).
    interval: level of CV+ prediction intervals by the checkpoint's fold models, such as .9; they hold for samples
    drawn and scaled as the training samples were.
    batch: for a model whose preprocessing corrects batches, the batch of all samples, or a table of them (see
    data/new_batches.py). Preprocessing is the training's own, also under scale_by="cohort".
    """
    if interval is not None and scale_by == "cohort":
        raise InputError("--interval holds for samples on the training scale; leave out --scale_by=cohort")
    variables, meta = load_model(checkpoint)
    if meta["response_scale"]["unit"] == LABEL:
        raise InputError(f"{checkpoint} is a model of compounds; give it --compounds, a table of SMILES")
    models = None if interval is None else models_for_intervals(checkpoint, variables, meta, interval)
    name = meta["transform"] if transform == "checkpoint" else transform
    ids = meta.get("gene_ids", "given") if gene_ids == "checkpoint" else gene_ids
    if is_h5ad(Path(expression)):
        reading = {"format": "h5ad", **(reading or {})}
    x, samples, found, names = read_for_model(expression, meta["genes"], **{**(reading or {}), "gene_ids": ids})
    check_units(x, name, f"{expression}", given=transform != "checkpoint")
    x = transformed(x, name, f"{expression}")
    check_scale(x, found, meta, f"{expression}", by_cohort=scale_by == "cohort")
    matrix, coverage = model_genes(x, found, meta, expression)
    check_coverage(matrix, coverage, meta, missing_genes, min_coverage, f"{expression}", f"{checkpoint}")
    fitted = from_record(meta.get("preprocess", []))
    batches = batches_for(batch, samples, fitted)
    prepared = prepare_new(fitted, matrix, batches, samples, meta["genes"], expression)
    shifted = [] if scale_by == "cohort" else shift_words(prepared, meta, f"{expression}")
    scaled = scale_new(prepared, meta, scale_by, expression)
    network = network_of(meta)
    learned = ResponseScale(**meta["response_scale"])
    table = pd.DataFrame({"sample_id": samples, "prediction": respond(network, variables, scaled, learned)})
    if models is not None:
        table = table.assign(**interval_columns(models, matrix, network, interval, batches))
    own = own_scale(learned.unit, learned.low, learned.high)
    table, outside = on_own_scale(table, own, ("prediction", "low", "high"))
    table = table.assign(drug=meta["drug"], unit=own.unit)
    trained = len(meta["genes"]) - len(meta.get("unmeasured", ()))
    pooled = int((~np.isin(batches, fitted.batches) | (batches == "")).sum()) if fitted.batches else 0
    return Predicted(
        table,
        coverage,
        trained,
        meta,
        names,
        pooled,
        (*warnings_of(meta), *doubts(checkpoint, meta), *shifted),
        possible_words(own, outside),
    )


def transformed(x: np.ndarray, name: str, path: str) -> np.ndarray:
    """(n, genes) float32 on the model's scale."""
    try:
        return apply_transform(name, x).astype(np.float32)
    except InputError as error:
        raise InputError(f"{path}: {error}".replace("set transform = 'none'", "pass --transform=none")) from error


def warnings_of(meta: dict) -> list[str]:
    """Why predictions of a model should not be relied on."""
    found = []
    if tuple(meta["network"]["hidden"]) == QUICK_HIDDEN and "origin" not in meta:
        found.append("the model is the small one of a quick study: its predictions show that it works, nothing else")
    return found


def model_genes(x: np.ndarray, found: np.ndarray, meta: dict, path: Path) -> tuple[np.ndarray, float]:
    """((n, genes of the model), share found of those it was trained on); NaN where the table or training has none."""
    try:
        matrix, coverage = align_matrix(x, found, meta["genes"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    unmeasured = np.isin(meta["genes"], meta.get("unmeasured", ()))
    if unmeasured.any():
        matrix[:, unmeasured] = np.nan
        coverage = float(np.mean(~np.isnan(matrix[:, ~unmeasured]).all(axis=0)))
    return matrix, coverage


def check_coverage(
    matrix: np.ndarray, coverage: float, meta: dict, missing_genes: str, min_coverage: float, path: str, checkpoint: str
) -> None:
    """InputError where too many of the model's genes are not in the table, or any where none may."""
    unmeasured = set(meta.get("unmeasured", ()))
    if coverage < min_coverage or coverage == 0:
        raise InputError(
            f"{path} has {coverage:.0%} of the {len(meta['genes']) - len(unmeasured)} genes of {checkpoint}; at least "
            f"{min_coverage:.0%} are needed: check gene names (--gene_ids=auto?), or lower --min_coverage"
        )
    if missing_genes == "error" and coverage < 1:
        absent = [g for g, gone in zip(meta["genes"], np.isnan(matrix).all(axis=0), strict=True) if gone]
        absent = [g for g in absent if g not in unmeasured]
        raise InputError(
            f"{path} lacks {len(absent)} of the genes of {checkpoint} ({examples(absent)}); add them, or leave out "
            "--missing_genes=error to count them as average"
        )


def prepare_new(fitted: Fitted, matrix, batch: np.ndarray, samples: np.ndarray, genes, path: Path) -> np.ndarray:
    """(n, genes) after the training's own preprocessing, missing genes NaN; the very matrix where there was none."""
    if not fitted.names:
        return matrix
    if fitted.needs_counts:
        check_counts(matrix, samples, genes, str(path))
    try:
        # Filtered genes count as missing: constant zeros would make any table look near to the training data.
        return np.where(fitted.filtered, np.nan, fitted.apply(matrix, batch))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def scale_new(matrix: np.ndarray, meta: dict, scale_by: str, path: Path) -> np.ndarray:
    """(n, genes) float32 scaled expression, missing genes at 0."""
    absent = np.isnan(matrix).all(axis=0)
    if scale_by == "checkpoint" and not meta["scaler"]["center"]:
        raise InputError(
            "the checkpoint was imported without a scaler: use --scale_by=cohort, or import it again "
            "(import_weights --scaler)"
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
