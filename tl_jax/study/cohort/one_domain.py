"""A cohort of one domain: the same experiments without what needs a source."""

from __future__ import annotations

from dataclasses import replace

from tl_jax.data.chain import Cohort
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.settings import Settings
from tl_jax.transfer import strategies


def without_source(experiment: Experiment, settings: Settings, cohort: Cohort) -> tuple[Settings, list[str]]:
    """(settings without the arms that need a source, a remark) where the cohort has none; else as they are.

    Raises:
        InputError: nothing is left, or a source model was given to a cohort without a place for it.
    """
    if len(cohort.domains) > 1 or experiment.evaluated == "source":
        return settings, []
    if settings.source_checkpoint:
        raise InputError(f"cohort {cohort.name} has one domain, so that --source_checkpoint has no place in its chain")
    gone = [name for name in settings.strategies if name in METHODS or strategies.get(name).needs_source]
    if not gone:
        return settings, []
    left = tuple(name for name in settings.strategies if name not in gone)
    if not left and not settings.baselines:
        raise InputError(f"cohort {cohort.name} has one domain, and without a source nothing that was asked for runs")
    extras = settings.extras
    if extras:
        kept = {k: tuple(n for n in getattr(extras, k) if n not in gone) for k in ("examined", "nested", "beside")}
        extras = replace(extras, **kept)
    note = f"cohort {cohort.name} has one domain and no source: left out are {', '.join(gone)}"
    return replace(settings, strategies=left, extras=extras), [note]
