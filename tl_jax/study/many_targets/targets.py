"""Many small targets of one cohort as one study: what many source drugs are worth, drug by drug and over all drugs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.config import Recipe
from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.choice import rescaled
from tl_jax.data.scaling.units import unit_notes
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.source_methods import MECHANISM
from tl_jax.evaluation.statistics.metrics import JUDGED
from tl_jax.keys import Repeats, run_key
from tl_jax.models import build
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.profile_source import source_profile
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.settings import StudySettings
from tl_jax.study.core.table import ResultTable, result_of
from tl_jax.study.many_targets.drugs import ARMS, SOURCE, Sources, closed_arms, fit_sources
from tl_jax.system.progress import LOGGER, watched
from tl_jax.training.multitask import measured_drugs, trunk
from tl_jax.transfer import strategies

NAME = "many_targets"
# Options that an ordinary experiment has too.
FOR_ALL = ("scaling", "mechanisms", "cohort", "repeats", "folds", "split", "seed", "hidden", "quick", "metric")
FINE_TUNED = ("freeze_layer12", "fine_tune")


@dataclass(frozen=True)
class ManySettings(StudySettings):
    """Options of the study; every field goes into summary.json.

    targets: table of responses, below the data folder; None: the drugs of the cohort's own target. unit, direction:
    of the table. min_lines: source drugs measured on fewer source samples are left out. fine_tuned: strategies that
    also train networks from the source network's hidden layers. metric: by which arms are compared. scaling: of the
    target and with it of the source; None: as the cohort file says. mechanisms: a user's table of drugs that act alike.
    known_drugs: also an arm that reads how held-out samples responded to the other drugs.
    """

    NO_SCIENCE = (*StudySettings.NO_SCIENCE, "data_dir")

    cohort: str = "simulated"
    data_dir: str | None = None
    targets: str | None = None
    unit: str = "AUC"
    direction: str = "resistant"
    protocols: tuple[str, ...] = ("honest",)
    repeats: int = 10
    folds: int = 3
    hidden: tuple[int, ...] = (1000, 100)
    min_lines: int = 100
    fine_tuned: tuple[str, ...] = ()
    metric: str = JUDGED
    scaling: str | None = None
    mechanisms: str | None = None
    known_drugs: bool = False

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
        shared = {n: getattr(self, n) for n in FOR_ALL}
        return Settings(protocol=protocol, **shared)

    @property
    def recipe(self) -> Recipe:
        """Of the source network: the specification's for a network from scratch."""
        return self.ordinary(self.protocols[0]).upstream_recipe(strategies.get("scratch"))

    def in_quick_mode(self, **given) -> ManySettings:
        """Two repeats and a narrow network unless `given`, a fifth of the epochs."""
        return replace(self, **{"repeats": 2, "hidden": (100, 20), **given}, quick=True)


@dataclass(frozen=True)
class Target:
    """One drug of the target domain and the problem it is under one protocol."""

    drug: str
    problem: Problem


@dataclass
class ManyResults:
    """What the arms gave on each target, remarks and wall times. source_loss: of the source network, after training."""

    settings: ManySettings
    cohort: Cohort
    source: Domain
    found: list[tuple[Target, ResultTable]] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    source_loss: float = float("nan")

    def table(self, name: str) -> pd.DataFrame:
        """All arms' rows of "metrics" or "predictions", closed forms first, with a column `target`."""
        frames = [
            getattr(one, name).assign(
                experiment=NAME, target=target.drug, arm=one.arm, source=one.source, protocol=one.protocol
            )
            for target, results in self.found
            for one in results
        ]
        return pd.concat(frames, ignore_index=True)


def run_many_targets(settings: ManySettings, cohort: Cohort, work: Path | None = None) -> ManyResults:
    """Cross-validate every arm on every drug of the target, each drug on partitions of its own.

    The source models see no target. work: a folder for finished parts; those found there are not computed again.
    """
    cohort = rescaled(cohort, settings.scaling)
    whole = cohort.stage("target")
    # A source model reads target rows in the units it was trained on, so the source is scaled as the target is.
    scaler = "standard" if whole.scaler == "shrunken" else whole.scaler
    source = measured_drugs(replace(cohort.stage("source"), scaler=scaler), settings.min_lines)
    results = ManyResults(settings, cohort, source)
    notes = [str(note) for note in unit_notes(cohort.domains)]
    planned = plan_targets(settings, whole, notes)
    notes += mechanism_notes(settings, source, planned)
    results.ledger.notes.extend(notes)
    for note in notes:
        LOGGER.info("note: %s", note)
    how = How(settings.ordinary(settings.protocols[0]).network, settings.seed, settings.at_once, work, NAME)
    how = replace(how, ledger=results.ledger)
    sources = source_models(results, how)
    # Matrices of a fold are too small to share among threads.
    label = f"{NAME}, {len(ARMS)} arms"
    with how.ledger.timed("closed forms"), threadpool_limits(1), watched(len(planned), label, "targets") as progress:
        for target in planned:
            arms = closed_arms(sources, settings.seed, whole if settings.known_drugs else None)
            results.found.append((target, run_together(target.problem, arms, how)))
            progress.advance(1, f"{target.drug}, {target.problem.protocol.name}")
    for strategy in settings.fine_tuned:
        for target in planned:
            arm = fine_tuned(settings, target.problem, sources, strategy)
            results.found.append((target, run_arms(target.problem, [arm], how)))
    return results


def source_models(results: ManyResults, how: How) -> Sources:
    """The models of all source drugs, trained or found among finished parts and checkpoints."""
    source, settings = results.source, results.settings
    measured = np.isfinite(source.y).sum(axis=0)
    LOGGER.info(
        f"source {source.name}: {len(source)} lines, {len(source.drugs)} drugs, each measured on {measured.min()} to "
        f"{measured.max()} lines; training one network for all of them and one kernel ridge for each"
    )
    with how.ledger.timed("profile of source drugs"):
        folder = Path(settings.checkpoint_dir) / results.cohort.name
        profile = source_profile(results.cohort.stage("source"), folder, settings.min_lines)
    with how.ledger.timed("source models"), watched(len(source.drugs), "source drugs", "kernel ridges") as progress:
        sources = fit_sources(
            source,
            settings.recipe,
            settings.hidden,
            settings.seed,
            profile,
            mechanisms=settings.mechanisms,
            work=how.work,
            progress=progress.advance,
        )
    results.source_loss = float(sources.network.loss[-1])
    return sources


def mechanism_notes(settings: ManySettings, source: Domain, planned: list[Target]) -> list[str]:
    """A remark on drugs that the table of mechanisms does not know, and one on those that no source drug acts as."""
    found = {one.drug: acts_alike(one.drug, source.drugs, settings.mechanisms) for one in planned}
    unknown = [drug for drug, alike in found.items() if not alike.known]
    none = [drug for drug, alike in found.items() if not alike.drugs]
    notes = []
    if unknown:
        notes.append(f"not in the table of mechanisms: {', '.join(unknown)}; add them to a table for --mechanisms")
    if none:
        notes.append(f"{MECHANISM} is profile_gp where no source drug acts alike: {', '.join(none)}")
    return notes


def plan_targets(settings: ManySettings, whole: Domain, notes: list[str]) -> list[Target]:
    """Every drug under every protocol; a drug that cannot be split is left out, with a remark."""
    planned = []
    for drug in whole.drugs:
        domain = whole.for_drug(drug)
        try:
            own = [
                Problem.drawn(
                    domain,
                    settings.partition,
                    PROTOCOLS[protocol],
                    name=f"{drug}, {protocol}",
                    metric=settings.metric,
                )
                for protocol in settings.protocols
            ]
        except InputError as error:
            notes.append(f"target {drug} left out: {error}")
            continue
        planned += [Target(drug, problem) for problem in own]
    if not planned:
        raise InputError(f"no drug of target {whole.name} can be cross-validated: {notes[0]}")
    return planned


def run_together(problem: Problem, arms: list[Arm], how: How) -> ResultTable:
    """Closed forms that share what they compute on a fold: one finished part for all of them.

    A part for each arm and fold, as run_arms keeps them, would take longer to write than these arms to fit.
    """

    def make() -> dict[str, np.ndarray]:
        folds = [{arm.name: arm.predict(problem.domain, f) for arm in arms} for f in problem.folds]
        return {arm.name: np.concatenate([each[arm.name] for each in folds]) for arm in arms}

    found = how.kept(make, problem, *arms)
    ends = np.cumsum([len(f.fold.test) for f in problem.folds])[:-1]
    result = partial(result_of, problem, history={})
    return ResultTable(tuple(result(arm.name, arm.source, predicted=np.split(found[arm.name], ends)) for arm in arms))


def fine_tuned(settings: ManySettings, problem: Problem, sources: Sources, strategy: str) -> Arm:
    """A network that starts from the source network's hidden layers."""
    own, registered = settings.ordinary(problem.protocol.name), strategies.get(strategy)
    start = trunk(run_key(own.seed, Repeats.FINAL, 1), sources.network.variables, build(own.network))
    recipe = own.recipe(registered)
    return Arm(
        f"drug_{strategy}", SOURCE, registered, start, recipe, own.fit_config(recipe), parents=(sources.identity,)
    )
