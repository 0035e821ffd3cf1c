"""What a grid search leaves, and what determines its numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.report.page.page import write_report
from tl_jax.report.plots.grid import grid_profiles
from tl_jax.study.compounds.grid import Pool, judged
from tl_jax.study.compounds.grid_plan import effort
from tl_jax.study.compounds.grid_settings import GRID, GridSettings, Point
from tl_jax.study.core.identity import identity
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.stages import fingerprint
from tl_jax.study.core.writer import write_study
from tl_jax.system.files import digest, write_json


@dataclass
class GridResults:
    """table: one row per point. point: the chosen one. probabilities: (m,) of the test compounds by its final model."""

    settings: GridSettings
    pool: Pool
    table: pd.DataFrame
    point: Point
    probabilities: np.ndarray
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def title(self) -> str:
        return f"Grid search on {self.pool.domain.name}, {len(self.pool.rows):,} training compounds"


def grid_identity(settings: GridSettings, pool: Pool) -> dict:
    """A record to compare: a stopped search is resumed only where all of it is the same."""
    rows = digest(pool.rows, pool.test, *(part for fold in pool.folds for part in (fold.train, fold.test)))
    own = {name: value for name, value in settings.as_dict().items() if name != "base"}
    record = identity(GRID, settings.base, {pool.domain.name: pool.domain}, rows=rows, **sampler_version(settings))
    return {**record, "flags": {**record["flags"], **own}}


def sampler_version(settings: GridSettings) -> dict[str, str]:
    """optuna's version, where it decides which points are asked for."""
    if not settings.adaptive:
        return {}
    from tl_jax.study.compounds.grid_adaptive import optuna

    return {"optuna": optuna().__version__}


def chosen(results: GridResults) -> dict:
    """The chosen point, what it reached on the inner folds, and how many others are as good within one standard error.

    The best of many points is optimistic on the folds that chose it; test.csv is not.
    """
    settings, table = results.settings, results.table
    row = table.loc[(table[list(Point._fields)] == list(results.point)).all(axis=1)].iloc[0]
    name = settings.objective
    error = row[f"{name}_sd"] / np.sqrt(len(results.pool.folds))
    near = int((table[name] >= row[name] - error).sum()) - 1 if np.isfinite(error) else None
    inner = {key: float(row[key]) for key in ("mcc", "mcc_sd", "auroc", "auroc_sd")}
    return {
        "objective": name,
        "point": results.point._asdict(),
        "hidden": [results.point.width] * results.point.layers,
        "inner": inner,
        "others_within_one_standard_error": near,
    }


def write_grid(results: GridResults, folder: Path) -> list[str]:
    """Write grid.csv, best.json, test.csv, predictions.csv, summary.json, the picture and report.html.

    Returns what could not be drawn.
    """
    pool = results.pool
    write_json(folder / "best.json", chosen(results))
    columns = {
        "compound_id": pool.compounds.ids[pool.test],
        "y_true": pool.domain.response[pool.test].astype(int),
        "probability": results.probabilities,
    }
    tables = {
        "grid": results.table,
        "test": judged(pool, results.probabilities),
        "predictions": pd.DataFrame(columns),
    }
    return write_study(
        folder,
        tables,
        summary(results),
        results.settings.as_dict(),
        results.ledger,
        pictures=[lambda: draw(results, folder)],
        page=write_report,
    )


def draw(results: GridResults, folder: Path) -> None:
    """The profiles of the axes."""
    metric, point = results.settings.objective, results.point._asdict()
    grid_profiles(results.table, folder / "profiles", results.title, metric=metric, chosen=point)


def summary(results: GridResults) -> dict:
    """Everything needed to repeat the search, what it chose and what it took."""
    settings, pool = results.settings, results.pool
    points = [Point(*row) for row in results.table[list(Point._fields)].itertuples(index=False)]
    counts = effort(points, pool.longest, len(pool.folds), settings.space.epochs[-1])
    return {
        "experiment": GRID,
        "title": results.title,
        "recipe": settings.at(results.point).recipe.as_dict(),
        "versions": sampler_version(settings),
        "data": {
            "family": pool.domain.name,
            "compounds": len(pool.domain),
            "active": int(pool.domain.response.sum()),
            "fingerprint": fingerprint(pool.domain),
        },
        "split": {"pool_used": len(pool.rows), "test": len(pool.test), "inner": [len(f.test) for f in pool.folds]},
        "effort": asdict(counts),
        "diverged": int(results.table[settings.objective].isna().sum()),
        "best": chosen(results),
        "test": dict(judged(pool, results.probabilities).itertuples(index=False, name=None)),
    }


def printed(results: GridResults) -> str:
    """The best points, the chosen one, and what it reached on the test set."""
    name, table = results.settings.objective, results.table
    top = table.sort_values(name, ascending=False, kind="stable", na_position="last").head(5)
    best, test = chosen(results), judged(results.pool, results.probabilities).set_index("metric")["value"]
    lines = [f"mean {name.upper()} over inner folds, the best of {len(table):,} points"]
    for row in top.itertuples():
        point = Point(*(getattr(row, field) for field in Point._fields))
        lines.append(f"  {getattr(row, name):.3f}  {point.text()}")
    near = best["others_within_one_standard_error"]
    if near is not None:
        lines.append(f"{near:,} other points lie within one standard error of the best")
    lines.append(
        f"chosen: {results.point.text()}; on {len(results.pool.test)} test compounds, asked once: "
        f"MCC {test['mcc']:.3f}, AUROC {test['auroc']:.3f}"
    )
    return "\n".join(lines)
