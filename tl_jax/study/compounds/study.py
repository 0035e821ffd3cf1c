"""A study between protein families: source models, every arm on every draw, and what is said of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import expit
from threadpoolctl import threadpool_limits

from tl_jax.data.compounds.tanimoto import nearest_tanimoto
from tl_jax.data.domain import Domain
from tl_jax.evaluation.predictors.shallow import SHALLOW
from tl_jax.study.compounds.examined import asked_for, draw_all, examine_all, mode3_name, network_arms
from tl_jax.study.compounds.finals import keep_finals, planned
from tl_jax.study.compounds.known import keep_known
from tl_jax.study.compounds.looks import to_register
from tl_jax.study.compounds.networks import activations, logits_of, methods_of, predict_networks
from tl_jax.study.compounds.settings import NAME, DtiSettings
from tl_jax.study.compounds.setup import Setup, make_setup, quickly
from tl_jax.study.compounds.source_test import methods_tested, source_tests
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.registration import Registration, register
from tl_jax.study.core.stages import Shelf, StagePlan, TrainedStage, train_stages
from tl_jax.system.files import check_writable
from tl_jax.system.progress import LOGGER, watched
from tl_jax.system.runtime import cores
from tl_jax.transfer import strategies

QUICK_SOURCE = 1500  # compounds of a source in a quick study
Key = tuple[str, str, int]  # source, arm, size; size 0 for an arm that is not trained


@dataclass
class DtiResults:
    """probabilities: {(source, arm, size): (draws, m)}, of the test compounds, one row for an arm without training.

    nearest: {name of a training set: (m,) Tanimoto similarity of each test compound to the nearest in it}.
    finals: arm, source, n_train, path and the metrics on the test compounds of each final model. reach: the same by
    their similarity to the pool. examined: tables of what was examined beside the arms. registered: before the run.
    """

    settings: DtiSettings
    setup: Setup
    probabilities: dict[Key, np.ndarray] = field(default_factory=dict)
    stages: list[TrainedStage] = field(default_factory=list)
    finals: list[dict] = field(default_factory=list)
    reach: list[pd.DataFrame] = field(default_factory=list)
    nearest: dict[str, np.ndarray] = field(default_factory=dict)
    examined: dict[str, pd.DataFrame] = field(default_factory=dict)
    registered: Registration | None = None
    ledger: Ledger = field(default_factory=Ledger)


def load_setup(settings: DtiSettings) -> Setup:
    """The setup of the settings; what rdkit makes of the table is kept beside the checkpoints."""
    check_writable(Path(settings.checkpoint_dir), "--checkpoint_dir")
    setup = make_setup(settings, Path(settings.checkpoint_dir) / "compounds")
    return quickly(setup, QUICK_SOURCE, settings.seed) if settings.quick else setup


def run_dti(settings: DtiSettings, setup: Setup, work: Path | None = None) -> DtiResults:
    """Train the sources, then every arm on every draw.

    work: a folder for finished parts; those found there are not computed again.
    """
    methods = methods_of(settings)
    finals = planned(settings, setup, methods)  # what cannot be is refused before hours of work
    asked, moved = asked_for(settings, methods), methods_tested(settings, methods)
    drawn, left_out = draw_all(settings, setup)
    results = DtiResults(settings, setup)
    ledger = results.ledger
    ledger.notes.extend((*setup.notes, *left_out))
    if settings.register:
        results.registered = register(settings.register, to_register(settings, setup))
        ledger.notes.append(results.registered.text())
    for note in ledger.notes:
        LOGGER.info("note: %s", note)
    how = How(settings.network, settings.seed, settings.at_once, work, ledger=Ledger())
    needs = set(settings.methods) - {"scratch", "shallow"} or settings.strategies
    with ledger.timed("source models"):
        sources = source_models(results) if needs else {}
    if "zero_shot" in settings.methods:
        for source, stage in sources.items():
            p = expit(logits_of(stage.variables, setup.target.x[setup.split.test], settings))
            results.probabilities[source, "zero_shot", 0] = p[None]
    with ledger.timed("networks"):
        for source, arm, size, p in predict_networks(setup, settings, methods, sources, how):
            results.probabilities[source, arm, size] = p
    if moved:
        with ledger.timed("source test"):
            found = source_tests(settings, setup, moved, sources, results.probabilities, how)
            results.examined["source_test"] = found
    with ledger.timed("shallow classifiers"), threadpool_limits(1):
        shallow = run_shallow(results, sources, asked, how)
    if drawn:
        with ledger.timed("examination"), threadpool_limits(1):
            arms = [*network_arms(settings, methods, sources, asked), *shallow]
            chosen, tables = examine_all(drawn, arms, results.probabilities, how)
            results.examined |= tables
            results.probabilities |= chosen
    with ledger.timed("similarity"):
        results.nearest = similarities(setup, settings)
    with ledger.timed("final models"):
        near = results.nearest.get("pool")
        stages, results.finals, results.reach = keep_finals(settings, setup, finals, sources, near)
        results.stages += stages
    return results


def source_models(results: DtiResults) -> dict[str, TrainedStage]:
    """{source: a network trained on all its compounds}, kept as a checkpoint."""
    settings, sources = results.settings, {}
    shelf = Shelf(Path(settings.checkpoint_dir) / NAME)
    for name, domain in results.setup.sources.items():
        plan = StagePlan("source", domain, strategies.get("scratch"), settings.source_recipe)
        stage = train_stages([plan], network=settings.network, seed=settings.seed, shelf=shelf)[0]
        keep_known(stage, settings)
        results.stages.append(stage)
        sources[name] = stage
    return sources


def shallow_arms(setup: Setup, settings: DtiSettings, sources: dict[str, TrainedStage]) -> Iterator[Arm]:
    """Shallow classifiers on the raw features, then on each source's activations."""
    if "shallow" in settings.methods:
        yield from (shallow_arm(name, name, settings.seed) for name in settings.shallow)
    if "mode3" in settings.methods:
        after = settings.after_activation
        for source, stage in sources.items():
            for layer in settings.layers:
                x = activations(stage.variables, setup.target.x, layer, after, settings)
                for name in settings.mode3:
                    arm = mode3_name(settings, layer, name)
                    yield shallow_arm(arm, name, settings.seed, source, x, (stage.meta["id"],))


def shallow_arm(
    arm: str, name: str, seed: int, source: str = "", x: np.ndarray | None = None, parents: tuple[str, ...] = ()
) -> Arm:
    """A shallow classifier as an arm. x: (n, features) of all compounds in place of their own, from `parents`."""

    def predict(domain: Domain, f: ScaledFold) -> np.ndarray:
        rows, fold = domain.x if x is None else x, f.fold
        # Every draw takes a seed of its own, so that the order of threads changes nothing.
        return SHALLOW[name](rows[fold.train], f.y[fold.train], rows[fold.test], (seed + fold.repeat) % 2**32)

    return Arm(arm, source, predict=predict, about=[name, seed], parents=parents)


def run_shallow(results: DtiResults, sources: dict[str, TrainedStage], asked: Collection[str], how: How) -> list[Arm]:
    """Every shallow classifier on every draw; returns those whose names are asked for, since activations are large."""
    setup, found = results.setup, []
    problems = {size: setup.on((size, draw) for draw in range(len(d))) for size, d in setup.draws.items()}
    for arm in shallow_arms(setup, results.settings, sources):
        on_every_draw(results, arm, problems, how)
        found += [arm] if arm.name in asked else []
    return found


def on_every_draw(results: DtiResults, arm: Arm, problems: dict[int, Problem], how: How) -> None:
    """A shallow classifier on every draw of every size; a size is a finished part."""
    label = f"{arm.name} {arm.source and f'from {arm.source}'}".strip()
    together = Parallel(n_jobs=cores(), prefer="threads")  # threads share the features
    with watched(len(problems), label, "sizes") as progress, together:
        for size, problem in problems.items():

            def make(problem=problem) -> dict[str, np.ndarray]:
                return {"p": np.stack(together(delayed(arm.predict)(problem.domain, f) for f in problem.folds))}

            results.probabilities[arm.source, arm.name, size] = how.kept(make, problem, arm)["p"]
            progress.advance(1)


def similarities(setup: Setup, settings: DtiSettings) -> dict[str, np.ndarray]:
    """How near each test compound is to the pool and to each source; nothing for vectors that are no fingerprints."""
    if settings.vectors:
        return {}
    test = setup.target.x[setup.split.test]
    known = {"pool": setup.target.x[setup.split.train]} | {n: d.x for n, d in setup.sources.items()}
    return {name: nearest_tanimoto(test, x) for name, x in known.items()}
