"""Training lines of two classes, resampled so that both come up alike (imbalanced-learn)."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from tl_jax.errors import InputError

NONE, UP, DOWN, SMOTE = SAMPLERS = ("none", "up", "down", "smote")
FEWEST = {UP: 1, DOWN: 1, SMOTE: 6}  # of a class; SMOTE looks at 5 neighbours


def check_sampler(kind: str) -> None:
    """Raise InputError for an unknown sampler, or where its package is missing."""
    if kind not in SAMPLERS:
        raise InputError(f"--sampling={kind}: there are: {', '.join(SAMPLERS)}")
    if kind != NONE and find_spec("imblearn") is None:
        raise InputError(f"--sampling={kind} needs imbalanced-learn: pip install 'tl_jax[sc]'")


def resampled(kind: str, x: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of x (lines, genes) that stand for both classes of `labels` alike.

    Returns:
        (indices of rows, some of them repeated or left out; (k, genes) rows made between neighbours of the rare class,
        none but for SMOTE of Chawla et al. 2002).

    Raises:
        InputError: a class has too few lines.
    """
    from imblearn import over_sampling, under_sampling

    labels = np.asarray(labels, bool)
    rare = int(min(labels.sum(), (~labels).sum()))
    if rare < FEWEST[kind]:
        raise InputError(
            f"--sampling={kind}: a draw of the lines holds {rare} of its rarer class and {FEWEST[kind]} are needed; "
            f"use --sampling={UP if rare else NONE}"
        )
    if kind == SMOTE:
        both, _ = over_sampling.SMOTE(random_state=seed).fit_resample(x, labels)
        return np.arange(len(x)), both[len(x) :].astype(x.dtype)
    sampler = over_sampling.RandomOverSampler if kind == UP else under_sampling.RandomUnderSampler
    index = sampler(random_state=seed).fit_resample(np.arange(len(x))[:, None], labels)[0][:, 0]
    return index, x[:0]
