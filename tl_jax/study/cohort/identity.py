"""What determines the numbers of a study: a stopped run is resumed only where all of it is the same."""

from __future__ import annotations

from pathlib import Path

from tl_jax.checkpoint import read_meta
from tl_jax.data.domain import Cohort
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.study.cohort.plans import Experiment
from tl_jax.study.cohort.run import resolved
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.stages import circumstances, fingerprint, strategy_text
from tl_jax.system.files import digest
from tl_jax.transfer import strategies

# Where things are, how many runs are done at a time and what else is kept changes no number.
NO_SCIENCE = ("data_dir", "checkpoint_dir", "at_once", "fold_models", "source_checkpoint")


def identity(experiment: Experiment, settings: Settings, cohort: Cohort) -> dict:
    """A record to compare: settings by flag, data, strategies, code, versions and kind of device."""
    settings = resolved(experiment, settings)
    named = dict.fromkeys(name for name in settings.strategies if name not in METHODS)
    named[settings.intermediate_strategy] = None  # named by its flag, whether it is evaluated or not
    given = settings.source_checkpoint
    return {
        **({"source_checkpoint": read_meta(Path(given))["content"]} if given else {}),
        "experiment": experiment.name,
        "flags": {k: v for k, v in settings.as_dict().items() if k not in NO_SCIENCE},
        "data": {domain.name: fingerprint(domain) for domain in cohort.domains},
        "strategies": {name: digest(strategy_text(strategies.get(name))) for name in named},
        **circumstances(),
    }
