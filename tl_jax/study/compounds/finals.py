"""Final models of a study between protein families: trained on the whole pool, judged on the test set, kept."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from tl_jax.errors import InputError
from tl_jax.evaluation.draws.classification import score_classifier
from tl_jax.evaluation.draws.reach import by_similarity
from tl_jax.study.compounds.known import keep_known
from tl_jax.study.compounds.networks import Method, logits_of
from tl_jax.study.compounds.settings import NAME, DtiSettings, Switches
from tl_jax.study.compounds.setup import Setup
from tl_jax.study.core.stages import Shelf, StagePlan, TrainedStage, train_stages
from tl_jax.system.progress import LOGGER

TOLD = ("mcc", "auroc")


class Finals(NamedTuple):
    """The methods whose final models are kept, and the source that they start from."""

    methods: tuple[Method, ...] = ()
    source: str = ""


def planned(settings: DtiSettings, setup: Setup, networks: list[Method]) -> Finals:
    """What --final asks for, of the study's networks; InputError, before any training, where that cannot be."""
    if not settings.final:
        if settings.final_source:
            raise InputError(f"--final_source={settings.final_source} changes nothing without --final")
        return Finals()
    if settings.rules != Switches() or settings.epoch != "fixed":
        raise InputError("--final keeps models for use: leave out --protocol=as_published, and --epoch but for fixed")
    own = {method.name: method for method in networks if method.switches == settings.rules}
    wrong = [name for name in settings.final if name not in own]
    if wrong:
        raise InputError(f"--final={wrong[0]}: no network of this study; there are: {', '.join(own) or 'none'}")
    methods = tuple(own[name] for name in settings.final)
    for method in methods:
        if not method.strategy.trains:
            raise InputError(f"--final={method.name}: it trains nothing")
    source = settings.final_source or next(iter(setup.sources))
    if source not in setup.sources:
        raise InputError(f"--final_source={source}: no source of this study; there are: {', '.join(setup.sources)}")
    if settings.final_source and not any(method.strategy.needs_source for method in methods):
        raise InputError(f"--final_source={source} changes nothing: {', '.join(settings.final)} starts from no source")
    return Finals(methods, source)


def keep_finals(
    settings: DtiSettings,
    setup: Setup,
    finals: Finals,
    sources: dict[str, TrainedStage],
    nearest: np.ndarray | None,
) -> tuple[list[TrainedStage], list[dict], list[pd.DataFrame]]:
    """Train each final model on all compounds of the pool and keep it as a checkpoint.

    Returns the stages, what each reached on the test set, and the same by the test compounds' similarity to the pool
    (`nearest`, None for vectors): (source, arm, and the columns of by_similarity).

    The test compounds stay out, so the score on them is an honest one. Unlike the draws the pool is not balanced: a
    model's probabilities speak of compounds with the pool's share of actives.
    """
    shelf = Shelf(Path(settings.checkpoint_dir) / NAME)
    pool, test = setup.target.rows(np.sort(setup.split.train)), setup.target.x[setup.split.test]
    stages, reached, reach = [], [], []
    for method in finals.methods:
        name = finals.source if method.strategy.needs_source else ""
        plan = StagePlan("target", pool, method.strategy, settings.recipe, "all compounds but the test set")
        how = {"network": settings.network, "seed": settings.seed, "shelf": shelf, "parent": sources.get(name)}
        stage = train_stages([plan], **how)[0]
        keep_known(stage, settings)
        p = expit(logits_of(stage.variables, test, settings))
        own = {"source": name, "arm": method.name}
        scores = score_classifier(setup.truth, p)
        reached.append({**own, "n_train": len(pool), "path": str(stage.path), **scores})
        if nearest is not None:
            reach.append(by_similarity(setup.truth, p, nearest).assign(**own))
        told = ", ".join(f"{metric} {scores[metric]:.3f}" for metric in TOLD)
        LOGGER.info(f"final model {method.name}: {told} on {len(test)} test compounds: {stage.path}")
        stages.append(stage)
    return stages, reached, reach
