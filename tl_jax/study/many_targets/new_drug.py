"""A drug of which no response is known: from responses of the same samples to other drugs, and from the source.

Three things can be said of it before it is screened: how a sample responds to drugs at large, how it responds to the
drugs of the table that act alike, and what the source drugs that act alike score for its genes. What each of them is
worth is learnt from the other drugs of the table, each in its turn taken for the unknown one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from tl_jax.evaluation.predictors.drug_profile import DrugProfile
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.profile_gp import expectation
from tl_jax.evaluation.predictors.ranked import way_back


class Screen(NamedTuple):
    """Other drugs of a table. scores: (n, drugs) of `known_drugs.among`, 0 where not measured. values: (n, drugs)
    responses, NaN there. mechanisms: a user's table of drugs that act alike, or None."""

    names: tuple[str, ...]
    scores: np.ndarray
    values: np.ndarray
    mechanisms: str | None = None


def predict_new_drug(drug: str, screen: Screen, z, train, test, profile: DrugProfile, resistant: bool) -> np.ndarray:
    """(m,) predictions of the rows `test`; no response to `drug` is an argument.

    Args:
        z: (n, genes) rows scaled for the profile. train: rows that tell what is worth what. resistant: whether a high
            response means resistant.
    """
    known = np.isfinite(screen.values[train])
    if not known.any():
        return np.zeros(len(test))  # nothing is known of any drug: one value for all
    weights, spread = weighed(screen, z, train, profile, resistant)
    # The drug has no scale of its own yet: that of all others, which share its unit.
    back = way_back(screen.values[train][known], spread)
    return back(said(drug, screen, z, profile, resistant)[test] @ weights)


def weighed(screen: Screen, z, train, profile: DrugProfile, resistant: bool) -> tuple[np.ndarray, float]:
    """((3,) non-negative weights of what `said` says, spread of what they leave), each drug in turn the unknown one."""
    known = np.isfinite(screen.values[train]).T
    each = [said(name, screen, z, profile, resistant)[train] for name in screen.names]
    tasks = np.concatenate([one[own] for one, own in zip(each, known, strict=True)])
    truth = screen.scores[train].T[known]
    weights, _ = nnls(tasks, truth)
    return weights, float(np.sqrt(np.mean((truth - tasks @ weights) ** 2)))


def said(drug: str, screen: Screen, z, profile: DrugProfile, resistant: bool) -> np.ndarray:
    """(n, 3) what is said of a drug: mean score of the others, of those that act alike, and what the source expects."""
    rest = np.array([name != drug for name in screen.names])
    alike = rest & np.isin(screen.names, acts_alike(drug, screen.names, screen.mechanisms).drugs)
    listed = acts_alike(drug, profile.drugs, screen.mechanisms).drugs
    means = [screen.scores[:, own].mean(axis=1) if own.any() else np.zeros(len(z)) for own in (rest, alike)]
    return np.column_stack([*means, profile.scores(z) @ expectation(profile, listed, resistant)])
