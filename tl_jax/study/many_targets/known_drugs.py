"""A screen with gaps: arms that read responses to OTHER drugs of the same table, by what is kept apart.

cells: a held-out sample's responses to all other drugs are known. Folds keep samples apart for the judged drug alone:
can a gap of a screen be filled? samples: no response of a held-out sample is known, to any drug; all of the training
samples are. Do they help with a sample that nobody has measured? drugs: no response to the judged drug is known, of any
sample; all others are. Can a drug be forecast that nobody has screened? (new_drug.py)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from tl_jax.data.domain import RESISTANT, Domain
from tl_jax.data.drugs.names import same_drugs
from tl_jax.evaluation.predictors.drug_profile import DrugProfile
from tl_jax.evaluation.predictors.gaussian import fit_process, linear_kernels
from tl_jax.evaluation.predictors.profile_gp import views
from tl_jax.evaluation.predictors.ranked import rankit, way_back
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.many_targets.new_drug import Screen, predict_new_drug

FEWEST = 5  # measured training rows of another drug
KNOWN_DRUGS, NEW_SAMPLES, NEW_DRUG = "profile_gp_known_drugs", "profile_gp_new_samples", "profile_new_drug"
APART = {"cells": KNOWN_DRUGS, "samples": NEW_SAMPLES, "drugs": NEW_DRUG}  # {what is kept apart: arm}


class Gaps(NamedTuple):
    """whole: the target with all its drugs. apart: of APART, what the arms that read them keep apart."""

    whole: Domain
    apart: tuple[str, ...] = ("cells",)

    @property
    def arms(self) -> list[str]:
        return [APART[one] for one in self.apart]


def with_gaps(gaps: Gaps, domain: Domain, z, fold: ScaledFold, profile: DrugProfile, mechanisms: str | None) -> dict:
    """{arm: (m,) predictions of the fold's held-out rows} of the arms that read other drugs.

    Args:
        domain: with the judged drug alone. z: its rows, scaled for the profile. mechanisms: as for `acts_alike`.
    """
    train, test, y = fold.fold.train, fold.fold.test, fold.y
    names, values = others_of(gaps.whole, domain)
    kept = enough(values, train)
    scores, found = among(values[:, kept], train), {}
    for arm in gaps.arms:
        if arm == NEW_DRUG:
            screen = Screen(tuple(np.asarray(names)[kept].tolist()), scores, values[:, kept], mechanisms)
            resistant = domain.direction == RESISTANT
            found[arm] = predict_new_drug(domain.drugs[0], screen, z, train, test, profile, resistant)
        elif arm == NEW_SAMPLES:
            found[arm] = predict_new_samples(z[train], y[train], z[test], scores[train], profile)
        else:
            found[arm] = predict_with_known(z[train], y[train], z[test], (scores[train], scores[test]), profile)
    return found


def enough(values: np.ndarray, training: np.ndarray) -> np.ndarray:
    """(drugs,) whether a drug was measured on FEWEST training rows and varies there."""
    known = np.asarray(values, np.float64)[training]
    return np.array([np.isfinite(c).sum() >= FEWEST and np.nanmin(c) < np.nanmax(c) for c in known.T], dtype=bool)


def among(values: np.ndarray, training: np.ndarray) -> np.ndarray:
    """(n, drugs) normal scores of responses among the training rows' alone, 0 where not measured.

    values: (n, drugs), NaN where not measured, each of `enough` training rows. training: (k,) rows.
    """
    found = []
    for column in np.asarray(values, np.float64).T:
        known = np.sort(column[training][np.isfinite(column[training])])
        below, reached = (np.searchsorted(known, column, side) for side in ("left", "right"))
        place = np.clip((below + reached) / 2, 0.5, len(known) - 0.5) / len(known)
        found.append(np.where(np.isfinite(column), norm.ppf(place), 0.0))
    return np.column_stack(found) if found else np.zeros((len(values), 0))


def predict_with_known(z_train, y, z_test, others: tuple, profile: DrugProfile) -> np.ndarray:
    """(m,) predictions: half of the kernel that of other drugs' responses, a quarter each genes and profile.

    Args:
        others: ((n, drugs), (m, drugs)) scores of `among`.
    """
    pairs = [*zip(views(z_train, profile), views(z_test, profile), strict=True), others]
    within, across = mixed(pairs, (0.25, 0.25, 0.5) if others[0].shape[1] else (0.5, 0.5, 0.0))
    process = fit_process(within, rankit(y)) if np.ndim(within) else None
    if process is None:
        return np.full(len(z_test), np.mean(y))
    back = way_back(y, float(np.sqrt(np.mean(process.left_out() ** 2))))
    return back(process.predict(across))


def mixed(pairs, shares) -> tuple:
    """(within, across) by shares of linear kernels of (training rows, held-out rows), each of mean diagonal 1."""
    within, across = 0.0, 0.0
    for share, (train, test) in zip(shares, pairs, strict=True):
        own, between, _ = linear_kernels(train, test)
        size = np.mean(np.diag(own))
        if share and size > 0:
            within, across = within + share * own / size, across + share * between / size
    return within, across


def predict_new_samples(z_train, y, z_test, others: np.ndarray, profile: DrugProfile) -> np.ndarray:
    """(m,) predictions for samples of which no response is known, by what all drugs of the training samples share.

    The principal directions of the training responses to all drugs each get a process of genes and profile with a
    noise of its own; the judged drug is the sum of its parts. A direction that the genes do not foretell drops out.
    Without other drugs it is profile_gp itself.

    Args:
        others: (n, drugs) scores of `among` of the training rows.
    """
    within, across = mixed([*zip(views(z_train, profile), views(z_test, profile), strict=True)], (0.5, 0.5))
    table = np.column_stack([rankit(y), others])
    directions = np.linalg.svd(table - table.mean(axis=0), full_matrices=False)[2]
    score, errors = np.zeros(len(z_test)), np.zeros(len(z_train))
    for direction in directions:
        process = fit_process(within, table @ direction) if np.ndim(within) else None
        if process is not None:
            score += direction[0] * (process.predict(across) - process.mean)
            errors += direction[0] * process.left_out()
    if not errors.any():
        return np.full(len(z_test), np.mean(y))
    return way_back(y, float(np.sqrt(np.mean(errors**2))))(score + table[:, 0].mean())


def others_of(whole: Domain, domain: Domain) -> tuple[tuple[str, ...], np.ndarray]:
    """(names, (n, drugs) responses) of a domain's samples to all drugs of the table but its own, under any name."""
    place = {sample: row for row, sample in enumerate(whole.samples.tolist())}
    rows = [place[sample] for sample in domain.samples.tolist()]
    own = same_drugs(domain.drugs[0], whole.drugs)
    other = [drug not in own for drug in whole.drugs]
    return tuple(np.asarray(whole.drugs)[other].tolist()), whole.y[rows][:, other]
