"""Settings of networks chosen on the lines alone: whole tissues are left out, and no label of a cell is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tl_jax.data.cells.shared import fit_scaling
from tl_jax.data.scaling.scaling import fit_response_scale
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.line_models import SENSITIVE_SHARE, tissue_groups
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.nets import Lanes, Nets, fresh, under_fresh_predictor
from tl_jax.study.cells.network_rows import rows_of
from tl_jax.study.cells.networks import nets_of, transfer_terms
from tl_jax.study.cells.settings import CellSettings, NetworkSettings
from tl_jax.study.cells.setup import CellFold, Setup
from tl_jax.study.cells.stages import passing
from tl_jax.study.core.arms import How

FOLDS = 5
COLUMNS = ["hidden", "rate", "transfer", "weight", "spearman", "sd", "called_sensitive", "chosen"]


@dataclass(frozen=True)
class Grid:
    """hidden, rates: that are tried. weights: of a transfer by name; () where each has its own alone."""

    hidden: tuple[tuple[int, ...], ...]
    rates: tuple[float, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, own: NetworkSettings) -> Grid:
        """What `choose` names; of what it does not name, the setting itself."""
        asked = {kind: tuple(v for name, v in own.choose if name == kind) for kind in ("hidden", "rate", "weight")}
        return cls(asked["hidden"] or (own.hidden,), asked["rate"] or (own.learning_rate,), asked["weight"])

    def tried(self, own: NetworkSettings) -> list[tuple[str, tuple[float, ...]]]:
        """(transfer, its weights); training on without one has none to choose."""
        names = dict.fromkeys(name for name, _ in own.transfers)
        given = {name: tuple(w for other, w in own.transfers if other == name) for name in names}
        return [(name, given[name] if name == "none" else self.weights or given[name]) for name in names]


def chosen(setup: Setup, settings: CellSettings, how: How) -> tuple[NetworkSettings, pd.DataFrame]:
    """The networks' settings with the best of the grid in them, and the table of all that was tried.

    Each is judged by the Spearman correlation of prediction and response over the lines of left-out tissues, at the end
    of the training, mean over folds. Of sizes and rates those win whose transfers, each at its best weight, are best on
    average. called_sensitive: the share of cells above the score that a fifth of left-out lines exceed; it decides
    nothing.
    """
    own = settings.networks
    grid, rows = Grid.of(own), []
    folds = list(folds_of(setup, settings))
    for hidden in grid.hidden:
        one = replace(own, hidden=hidden)
        attention = "" if "" in own.attention else own.attention[0]
        nets = nets_of(setup, settings, one, rows_of(setup, settings, one, folds), attention, how)
        rows += tried(nets, grid)
    table = pd.DataFrame(rows, columns=COLUMNS)
    if table["spearman"].isna().all():
        raise InputError("--choose: no fold of left-out lines can be ranked; too few lines differ in their response")
    best = table.groupby(["hidden", "rate", "transfer"], sort=False)["spearman"].max()
    means = best.groupby(["hidden", "rate"], sort=False).mean()
    hidden, rate = means.idxmax()
    here = (table["hidden"] == hidden) & (table["rate"] == rate)
    table.loc[table[here].groupby("transfer")["spearman"].idxmax(), "chosen"] = True
    winners = table[table["chosen"]]
    weights = tuple((row.transfer, float(row.weight)) for row in winners.itertuples())
    return replace(own, hidden=sized(hidden), learning_rate=float(rate), transfers=weights), table


def folds_of(setup: Setup, settings: CellSettings) -> Iterable[CellFold]:
    """Five folds of whole tissues, fewer where there are fewer; of lines where not two tissues are known."""
    groups = tissue_groups(setup.lines.tissue)
    if groups is None or len(np.unique(groups)) < 2:
        groups = np.arange(len(setup.y))
    count = min(FOLDS, len(np.unique(groups)))
    domain, cells = setup.domain, np.arange(len(setup.lines), len(setup.domain))
    for fold in partitions(setup.y, groups, folds=count, repeats=1, seed=settings.seed, kind="plain"):
        scaler = fit_scaling(domain.x[fold.train], settings.scaler)
        response = fit_response_scale(setup.y[fold.train], "resistant", "AUC")
        both = replace(fold, test=np.concatenate([fold.test, cells]))
        yield CellFold(both, scaler, scaler, response, domain.response)


def tried(nets: Nets, grid: Grid) -> list[tuple]:
    """Rows of the table for one size of networks: a lane for each fold, rate and weight, pre-training once a fold."""
    folds, hidden = np.arange(len(nets.rows.balance)), "-".join(map(str, nets.own.hidden))

    def lanes(fold, rate, weight, source) -> Lanes:
        return Lanes(fold, fold, np.asarray(rate, np.float32), np.asarray(weight, np.float32), source)

    base = lanes(folds, np.full(len(folds), nets.own.learning_rate), np.ones(len(folds)), folds)
    name = f"choice {hidden}"
    pretrained = passing(nets, name, nets.own.rebuilding, fresh(nets, base), base)
    start = under_fresh_predictor(nets, pretrained.variables, base)
    fold, rate = (part.ravel() for part in np.meshgrid(folds, grid.rates, indexing="ij"))
    own = lanes(fold, rate, np.ones(len(fold)), fold)
    before = passing(nets, name, nets.learning, start, own, pretrained)
    found = []
    for transfer, weights in grid.tried(nets.own):
        place = np.repeat(np.arange(len(fold)), len(weights))
        weight = np.tile(weights, len(fold))
        own = lanes(fold[place], rate[place], weight, place)
        result = passing(nets, f"{name} {transfer}", transfer_terms(nets, transfer), before.variables, own, before)
        right, called = judged(nets, own, result.seen[:, -1])
        for r in grid.rates:
            for w in weights:
                mine = (rate[place] == r) & (weight == w)
                known = right[mine][np.isfinite(right[mine])]
                mean, sd = (known.mean(), known.std(ddof=1)) if len(known) > 1 else (np.nan, np.nan)
                found.append((hidden, r, transfer, w, mean, sd, called[mine].mean(), False))
    return found


def judged(nets: Nets, lanes: Lanes, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lanes,) Spearman over the fold's left-out lines, and the share of cells above what a fifth of them exceed."""
    index, weight = nets.rows.held
    lines, cells = index.shape[1], nets.rows.cells
    right, called = np.full(len(predicted), np.nan), np.zeros(len(predicted))
    for k, draw in enumerate(lanes.draw):
        real = weight[draw] > 0
        score = predicted[k, :lines][real]
        right[k] = spearman_rows(nets.rows.y[draw, index[draw][real]], score)
        first = lines + (cells if nets.smooth else 0)
        called[k] = (predicted[k, first : first + cells] > np.quantile(score, 1 - SENSITIVE_SHARE)).mean()
    return right, called


def sized(text: str) -> tuple[int, ...]:
    """Hidden layers of "256-64"."""
    return tuple(int(units) for units in text.split("-"))
