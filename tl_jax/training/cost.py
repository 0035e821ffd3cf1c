"""What one run costs, counted from shapes alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import numpy as np

from tl_jax.config import FitConfig
from tl_jax.training.objective import Objective, with_extra
from tl_jax.training.plan import Cost
from tl_jax.training.prefix import runs_per_product
from tl_jax.trees import split
from tl_jax.types import Batch, Network, Start

# Of a trained leaf stand in memory: weights, two moments, gradient, and while the loop turns one more set of the
# first three (measured on compiled programs, see docs/performance.md).
COPIES_OF_TRAINED = 7
# One CPU core: bytes per second streamed by the optimizer, floating-point operations per second, seconds per step.
STREAM, FLOPS, STEP = 1e10, 5e10, 5e-5
# Times a trained leaf crosses memory in a step: forward, gradient (twice), moments and weights read and written.
PASSES = 9


def cost_of_run(
    rows: tuple[int, int],
    x,
    starts: Sequence[Start],
    network: Network,
    config: FitConfig,
    keep_trained: bool = False,
    objective: Objective | None = None,
    domains: Mapping[str, Batch] | None = None,
) -> Cost:
    """The cost of one run of `rows` = (training, held-out) rows of x (n, genes), and of the domains beside them."""
    n, genes = x.shape
    itemsize, width = np.dtype(x.dtype).itemsize, sum(rows)
    strategies, sources = zip(*starts, strict=True)
    together = runs_per_product(width, strategies, sources, genes, x.dtype, network, config)

    def leaves(source):
        key = jax.random.key(0)
        transfer = with_extra(objective, key, strategies[0](source, network.init(key, genes, x.dtype)))
        return split(transfer.variables["params"], transfer.trainable)

    trained, frozen = jax.eval_shape(leaves, sources[0])
    moving, still = (sum(leaf.size for leaf in part.values()) for part in (trained, frozen))
    steps = config.epochs * -(-rows[0] // config.batch_size)
    history = config.epochs * (len(config.reads) * rows[1] + 4)
    passing = 5 * genes + n + 2 * width + history + (moving if keep_trained else 0)
    once = 2 * width * (moving + still) / FLOPS
    batches = min(rows[0], config.batch_size) + config.batch_size * len(domains or {})
    each = PASSES * itemsize * moving / STREAM + 6 * batches * moving / FLOPS + STEP
    return Cost(
        working=itemsize * (COPIES_OF_TRAINED * moving + 2 * max(1, together) * width * genes),
        passing=itemsize * passing,
        shared=itemsize * (n * genes + sum(leaf.size for leaf in jax.tree.leaves((sources, domains)))),
        seconds=once + steps * each,
    )
