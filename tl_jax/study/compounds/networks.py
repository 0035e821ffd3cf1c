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
from tl_jax.study.compounds.settings import METHODS, DtiSettings, Switches
from tl_jax.study.compounds.setup import Setup, problem_of
from tl_jax.study.core.arms import Arm, How, train_arms
from tl_jax.study.core.probe import probe
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.stages import TrainedStage, source_for
from tl_jax.training.fit import predict
from tl_jax.transfer import strategies
from tl_jax.transfer.layer_freezing import fine_tune_but
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Variables

VALIDATION = 5  # one draw in so many parts is kept back to choose the epoch
LEAST = 5 * 2  # compounds of a draw, of which a fifth of either class can be kept back


@dataclass(frozen=True)
class Method:
    """An arm as the tables name it: a strategy, and which switches of the published code are on."""

    name: str
    strategy: Registered
    switches: Switches


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
    for _, strategy in plain:
        probe(strategy, build(settings.network), 8)  # whether it works does not depend on how many features there are
    methods = [Method(name, strategy, settings.rules) for name, strategy in plain]
    for switch in settings.switches:
        on = replace(settings.rules, **{switch: True})
        methods += [Method(f"{name}{FAULT}{switch}]", strategy, on) for name, strategy in plain]
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
            variables, parents = source_for(method.strategy, stage), (stage.meta["id"],) if stage else ()
            arm = Arm(method.name, source, method.strategy, variables, recipe, config, parents=parents)
            found.append((method, arm))
    return found


def buckets(setup: Setup, batch: int) -> Iterator[tuple[int, ...]]:
    """Sizes with as many steps in an epoch: padded to the largest, they share a program."""
    steps: dict[int, list[int]] = {}
    for size, rows in setup.draws.items():
        steps.setdefault(-(-len(rows[0]) // batch), []).append(size)
    yield from (tuple(sizes) for _, sizes in sorted(steps.items()))


def predict_networks(
    setup: Setup, settings: DtiSettings, methods: list[Method], stages: Mapping[str, TrainedStage], how: How
) -> Iterator:
    """(source, arm, size, (draws, m) probabilities of the test compounds) of every network."""
    found = arms_of(settings, methods, stages)
    arms = [arm for _, arm in found]
    for sizes in buckets(setup, settings.batch_size):
        keys = [(size, draw) for size in sizes for draw in range(settings.repeats)]
        name = f"{', '.join(map(str, sizes))} compounds:"
        logits = logits_on(setup.on(keys, name), arms, how)
        epochs = chosen_epochs(setup, settings, arms, keys, name, how)
        for (method, arm), values, best in zip(found, logits, epochs, strict=True):
            p = one_epoch(expit(values), best, setup.truth, method.switches)
            for k, size in enumerate(sizes):
                yield arm.source, arm.name, size, p[k * settings.repeats : (k + 1) * settings.repeats]


def logits_on(problem: Problem, arms: list[Arm], how: How, purpose: str = "") -> list[np.ndarray]:
    """Per arm, the logits (folds, reads, longest held-out part)."""
    return [np.asarray(one.prediction, np.float64) for one in train_arms(problem, arms, how, purpose)]


def one_epoch(p: np.ndarray, chosen, truth: np.ndarray, switches: Switches) -> np.ndarray:
    """(runs, m) of p (runs, reads, m): the last epoch, each run's own chosen one, or the best on the test set."""
    if switches.best_test:
        chosen = mcc(count(truth, p > 0.5)).argmax(axis=1)
    return p[:, -1] if chosen is None else p[np.arange(len(p)), chosen]


def chosen_epochs(setup: Setup, settings: DtiSettings, arms: list[Arm], keys, name: str, how: How) -> list:
    """Per arm, the epoch (runs,) with the least loss on a fifth of the draw; None where the number is fixed.

    The model that predicts is the one trained on the whole draw, read at that epoch. Draws too small to keep two
    compounds back run to the end.
    """
    if settings.epoch != "validation":
        return [None] * len(arms)
    folds, last = [], settings.epochs - 1
    for size, draw in keys:
        rows = setup.draws[size][draw]
        if len(rows) >= LEAST:
            y = setup.target.response
            kept = balanced_draws(y, rows, 2 * (len(rows) // 2 // VALIDATION), 1, settings.seed + draw)[0]
            folds.append(Fold(draw, size, np.setdiff1d(rows, kept), kept))
    chosen = [np.full(len(keys), last) for _ in arms]
    if not folds:
        return chosen
    place = {key: k for k, key in enumerate(keys)}
    problem = problem_of(setup.target, folds, name)
    for epochs, logits in zip(chosen, logits_on(problem, arms, how, "epoch"), strict=True):
        for fold, values in zip(problem.folds, logits, strict=True):
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
