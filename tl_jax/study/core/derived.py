"""Tables that follow from an experiment's own: nothing here trains."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.conformal import held_out_intervals
from tl_jax.evaluation.statistics.detectable import detectable_difference
from tl_jax.evaluation.statistics.intervals import UNDEFINED, bca_interval, fisher_holds, fisher_interval
from tl_jax.evaluation.statistics.metrics import JUDGED, get, held_out_ratio, per_fold
from tl_jax.evaluation.statistics.paired import corrected_t
from tl_jax.evaluation.statistics.power import MEASURED
from tl_jax.evaluation.statistics.power import detectable as measured
from tl_jax.interpret.stability import TOP, gene_overlap, gene_stability

LEVEL = 0.95
LISTED = 200  # genes of an arm in gene_stability.csv, besides those that any run ranks high
KEYS = ["arm", "source", "protocol"]
BOUNDS = ("fisher_low", "fisher_high", "bca_low", "bca_high", "level")
DETECTABLE = ("arm_a", "source_a", "arm_b", "source_b", "protocol", "metric", "power", "detectable")
PROTOCOLS = ("difference", "ci_low", "ci_high", "p_corrected")
LINEAGE = (
    *("id", "parent", "stage", "domain", "drug", "strategy", "samples"),
    *("epochs", "learning_rate", "data_fingerprint"),
)


def intervals(predictions: pd.DataFrame, seed: int, resamples: int = 1999, metric: str = JUDGED) -> pd.DataFrame:
    """The metric of each sample's prediction, averaged over repeats, with intervals over samples.

    Fisher's interval is one of rank correlations, and empty for other metrics. They take the models for given and
    samples for independent; comparisons of arms need `comparisons.csv`.
    """
    judged, rows = get(metric), []
    for key, part in predictions.groupby(KEYS, sort=False):
        samples = part.groupby("sample_id", sort=True)[["y_true", "y_pred"]].mean()
        truth, predicted = samples["y_true"].to_numpy(), samples["y_pred"].to_numpy()
        value, n = judged(truth, predicted), len(samples)
        fisher = fisher_interval(value, n, LEVEL) if fisher_holds(metric) else UNDEFINED
        rows.append((*key, n, value, *fisher, *bca_interval(truth, predicted, judged, seed, resamples, LEVEL), LEVEL))
    return pd.DataFrame(rows, columns=[*KEYS, "n", metric, *BOUNDS])


def prediction_intervals(predictions: pd.DataFrame) -> pd.DataFrame:
    """Of the arms that predicted every sample; a network that diverged has no intervals."""
    finite = np.isfinite(predictions["y_pred"]).groupby([predictions[key] for key in KEYS]).transform("all")
    return held_out_intervals(predictions[finite])


def detectable(
    metrics: pd.DataFrame, reference: str = "scratch", power: float = 0.8, metric: str = JUDGED
) -> pd.DataFrame:
    """The smallest true difference from the reference that this study finds with `power`, for every other arm.

    What `tl_jax power` says of so many samples, from simulated studies, infinite where no simulated gain is found so
    often; of other metrics and other numbers of samples what the corrected t-test promises by its own model.
    """
    folds, rows = per_fold(metrics, metric), []
    for protocol, part in folds.groupby("protocol", sort=False):
        ratio, known = held_out_ratio(part), float("nan")
        if metric == MEASURED:
            known = measured(samples_of(part), power)
        wide = part.pivot(index=["repeat", "fold"], columns=["arm", "source"], values="value")
        if reference not in wide.columns.get_level_values("arm"):
            continue
        column = next(name for name in wide.columns if name[0] == reference)
        for arm, source in wide.columns:
            if arm != reference:
                gap = (wide[arm, source] - wide[column]).to_numpy(np.float64)
                found = detectable_difference(gap, ratio, power) if np.isnan(known) else known
                rows.append((arm, source, *column, protocol, metric, power, found))
    return pd.DataFrame(rows, columns=list(DETECTABLE))


def samples_of(folds: pd.DataFrame) -> int:
    """Samples that were held out in one repeat, of the arm with the most."""
    return int(folds.groupby([*KEYS, "repeat"])["n_test"].sum().max())


def protocols(metrics: pd.DataFrame, honest: str, other: str, metric: str = JUDGED) -> pd.DataFrame:
    """What another protocol makes of every arm's metric per fold, on the same folds, with a corrected interval."""
    folds, rows = per_fold(metrics, metric), []
    ratio = held_out_ratio(folds)
    for (arm, source), part in folds.groupby(["arm", "source"], sort=False):
        wide = part.pivot(index=["repeat", "fold"], columns="protocol", values="value")
        if {honest, other} <= set(wide.columns):
            both = wide[[honest, other]].dropna()
            gap = (both[other] - both[honest]).to_numpy(np.float64)
            test = corrected_t(gap, ratio)
            means = [float(both[name].mean()) if len(both) else float("nan") for name in (honest, other)]
            rows.append((arm, source, metric, *means, means[1] - means[0], test.low, test.high, test.p))
    return pd.DataFrame(rows, columns=["arm", "source", "metric", honest, other, *PROTOCOLS])


def gene_tables(weights: dict[tuple[str, str], np.ndarray], genes: np.ndarray) -> dict[str, pd.DataFrame]:
    """gene_stability and gene_overlap of the arms whose first layer is trained in every run; weights (runs, genes)."""
    tables = {arm: pd.DataFrame(values.T, index=genes) for arm, values in weights.items() if np.isfinite(values).all()}
    top = min(TOP, len(genes))
    stability = gene_stability(tables, top)
    listed = stability[(stability["rank"] <= LISTED) | (stability["top_share"] > 0)]
    return {"gene_stability": listed, "gene_overlap": gene_overlap(tables, top)}


def lineage(records: Iterable[dict]) -> pd.DataFrame:
    """Every checkpoint of a study, by its record, and its ancestors, parents first."""
    rows: dict[str, tuple] = {}
    for own in records:
        parent = ""
        for record in (*own["ancestors"], own):
            recipe = record["recipe"]
            names = (record[name] for name in ("stage", "domain", "drug", "strategy", "samples"))
            ends = (recipe.get("epochs"), recipe.get("learning_rate"), record["data_fingerprint"])
            rows.setdefault(record["id"], (record["id"], parent, *names, *ends))
            parent = record["id"]
    return pd.DataFrame(rows.values(), columns=list(LINEAGE))
