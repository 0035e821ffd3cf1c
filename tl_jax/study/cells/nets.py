"""What all stages of the networks of one study share, and where each of them starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from tl_jax.keys import purpose, run_keys
from tl_jax.models.cell_net import CellNet, cell_network
from tl_jax.study.cells.network_rows import Rows
from tl_jax.study.cells.settings import NetworkSettings
from tl_jax.study.core.arms import How
from tl_jax.training.runs import Runs
from tl_jax.types import Batch, Hparams, Transfer, Variables

PREDICTOR = ("predictor", "head")  # modules that lines alone teach


def go_on(source: Variables, fresh: Variables) -> Transfer:
    """The network as it is, fresh or trained; all of it trains. One start for all stages: they share programs."""
    return Transfer.fresh({"params": {m: source["params"][m] for m in fresh["params"]}})


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
    def cells(self) -> Batch:
        """The target's rows, without labels: smoothed where scores are; by name, whatever the order of the file."""
        both = self.rows.x[self.rows.of_cells]
        x = (both[self.rows.cells :] if self.smooth else both[: self.rows.cells])[self.rows.by_name]
        return Batch(x, None, np.ones(len(x), np.float32))

    def runs(self, weights: dict[str, float], look: bool) -> Runs:
        """One run per seed; seed k learns from draw k of the lines, counted around."""
        rows, own, seeds = self.rows, self.own, np.arange(self.own.seeds)
        draw = seeds % len(rows.train)
        cells = np.broadcast_to(rows.of_cells, (own.seeds, len(rows.of_cells)))
        held = np.concatenate([rows.held[draw], cells], axis=1) if look else rows.held[draw][:, :1]
        numbers = Hparams(own.learning_rate, 0.0, 0.0, (own.dropout,), weights=weights).arrays()
        spread = jax.tree.map(lambda v: np.broadcast_to(v, (own.seeds, *v.shape)), numbers)
        spread = spread._replace(weights={**spread.weights, "balance": rows.balance[draw]})
        genes = rows.x.shape[1]
        nothing, one = np.zeros((own.seeds, genes), np.float32), np.ones((own.seeds, genes), np.float32)
        return Runs(
            key=run_keys(self.seed, [(int(k), 0) for k in seeds]),
            train_rows=rows.train[draw].astype(np.int32),
            train_w=np.ones((own.seeds, rows.train.shape[1]), np.float32),
            test_rows=held.astype(np.int32),
            test_w=np.ones(held.shape, np.float32),
            y=rows.y[draw],
            center=nothing,
            scale=one,
            test_center=None,
            test_scale=None,
            hparams=spread,
            source=seeds.astype(np.int32),
        )


def fresh(nets: Nets) -> Variables:
    """Networks drawn for every seed, stacked."""
    init, genes = cell_network(nets.sizes).init, nets.rows.x.shape[1]
    keys = run_keys(nets.seed, [(k, 0) for k in range(nets.own.seeds)])
    return jax.jit(jax.vmap(lambda key: init(purpose(key, "init"), genes)))(keys)


def under_fresh_predictor(nets: Nets, pretrained: Variables) -> Variables:
    """The pre-trained encoders, each under the predictor that the seed draws."""
    new = fresh(nets)["params"]
    return {"params": {m: new[m] if m.startswith(PREDICTOR) else pretrained["params"][m] for m in new}}
