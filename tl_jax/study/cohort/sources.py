"""Which source drugs an experiment starts from, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tl_jax.data.chain import Cohort
from tl_jax.data.tables import cells
from tl_jax.study.cohort.choice import read_choice
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.stages import TrainedStage


@dataclass(frozen=True)
class Sources:
    """drugs: in the cohort's own spelling, ("",) where none is needed. origin: how they came about, for the lineage of
    final models. notes: remarks for the user."""

    drugs: tuple[str, ...]
    origin: str = ""
    notes: tuple[str, ...] = ()


def resolve_sources(
    experiment: Experiment,
    settings: Settings,
    cohort: Cohort,
    folder: Path,
    uses_source: bool,
    outside: TrainedStage | None,
) -> Sources:
    """The source drugs of the flags, or the cohort's, or the one that experiment 3 has chosen.

    Args:
        folder: where choices are kept. uses_source: whether any arm starts from a source. outside: a source model that
        the user gave.
    """
    asked, nothing = list(settings.source_drugs), ("",)
    if outside:
        meta = outside.meta
        origin = f"source model {meta['domain']} (id {meta['id']}, {meta['drug']}), given by the user"
        return Sources(nothing, origin, (origin,))
    needed = experiment.evaluated == "source" or uses_source
    if not (needed and experiment.uses_source_drug):
        useless = f"--source_drug changes nothing here: {experiment.name} needs no source drug"
        return Sources(nothing, notes=(useless,) if asked else ())
    if (not asked and experiment.every_source) or [d.casefold() for d in asked] == ["all"]:
        return Sources(tuple(cohort.source_drugs))
    if not asked:
        return default_source(settings, cohort, folder)
    return Sources(spelled(asked, cohort))


def default_source(settings: Settings, cohort: Cohort, folder: Path) -> Sources:
    """Experiment 3's choice, or the cohort's default where there is no intermediate to choose on."""
    if len(cohort.domains) < 3:
        drug, more = cohort.default_source, ()
        origin = f"source drug {drug}, the default of cohort {cohort.name}"
    else:
        record = read_choice(folder, cohort, settings)
        drug, more = record["drug"], record["notes"]
        origin = f"source drug {drug}, chosen by {record['decided_by']}"
    return Sources(spelled([drug], cohort), origin, (origin, *more))


def spelled(asked: list[str], cohort: Cohort) -> tuple[str, ...]:
    """Drugs as the source of the cohort spells them, each once."""
    known = cohort.stage("source").drugs
    where = f"the source of cohort {cohort.name}"
    return tuple(dict.fromkeys(cells.spelled(drug, known, "source_drug", where) for drug in asked))
