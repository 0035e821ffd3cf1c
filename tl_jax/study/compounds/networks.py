"""The networks of a study between protein families: every arm on every draw, as few programs as shapes allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit, xlogy

from tl_jax.data.compounds.chemical_splits import balanced_draws
from tl_jax.data.splits import Fold
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.classification import count, mcc
from tl_jax.evaluation.draws.draw_verdict import FAULT
from tl_jax.models import build
from tl_jax.study.compounds.problem import Problem
from tl_jax.study.compounds.settings import METHODS, DtiSettings, Switches
from tl_jax.study.core.arms import Arm, fit_arms
from tl_jax.study.core.folds import ScaledFold, unscaled
from tl_jax.study.core.probe import probe
from tl_jax.study.core.stages import TrainedStage, source_for
from tl_jax.system.progress import Progress
from tl_jax.training.fit import predict
from tl_jax.transfer import strategies
from tl_jax.transfer.layer_freezing import fine_tune_but
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Variables

VALIDATION = 5  # one draw in so many parts is kept back to choose the epoch
LEAST = 5 * 2  # compounds of a draw, of which a fifth of either class can be kept back


@dataclass(frozen=True)
class Method:
    """An arm as the tables name it: a strategy, which switches of the published code are on, and what it trains."""

    name: str
    strategy: Registered
    switches: Switches
    kind: tuple


def methods_of(settings: DtiSettings) -> list[Method]:
    """The networks that are asked for, each switch that is tried alone as a method of its own.

    Raises InputError for a strategy that does not exist, cannot run here or fails.
    """
    plain = []
    if "scratch" in settings.methods:
        plain.append(("scratch", strategies.get("scratch")))
    if "mode1" in settings.methods:
        plain.append(("mode1", strategies.get("fine_tune")))
    if "mode2" in settings.methods:
        for numbers in settings.freeze:
            end = "_bn" if settings.frozen_bn else ""
            name = "".join(map(str, numbers))
            plain.append((f"mode2_{name}{end}", fine_tune_but(tuple(numbers), settings.frozen_bn)))
    plain += [(name, usable(name)) for name in settings.strategies]
    network = build(settings.network)
    # What a strategy trains does not depend on how many features there are.
    known = [(name, strategy, probe(strategy, network, 8)) for name, strategy in plain]
    methods = [Method(name, strategy, settings.rules, kind) for name, strategy, kind in known]
    for switch in settings.switches:
        on = replace(settings.rules, **{switch: True})
        methods += [Method(f"{name}{FAULT}{switch}]", strategy, on, kind) for name, strategy, kind in known]
    return methods


def usable(name: str) -> Registered:
    """A strategy by name; InputError for one that is a method already, or that moves the target's features."""
    if name in METHODS:
        raise InputError(f"--strategy={name}: name it in --methods instead")
    strategy = strategies.get(name)
    if strategy.align:
        raise InputError(f"--strategy={name} aligns expression with the source's; fingerprints have nothing to align")
    return strategy


def arms_of(
    settings: DtiSettings, methods: list[Method], stages: Mapping[str, TrainedStage]
) -> list[tuple[Method, Arm]]:
    """One arm for each method without a source, one for each source of the others."""
    found = []
    for method in methods:
        recipe = replace(settings.recipe, live_epochs=1 if method.switches.stopped_batchnorm else None)
        every = method.switches.best_test or settings.epoch == "validation"
        config = recipe.fit_config(
            read_at=tuple(range(1, recipe.epochs)) if every else (),
            curves=False,
            noisy_evaluation=method.switches.noisy_evaluation,
        )
        for source, stage in (stages if method.strategy.needs_source else {"": None}).items():
            variables = source_for(method.strategy, stage)
            found.append((method, Arm(method.name, source, method.strategy, variables, recipe, config)))
    return found


def programs(arms: list[tuple[Method, Arm]]) -> list[list[tuple[Method, Arm]]]:
    """Arms that train the same leaves alike: one program each."""
    shared: dict[tuple, list[tuple[Method, Arm]]] = {}
    for method, arm in arms:
        shared.setdefault((method.kind, arm.config), []).append((method, arm))
    return list(shared.values())


def buckets(problem: Problem, batch: int) -> Iterator[tuple[int, ...]]:
    """Sizes with as many steps in an epoch: padded to the largest, they share a program."""
    steps: dict[int, list[int]] = {}
    for size, rows in problem.draws.items():
        steps.setdefault(-(-len(rows[0]) // batch), []).append(size)
    yield from (tuple(sizes) for _, sizes in sorted(steps.items()))


def fold_of(problem: Problem, size: int, draw: int, train: np.ndarray, test: np.ndarray) -> ScaledFold:
    """Training rows of a draw and the rows to predict. A fold's numbers name its keys: the same for every arm."""
    return unscaled(problem.target, Fold(draw, size, train, test))


def predict_networks(
    problem: Problem, settings: DtiSettings, methods: list[Method], stages: Mapping[str, TrainedStage], parts, say
) -> Iterator:
    """(source, arm, size, (draws, m) probabilities of the test compounds) of every network.

    parts(label): where finished runs of a program are kept, or None.
    """
    shared = programs(arms_of(settings, methods, stages))
    for sizes in buckets(problem, settings.batch_size):
        keys = [(size, draw) for size in sizes for draw in range(settings.repeats)]
        for members in shared:
            label = f"{'+'.join(dict.fromkeys(m.name for m, _ in members))} on {', '.join(map(str, sizes))}"
            folds = [fold_of(problem, *key, problem.draws[key[0]][key[1]], problem.split.test) for key in keys]
            found = run(problem, settings, members, folds, label, parts, say)
            epochs = chosen_epochs(problem, settings, members, keys, label, parts, say)
            for (method, arm), logits, best in zip(members, found, epochs, strict=True):
                values = one_epoch(expit(logits), best, problem.truth, method.switches)
                for k, size in enumerate(sizes):
                    part = slice(k * settings.repeats, (k + 1) * settings.repeats)
                    yield arm.source, arm.name, size, values[part]


def run(problem, settings, members, folds, label: str, parts, say) -> list[np.ndarray]:
    """Per arm, the logits (runs, reads, m) of one program."""
    with Progress(len(members) * len(folds), label) as progress:
        found = fit_arms(
            problem.target,
            folds,
            [arm for _, arm in members],
            network=settings.network,
            seed=settings.seed,
            at_once=settings.at_once,
            parts=parts(label),
            progress=progress.advance,
            say=say,
        )
    return [np.asarray(one.prediction, np.float64) for one in found]


def one_epoch(p: np.ndarray, chosen, truth: np.ndarray, switches: Switches) -> np.ndarray:
    """(runs, m) of p (runs, reads, m): the last epoch, each run's own chosen one, or the best on the test set."""
    if switches.best_test:
        chosen = mcc(count(truth, p > 0.5)).argmax(axis=1)
    return p[:, -1] if chosen is None else p[np.arange(len(p)), chosen]


def chosen_epochs(problem, settings: DtiSettings, members, keys, label: str, parts, say) -> list:
    """Per arm, the epoch (runs,) with the least loss on a fifth of the draw; None where the number is fixed.

    The model that predicts is the one trained on the whole draw, read at that epoch. Draws too small to keep two
    compounds back run to the end.
    """
    if settings.epoch != "validation":
        return [None] * len(members)
    folds, last = [], settings.epochs - 1
    for size, draw in keys:
        rows = problem.draws[size][draw]
        if len(rows) >= LEAST:
            y = problem.target.response
            kept = balanced_draws(y, rows, 2 * (len(rows) // 2 // VALIDATION), 1, settings.seed + draw)[0]
            folds.append(fold_of(problem, size, draw, np.setdiff1d(rows, kept), kept))
    chosen = [np.full(len(keys), last) for _ in members]
    if not folds:
        return chosen
    place = {key: k for k, key in enumerate(keys)}
    for epochs, logits in zip(
        chosen, run(problem, settings, members, folds, f"{label}: epoch", parts, say), strict=True
    ):
        for fold, values in zip(folds, logits, strict=True):
            test = fold.fold.test
            p = np.clip(expit(values[:, : len(test)]), 1e-7, 1 - 1e-7)
            y = fold.y[test]
            loss = -(xlogy(y, p) + xlogy(1 - y, 1 - p)).mean(axis=1)
            epochs[place[fold.fold.fold, fold.fold.repeat]] = int(loss.argmin())
    return chosen


def logits_of(variables: Variables, x: np.ndarray, settings: DtiSettings) -> np.ndarray:
    """(n,) logits of a source model as it is."""
    return np.asarray(predict(variables, jnp.asarray(x), build(settings.network)), np.float64)


def activations(variables: Variables, x: np.ndarray, layer: int, after: bool, settings: DtiSettings) -> np.ndarray:
    """(n, units) of a hidden layer: its linear output, as published, or what follows its batch norm and ReLU."""
    if layer > len(settings.hidden):
        raise InputError(f"--layers={layer}: the network has {len(settings.hidden)} hidden layers")
    network = build(settings.network)
    prefix = jax.jit(lambda v, x: network.prefix(v, x, 2 * layer - (0 if after else 1)).prediction)
    return np.asarray(prefix(variables, jnp.asarray(x)))
