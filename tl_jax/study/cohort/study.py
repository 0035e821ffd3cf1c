"""A study: an experiment with everything that is examined beside it, and the same arms under another protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tl_jax.data.domain import Cohort
from tl_jax.data.scaling.units import unit_notes
from tl_jax.study.cohort.derived import protocols
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.run import resolved, run_experiment
from tl_jax.study.cohort.settings import Extras, Settings
from tl_jax.transfer.strategies import STRATEGIES

# Arms that take seconds: what a study permutes, thins and varies unless it is told otherwise.
EXAMINED = ("scratch", "freeze_layer1", "feature_ridge", "ridge")
NESTED = ("scratch", "freeze_layer1", "feature_ridge", "shrunken_ridge", "ridge", "kernel_ridge")
FULL = {"permutations": 99, "curve_repeats": 5, "levels": 3}
QUICK = {"permutations": 19, "curve_repeats": 2, "levels": 2}


def with_extras(experiment: Experiment, settings: Settings, **given) -> Settings:
    """The settings with what a study examines: `given` where not None, else the arms above as far as they are run."""
    settings = resolved(experiment, settings)
    run = {*settings.strategies, *settings.baselines}
    names = {"examined": EXAMINED, "nested": NESTED}
    usual = {key: tuple(name for name in value if name in run) for key, value in names.items()}
    # Not under a second protocol unless asked for: 200 epochs of the wide first layer, for each source and fold.
    wide = {name for name, one in STRATEGIES.items() if one.wide}
    usual["beside"] = tuple(name for name in settings.strategies if settings.quick or name not in wide)
    usual |= QUICK if settings.quick else FULL
    return replace(settings, extras=Extras(**(usual | {k: v for k, v in given.items() if v is not None})))


def run_study(
    experiment: Experiment,
    settings: Settings,
    cohorts: dict[str, Cohort],
    say: Callable[[str], None],
    work: Path | None = None,
) -> Results:
    """All arms under settings.protocol with what is examined; then the arms alone under the other protocols.

    cohorts: the cohort as each protocol reads it, settings.protocol first. Partitions and seeds are the same, so the
    difference between protocols is paired by fold. Domains in different units of expression are named before training.
    """
    results = None
    units = list(dict.fromkeys(str(note) for cohort in cohorts.values() for note in unit_notes(cohort.domains)))
    for note in units:
        say(f"note: {note}")
    for protocol, cohort in cohorts.items():
        if results is None:
            results = run_experiment(experiment, settings, cohort, say, work)
            results.notes[:0] = units
            continue
        left = [name for name in settings.strategies if name not in settings.extras.beside]
        without = f", without {', '.join(left)} (--beside_strategy=all runs them too)" if left else ""
        results.remark(f"the same arms under the protocol {protocol}{without}", say)
        # Models of folds predict new samples by what they alone have seen: under honest only, and already kept.
        own = replace(settings, protocol=protocol, strategies=settings.extras.beside, extras=None, fold_models=False)
        place = None if work is None else work / protocol
        results.join(run_experiment(experiment, own, cohort, say, place, finals=False))
        first, second = sorted((settings.protocol, protocol), key=lambda name: name != "honest")
        usual = (first, second) == ("honest", "as_published")
        name = "protocols" if usual else f"protocols_{first}_{second}"
        results.keep(name, protocols(results.table("metrics"), first, second, settings.metric))
    return results
