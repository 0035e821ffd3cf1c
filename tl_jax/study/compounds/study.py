"""A study between protein families: source models, every arm on every draw, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import expit
from threadpoolctl import threadpool_limits

from tl_jax.data.compounds.tanimoto import nearest_tanimoto
from tl_jax.evaluation.predictors.shallow import SHALLOW
from tl_jax.study.compounds.finals import keep_finals, planned
from tl_jax.study.compounds.known import keep_known
from tl_jax.study.compounds.networks import activations, logits_of, methods_of, predict_networks
from tl_jax.study.compounds.problem import Problem, make_problem, quickly
from tl_jax.study.compounds.settings import NAME, DtiSettings
from tl_jax.study.core.stages import Shelf, StagePlan, TrainedStage, train_stages
from tl_jax.study.core.timing import Timed
from tl_jax.system.files import check_writable
from tl_jax.system.parts import parts_of
from tl_jax.system.progress import Progress
from tl_jax.system.runtime import cores
from tl_jax.transfer import strategies

QUICK_SOURCE = 1500  # compounds of a source in a quick study
Key = tuple[str, str, int]  # source, arm, size; size 0 for an arm that is not trained


@dataclass
class DtiResults(Timed):
    """probabilities: {(source, arm, size): (draws, m)}, of the test compounds, one row for an arm without training.

    nearest: {name of a training set: (m,) Tanimoto similarity of each test compound to the nearest in it}.
    finals: arm, source, n_train, path and the metrics on the test compounds of each final model. reach: the same by
    their similarity to the pool.
    """

    settings: DtiSettings
    problem: Problem
    probabilities: dict[Key, np.ndarray] = field(default_factory=dict)
    stages: list[TrainedStage] = field(default_factory=list)
    finals: list[dict] = field(default_factory=list)
    reach: list[pd.DataFrame] = field(default_factory=list)
    nearest: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def load_problem(settings: DtiSettings, say: Callable[[str], None]) -> Problem:
    """The problem of the settings; what rdkit makes of the table is kept beside the checkpoints."""
    check_writable(Path(settings.checkpoint_dir), "--checkpoint_dir")
    problem = make_problem(settings, Path(settings.checkpoint_dir) / "compounds", say)
    return quickly(problem, QUICK_SOURCE, settings.seed) if settings.quick else problem


def run_dti(
    settings: DtiSettings, problem: Problem, say: Callable[[str], None], work: Path | None = None
) -> DtiResults:
    """Train the sources, then every arm on every draw.

    work: a folder for finished parts; those found there are not computed again.
    """
    methods = methods_of(settings)
    finals = planned(settings, problem, methods)  # what cannot be is refused before hours of work
    results = DtiResults(settings, problem, notes=list(problem.notes))
    for note in results.notes:
        say(f"note: {note}")

    parts = partial(parts_of, work, say=say)
    needs = set(settings.methods) - {"scratch", "shallow"} or settings.strategies
    with results.timed("source models"):
        sources = source_models(results, say) if needs else {}
    if "zero_shot" in settings.methods:
        for source, stage in sources.items():
            p = expit(logits_of(stage.variables, problem.target.x[problem.split.test], settings))
            results.probabilities[source, "zero_shot", 0] = p[None]
    with results.timed("networks"):
        for source, arm, size, p in predict_networks(problem, settings, methods, sources, parts, say):
            results.probabilities[source, arm, size] = p
    with results.timed("shallow classifiers"), threadpool_limits(1):
        for source, prefix, names, x in shallow_inputs(problem, settings, sources):
            for name in names:
                on_every_draw(results, source, f"{prefix}{name}", name, x, parts)
    with results.timed("similarity"):
        results.nearest = similarities(problem, settings)
    with results.timed("final models"):
        near = results.nearest.get("pool")
        stages, results.finals, results.reach = keep_finals(settings, problem, finals, sources, near, say)
        results.stages += stages
    return results


def source_models(results: DtiResults, say: Callable[[str], None]) -> dict[str, TrainedStage]:
    """{source: a network trained on all its compounds}, kept as a checkpoint."""
    settings, sources = results.settings, {}
    shelf = Shelf(Path(settings.checkpoint_dir) / NAME)
    for name, domain in results.problem.sources.items():
        plan = StagePlan("source", domain, strategies.get("scratch"), settings.source_recipe)
        stage = train_stages([plan], network=settings.network, seed=settings.seed, shelf=shelf)[0]
        keep_known(stage, settings)
        results.stages.append(stage)
        sources[name] = stage
    return sources


def shallow_inputs(problem: Problem, settings: DtiSettings, sources) -> Iterator[tuple[str, str, tuple, np.ndarray]]:
    """(source, prefix of the arm, classifiers, (n, features)): the raw features, then each source's activations."""
    if "shallow" in settings.methods:
        yield "", "", settings.shallow, problem.target.x
    if "mode3" in settings.methods:
        after = settings.after_activation
        for source, stage in sources.items():
            for layer in settings.layers:
                x = activations(stage.variables, problem.target.x, layer, after, settings)
                yield source, f"mode3_{layer}{'a' if after else ''}_", settings.mode3, x


def on_every_draw(results: DtiResults, source: str, arm: str, name: str, x: np.ndarray, parts) -> None:
    """A shallow classifier on every draw of every size; a size is a finished part."""
    problem, settings = results.problem, results.settings
    y, test, kept = problem.target.response, problem.split.test, parts(f"{arm} from {source}")
    done = {int(part["size"]): part["p"] for part in (kept.saved() if kept else ())}
    function = SHALLOW[name]
    label = f"{arm} {source and f'from {source}'}".strip()
    # Threads share the features; every call takes its own seed, so that their order changes nothing.
    together = Parallel(n_jobs=cores(), prefer="threads")
    with Progress(len(problem.draws), label, unit="sizes") as progress, together:
        for size, draws in problem.draws.items():
            if size not in done:
                calls = [
                    delayed(function)(x[rows], y[rows], x[test], settings.seed + k) for k, rows in enumerate(draws)
                ]
                done[size] = np.stack(together(calls))
                if kept is not None:
                    kept.save(size, {"size": np.asarray(size), "p": done[size]})
            results.probabilities[source, arm, size] = done[size]
            progress.advance(1)


def similarities(problem: Problem, settings: DtiSettings) -> dict[str, np.ndarray]:
    """How near each test compound is to the pool and to each source; nothing for vectors that are no fingerprints."""
    if settings.vectors:
        return {}
    test = problem.target.x[problem.split.test]
    known = {"pool": problem.target.x[problem.split.train]} | {n: d.x for n, d in problem.sources.items()}
    return {name: nearest_tanimoto(test, x) for name, x in known.items()}
