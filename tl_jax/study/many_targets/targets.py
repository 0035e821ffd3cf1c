"""Many small targets of one cohort as one study: what many source drugs are worth, drug by drug and over all drugs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.data.chain import Cohort
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.choice import USUAL, rescaled
from tl_jax.data.scaling.units import unit_notes
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.source_methods import MECHANISM
from tl_jax.keys import Repeats, run_key
from tl_jax.models import build
from tl_jax.study.core.arms import Arm, How, run_arms
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.profile_source import source_profile
from tl_jax.study.core.protocol import PROTOCOLS, PUBLISHED
from tl_jax.study.core.registration import Registration, register
from tl_jax.study.core.table import ResultTable, result_of
from tl_jax.study.many_targets.drugs import REFERENCES, SOURCE, Sources, closed_arms, fit_sources
from tl_jax.study.many_targets.known_drugs import Gaps
from tl_jax.study.many_targets.looks import to_register
from tl_jax.study.many_targets.settings import NAME, ManySettings
from tl_jax.study.many_targets.source_test import source_tests
from tl_jax.system.progress import LOGGER, watched
from tl_jax.training.multitask import measured_drugs, trunk
from tl_jax.transfer import strategies

WORDS = {"kernel": "one kernel ridge for each", "network": "one network for all of them"}


@dataclass(frozen=True)
class Target:
    """One drug of the target domain and the problem it is under one protocol."""

    drug: str
    problem: Problem


@dataclass
class ManyResults:
    """What the arms gave on each target, remarks and wall times. source_loss: of the source network, after training.
    source_test: of the processes, where it was asked for. registered: before the run."""

    settings: ManySettings
    cohort: Cohort
    source: Domain
    found: list[tuple[Target, ResultTable]] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    source_loss: float = float("nan")
    source_test: pd.DataFrame = field(default_factory=pd.DataFrame)
    registered: Registration | None = None

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
    cohort = rescaled(cohort, settings.scaling, None if settings.protocols == (PUBLISHED,) else USUAL)
    whole = cohort.stage("target")
    # A source model reads target rows in the units it was trained on, so the source is scaled as the target is.
    scaler = "standard" if whole.scaler == "shrunken" else whole.scaler
    source = measured_drugs(replace(cohort.stage("source"), scaler=scaler), settings.min_lines)
    results = ManyResults(settings, cohort, source)
    notes = [*(str(note) for note in unit_notes(cohort.domains)), *scaling_notes(settings)]
    planned = plan_targets(settings, whole, notes)
    gaps = gaps_of(settings, whole)
    notes += mechanism_notes(settings, source, planned)
    if settings.register:
        results.registered = register(settings.register, planned_study(results, planned))
        notes.append(results.registered.text())
    results.ledger.notes.extend(notes)
    for note in notes:
        LOGGER.info("note: %s", note)
    how = How(settings.ordinary(settings.protocols[0]).network, settings.seed, settings.at_once, work, NAME)
    how = replace(how, ledger=results.ledger)
    sources = source_models(results, how)
    # Matrices of a fold are too small to share among threads.
    label = f"{NAME}, {len(settings.closed)} arms"
    with how.ledger.timed("closed forms"), threadpool_limits(1), watched(len(planned), label, "targets") as progress:
        for target in planned:
            arms = closed_arms(sources, settings.seed, gaps, settings.closed)
            results.found.append((target, run_together(target.problem, arms, how)))
            progress.advance(1, f"{target.drug}, {target.problem.protocol.name}")
    for strategy in settings.fine_tuned:
        for target in planned:
            arm = fine_tuned(settings, target.problem, sources, strategy)
            results.found.append((target, run_arms(target.problem, [arm], how)))
    if settings.source_permutations:
        with how.ledger.timed("source test"):
            results.source_test = source_tests(settings, cohort.stage("source"), sources, results.found, how)
    return results


def planned_study(results: ManyResults, planned: list[Target]) -> dict:
    """What a registration says of the study."""
    targets = {f"{one.drug}, {one.problem.protocol.name}": one.problem for one in planned}
    held = [arm for arm in REFERENCES if arm in results.settings.closed]
    return to_register(results.settings, results.cohort, results.source, targets, held)


def gaps_of(settings: ManySettings, whole: Domain) -> Gaps | None:
    """What the arms that read other drugs read and keep apart; InputError where there are no other drugs."""
    if settings.known_drugs and len(whole.drugs) < 2:
        raise InputError(f"--known_drugs reads other drugs, and target {whole.name} has one: give several by --targets")
    return Gaps(whole, settings.apart) if settings.known_drugs else None


def source_models(results: ManyResults, how: How) -> Sources:
    """The models of all source drugs, trained or found among finished parts and checkpoints."""
    source, settings = results.source, results.settings
    measured = np.isfinite(source.y).sum(axis=0)
    fitted = ", ".join(["a profile of all", *(WORDS[one] for one in sorted(settings.models))])
    LOGGER.info(
        f"source {source.name}: {len(source)} lines, {len(source.drugs)} drugs, each measured on {measured.min()} to "
        f"{measured.max()} lines; fitting {fitted}"
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
            models=settings.models,
            work=how.work,
            progress=progress.advance,
        )
    if sources.network is not None:
        results.source_loss = float(sources.network.loss[-1])
    return sources


def scaling_notes(settings: ManySettings) -> list[str]:
    """A remark where as_published is not scaled as was published, since the source models serve other protocols too."""
    if PUBLISHED not in settings.protocols or len(settings.protocols) == 1:
        return []
    kind = settings.scaling or USUAL
    return [f"{PUBLISHED} scales genes as the other protocols do ({kind}); run it alone for the published scaling"]


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
