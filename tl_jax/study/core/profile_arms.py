"""The arms that read the profile of all source drugs: a Gaussian process with and without a list of mechanisms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from tl_jax.data.domain import RESISTANT, SHRUNKEN, Domain
from tl_jax.evaluation.predictors.drug_profile import DrugProfile
from tl_jax.evaluation.predictors.forms import Form
from tl_jax.evaluation.predictors.profile_gp import Fitted, carried, fit_gp, form_of
from tl_jax.evaluation.predictors.source_methods import MECHANISM
from tl_jax.study.core.arms import Arm, in_units
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.profile_source import SOURCE, ProfileSource


def profile_arms(names: Iterable[str], source: ProfileSource, alike: tuple[str, ...]) -> Iterator[Arm]:
    """The named arms on one source. alike: source drugs that act as the target's drug does."""
    for name in names:
        listed = alike if name == MECHANISM else ()
        own = {"predict": predicted, "fit": form}
        own = {key: partial(function, source.profile, listed) for key, function in own.items()}
        yield Arm(name, SOURCE, **own, about=list(listed), parents=(source.meta["id"],))


def fitted_on(profile: DrugProfile, alike: tuple[str, ...], domain: Domain, f: ScaledFold) -> tuple[Fitted, ScaledFold]:
    """(the process of a fold's training rows, the fold scaled as it reads rows: spreads shrunken to the source's)."""
    own = f.rescaled(domain, SHRUNKEN, profile.variance)
    resistant = domain.direction == RESISTANT
    return fit_gp(own.scaled_train(domain), f.y[f.fold.train], profile, alike, resistant), own


def predicted(profile: DrugProfile, alike: tuple[str, ...], domain: Domain, f: ScaledFold) -> np.ndarray:
    """(m,) predictions of the fold's held-out rows, in the response's unit."""
    found, own = fitted_on(profile, alike, domain, f)
    return found.back(found.score(own.scaled_test(domain), profile))


def form(profile: DrugProfile, alike: tuple[str, ...], domain: Domain, f: ScaledFold) -> Form:
    """The model that the fold leaves, for rows as the fold scales them."""
    found, own = fitted_on(profile, alike, domain, f)
    return in_units(form_of(found, profile), own.train, f.train)


def carriers(profile: DrugProfile, alike: tuple[str, ...], domain: Domain, f: ScaledFold, most: int) -> pd.DataFrame:
    """sample_id, source_drug, score: of each training sample the source drugs that move its prediction most.

    score: what the drug adds to the sample's normal score beside the average sample, high where the response is high.
    """
    found, own = fitted_on(profile, alike, domain, f)
    moved = carried(found, own.scaled_train(domain), profile)
    moved = moved - moved.mean(axis=0)
    rows = [
        (str(domain.samples[row]), profile.drugs[k], float(values[k]))
        for row, values in zip(f.fold.train, moved, strict=True)
        for k in np.argsort(-np.abs(values), kind="stable")[:most]
        if values[k]
    ]
    return pd.DataFrame(rows, columns=["sample_id", "source_drug", "score"])
