"""A screen with gaps: an arm that reads how the held-out samples responded to OTHER drugs of the same table.

Folds keep samples apart for the drug that is judged, and for it alone: this arm says what a response is worth guessing
where a sample has been measured with other drugs already, and nothing about a new sample.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from tl_jax.data.domain import Domain
from tl_jax.data.drugs.names import same_drugs
from tl_jax.evaluation.predictors.drug_profile import DrugProfile
from tl_jax.evaluation.predictors.gaussian import fit_process, linear_kernels
from tl_jax.evaluation.predictors.profile_gp import views
from tl_jax.evaluation.predictors.ranked import rankit, way_back

FEWEST = 5  # measured training rows of another drug


def among(values: np.ndarray, training: np.ndarray) -> np.ndarray:
    """(n, drugs) normal scores of responses among the training rows' alone, 0 where not measured.

    values: (n, drugs), NaN where not measured. training: (k,) rows. Drugs of fewer than FEWEST of them are left out.
    """
    found = []
    for column in np.asarray(values, np.float64).T:
        known = np.sort(column[training][np.isfinite(column[training])])
        if len(known) < FEWEST or known[0] == known[-1]:
            continue
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
    shares = (0.25, 0.25, 0.5) if others[0].shape[1] else (0.5, 0.5, 0.0)
    within, across = 0.0, 0.0
    for share, (train, test) in zip(shares, pairs, strict=True):
        own, between, _ = linear_kernels(train, test)
        size = np.mean(np.diag(own))
        if share and size > 0:
            within, across = within + share * own / size, across + share * between / size
    process = fit_process(within, rankit(y)) if np.ndim(within) else None
    if process is None:
        return np.full(len(z_test), np.mean(y))
    back = way_back(y, float(np.sqrt(np.mean(process.left_out() ** 2))))
    return back(process.predict(across))


def others_of(whole: Domain, domain: Domain) -> np.ndarray:
    """(n, drugs) responses of a domain's samples to all drugs of the table but its own, under whatever name."""
    place = {sample: row for row, sample in enumerate(whole.samples.tolist())}
    rows = [place[sample] for sample in domain.samples.tolist()]
    own = same_drugs(domain.drugs[0], whole.drugs)
    return whole.y[rows][:, [drug not in own for drug in whole.drugs]]
