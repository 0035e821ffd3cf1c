"""Arms and how they are run on a problem: networks by programs that they share, closed forms fold by fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from tl_jax.config import FitConfig, NetworkConfig, Recipe
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaling import Scaler
from tl_jax.evaluation.predictors.forms import Form, linear
from tl_jax.models import build
from tl_jax.study.core.aligned import aligned
from tl_jax.study.core.blocks import in_program
from tl_jax.study.core.code import code_of
from tl_jax.study.core.folds import ScaledFold, build_runs
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.probe import probe
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.so_far import tell
from tl_jax.study.core.table import ArmResult, ResultTable, result_of
from tl_jax.system.cluster import agree_arrays, is_first
from tl_jax.system.files import digest
from tl_jax.system.parts import Parts, parts_of
from tl_jax.system.progress import watched
from tl_jax.training.runs import RunsResult, fit_runs, gathered, join
from tl_jax.transfer.strategies import Registered
from tl_jax.types import Variables


@dataclass(frozen=True)
class Arm:
    """One competitor: a network that a strategy starts and gradients train, or a closed form.

    name, source: how tables call it and the way to it ("" where it needs no source).
    A network has strategy, variables (of the source model, None without one), recipe and config; rows: the scaled rows
    of its source for a strategy that aligns. A closed form has predict(domain, fold) -> (m,) of the fold's held-out
    rows in the response's own unit; about: what determines it beside its name, such as options.
    parents: ids of the stages that it starts from or looks at.
    fit(domain, fold) -> Form: a closed form's model of the fold's training rows, which predicts what `predict` does;
    None where it leaves none. The kind of a Form that reads source models says what: "hidden" or "prediction".
    columns: indices of the genes that it reads; None: all.
    """

    name: str
    source: str = ""
    strategy: Registered | None = None
    variables: Variables | None = None
    recipe: Recipe | None = None
    config: FitConfig | None = None
    predict: Callable[[Domain, ScaledFold], np.ndarray] | None = None
    parents: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    about: Any = None
    fit: Callable[[Domain, ScaledFold], Form] | None = None
    columns: np.ndarray | None = None

    @property
    def base(self) -> str:
        """Its name without what that says of learning rates."""
        return self.strategy.name if self.strategy else self.name

    @property
    def identity(self) -> list:
        """What determines its numbers on a given problem, by a given network and seed."""
        if self.strategy is None:
            return ["closed form", self.name, self.about, *self.parents]
        own = [code_of(self.strategy.function), self.recipe.as_dict(), asdict(self.config)]
        return ["network", self.strategy.name, *own, *self.parents]


@dataclass(frozen=True)
class How:
    """How arms are run: the network and the seed, and what changes no number.

    at_once: runs per call of a program; None: the planner decides. work: where finished parts are kept, or None.
    name: of the study, in progress lines.
    """

    network: NetworkConfig
    seed: int = 400
    at_once: int | None = None
    work: Path | None = None
    name: str = ""
    ledger: Ledger = field(default_factory=Ledger)

    def parts(self, problem: Problem, *arms: Arm) -> Parts | None:
        """Where finished parts of arms are kept, by a digest of all that determines them; None without a workplace."""
        if self.work is None:
            return None
        own = asdict(self.network), self.seed, problem.identity, *(arm.identity for arm in arms)
        return parts_of(self.work, digest(*own))

    def kept(self, make: Callable[[], dict[str, np.ndarray]], problem: Problem, *arms: Arm) -> dict[str, np.ndarray]:
        """What make() gives for these arms together, as one finished part: found, or made and kept."""
        parts = self.parts(problem, *arms)
        found = next(iter(parts.saved()), None) if parts else None
        if found is None:
            found = make()
            if parts is not None:
                parts.save(0, found)
        return found

    def label(self, *words: str) -> str:
        """A progress line's beginning."""
        return " ".join(filter(None, (self.name, *words)))


def run_arms(problem: Problem, arms: Sequence[Arm], how: How, purpose: str = "") -> ResultTable:
    """Cross-validate arms on a problem: networks first, then closed forms, each in their order.

    Args:
        purpose: what these folds are for, such as "permutations", in progress lines and times.
    Returns:
        One result for each arm; an epoch that was read before the end is a result of its own, named "NAME@EPOCH".
    """
    networks = [arm for arm in arms if arm.strategy]
    told = None if purpose else how.work
    found = {}
    for trained in by_program(problem, networks, how, purpose):
        own = {id(arm): list(readings(problem, arm, runs)) for arm, runs in trained}
        tell(told, [one for results in own.values() for one in results], problem.metric)
        found |= own
    results = [one for arm in networks for one in found[id(arm)]]
    for arm in arms:
        if not arm.strategy:
            results.append(run_closed(problem, arm, how, purpose))
            tell(told, results[-1:], problem.metric)
    return ResultTable(tuple(results))


def train_arms(problem: Problem, arms: Sequence[Arm], how: How, purpose: str = "") -> list[RunsResult]:
    """Train every arm on every fold: per arm its runs by fold, predictions (folds, reads, longest) as the network's."""
    found = {id(arm): runs for trained in by_program(problem, arms, how, purpose) for arm, runs in trained}
    return [found[id(arm)] for arm in arms]


def by_program(problem: Problem, arms: Sequence[Arm], how: How, purpose: str) -> Iterator[list[tuple[Arm, RunsResult]]]:
    """The arms of one program with their runs, program after program, each as soon as it is trained.

    Arms that train the same leaves alike on the same rows are one program.
    """
    for members in programs(problem, arms, how):
        yield list(zip(members, run_program(problem, members, how, purpose), strict=True))


def programs(problem: Problem, arms: Sequence[Arm], how: How) -> list[list[Arm]]:
    """Networks by what they share."""
    shared: dict[tuple, list[Arm]] = {}
    for arm in arms:
        kind = probe(arm.strategy, build(how.network), len(problem.domain.genes))
        own = (arm.source, arm.strategy.align) if arm.strategy.align else None
        shared.setdefault((kind, arm.strategy.source_rows, arm.config, own), []).append(arm)
    return list(shared.values())


def run_program(problem: Problem, members: list[Arm], how: How, purpose: str) -> list[RunsResult]:
    """The networks of one program: one model per arm and fold, all trained at once; per arm, its runs by fold."""
    names, first = "+".join(dict.fromkeys(arm.name for arm in members)), members[0]
    label, domain, folds = how.label(purpose, problem.name, names), problem.domain, list(problem.folds)
    parts, network = how.parts(problem, *members), build(how.network)
    if first.strategy.align:
        label = f"{label} from {first.source}"
        everything = problem.protocol.expression_from == "all"
        domain, folds = aligned(domain, folds, first.strategy.align, first.rows, everything)
    count, total = len(folds), len(members) * len(folds)
    with how.ledger.timed(f"{purpose or 'arm'} {names}"), watched(total, label) as progress:
        domain, folds = in_program(domain, folds)
        starts, axes = [], []
        for arm in members:
            own = ((k, f, v) for k, (f, v) in enumerate(starts))
            number = next((k for k, f, v in own if f is arm.strategy.function and v is arm.variables), len(starts))
            if number == len(starts):
                starts.append((arm.strategy.function, arm.variables))
            axes.append(build_runs(domain, folds, how.seed, arm.recipe.hparams(), number))
        options = {"network": network, "config": first.config, "at_once": how.at_once, "parts": parts}
        found = fit_runs(join(axes), domain.x, starts, **options, progress=progress.advance)
    slices = [slice(k, k + count) for k in range(0, total, count)]
    return [jax.tree.map(lambda leaf, part=part: leaf[part], found) for part in slices]


def readings(problem: Problem, arm: Arm, runs: RunsResult) -> list[ArmResult]:
    """An arm's tables at each epoch that was read; the history belongs to the last."""
    found = []
    for k, epoch in enumerate(arm.config.reads):
        predicted = [
            fold.response.from_network(row[k, : len(fold.fold.test)])
            for fold, row in zip(problem.folds, runs.prediction, strict=True)
        ]
        if epoch == arm.config.epochs:
            found.append(result_of(problem, arm.name, arm.source, predicted, runs.history, runs.features))
        else:
            found.append(result_of(problem, f"{arm.name}@{epoch}", arm.source, predicted, {}))
    return found


def run_closed(problem: Problem, arm: Arm, how: How, purpose: str) -> ArmResult:
    """The tables of a baseline or a method without training by gradients."""
    return result_of(problem, arm.name, arm.source, closed_predictions(problem, arm, how, purpose), {})


def closed_predictions(problem: Problem, arm: Arm, how: How, purpose: str = "") -> list[np.ndarray]:
    """What a closed form predicts on each fold; process 0 alone computes it."""
    folds = problem.folds
    label = how.label(purpose, arm.name, arm.source and f"from {arm.source}")
    with how.ledger.timed(f"{purpose or 'arm'} {arm.name}"), watched(len(folds), label) as progress:
        parts = how.parts(problem, arm)
        done = {int(part["run"][0]): part["prediction"] for part in gathered(parts)}
        progress.advance(len(done))
        for k in range(len(folds)):
            if k not in done:
                own = np.asarray(arm.predict(problem.domain, folds[k])) if is_first() else None
                part = agree_arrays(None if own is None else {"run": np.asarray([k]), "prediction": own})
                done[k] = part["prediction"]
                if parts is not None:  # process 0 alone has a workplace
                    parts.save(k, part)
                progress.advance(1)
    return [done[k] for k in range(len(folds))]


def fitted(
    function: Callable,
    domain: Domain,
    f: ScaledFold,
    *,
    columns: np.ndarray | None = None,
    scaler: str | None = None,
    **options,
) -> np.ndarray:
    """(m,) predictions of a baseline or method, fitted on one fold's training rows and tuned inside them.

    columns: indices of the genes that it sees; all where None. scaler: the kind that it wants in place of the domain's.
    """
    seen = slice(None) if columns is None else columns
    f = f.rescaled(domain, scaler) if scaler else f
    rows = f.scaled_train(domain)[:, seen], f.y[f.fold.train], f.scaled_test(domain)[:, seen]
    return function(*rows, groups=domain.groups[f.fold.train], **options)


def fitted_form(
    fit: Callable,
    domain: Domain,
    f: ScaledFold,
    *,
    columns: np.ndarray | None = None,
    scaler: str | None = None,
    **options,
) -> Form:
    """The model that a fit gives of one fold's training rows, for rows as the fold scales them; options as above."""
    seen = slice(None) if columns is None else columns
    own = f.rescaled(domain, scaler) if scaler else f
    form = fit(own.scaled_train(domain)[:, seen], f.y[f.fold.train], groups=domain.groups[f.fold.train], **options)
    return form if own is f else in_units(form, own.train, f.train, seen)


def in_units(form: Form, own: Scaler, other: Scaler, seen=slice(None)) -> Form:
    """A linear form of rows scaled one way as the form of rows scaled another way; seen: the genes that it reads."""
    center, scale = (np.asarray(getattr(own, part), np.float64)[seen] for part in ("center", "scale"))
    moved = (np.asarray(other.center, np.float64)[seen] - center) / scale
    coef = np.asarray(form.arrays["coef"], np.float64)
    changed = linear(
        coef * (np.asarray(other.scale, np.float64)[seen] / scale), form.arrays["intercept"] + moved @ coef
    )
    return Form(form.kind, {**form.arrays, **changed.arrays})
