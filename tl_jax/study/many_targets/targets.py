"""Many small targets of one cohort as one study: what many source drugs are worth, drug by drug and over all drugs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.config import Recipe
from tl_jax.data.domain import Cohort, Domain
from tl_jax.data.scaling.units import unit_notes
from tl_jax.errors import InputError
from tl_jax.keys import Repeats, run_key
from tl_jax.models import build
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.arms import Arm
from tl_jax.study.core.folds import ScaledFold, drawn, scale_folds
from tl_jax.study.core.former import strategy_arms, tables
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.timing import Timed
from tl_jax.study.many_targets.drugs import ARMS, SOURCE, Sources, as_target, fit_sources, fold_predictions, source_of
from tl_jax.system.parts import Parts, parts_of
from tl_jax.system.progress import Progress
from tl_jax.training.multitask import measured_drugs, trunk
from tl_jax.transfer import strategies

NAME = "many_targets"
FINE_TUNED = ("freeze_layer12", "fine_tune")


@dataclass(frozen=True)
class ManySettings:
    """Options of the study; every field goes into summary.json.

    targets: table of responses, below the data folder; None: the drugs of the cohort's own target. unit, direction:
    of the table. min_lines: source drugs measured on fewer source samples are left out. fine_tuned: strategies that
    also train networks from the source network's hidden layers.
    """

    cohort: str = "simulated"
    data_dir: str | None = None
    targets: str | None = None
    unit: str = "AUC"
    direction: str = "resistant"
    protocols: tuple[str, ...] = ("honest",)
    repeats: int = 10
    folds: int = 3
    split: str = "stratified"
    seed: int = 400
    hidden: tuple[int, ...] = (1000, 100)
    min_lines: int = 100
    fine_tuned: tuple[str, ...] = ()
    quick: bool = False

    def __post_init__(self):
        for name in self.protocols:
            self.ordinary(name)
        if not self.protocols:
            raise InputError(f"--protocol is empty; there are: {', '.join(PROTOCOLS)}")
        if self.min_lines < 2:
            raise InputError(f"--min_lines={self.min_lines}: must be at least 2")
        for name in self.fine_tuned:
            if name not in FINE_TUNED:
                raise InputError(f"--fine_tuned={name}: there are: {', '.join(FINE_TUNED)}")

    def ordinary(self, protocol: str) -> Settings:
        """What an ordinary experiment makes of these settings, which also checks them."""
        shared = {n: getattr(self, n) for n in ("cohort", "repeats", "folds", "split", "seed", "hidden", "quick")}
        return Settings(protocol=protocol, **shared)

    @property
    def recipe(self) -> Recipe:
        """Of the source network: the specification's for a network from scratch."""
        return self.ordinary(self.protocols[0]).upstream_recipe(strategies.get("scratch"))

    def in_quick_mode(self, **given) -> ManySettings:
        """Two repeats and a narrow network unless `given`, a fifth of the epochs."""
        return replace(self, **{"repeats": 2, "hidden": (100, 20), **given}, quick=True)

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass
class ManyResults(Timed):
    """Tables with a column `target`, remarks and wall times."""

    settings: ManySettings
    cohort: Cohort
    source: Domain
    metrics: list[pd.DataFrame] = field(default_factory=list)
    predictions: list[pd.DataFrame] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    source_loss: float = float("nan")

    def table(self, name: str) -> pd.DataFrame:
        return pd.concat(getattr(self, name), ignore_index=True)


@dataclass(frozen=True)
class Target:
    """One drug of the target domain with its folds under one protocol. number: its place, which names its parts."""

    number: int
    drug: str
    domain: Domain
    protocol: str
    folds: list[ScaledFold]


def run_many_targets(
    settings: ManySettings, cohort: Cohort, say: Callable[[str], None], work: Path | None = None
) -> ManyResults:
    """Cross-validate every arm on every drug of the target, each drug on partitions of its own.

    The source models see no target. work: a folder for finished parts; those found there are not computed again.
    """
    whole = cohort.stage("target")
    source = measured_drugs(as_target(cohort.stage("source"), whole), settings.min_lines)
    results = ManyResults(settings, cohort, source)
    results.notes.extend(map(str, unit_notes(cohort.domains)))
    planned = plan_targets(settings, whole, results.notes)
    for note in results.notes:
        say(f"note: {note}")
    measured = np.isfinite(source.y).sum(axis=0)
    say(
        f"source {source.name}: {len(source)} lines, {len(source.drugs)} drugs, each measured on {measured.min()} to "
        f"{measured.max()} lines; training one network for all of them and one kernel ridge for each"
    )
    with results.timed("source models"), Progress(len(source.drugs), "source drugs", unit="kernel ridges") as progress:
        sources = fit_sources(
            source,
            settings.recipe,
            settings.hidden,
            settings.seed,
            parts=parts_of(work, "source", say),
            progress=progress.advance,
        )
    results.source_loss = float(sources.network.loss[-1])
    parts = parts_of(work, "arms", say)
    done = {int(part["target"]): part for part in (parts.saved() if parts else ())}
    # Matrices of a fold are too small to share among threads.
    label = f"{NAME}, {len(ARMS)} arms"
    with results.timed("closed forms"), threadpool_limits(1), Progress(len(planned), label, "targets") as progress:
        for target in planned:
            cross_validate(results, target, sources, parts, done.get(target.number))
            progress.advance(1, f"{target.drug}, {target.protocol}")
    for strategy in settings.fine_tuned:
        with results.timed(strategy):
            for target in planned:
                fine_tune(results, target, sources, strategy, work, say)
    return results


def plan_targets(settings: ManySettings, whole: Domain, notes: list[str]) -> list[Target]:
    """Every drug under every protocol; a drug that cannot be split is left out, with a remark."""
    planned = []
    for drug in whole.drugs:
        domain = whole.for_drug(drug)
        try:
            folds = drawn(domain, settings)
            for protocol in settings.protocols:
                scaled = scale_folds(domain, folds, PROTOCOLS[protocol])
                planned.append(Target(len(planned), drug, domain, protocol, scaled))
        except InputError as error:
            planned = [target for target in planned if target.drug != drug]
            notes.append(f"target {drug} left out: {error}")
    if not planned:
        raise InputError(f"no drug of target {whole.name} can be cross-validated: {notes[0]}")
    return planned


def cross_validate(results: ManyResults, target: Target, sources: Sources, parts: Parts | None, found) -> None:
    """All closed-form arms on one target's folds, into the tables; found: its finished part, or None."""
    if found is None:
        each = [fold_predictions(target.domain, fold, sources, results.settings.seed) for fold in target.folds]
        found = {arm: np.concatenate([one[arm] for one in each]) for arm in ARMS}
        if parts is not None:
            parts.save(target.number, {"target": np.asarray(target.number), **found})
    ends = np.cumsum([len(f.fold.test) for f in target.folds])[:-1]
    for arm in ARMS:
        add(results, target, arm, tables(target.domain, target.folds, np.split(found[arm], ends), {}))


def fine_tune(results: ManyResults, target: Target, sources: Sources, strategy: str, work, say) -> None:
    """A network per fold that starts from the source network's hidden layers."""
    settings = results.settings.ordinary(target.protocol)
    registered = strategies.get(strategy)
    key = run_key(settings.seed, Repeats.FINAL, 1)
    start = trunk(key, sources.network.variables, build(settings.network))
    recipe = settings.recipe(registered)
    arm = Arm(f"drug_{strategy}", SOURCE, registered, start, recipe, settings.fit_config(recipe))
    label = f"{strategy} on {target.drug}, {target.protocol}"
    with Progress(len(target.folds), label) as progress:
        found = strategy_arms(
            target.domain,
            target.folds,
            [arm],
            network=settings.network,
            seed=settings.seed,
            parts=parts_of(work, f"{strategy} {target.number}", say),
            progress=progress.advance,
        )[0]
    for name, one in found.items():
        add(results, target, name, one)


def add(results: ManyResults, target: Target, arm: str, found) -> None:
    """Keep an arm's tables with the columns that tell what they are of."""
    of = {"experiment": NAME, "target": target.drug, "arm": arm, "source": source_of(arm), "protocol": target.protocol}
    results.metrics.append(found.metrics.assign(**of))
    results.predictions.append(found.predictions.assign(**of))
