"""Cheap source models, what each gains on a target, and every score of it, on the same folds.

A source model is a partial least squares regression of COMPONENTS components on the source's scaled expression: its
components stand for a last hidden layer, its prediction is linear in them. Two arms start from it, both without any
choice by hand: `head` (ridge on the components, all else frozen) and `shrunk` (ridge on all genes whose coefficients
are pulled towards the source's, times a slope learnt from the training rows, instead of towards nought).
`scratch` is ridge on all genes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cross_decomposition import PLSRegression

from tl_jax.data.domain import Domain
from tl_jax.data.scaling.choice import USUAL
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.splits import Fold
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS, left_out_errors
from tl_jax.evaluation.sources.domain_distance import coral, mmd
from tl_jax.evaluation.sources.transferability import scores_with_labels
from tl_jax.evaluation.statistics.metrics import spearman

COMPONENTS = 10
NEAREST_GENES = 200  # distances take the source's most variable genes: all of them would cost many minutes
ARMS = ("head", "shrunk")
LEFT_OUT = "left_out"  # the head's own left-one-out fit to the training rows, a rival of the scores


@dataclass(frozen=True)
class Source:
    """One source: its model as linear maps of scaled expression, and what is known of its labels and rows.

    features = (x - center) @ maps, prediction = level + features @ weights. near: columns that distances take, of
    which x (n, near) has the source's scaled rows. rows: equal for sources with the same samples.
    """

    name: str
    center: np.ndarray
    maps: np.ndarray
    weights: np.ndarray
    level: float
    repeatability: float
    range: float
    x: np.ndarray
    near: np.ndarray
    rows: tuple[str, ...]

    def features(self, x: np.ndarray) -> np.ndarray:
        """(n, COMPONENTS) components of scaled expression, in units of their spread in the source."""
        return (x - self.center) @ self.maps


@dataclass(frozen=True)
class Target:
    """One target. x: (n, genes) unscaled, y: (n,), groups: (n,). fresh_x, fresh_y: samples of no fold, or None."""

    name: str
    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    fresh_x: np.ndarray | None = None
    fresh_y: np.ndarray | None = None


def source_of(name: str, domain: Domain, drug: str) -> Source:
    """A source model on all of a domain's rows that are measured for the drug."""
    one = domain.for_drug(drug)
    x = fit_scaler(one.x, one.scaler).apply(one.x).astype(np.float64)
    model = PLSRegression(COMPONENTS, scale=False).fit(x, one.response)
    spread = model.x_scores_.std(axis=0)
    near = np.sort(np.argsort(-one.x.var(axis=0), kind="stable")[:NEAREST_GENES])
    quality = label_quality(domain, drug)
    labels = quality["replicate_spearman"], quality["dynamic_range"]
    rows = tuple(one.samples.tolist())
    maps, weights = model.x_rotations_ / spread, model.y_loadings_[0] * spread
    return Source(name, x.mean(axis=0), maps, weights, float(one.response.mean()), *labels, x[:, near], near, rows)


class TunedRidge:
    """Ridge on fixed rows for many responses, penalty by leave-one-group-out, as `predictors.baselines.ridge`.

    x: (n, features). news: {name: (m, features)} of rows to predict.
    """

    def __init__(self, x: np.ndarray, groups: np.ndarray, news: dict[str, np.ndarray]):
        center = x.mean(axis=0, dtype=np.float64)
        x = x - center
        self.groups = groups
        self.across = {name: (new - center) @ x.T for name, new in news.items()}
        values, self.vectors = np.linalg.eigh(x @ x.T)
        self.values = np.maximum(values, 0.0)

    def fit(self, y: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
        """({name: (m,) predictions}, left-out mean squared error) of the best penalty."""
        alphas = RELATIVE_ALPHAS * self.values.mean()
        errors = left_out_errors(self.values, self.vectors, y, self.groups, alphas)
        best = int(np.argmin(errors))
        dual = self.vectors @ ((self.vectors.T @ (y - y.mean())) / (self.values + alphas[best]))
        return {name: y.mean() + across @ dual for name, across in self.across.items()}, float(errors[best])


def measure(target: Target, sources: Sequence[Source], folds: Sequence[Fold], distances: dict) -> pd.DataFrame:
    """One row per fold and source: source, repeat, fold, every score, gain_ARM, and fresh_ARM if there are fresh rows.

    Scores see training rows alone, no expression of held-out rows either. gain: Spearman of the arm less that of
    scratch on the held-out rows; fresh: the same on the fresh ones. distances: kept between targets of one expression.
    """
    rows = []
    for fold in folds:
        scaler = fit_scaler(target.x[fold.train], USUAL)
        x, y = scaler.apply(target.x[fold.train]), target.y[fold.train]
        news, truths = {"gain": scaler.apply(target.x[fold.test])}, {"gain": target.y[fold.test]}
        if target.fresh_x is not None:
            news["fresh"], truths["fresh"] = scaler.apply(target.fresh_x), target.fresh_y
        ridge = TunedRidge(x, target.groups[fold.train], news)
        base = {kind: order(truths[kind], found) for kind, found in ridge.fit(y)[0].items()}
        for source in sources:
            key = (source.rows, fold.repeat, fold.fold)
            if key not in distances:
                near = x[:, source.near]
                distances[key] = {"mmd": mmd(source.x, near), "coral": coral(source.x, near)}
            row = {"source": source.name, "repeat": fold.repeat, "fold": fold.fold} | distances[key]
            row |= {"label_repeatability": source.repeatability, "label_range": source.range}
            scores, arms = one_source(source, ridge, x, y, news)
            gains = {f"{k}_{arm}": order(truths[k], p[k]) - base[k] for arm, p in arms.items() for k in truths}
            rows.append(row | scores | gains)
    return pd.DataFrame(rows)


def one_source(source: Source, ridge: TunedRidge, x, y, news: dict) -> tuple[dict, dict[str, dict]]:
    """Scores on the training rows; {arm: {name: predictions}} of the new rows."""
    features, new = source.features(x), {kind: source.features(rows) for kind, rows in news.items()}
    head, error = TunedRidge(features, ridge.groups, new).fit(y)
    known = source.level + features @ source.weights
    slope, start = np.polyfit(known, y, 1)
    rest, _ = ridge.fit(y - start - slope * known)
    shrunk = {kind: start + slope * (source.level + f @ source.weights) + rest[kind] for kind, f in new.items()}
    return scores_with_labels(features, known, y) | {LEFT_OUT: -error / np.var(y)}, {"head": head, "shrunk": shrunk}


def order(truth, prediction) -> float:
    """Spearman, 0 for a model that predicts one value for all."""
    return spearman(truth, prediction)
