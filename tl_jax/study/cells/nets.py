"""What all stages of the networks of one study share: their lanes, what those see, and where each of them starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from tl_jax.keys import purpose, run_keys
from tl_jax.models.cell_net import CellNet, cell_network
from tl_jax.study.cells.network_rows import Rows
from tl_jax.study.cells.settings import NetworkSettings
from tl_jax.study.core.arms import How
from tl_jax.training.runs import Runs
from tl_jax.training.terms import LEARNT
from tl_jax.types import Batch, Hparams, Transfer, Variables

PREDICTOR = ("predictor", "head")  # modules that lines alone teach


def go_on(source: Variables, fresh: Variables) -> Transfer:
    """The network as it is, fresh or trained; all of it trains. One start for all stages: they share programs."""
    return Transfer.fresh({"params": {m: source["params"][m] for m in fresh["params"]}})


class Lanes(NamedTuple):
    """What differs between the runs of a stage, each (lanes,): the draw of the lines, the number that a run's key is
    drawn from, the learning rate, the weight of a transfer, and which of the stacked models it starts from."""

    draw: np.ndarray
    number: np.ndarray
    rate: np.ndarray
    weight: np.ndarray
    source: np.ndarray


@dataclass(frozen=True)
class Nets:
    """What all stages of the networks of one study share."""

    rows: Rows
    own: NetworkSettings
    sizes: CellNet
    seed: int
    smooth: bool
    how: How
    genes: np.ndarray
    checkpoints: Path
    drug: str

    @property
    def name(self) -> str:
        """The beginning of its arms' names."""
        return f"attention_{self.sizes.attention}" if self.sizes.attention else "network"

    @property
    def learning(self) -> tuple[str, ...]:
        """The terms that learn the response."""
        return LEARNT if self.own.database_head else LEARNT[:1]

    @property
    def cells(self) -> Batch:
        """The target's rows, without labels: smoothed where scores are; by name, whatever the order of the file."""
        both = self.rows.x[self.rows.of_cells]
        x = (both[self.rows.cells :] if self.smooth else both[: self.rows.cells])[self.rows.by_name]
        return Batch(x, None, np.ones(len(x), np.float32))

    def seeds(self, weight: float = 1.0) -> Lanes:
        """One lane per seed; seed k learns from draw k of the lines, counted around."""
        numbers = np.arange(self.own.seeds)
        rate, weight = (np.full(len(numbers), value, np.float32) for value in (self.own.learning_rate, weight))
        return Lanes(numbers % len(self.rows.balance), numbers, rate, weight, numbers)

    def runs(self, lanes: Lanes, weights: dict, look: bool) -> Runs:
        """weights: numbers of the objective, or one for each lane. look: the response is learned, and held-out lines
        and the cells are predicted."""
        rows, own, draw = self.rows, self.own, lanes.draw
        count = len(draw)
        train, held = rows.learnt if look else rows.train, [part[draw] for part in rows.held]
        cells = np.broadcast_to(rows.of_cells, (count, len(rows.of_cells)))
        test = np.concatenate([held[0], cells], axis=1) if look else held[0][:, :1]
        test_w = np.concatenate([held[1], np.ones(cells.shape)], axis=1) if look else held[1][:, :1]
        numbers = Hparams(own.learning_rate, 0.0, 0.0, (own.dropout,), weights={}).arrays()._replace(weights=None)
        spread = jax.tree.map(lambda v: np.broadcast_to(v, (count, *v.shape)), numbers)
        named = {name: np.broadcast_to(np.float32(value), (count,)) for name, value in weights.items()}
        spread = spread._replace(learning_rate=lanes.rate, weights={**named, "balance": rows.balance[draw]})
        genes = rows.x.shape[1]
        return Runs(
            key=run_keys(self.seed, [(int(k), 0) for k in lanes.number]),
            train_rows=train[0][draw],
            train_w=train[1][draw],
            test_rows=test.astype(np.int32),
            test_w=test_w.astype(np.float32),
            y=(rows.y if rows.measured is None else rows.measured)[draw],
            test_y=None if rows.measured is None else rows.y[draw],
            center=np.zeros((count, genes), np.float32),
            scale=np.ones((count, genes), np.float32),
            test_center=None,
            test_scale=None,
            hparams=spread,
            source=lanes.source.astype(np.int32),
        )


def fresh(nets: Nets, lanes: Lanes) -> Variables:
    """Networks drawn for every lane, stacked."""
    init, genes = cell_network(nets.sizes).init, nets.rows.x.shape[1]
    keys = run_keys(nets.seed, [(int(k), 0) for k in lanes.number])
    return jax.jit(jax.vmap(lambda key: init(purpose(key, "init"), genes)))(keys)


def under_fresh_predictor(nets: Nets, pretrained: Variables, lanes: Lanes) -> Variables:
    """The pre-trained encoders, each under the predictor that its lane draws."""
    new = fresh(nets, lanes)["params"]
    return {"params": {m: new[m] if m.startswith(PREDICTOR) else pretrained["params"][m] for m in new}}
