"""What a term of an objective of two domains sees in one step, and the register of such terms.

A term is `f(step) -> scalar` under @term(); a new one is a function in any file that is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.models.cell_net import BOTTLENECK, CELLS, LINES, SHARED, CellNet, forward
from tl_jax.types import Batch, Flat, Hparams, Live, Network, Output, Params


class Step(NamedTuple):
    """What a term sees. seen: {domain: forward pass with dropout}; keys: {domain: for further noise}; weights: {term:
    what it counts in this step}; live: running statistics that move."""

    network: Network
    sizes: CellNet
    params: Params
    batches: dict[str, Batch]
    seen: dict[str, Output]
    hparams: Hparams
    keys: dict[str, jax.Array]
    weights: dict[str, jax.Array]
    live: tuple[str, ...] = ()

    def embedded(self, domain: str) -> jax.Array:
        """(n, units) the bottleneck."""
        return self.seen[domain].activations[BOTTLENECK]

    def mean(self, domain: str, values: jax.Array) -> jax.Array:
        """Of (n,) values of a domain's rows, by weight."""
        w = self.batches[domain].w
        return (w * values).sum() / jnp.maximum(w.sum(), 1)


def passes(
    sizes: CellNet, params: Params, batches: dict[str, Batch], keys, dropout=None, live: tuple[str, ...] = (), stop=None
) -> tuple[dict[str, Output], Flat]:
    """({domain: its forward pass}, running statistics that moved); dropout where there are keys of domains.

    Shared batch norm sees the rows of all domains as one batch.
    """

    def one(x, w, domain):
        own = Live(live, w) if live else None
        return forward(
            sizes,
            {"params": params},
            x,
            key=keys.get(domain),
            dropout=dropout,
            stop=stop,
            live=own,
            domain=domain if sizes.batch_norm else "",
        )

    if sizes.batch_norm == SHARED and len(batches) > 1:
        n = len(batches[LINES].w)
        x, w = (jnp.concatenate([getattr(batches[d], part) for d in (LINES, CELLS)]) for part in "xw")
        both = one(x, w, LINES)
        rows = both.prediction, both.activations
        return {
            LINES: Output(*jax.tree.map(lambda v: v[:n], rows)),
            CELLS: Output(*jax.tree.map(lambda v: v[n:], rows)),
        }, both.statistics or {}
    found = {domain: one(batch.x, batch.w, domain) for domain, batch in batches.items()}
    return found, {name: v for out in found.values() for name, v in (out.statistics or {}).items()}


Term = Callable[[Step], jax.Array]
TERMS: dict[str, Term] = {}
EXTRA: dict[str, Callable[[CellNet, jax.Array, Params], Params]] = {}
MOVES: dict[str, tuple[str, Callable[[Step], Flat]]] = {}


def term(
    extra: Callable[[CellNet, jax.Array, Params], Params] | None = None,
    moves: tuple[str, Callable[[Step], Flat]] | None = None,
) -> Callable[[Term], Term]:
    """Register a term under its own name.

    extra: (sizes, key, params) -> modules that it trains beside the network. moves: a pattern of those of them that
    move by averaging, and what they are after a step.
    """

    def register(function: Term) -> Term:
        name = function.__name__
        TERMS[name] = function
        if extra:
            EXTRA[name] = extra
        if moves:
            MOVES[name] = moves
        return function

    return register
