"""The space of hyper-parameters of a grid search, and what a user may set for one."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, field, fields, replace
from itertools import product
from typing import NamedTuple

from tl_jax.errors import InputError
from tl_jax.study.compounds.settings import DtiSettings

GRID = "dti_grid_search"
OBJECTIVES = ("mcc", "auroc")
KEPT_BACK = 5  # one part in so many is the validation set where there is one split instead of folds


class Point(NamedTuple):
    """One combination; every hidden layer has the same width."""

    layers: int
    width: int
    batch: int
    rate: float
    dropout: float
    epochs: int

    def text(self) -> str:
        """A few words for people."""
        return (
            f"{self.layers} x {self.width}, batch {self.batch}, rate {self.rate:g}, dropout {self.dropout:g}, "
            f"{self.epochs} epochs"
        )


class Program(NamedTuple):
    """What is compiled once; rates and dropouts are runs of it, epochs are read off each run."""

    layers: int
    width: int
    batch: int


@dataclass(frozen=True)
class Space:
    """The values of each axis, ascending. The defaults are the grid of TL4DTI's README: 8,400 points."""

    layers: tuple[int, ...] = (1, 2, 3, 4)
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096)
    batches: tuple[int, ...] = (64, 128, 256, 512)
    rates: tuple[float, ...] = (0.0001, 0.001, 0.01)
    dropouts: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    epochs: tuple[int, ...] = (20, 40, 50, 80, 100)

    def __post_init__(self):
        for axis in fields(self):
            values = getattr(self, axis.name)
            object.__setattr__(self, axis.name, tuple(sorted(set(values))))
            share = axis.name == "dropouts"
            wrong = [v for v in values if not (0 <= v < 1 if share else 0 < v < float("inf"))]
            if wrong or not values:
                bounds = "0 or more and below 1" if share else "above 0"
                raise InputError(f"--{axis.name}={wrong[0] if wrong else ''}: at least one value, each {bounds}")

    def points(self) -> list[Point]:
        """Every combination, in the order of the fields, the last axis fastest."""
        return [Point(*values) for values in product(*astuple(self))]


PUBLISHED = Space()
SUBSET = Space(layers=(1, 2), widths=(64, 256), batches=(256,), dropouts=(0.1, 0.3))


@dataclass(frozen=True)
class GridSettings:
    """Resolved options of a grid search; every field goes into summary.json.

    base: the table, the family (as its target) with its split, the features, weight decay and seed. folds: inner folds
    of the training pool; 1 is a single validation split of a fifth. rows: a balanced draw of so many compounds of the
    pool; None: all of them. adaptive: so many trials of optuna's TPE instead of every point.
    """

    base: DtiSettings = field(default_factory=lambda: DtiSettings(methods=("scratch",)))
    space: Space = PUBLISHED
    folds: int = 3
    objective: str = "mcc"
    rows: int | None = None
    adaptive: int | None = None

    def __post_init__(self):
        if self.objective not in OBJECTIVES:
            raise InputError(f"--objective={self.objective}: there are: {', '.join(OBJECTIVES)}")
        for name in ("folds", "rows", "adaptive"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name}={value}: must be at least 1")

    def at(self, point: Point) -> DtiSettings:
        """The settings of one point's network and training."""
        return replace(
            self.base,
            hidden=(point.width,) * point.layers,
            batch_size=point.batch,
            learning_rate=point.rate,
            dropout=point.dropout,
            epochs=point.epochs,
        )

    def as_dict(self) -> dict:
        return asdict(self)
