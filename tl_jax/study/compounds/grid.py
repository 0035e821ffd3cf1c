"""A nested grid search on one protein family: inner folds of the training pool choose, the test set judges once.

Points that differ in learning rate, dropout and epochs alone share a compiled program: rates and dropouts are runs of
it, and the epochs are read off one training of the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from tl_jax.data.compounds.chemical_splits import balanced_draws
from tl_jax.data.compounds.compounds import Compounds
from tl_jax.data.compounds.molecules import scaffolds
from tl_jax.data.domain import Domain
from tl_jax.data.splits import Fold, partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.classification import auroc, count, mcc, score_classifier
from tl_jax.keys import Repeats
from tl_jax.study.compounds.grid_settings import KEPT_BACK, GridSettings, Point, Program
from tl_jax.study.compounds.networks import logits_on
from tl_jax.study.compounds.setup import as_domain, families_of, problem_of, split_of, target_of, with_features
from tl_jax.study.core.arms import Arm, How
from tl_jax.study.core.folds import ScaledFold
from tl_jax.system.files import check_writable
from tl_jax.system.progress import LOGGER
from tl_jax.transfer import strategies

METRICS = ("mcc", "auroc")
KINDS = (int, int, int, float, float, int)  # of a point's values, which a table's row holds as floats


@dataclass(frozen=True)
class Pool:
    """domain: all compounds of the family. rows: those of the pool that are used. test: those of the test set.

    folds: inner folds of `rows`; no test row is in them.
    """

    domain: Domain
    rows: np.ndarray
    test: np.ndarray
    folds: list[Fold]
    compounds: Compounds

    @property
    def longest(self) -> int:
        """Training rows of the largest inner fold."""
        return max(len(fold.train) for fold in self.folds)


def load_pool(settings: GridSettings, keep: bool = True) -> Pool:
    """Read one family, split it as a study between families does, and draw the inner folds.

    keep: what rdkit makes of the table is kept beside the checkpoints; else it is only looked for there.
    """
    base = settings.base
    cache = Path(base.checkpoint_dir) / "compounds"
    if keep:
        check_writable(Path(base.checkpoint_dir), "--checkpoint_dir")
    elif not cache.is_dir():
        cache = None
    families = families_of(base, cache)
    name = target_of(base, families, "family")
    compounds = with_features(families[name], base, cache)
    split = split_of(compounds, base, cache)
    rows = split.train
    if settings.rows is not None:
        rows = balanced_draws(compounds.y, rows, settings.rows, 1, base.seed)[0]
    groups = np.asarray(scaffolds(list(compounds.smiles[rows]), cache=cache)) if base.split == "scaffold" else rows
    folds = inner_folds(compounds.y[rows], groups, rows, settings)
    LOGGER.info(
        f"{name}: {len(rows):,} of {len(split.train):,} compounds of the pool in {len(folds)} inner "
        f"{'folds' if len(folds) > 1 else 'split'}, {len(split.test):,} test compounds"
    )
    return Pool(as_domain(compounds), rows, split.test, folds, compounds)


def inner_folds(y: np.ndarray, groups: np.ndarray, rows: np.ndarray, settings: GridSettings) -> list[Fold]:
    """Stratified folds of the pool's rows, or the first of five where one split is asked for."""
    parts = settings.folds if settings.folds > 1 else KEPT_BACK
    rare = int(min((y == 1).sum(), (y == 0).sum()))
    if rare < parts:
        raise InputError(f"the pool holds {rare} compounds of its rarer class, too few for {parts} parts; raise --rows")
    found = partitions(y, groups, folds=parts, repeats=1, seed=settings.base.seed)
    found = found if settings.folds > 1 else found[:1]
    if any(len(np.unique(y[part])) < 2 for fold in found for part in (fold.train, fold.test)):
        raise InputError(f"one of {parts} inner parts holds one class only; use fewer --folds or --split=random")
    return [Fold(fold.repeat, fold.fold, rows[fold.train], rows[fold.test]) for fold in found]


def programs(points: Sequence[Point], longest: int) -> dict[Program, list[Point]]:
    """Points by the program that they share. A batch that holds all rows of a fold is one program, however large."""
    found: dict[Program, list[Point]] = {}
    for point in points:
        found.setdefault(Program(point.layers, point.width, min(point.batch, longest)), []).append(point)
    return found


def arms_of(program: Program, points: Sequence[Point], settings: GridSettings) -> dict[tuple[float, float], Arm]:
    """{(rate, dropout): arm} of one program; each is trained to the space's last epoch and read at all of them."""
    *reads, last = settings.space.epochs
    found = {}
    for point in points:
        if (point.rate, point.dropout) not in found:
            own = settings.at(Point(*program, point.rate, point.dropout, last))
            config = own.recipe.fit_config(read_at=tuple(reads), curves=False)
            name = f"{point.rate:g} {point.dropout:g}"
            found[point.rate, point.dropout] = Arm(name, "", strategies.get("scratch"), None, own.recipe, config)
    return found


class Grid:
    """The inner folds of a pool, asked for points. work: where finished runs are kept, or None.

    A run that was asked for before is remembered.
    """

    def __init__(self, pool: Pool, settings: GridSettings, work: Path | None = None):
        self.pool, self.settings, self.work = pool, settings, work
        self.problem = problem_of(pool.domain, pool.folds)
        self.known: dict[tuple, dict[str, np.ndarray]] = {}  # (program, rate, dropout): {metric: (folds, epochs)}

    def ask(self, program: Program, points: Sequence[Point], label: str) -> None:
        """Train what is not known yet of one program's points."""
        arms = arms_of(program, points, self.settings)
        arms = {key: arm for key, arm in arms.items() if (program, *key) not in self.known}
        if arms:
            how = how_at(self.settings, Point(*program, *points[0][3:]), self.work, label)
            for key, logits in zip(arms, logits_on(self.problem, list(arms.values()), how), strict=True):
                self.known[(program, *key)] = measured(self.problem.folds, logits)

    def scores(self, point: Point) -> dict[str, np.ndarray]:
        """{metric: (folds,)} of a point that was asked for."""
        program = Program(point.layers, point.width, min(point.batch, self.pool.longest))
        place = self.settings.space.epochs.index(point.epochs)
        return {name: v[:, place] for name, v in self.known[program, point.rate, point.dropout].items()}

    def table(self, points: Sequence[Point]) -> pd.DataFrame:
        """One row per point: its values, then mean and sd over inner folds of every metric; NaN where one diverged."""
        rows = []
        for point in points:
            row = point._asdict()
            for name, values in self.scores(point).items():
                row |= {name: values.mean(), f"{name}_sd": values.std(ddof=1) if len(values) > 1 else np.nan}
            rows.append(row)
        return pd.DataFrame(rows)


def how_at(settings: GridSettings, point: Point, work: Path | None, label: str) -> How:
    """How the network of a point is trained."""
    own = settings.at(point)
    return How(own.network, own.seed, own.at_once, work, label)


def measured(folds: Sequence[ScaledFold], logits: np.ndarray) -> dict[str, np.ndarray]:
    """{metric: (folds, epochs)} of logits (folds, epochs, longest held-out part)."""
    found = {name: np.full(logits.shape[:2], np.nan) for name in METRICS}
    for k, fold in enumerate(folds):
        truth = fold.y[fold.fold.test]
        for e, p in enumerate(expit(logits[k, :, : len(truth)])):
            if np.isfinite(p).all():
                found["mcc"][k, e] = mcc(count(truth, p > 0.5))
                found["auroc"][k, e] = auroc(truth, p)
    return found


def search_all(grid: Grid) -> pd.DataFrame:
    """The table of every point of the space, program after program."""
    points = grid.settings.space.points()
    shared = programs(points, grid.pool.longest)
    for k, (program, own) in enumerate(shared.items(), start=1):
        label = f"program {k} of {len(shared)}: {program.layers} x {program.width}, batch {program.batch}"
        grid.ask(program, own, label)
    return grid.table(points)


def best(table: pd.DataFrame, objective: str) -> Point:
    """The point with the highest mean; of equal ones the first of the table, which has the fewest layers and units."""
    if table[objective].isna().all():
        raise InputError("every point diverged on some inner fold; search smaller --rates")
    row = table.loc[table[objective].idxmax()]
    return Point(*(kind(row[name]) for name, kind in zip(Point._fields, KINDS, strict=True)))


def judge(pool: Pool, settings: GridSettings, point: Point, work: Path | None = None) -> np.ndarray:
    """(m,) probabilities of the test compounds by the chosen point, trained once on all rows of the pool."""
    own = settings.at(point)
    arm = Arm("chosen", "", strategies.get("scratch"), None, own.recipe, own.recipe.fit_config(curves=False))
    problem = problem_of(pool.domain, [Fold(int(Repeats.FINAL), 0, pool.rows, pool.test)])
    how = how_at(settings, point, work, "chosen point on the whole pool")
    return expit(logits_on(problem, [arm], how)[0][0, -1])


def judged(pool: Pool, p: np.ndarray) -> pd.DataFrame:
    """metric, value: every metric on the test compounds."""
    return pd.DataFrame(score_classifier(pool.domain.response[pool.test], p).items(), columns=["metric", "value"])
