"""One encoder for bulk lines and cells, and a predictor on what it makes of them.

genes -> [Linear, ReLU, dropout] for each hidden width -> Linear: the bottleneck -> [Linear, ReLU, dropout] ->
Linear to one number. scDEAL's stages (Chen et al. 2022, doi 10.1038/s41467-022-34277-7) on genes that both domains
share, with a nonlinearity and without a squeezed output. A decoder is no part of it: objectives bring one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.models import attention
from tl_jax.models.dropout import dropout as drop
from tl_jax.models.dropout import rate_after
from tl_jax.models.fc_layers import STATISTICS, affine, linear, logistic_loss, normalise
from tl_jax.types import Live, Network, Output, Params, squared_error, unchanged

BOTTLENECK = "bottleneck"
SHARED, DOMAIN = "shared", "domain"  # batch norm after the encoder's hidden layers
LINES, CELLS = "train", "cells"  # the two domains
TOKENS = 8  # A1: pieces of the bottleneck
TOKEN_WIDTH = 32  # A2 and A3: numbers of a module's or a gene's token


class CellNet(NamedTuple):
    """Sizes of the network; hashable, so that equal ones share programs.

    hidden: units of the encoder's hidden layers. bottleneck: units of what both domains become. predictor: units of
    its hidden layers. binary: whether it predicts a label's log odds, or else the response itself.
    attention: "" for none; "A1": over 8 pieces of the bottleneck; "A2": over modules of genes in place of the
    encoder's hidden layers, read at a class token; "A3": the same over single genes. modules: A2's, indices of genes;
    A3's genes as one module. batch_norm: of the encoder's hidden layers, "" for none; "shared": one set of statistics;
    "domain": each domain by its own, "bn1/mean" and "bn1@cells/mean", under one scale and bias. last_cells: in a
    table of both domains the last rows are cells, as many as this; only "domain" asks. databases: that lines were
    measured in, each with a response of its own; an objective brings the heads of all but the first.
    """

    hidden: tuple[int, ...] = (256,)
    bottleneck: int = 64
    predictor: tuple[int, ...] = (32,)
    binary: bool = False
    attention: str = ""
    modules: tuple[tuple[int, ...], ...] = ()
    batch_norm: str = ""
    last_cells: int = 0
    databases: int = 1


def names_of(sizes: CellNet) -> tuple[str, ...]:
    """Modules in order, the API of freezing."""
    tokens = sizes.attention in ("A2", "A3")
    parts = ("encoder", "bn") if sizes.batch_norm else ("encoder",)
    plain = tuple(f"{part}{k + 1}" for k in range(len(sizes.hidden)) for part in parts)
    encoder = ("tokens", "attention") if tokens else plain
    after = ("attention",) if sizes.attention == "A1" else ()
    return (*encoder, BOTTLENECK, *after, *(f"predictor{k + 1}" for k in range(len(sizes.predictor))), "head")


def leaves_of(sizes: CellNet) -> tuple[str, ...]:
    """Names of all that holds leaves: the modules, and the cells' own statistics of batch norm."""
    names = names_of(sizes)
    norms = [name for name in names if name.startswith("bn")] if sizes.batch_norm == DOMAIN else []
    return (*names, *(f"{name}@{CELLS}" for name in norms))


def initial(sizes: CellNet, key, features: int, dtype=jnp.float32) -> Params:
    """Fresh leaves; each module draws from a key of its own."""
    names = names_of(sizes)
    keys = dict(zip(names, jax.random.split(key, len(names)), strict=True))
    params, width, hidden = {}, features, iter((*sizes.hidden, *sizes.predictor))
    for name in names:
        if name == "tokens":
            params[name], width = tokens_of(sizes, keys[name], dtype), TOKEN_WIDTH
        elif name == "attention":
            piece = sizes.bottleneck // TOKENS if sizes.attention == "A1" else TOKEN_WIDTH
            params[name] = attention.block(keys[name], piece, dtype)
            width = piece
        elif name.startswith("bn"):
            zero, one = jnp.zeros(width, dtype), jnp.ones(width, dtype)
            params[name] = {"scale": one, "bias": zero, "mean": zero, "var": one}
            if sizes.batch_norm == DOMAIN:
                params[f"{name}@{CELLS}"] = {"mean": zero, "var": one}
        else:
            units = {BOTTLENECK: sizes.bottleneck, "head": 1}.get(name) or next(hidden)
            params[name], width = linear(keys[name], width, units, dtype), units
        if name == "tokens":
            hidden = iter(sizes.predictor)  # tokens stand in place of the encoder's hidden layers
    return params


def tokens_of(sizes: CellNet, key, dtype) -> dict[str, jax.Array]:
    """Fresh leaves that make tokens: one linear map per module, or a direction and a place per gene; a class token."""
    first, second, third = jax.random.split(key, 3)
    if sizes.attention == "A3":
        count, longest = len(sizes.modules[0]), 1
    else:
        count, longest = len(sizes.modules), max(map(len, sizes.modules))
    kernel = jax.random.normal(first, (count, longest, TOKEN_WIDTH), dtype) * longest**-0.5
    place = jax.random.normal(second, (count, TOKEN_WIDTH), dtype) * TOKEN_WIDTH**-0.5
    return {"kernel": kernel, "bias": place, "class": jax.random.normal(third, (TOKEN_WIDTH,), dtype) * 0.02}


def tokenised(sizes: CellNet, leaves, x: jax.Array) -> jax.Array:
    """(n, 1 + modules, width): the class token, then one token for each module or gene."""
    if sizes.attention == "A3":
        values = x[:, jnp.asarray(sizes.modules[0])][:, :, None]
    else:
        longest = max(map(len, sizes.modules))
        index = jnp.asarray([[*own, *[0] * (longest - len(own))] for own in sizes.modules])
        there = jnp.asarray([[1.0] * len(own) + [0.0] * (longest - len(own)) for own in sizes.modules], x.dtype)
        values = x[:, index] * there[None]
    made = jnp.einsum("nml,mlw->nmw", values, leaves["kernel"]) + leaves["bias"][None]
    first = jnp.broadcast_to(leaves["class"][None, None], (len(x), 1, TOKEN_WIDTH))
    return jnp.concatenate([first, made], axis=1)


def by_batch(sizes: CellNet, params: Params, name: str, h: jax.Array, live: Live | None, domain: str):
    """(h normalised, statistics that moved): by the statistics of the rows' domain, under the shared scale and bias."""
    if sizes.batch_norm == SHARED or domain == LINES or (live is not None and domain != CELLS):
        return normalise(params[name], h, name, live)
    own = {**params[name], **params[f"{name}@{CELLS}"]}
    if domain == CELLS:
        return normalise(own, h, f"{name}@{CELLS}", live)
    cells = jnp.arange(len(h)) >= len(h) - sizes.last_cells
    both = [normalise(leaves, h, name, None)[0] for leaves in (own, params[name])]
    return jnp.where(cells[:, None], *both), {}


def forward(
    sizes: CellNet,
    variables,
    x,
    *,
    key=None,
    dropout=None,
    start: int = 0,
    stop: int | None = None,
    live: Live | None = None,
    domain: str = "",
) -> Output:
    """From the output of module `start` to the prediction (n,), or to the output of module `stop`.

    Output.activations holds each module's output; under "weights" those of the attention, (n, heads, t, t).
    live, domain: for batch norm, what trains, and which domain's rows these are; "": lines where anything is live,
    else a table of both.
    """
    params, found, moved, h = variables["params"], {}, {}, x
    for number, name in enumerate(names_of(sizes), start=1):
        if number > start:
            if name == "tokens":
                h = tokenised(sizes, params[name], h)
            elif name == "attention":
                tokens = h.reshape(len(h), TOKENS, -1) if sizes.attention == "A1" else h
                tokens, found["weights"] = attention.attend(params[name], tokens)
                h = tokens.mean(axis=1) if sizes.attention == "A1" else tokens[:, 0]
            elif name.startswith("bn"):
                h, own = by_batch(sizes, params, name, h, live, domain)
                h, moved = jax.nn.relu(h), moved | own
            elif name in (BOTTLENECK, "head") or (sizes.batch_norm and name.startswith("encoder")):
                h = affine(params[name], h)
            else:
                h = jax.nn.relu(affine(params[name], h))
        found[name] = h
        if stop == number:
            return Output(h, found, moved or None)
        if name.startswith(("bn" if sizes.batch_norm else "encoder", "predictor")):
            h = drop(key, h, rate_after(dropout, number), layer=number)
    return Output(h[:, 0], found, moved or None)


def statistics_of(sizes: CellNet) -> tuple[str, ...]:
    """Names of the running statistics."""
    return tuple(f"{name}/{part}" for name in leaves_of(sizes) if name.startswith("bn") for part in STATISTICS)


@lru_cache
def cell_network(sizes: CellNet) -> Network:
    """The network as pure functions."""

    def init(key, features: int, dtype=jnp.float32):
        return {"params": initial(sizes, key, features, dtype)}

    def apply(variables, x, *, key=None, dropout=None, start=0, live=None) -> Output:
        return forward(sizes, variables, x, key=key, dropout=dropout, start=start, live=live)

    def prefix(variables, x, stop: int) -> Output:
        return forward(sizes, variables, x, stop=stop)

    loss, link = (logistic_loss, jax.nn.sigmoid) if sizes.binary else (squared_error, unchanged)
    ways = {"loss": loss, "link": link, "noise_free": 1, "statistics": statistics_of(sizes)}
    return Network(init, apply, prefix, names_of(sizes), **ways)


def decoder(sizes: CellNet, key, genes: int, dtype=jnp.float32) -> Params:
    """Fresh leaves from the bottleneck back to the genes: the encoder's hidden widths in reverse."""
    widths = (sizes.bottleneck, *sizes.hidden[::-1], genes)
    keys = jax.random.split(key, len(widths) - 1)
    return {f"decoder{k}": linear(own, widths[k - 1], widths[k], dtype) for k, own in enumerate(keys, start=1)}


def decoded(params: Params, z: jax.Array) -> jax.Array:
    """(n, genes) what a decoder makes of the bottleneck (n, units)."""
    count = sum(name.startswith("decoder") for name in params)
    for k in range(1, count + 1):
        z = affine(params[f"decoder{k}"], z)
        z = jax.nn.relu(z) if k < count else z
    return z
