"""A Gaussian process on the genes and on the drug profile of a small target, fitted to ranks.

Half of its kernel is the genes', half that of the scores that all drugs of a source have for a sample (drug_profile).
Both are linear, so that what is fitted is a weight for each gene and one for each source drug: a prediction is a sum.
The arm with mechanisms adds the scores of the source drugs that act alike, at a weight that is never
fitted. `repaired_ridge` is its half without a source: the baseline that any transfer must beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from tl_jax.evaluation.predictors.drug_profile import DrugProfile
from tl_jax.evaluation.predictors.forms import Form, linear, ranked
from tl_jax.evaluation.predictors.gaussian import Process, fit_process, linear_kernels
from tl_jax.evaluation.predictors.ranked import Back, rankit, way_back

TRUST = 1.25  # of the mean score of the drugs that act alike, each times its reliability


class Fitted(NamedTuple):
    """genes: (genes,) weights of scaled genes by themselves. drugs: (source drugs,) weights of their scores, of no
    length without a source; expected: the part of them that mechanisms give. intercept: of the score. back: to the
    response's unit. process: None where nothing can be learnt."""

    genes: np.ndarray
    drugs: np.ndarray
    expected: np.ndarray
    intercept: float
    back: Back
    process: Process | None

    def weights(self, profile: DrugProfile | None) -> np.ndarray:
        """(genes,) weights of the score, those through the profile among them."""
        return self.genes if profile is None else self.genes + profile.weights.astype(np.float64) @ self.drugs

    def score(self, z: np.ndarray, profile: DrugProfile | None = None) -> np.ndarray:
        """(m,) scores of scaled rows, high where the response is high."""
        return self.intercept + np.asarray(z, np.float64) @ self.weights(profile)


def views(z, profile: DrugProfile | None) -> list[np.ndarray]:
    """What describes rows (m, genes): the genes, and the profile where there is one."""
    z = np.asarray(z, np.float64)
    return [z] if profile is None else [z, profile.scores(z)]


def expectation(profile: DrugProfile | None, alike: Sequence[str], resistant: bool) -> np.ndarray:
    """(source drugs,) weights that drugs of the same mechanism have before any response is seen; high means resistant.

    alike: their names, all of the profile.
    """
    if profile is None:
        return np.zeros(0)
    listed = np.isin(profile.drugs, list(alike))
    sign = 1 if resistant else -1
    return sign * TRUST * np.where(listed, profile.reliability, 0.0) / max(listed.sum(), 1)


def fit_gp(z, y, profile: DrugProfile | None = None, alike: Sequence[str] = (), resistant: bool = True) -> Fitted:
    """Fit to scaled training rows z (n, genes) and their responses y (n,) in any unit.

    Args:
        profile: of a source, on the same genes. alike: source drugs of the target drug's mechanism.
        resistant: whether a high response means resistant.
    """
    seen = views(z, profile)
    expected = expectation(profile, alike, resistant)
    scores = rankit(y)
    if profile is not None:
        scores = scores - seen[1] @ expected
    parts = [linear_kernels(view, view[:0])[0] for view in seen]
    sizes = [float(np.mean(np.diag(part))) for part in parts]
    used = [k for k, size in enumerate(sizes) if size > 0]
    within = sum((parts[k] / sizes[k] for k in used), np.zeros_like(parts[0])) / len(seen)
    process = fit_process(within, scores)
    weights = [np.zeros(view.shape[1]) for view in seen]
    if process is None or not np.ptp(np.asarray(y, np.float64)) > 0:
        return Fitted(weights[0], *(weights[1:] or [np.zeros(0)]), expected * 0, 0.0, way_back(y, 1.0), None)
    for k in used:
        weights[k] = (seen[k] - seen[k].mean(axis=0)).T @ process.dual / (sizes[k] * len(seen))
    intercept = process.mean - sum(view.mean(axis=0) @ own for view, own in zip(seen, weights, strict=True))
    back = way_back(y, float(np.sqrt(np.mean(process.left_out() ** 2))))
    drugs = weights[1] + expected if profile is not None else np.zeros(0)
    return Fitted(weights[0], drugs, expected, float(intercept), back, process)


def form_of(found: Fitted, profile: DrugProfile | None = None) -> Form:
    """The fitted process as named arrays, for rows scaled as its training rows were."""
    return ranked(linear(found.weights(profile), found.intercept), found.back)


def intervals(z, y, new, level: float, profile: DrugProfile | None = None, **options) -> tuple[np.ndarray, np.ndarray]:
    """(low, high), each (m,), in the response's unit, of scaled new rows by the process's own variance.

    They hold as far as the process does: scores that are normal around its mean. Options as for `fit_gp`.
    """
    found = fit_gp(z, y, profile, **options)
    if found.process is None:
        return tuple(np.full(len(new), np.asarray(y, np.float64).mean()) for _ in range(2))
    pairs = [linear_kernels(*pair) for pair in zip(views(z, profile), views(new, profile), strict=True)]
    sizes = [np.mean(np.diag(within)) * len(pairs) for within, _, _ in pairs]
    used = [k for k, size in enumerate(sizes) if size > 0]
    across, own = (sum(pairs[k][part] / sizes[k] for k in used) for part in (1, 2))
    spread = np.sqrt(found.process.variance(across, own)) * norm.ppf((1 + level) / 2)
    scores, places = np.unique(rankit(y), return_index=True)
    levels, score = np.asarray(y, np.float64)[places], found.score(new, profile)
    # Beyond the largest score the quantiles say nothing: the range of the training responses ends there.
    low, high = (np.interp(score + side * spread, scores, levels) for side in (-1, 1))
    return low, high


def carried(found: Fitted, z, profile: DrugProfile) -> np.ndarray:
    """(m, source drugs) what each source drug adds to the score of scaled rows, beside the average training row."""
    return profile.scores(z) * found.drugs


def profile_gp(x_train, y_train, x_test, profile: DrugProfile, *, alike: Sequence[str] = (), resistant: bool = True):
    """A Gaussian process on the genes and the profile of all source drugs, fitted to ranks."""
    found = fit_gp(x_train, y_train, profile, alike, resistant)
    return found.back(found.score(x_test, profile))


def profile_gp_mechanism(
    x_train, y_train, x_test, profile: DrugProfile, *, alike: Sequence[str], resistant: bool = True
):
    """The same beside what the source drugs of the same mechanism lead one to expect."""
    return profile_gp(x_train, y_train, x_test, profile, alike=alike, resistant=resistant)


def repaired_ridge(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """Linear ridge on ranks, its noise by restricted maximum likelihood, on genes whose sd is floored at their median.

    Dividing by an sd of a few rows blows up held-out rows; the floor is in SCALED_AS of `baselines`.
    """
    found = fit_gp(x_train, y_train)
    return found.back(found.score(x_test))


def fit_repaired_ridge(x_train, y_train, *, groups=None, marker=None, seed=0) -> Form:
    """The same as a model of named arrays."""
    return form_of(fit_gp(x_train, y_train))
