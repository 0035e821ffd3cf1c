"""A search of some points of a grid instead of all: optuna's TPE, judged on the same inner folds."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.study.compounds.grid import Grid, programs
from tl_jax.study.compounds.grid_settings import Point

# What a point that diverged counts as: the least that its objective can be.
WORST = {"mcc": -1.0, "auroc": 0.0}
AXES = {"layers": "layers", "width": "widths", "batch": "batches", "rate": "rates", "dropout": "dropouts"}
AXES |= {"epochs": "epochs"}


def optuna():
    """The package, silent; InputError where it is not installed."""
    try:
        import optuna as package
    except ImportError as error:
        raise InputError("--adaptive needs the package optuna: pip install tl_jax[search]") from error
    package.logging.set_verbosity(package.logging.WARNING)
    return package


def search_some(grid: Grid) -> pd.DataFrame:
    """The table of the points that N trials asked for, in the order of the first trial that did (column trial).

    Tree-structured Parzen estimator (Bergstra et al. 2011), seeded, on the place of each value in its axis. A trial
    costs one training of the space's last epoch per inner fold, and nothing where that training is known already.
    """
    package, settings = optuna(), grid.settings
    axes = asdict(settings.space)
    values = {name: axes[axis] for name, axis in AXES.items()}
    places = {name: package.distributions.IntDistribution(0, len(own) - 1) for name, own in values.items()}
    sampler = package.samplers.TPESampler(seed=settings.base.seed)
    study = package.create_study(direction="maximize", sampler=sampler)
    first: dict[Point, int] = {}
    for number in range(1, settings.adaptive + 1):
        trial = study.ask(places)
        point = Point(**{name: own[trial.params[name]] for name, own in values.items()})
        first.setdefault(point, number)
        study.tell(trial, value_of(grid, point, f"trial {number} of {settings.adaptive}: {point.text()}"))
    return grid.table(list(first)).assign(trial=list(first.values()))


def value_of(grid: Grid, point: Point, label: str) -> float:
    """The objective of one point, trained where it is not known."""
    (program,) = programs([point], grid.pool.longest)
    grid.ask(program, [point], label)
    value = grid.scores(point)[grid.settings.objective].mean()
    return WORST[grid.settings.objective] if value != value else float(value)
