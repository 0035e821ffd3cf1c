"""What a study looks at beside its arms: each part a table of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import KNOWN
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.conformal import held_out_intervals
from tl_jax.evaluation.statistics.learning_curves import extra_samples, gain_map
from tl_jax.study.cohort import derived
from tl_jax.study.cohort.cases import Case, Run
from tl_jax.study.cohort.contestants import Contestants
from tl_jax.study.cohort.curves import learning_curves
from tl_jax.study.cohort.nested import ARM, nested_choice
from tl_jax.study.cohort.permutations import permutation_test
from tl_jax.study.cohort.plans import SCRATCH_ARM
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.source_scores import ranked_sources
from tl_jax.study.cohort.spread import spread
from tl_jax.study.core.arms import ArmTables
from tl_jax.transfer.strategies import STRATEGIES


def check_extras(settings: Settings) -> None:
    """Refuse names that are not among the arms of the study."""
    extras, run = settings.extras, {*(settings.strategies or ()), *settings.baselines}
    for flag, names in (("examined", extras.examined), ("nested", extras.nested), ("beside_strategy", extras.beside)):
        for name in names:
            if name not in run:
                known = name in STRATEGIES or name in METHODS or name in KNOWN
                why = "is not run here; add it to --strategy or --baselines" if known else "is no arm"
                raise InputError(f"--{flag}={name}: {name} {why}")


def examine(run: Run, group: list[Case], arms: Contestants, tables: list[tuple[str, str, ArmTables]]) -> None:
    """Every part of `extras`, into further tables of the results; the nested choice becomes an arm."""
    extras, keep, results = run.settings.extras, run.results.keep, run.results
    some = arms.only(extras.examined)
    if extras.nested:
        candidates = arms.only(extras.nested)
        with results.timed("nested choice"):
            found, choices = nested_choice(run, candidates, tables)
        results.add(found, ARM, "")
        keep("nested_choices", choices)
    if extras.permutations and extras.examined:
        keep("permutations", permutation_test(run, some, tables, extras.permutations))
    if extras.curve_repeats and extras.examined:
        curves = learning_curves(run, some, tables, extras.curve_sizes, extras.curve_repeats)
        keep("learning_curves", curves)
        if SCRATCH_ARM in extras.examined and curves["source"].ne("").any():
            transfers = curves[curves["source"].ne("") | curves["arm"].eq(SCRATCH_ARM)]
            keep("gain_map", gain_map(transfers, metric=run.settings.metric))
            keep("extra_samples", extra_samples(transfers, metric=run.settings.metric))
    if extras.levels and extras.examined:
        keep("variance", spread(run, some, extras.levels))
    with results.timed("source scores"):
        for name, table in ranked_sources(run, group, results.table("metrics")).items():
            keep(name, table)


def derive(run: Run) -> None:
    """The tables that follow from the arms' own."""
    results = run.results
    predictions, metrics = results.table("predictions"), results.table("metrics")
    with results.timed("intervals"):
        results.keep("intervals", derived.intervals(predictions, run.settings.seed, metric=run.settings.metric))
        results.keep("prediction_intervals", held_out_intervals(whole(predictions)))
    results.keep("detectable", derived.detectable(metrics, metric=run.settings.metric))
    results.keep("lineage", derived.lineage(results.stages))
    measured = run.cohort.stage(run.experiment.evaluated).measured
    weights = {arm: values[:, measured] for arm, values in results.run_weights.items()}
    for name, table in derived.gene_tables(weights, run.cohort.genes[measured]).items():
        results.keep(name, table)


def whole(predictions: pd.DataFrame) -> pd.DataFrame:
    """Predictions of the arms that predicted every sample; a network that diverged has no intervals."""
    finite = np.isfinite(predictions["y_pred"]).groupby([predictions[key] for key in derived.KEYS]).transform("all")
    return predictions[finite]
