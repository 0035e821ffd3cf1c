"""A study: an experiment with everything that is examined beside it, and the same arms under another protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tl_jax.data.chain import Cohort
from tl_jax.data.scaling.units import unit_notes
from tl_jax.errors import InputError
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.prepare import Plan, prepare
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Extras, Settings
from tl_jax.study.core.derived import protocols
from tl_jax.system.progress import LOGGER
from tl_jax.transfer.strategies import STRATEGIES

# Arms that take seconds: what a study permutes, thins and varies unless it is told otherwise.
EXAMINED = ("scratch", "freeze_layer1", "feature_ridge", "profile_gp", "ridge", "repaired_ridge")
NESTED = (
    *("scratch", "freeze_layer1", "feature_ridge", "shrunken_ridge", "profile_gp", "profile_gp_mechanism"),
    *("ridge", "repaired_ridge", "kernel_ridge"),
)
FULL = {"permutations": 99, "curve_repeats": 5, "levels": 3}
QUICK = {"permutations": 19, "curve_repeats": 2, "levels": 2}


@dataclass(frozen=True)
class StudyPlan:
    """The plans of one experiment under its own protocol and under those beside it; all are drawn before any is run.

    notes: remarks about units, and about protocols that cannot be run.
    """

    own: Plan
    beside: tuple[Plan, ...] = ()
    notes: tuple[str, ...] = ()

    def identity(self) -> dict:
        """What determines the numbers of all of it."""
        others = {plan.settings.protocol: plan.identity() for plan in self.beside}
        parts = ("sources", "stages", "data")
        return {
            **self.own.identity(),
            "protocols": [self.own.settings.protocol, *others],
            "beside": {name: {part: other[part] for part in parts} for name, other in others.items()},
        }


def with_extras(experiment: Experiment, settings: Settings, **given) -> Settings:
    """The settings with what a study examines: `given` where not None, else the arms above as far as they are run."""
    settings = experiment.resolved(settings)
    own = settings.of_files
    run = {*settings.strategies, *settings.baselines, *own}
    names = {"examined": (*EXAMINED, *own), "nested": (*NESTED, *own)}
    usual = {key: tuple(name for name in value if name in run) for key, value in names.items()}
    # Not under a second protocol unless asked for: 200 epochs of the wide first layer, for each source and fold.
    wide = {name for name, one in STRATEGIES.items() if one.wide}
    usual["beside"] = tuple(name for name in settings.strategies if settings.quick or name not in wide)
    usual |= QUICK if settings.quick else FULL
    return replace(settings, extras=Extras(**(usual | {k: v for k, v in given.items() if v is not None})))


def prepare_study(experiment: Experiment, settings: Settings, cohorts: Mapping[str, Cohort]) -> StudyPlan:
    """Plan all arms under settings.protocol with what is examined, and the arms alone under the other protocols.

    Args:
        cohorts: the cohort as each protocol reads it, settings.protocol first. Partitions and seeds are the same, so
        the difference between protocols is paired by fold.
    Raises:
        InputError: the own protocol cannot be run. One beside it that cannot is left out with a note.
    """
    own = prepare(experiment, settings, cohorts[settings.protocol])
    notes = list(dict.fromkeys(str(note) for cohort in cohorts.values() for note in unit_notes(cohort.domains)))
    beside = []
    for protocol in (name for name in cohorts if name != settings.protocol):
        # Models of folds predict new samples by what they alone have seen: under honest only, and already kept.
        changes = {"strategies": settings.extras.beside, "extras": None, "fold_models": False}
        changes |= {"source_test": (), "source_stand_in": (), "register": None, "expect": "either"}
        try:
            beside.append(prepare(experiment, replace(settings, protocol=protocol, **changes), cohorts[protocol]))
        except InputError as error:
            notes.append(f"the protocol {protocol} left out: {error}")
    return StudyPlan(own, tuple(beside), tuple(notes))


def run_study(plan: StudyPlan, work: Path | None = None) -> Results:
    """Run a study: its own protocol with what is examined, then the arms alone under the others.

    Args:
        work: a folder for finished parts; those found there are not computed again.
    """
    for note in plan.notes:
        LOGGER.info(f"note: {note}")
    results, settings = run_plan(plan.own, work), plan.own.settings
    results.notes[:0] = plan.notes
    for other in plan.beside:
        protocol = other.settings.protocol
        left = [name for name in settings.strategies if name not in settings.extras.beside]
        without = f", without {', '.join(left)} (--beside_strategy=all runs them too)" if left else ""
        results.ledger.remark(f"the same arms under the protocol {protocol}{without}")
        results.join(run_plan(other, None if work is None else work / protocol, finals=False))
        first, second = sorted((settings.protocol, protocol), key=lambda name: name != "honest")
        usual = (first, second) == ("honest", "as_published")
        name = "protocols" if usual else f"protocols_{first}_{second}"
        results.keep(name, protocols(results.table("metrics"), first, second, settings.metric))
    return results
