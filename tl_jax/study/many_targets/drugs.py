"""All source drugs at once as a source: their predicted responses describe a sample of a small target.

A source model predicts D drugs' responses from expression. On the target its D predictions (the profile), or its last
hidden layer (the features), take the place of the genes, and a ridge in closed form, tuned on the training rows alone,
maps them to the target's response. The profile comes from one network for all drugs or from one kernel ridge per drug.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.config import Recipe
from tl_jax.data.domain import RESISTANT, SHRUNKEN, Domain
from tl_jax.data.scaling.scaled import prepare
from tl_jax.evaluation.predictors.baselines import BASELINES, SCALED_AS
from tl_jax.evaluation.predictors.drug_profile import DrugProfile
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.profile_gp import profile_gp
from tl_jax.evaluation.predictors.source_methods import MECHANISM
from tl_jax.keys import Repeats, run_key
from tl_jax.study.core.arms import Arm
from tl_jax.study.core.code import code_of
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.problem import key_of
from tl_jax.study.core.profile_source import ProfileSource
from tl_jax.study.core.stages import fingerprint
from tl_jax.study.many_targets.kernel_profile import KernelProfile, fit_kernel_profile
from tl_jax.study.many_targets.known_drugs import Gaps, with_gaps
from tl_jax.system.files import digest
from tl_jax.system.parts import Parts, parts_of
from tl_jax.training.multitask import MultiTask, drug_scales, look, train_multitask, untrained
from tl_jax.trees import flatten, unflatten

SOURCE = "all sources"
GENES = "genes"


class Head(NamedTuple):
    """An arm that is fitted: which view of a sample goes into which closed form (a name of BASELINES)."""

    view: str
    form: str


TARGET_ONLY = {name: Head(GENES, name) for name in ("mean", "ridge", "kernel_ridge", "repaired_ridge")}
TRANSFERS = {
    "drug_profile": Head("network profile", "kernel_ridge"),
    "drug_profile_linear": Head("network profile", "ridge"),
    "drug_features": Head("network features", "ridge"),
    "kernel_profile": Head("kernel profile", "kernel_ridge"),
    "kernel_profile_linear": Head("kernel profile", "ridge"),
}
# The mean of two arms' predictions, both in the response's own unit.
AVERAGES = {
    "drug_profile_average": ("drug_profile", "kernel_ridge"),
    "kernel_profile_average": ("kernel_profile", "kernel_ridge"),
}
# Gaussian processes on the genes and the profile of drug_profile, scaled in their own way.
PROCESSES = ("profile_gp", MECHANISM)
# Gains are over a model on the target's own genes. The radial one decides: the profiles' head is radial too.
REFERENCES = ("kernel_ridge", "ridge", "repaired_ridge")
ARMS = (*TARGET_ONLY, *TRANSFERS, *AVERAGES, *PROCESSES)


def models_of(arms: Collection[str]) -> set[str]:
    """Which source models some arms read: "network", "kernel", both or none of them."""
    return {TRANSFERS[arm].view.split(" ")[0] for arm in with_members(arms) if arm in TRANSFERS}


def with_members(arms: Collection[str]) -> set[str]:
    """Some arms and those that they average."""
    return {*arms, *(member for arm in arms for member in AVERAGES.get(arm, ()))}


def source_of(arm: str) -> str:
    """What stands in the column `source` of an arm."""
    return "" if arm in TARGET_ONLY else SOURCE


@dataclass(frozen=True)
class Sources:
    """The source models, and each drug's mean and spread over its measured samples, (drugs,) in the source's unit.

    network, kernel: None where no arm that is asked for reads them. profile: of the processes. mechanisms: a user's
    table of drugs that act alike, or None.
    """

    drugs: tuple[str, ...]
    network: MultiTask | None
    kernel: KernelProfile | None
    profile: DrugProfile
    centre: np.ndarray
    spread: np.ndarray
    identity: str = ""  # digest of what determines them
    mechanisms: str | None = None

    def views(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """{view: (n, numbers)} of scaled rows (n, genes).

        Profiles are in units of each drug's spread in the source, so that a drug that the source predicts poorly,
        and whose predictions therefore vary little, weighs little.
        """
        found = {GENES: x}
        if self.network is not None:
            seen = look(self.network, x)
            found["network profile"] = (seen.profile - self.centre) / self.spread
            found["network features"] = seen.features
        if self.kernel is not None:
            found["kernel profile"] = (self.kernel.predict(x) - self.centre) / self.spread
        return found


def fit_sources(
    domain: Domain,
    recipe: Recipe,
    hidden: tuple[int, ...],
    seed: int,
    profile: ProfileSource,
    *,
    mechanisms: str | None = None,
    models: Collection[str] = ("network", "kernel"),
    work: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Sources:
    """Train network and kernel ridges on all rows of a domain with many drugs, or find them among finished parts.

    No target takes part in it. profile: of the same drugs (core/profile_source). mechanisms: see Sources. models:
    those to train. work: a study's workplace, or None. progress(k) counts drugs of the kernel ridges, which come last.
    """
    code = code_of("tl_jax.training.multitask", "tl_jax.study.many_targets.kernel_profile")
    identity = digest(fingerprint(domain), recipe.as_dict(), list(hidden), seed, code)
    whole = digest(identity, profile.meta["id"])
    parts = parts_of(work, identity)
    done = {str(part["model"]): part for part in (parts.saved() if parts else ())}
    if "network" in models and "network" not in done:
        model = train_multitask(run_key(seed, Repeats.FINAL), domain, recipe, hidden)
        done["network"] = {"model": np.asarray("network"), "loss": model.loss, **flatten(model.variables["params"])}
        keep(parts, 0, done["network"])
    if "kernel" in done or "kernel" not in models:
        progress(len(domain.drugs))
    else:
        x = prepare(domain)[1]
        done["kernel"] = {
            "model": np.asarray("kernel"),
            **fit_kernel_profile(x, domain.y, domain.groups, progress)._asdict(),
        }
        keep(parts, 1, done["kernel"])
    network = network_from(done["network"], domain, hidden) if "network" in models else None
    kernel = KernelProfile(*(done["kernel"][name] for name in KernelProfile._fields)) if "kernel" in models else None
    centre, spread = np.nanmean(domain.y, axis=0), np.nanstd(domain.y, axis=0)
    return Sources(domain.drugs, network, kernel, profile.profile, centre, spread, whole, mechanisms)


def network_from(part: dict, domain: Domain, hidden: tuple[int, ...]) -> MultiTask:
    """The trained network of a finished part."""
    leaves = {name: leaf for name, leaf in part.items() if "/" in name}
    variables = jax.tree.map(jnp.asarray, {"params": unflatten(leaves)})
    return MultiTask(variables, untrained(domain, hidden), drug_scales(domain), part["loss"])


def keep(parts: Parts | None, number: int, arrays: dict[str, np.ndarray]) -> None:
    if parts is not None:
        parts.save(number, {name: np.asarray(array) for name, array in arrays.items()})


def closed_arms(sources: Sources, seed: int, gaps: Gaps | None = None, asked: Sequence[str] = ARMS) -> list[Arm]:
    """The arms in closed form; what they share on a fold is computed once.

    Args:
        asked: those of ARMS that are wanted. gaps: for the arms that read the target's other drugs; None: without them.
    """
    known: dict[str, dict] = {}
    arms = (*asked, *(gaps.arms if gaps else ()))

    def predict(domain: Domain, fold: ScaledFold, *, arm: str) -> np.ndarray:
        key = str(key_of(fold))
        if key not in known:
            known[key] = fold_predictions(domain, fold, sources, seed, gaps, asked)
        return known[key][arm]

    return [
        Arm(arm, source_of(arm), predict=partial(predict, arm=arm), about=seed, parents=(sources.identity,))
        for arm in arms
    ]


def fold_predictions(
    domain: Domain,
    fold: ScaledFold,
    sources: Sources,
    seed: int,
    gaps: Gaps | None = None,
    asked: Sequence[str] = ARMS,
) -> dict[str, np.ndarray]:
    """{arm: (m,) predictions of the fold's held-out rows}, fitted on its training rows; options: see closed_arms."""
    train, test = fold.fold.train, fold.fold.test
    views = sources.views(scaled_rows(domain, fold))
    found = {}
    wanted = with_members(asked)
    for arm, head in ((arm, head) for arm, head in {**TARGET_ONLY, **TRANSFERS}.items() if arm in wanted):
        view = scaled_rows(domain, fold.rescaled(domain, SCALED_AS[arm])) if arm in SCALED_AS else views[head.view]
        found[arm] = BASELINES[head.form](
            view[train], fold.y[train], view[test], groups=domain.groups[train], marker=None, seed=seed
        )
    for arm, members in AVERAGES.items():
        if arm in wanted:
            found[arm] = np.mean([found[member] for member in members], axis=0)
    if gaps or wanted & set(PROCESSES):
        found |= processes(domain, fold, sources, gaps)
    return {arm: np.asarray(one, np.float64) for arm, one in found.items()}


def processes(domain: Domain, fold: ScaledFold, sources: Sources, gaps: Gaps | None) -> dict[str, np.ndarray]:
    """The predictions of PROCESSES, and of the arms that read other drugs where there are gaps."""
    profile, train, test = sources.profile, fold.fold.train, fold.fold.test
    z = scaled_rows(domain, fold.rescaled(domain, SHRUNKEN, profile.variance))
    alike = acts_alike(domain.drugs[0], profile.drugs, sources.mechanisms).drugs
    resistant, y = domain.direction == RESISTANT, fold.y[train]
    found = {
        arm: profile_gp(z[train], y, z[test], profile, alike=own, resistant=resistant)
        for arm, own in zip(PROCESSES, ((), alike), strict=True)
    }
    return found | (with_gaps(gaps, domain, z, fold, profile, sources.mechanisms) if gaps else {})


def scaled_rows(domain: Domain, fold: ScaledFold) -> np.ndarray:
    """(n, genes) rows of a domain: held-out ones by the fold's scaler for them, all others by that of training rows."""
    x = fold.train.apply(fold.rows(domain, np.arange(len(domain))))
    if fold.test is not fold.train:
        x[fold.fold.test] = fold.scaled_test(domain)
    return x
