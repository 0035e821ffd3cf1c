"""scDEAL's four stages as one pure function of a key and of its named quirks, to be mapped over seeds and quirks.

OSU-BMBL/scDEAL, commit c0efdbc: bulkmodel.py, scmodel.py, trainers.py; Chen et al. 2022 (Nat Commun 13:6494).
A quirk is 1 where the code is followed and 0 where the slip is repaired. QUIRKS says what each one is; only whether the
two domains share genes and start (`Tables.shared`) and whether clusters are drawn at all change the program.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tl_jax.models import scdeal_net as net
from tl_jax.models.threefry import bits16
from tl_jax.training.plateau import Schedule, fit_best
from tl_jax.transfer.losses import get_distance
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Batch, Flat

QUIRKS = {
    "separate_genes": "bulk and cells have genes and encoders of their own; nothing ties their signs (defect 2)",
    "affine_encoder": "no nonlinearity in the autoencoders (defect 6)",
    "masked_target": "what is rebuilt is the masked input itself, so nothing is denoised (defect 5)",
    "sigmoid_under_softmax": "cross-entropy of two sigmoids, taken for logits (defect 7)",
    "fixed_rate": "a learning rate of 1e-2 whatever is asked (defect 8)",
    "one_kernel": "MMD with one kernel of sigma 1000, which compares means alone (section 4)",
    "target_only": "only the target's encoder moves in transfer, so the source's loss trains nothing (defect 4)",
    "cluster_term": "a cluster term without gradient, whose extra forward pass moves statistics (defect 3)",
    "scaled_on_all": "genes are scaled to 0..1 on all rows, held-out ones too (defect 9)",
    "train_mode": "the source model predicts before transfer with dropout and batch statistics on (defect 10)",
    "total_checkpoint": "the best epoch of transfer is chosen by the total loss, not by the source's (section 4)",
}
TRAIN_SHARE, VALID_SHARE = 0.64, 0.16  # of lines; the rest is a test set. Of cells 0.8 and 0.2
CELLS_SHARE = 0.8
MASKED, MMD_WEIGHT = 0.2, 0.25
RATE = 1e-2
WARM = 0.1  # share of transfer's epochs that cannot be the best


class Tables(NamedTuple):
    """lines: (n, genes) and y: (n,) 1 sensitive; cells: (m, genes); both unscaled.

    Where one seed's training lines were resampled for the predictor: picked, (k,) rows of lines; made, (j, genes)
    scaled rows between lines, and made_y, (j,) their labels. None: not resampled, or in the program (`Sizes.up`).
    """

    lines: jax.Array
    y: jax.Array
    cells: jax.Array
    picked: jax.Array | None = None
    made: jax.Array | None = None
    made_y: jax.Array | None = None


class Sizes(NamedTuple):
    """hidden, bottleneck: of both autoencoders. predictor: hidden widths. up: rare class drawn as often as the other.
    shared: both domains have the same genes, and the target's autoencoder starts from the source's."""

    hidden: tuple[int, ...] = (512, 256)
    bottleneck: int = 128
    predictor: tuple[int, ...] = (128, 64)
    dropout: float = 0.3
    epochs: int = 500
    batch_size: int = 200
    up: bool = False
    shared: bool = False


class Scores(NamedTuple):
    """(cells,) probability of sensitive before and after transfer, and (lines,) of the source's own test lines, NaN
    elsewhere."""

    before: jax.Array
    after: jax.Array
    test: jax.Array


Spread = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]  # (hidden, genes, weights) -> the cluster term


def streams(key) -> dict[str, jax.Array]:
    """The keys of one seed, by what each serves."""
    names = ("split", "source", "target", "predictor", *"1234", "look")
    return dict(zip(names, jax.random.split(key, len(names)), strict=True))


def run(key, quirks: dict[str, jax.Array], rate, tables: Tables, sizes: Sizes, spread: Spread | None) -> Scores:
    """One seed of scDEAL. quirks: {name of QUIRKS: 1 or 0}; rate: what is asked for; spread: the cluster term, or None
    for a program without it."""
    keys = streams(key)
    rate = jnp.where(quirks["fixed_rate"] > 0, RATE, rate)
    lines, cells = split(keys["split"], tables)
    source_x = scaled(tables.lines, lines["train"], quirks)
    cells_x = scaled(tables.cells, cells["train"], quirks)
    long = Schedule(sizes.epochs, sizes.batch_size)
    own = partial(parts, x=source_x, y=tables.y)

    source = flatten({"source": net.autoencoder(keys["source"], source_x.shape[1], sizes.hidden, sizes.bottleneck)})
    rebuilt = partial(rebuilding, quirks=quirks, sizes=sizes)
    source = fit_best(
        keys["1"],
        source,
        moving(source),
        partial(rebuilt, side="source"),
        own(lines["train"]),
        own(lines["valid"]),
        rate,
        long,
    )
    source |= flatten({"predictor": net.predictor(keys["predictor"], sizes.bottleneck, sizes.predictor)})
    learnt = {leaf: 1.0 for leaf in moving(source) if "decoder" not in leaf}
    source = fit_best(
        keys["2"],
        source,
        learnt,
        partial(predicting, quirks=quirks, sizes=sizes),
        taught(keys["split"], lines["train"], source_x, tables, sizes),
        own(lines["valid"]),
        rate,
        long,
    )
    target = flatten({"target": net.autoencoder(keys["target"], cells_x.shape[1], sizes.hidden, sizes.bottleneck)})
    if sizes.shared:
        target = {leaf: source[leaf.replace("target", "source")] for leaf in target}
    batches = [parts(cells[part], cells_x, None) for part in ("train", "valid")]
    target = fit_best(keys["3"], target, moving(target), partial(rebuilt, side="target"), *batches, rate, long)

    everything = {**source, **target}
    before = probability(everything, cells_x, quirks["train_mode"], keys["look"], quirks, sizes)
    mine = {leaf: 1.0 for leaf in moving(target) if "decoder" not in leaf}
    others = dict.fromkeys(learnt, 1.0 - quirks["target_only"])
    pairs = [
        {"source": own(lines[p])["train"], "target": parts(cells[p], cells_x, None)["train"]}
        for p in ("train", "valid")
    ]
    pairs[1] = cut(pairs[1])
    # Both are cut to the smaller of two batches; the source's rows drive the epoch.
    short = Schedule(sizes.epochs, min(sizes.batch_size, len(cells["train"])), WARM)
    loss = partial(transferring, quirks=quirks, sizes=sizes, spread=spread)
    everything = fit_best(keys["4"], everything, {**others, **mine}, loss, *pairs, rate, short)
    after = probability(everything, cells_x, 0.0, keys["look"], quirks, sizes)
    seen = probability(everything, source_x, 0.0, keys["look"], quirks, sizes, side="source")
    test = jnp.full(len(source_x), jnp.nan).at[lines["test"]].set(seen[lines["test"]])
    return Scores(before, after, test)


def split(key, tables: Tables) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Rows of lines (train, valid, test) and of cells (train, valid), neither stratified, as the code draws them."""
    first, second = jax.random.split(key)
    n, m = len(tables.lines), len(tables.cells)
    order, cells = jax.random.permutation(first, n), jax.random.permutation(second, m)
    ends = round(TRAIN_SHARE * n), round((TRAIN_SHARE + VALID_SHARE) * n)
    lines = {"train": order[: ends[0]], "valid": order[ends[0] : ends[1]], "test": order[ends[1] :]}
    middle = min(round(CELLS_SHARE * m), m - 1)
    return lines, {"train": cells[:middle], "valid": cells[middle:]}


def scaled(x: jax.Array, train: jax.Array, quirks) -> jax.Array:
    """(n, genes) to 0..1 by all rows, or by training rows alone."""
    ends = [jnp.where(quirks["scaled_on_all"] > 0, of(x, axis=0), of(x[train], axis=0)) for of in (jnp.min, jnp.max)]
    low, span = ends[0], ends[1] - ends[0]
    return (x - low[None]) / jnp.where(span > 0, span, 1)[None]


def balanced(key, rows: jax.Array, y: jax.Array) -> jax.Array:
    """As many rows, drawn with replacement so that both classes come up alike."""
    own = y[rows]
    share = jnp.clip(own.mean(), 1e-6, 1 - 1e-6)
    weight = jnp.where(own > 0.5, 0.5 / share, 0.5 / (1 - share))
    return jax.random.choice(jax.random.fold_in(key, 2), rows, (len(rows),), p=weight / weight.sum())


def taught(key, train: jax.Array, x: jax.Array, tables: Tables, sizes: Sizes) -> dict[str, Batch]:
    """The lines that teach the predictor, resampled where that is asked for."""
    if tables.picked is None:
        return parts(balanced(key, train, tables.y) if sizes.up else train, x, tables.y)
    rows = jnp.concatenate([x[tables.picked], tables.made])
    return {"train": Batch(rows, jnp.concatenate([tables.y[tables.picked], tables.made_y]), jnp.ones(len(rows)))}


def parts(rows: jax.Array, x: jax.Array, y: jax.Array | None) -> dict[str, Batch]:
    """Some rows as the one domain of a stage."""
    return {"train": Batch(x[rows], None if y is None else y[rows], jnp.ones(len(rows)))}


def cut(batches: dict[str, Batch]) -> dict[str, Batch]:
    """Validation rows of both domains, as many of each."""
    n = min(len(batch.w) for batch in batches.values())
    return jax.tree.map(lambda leaf: leaf[:n], batches)


def moving(leaves: Flat) -> dict[str, float]:
    """Leaves that a gradient moves: all but running statistics."""
    return {leaf: 1.0 for leaf in leaves if not leaf.endswith(("_bn/mean", "_bn/var"))}


def mode_of(key, w, on, quirks, sizes: Sizes) -> net.Mode:
    return net.Mode(key, w, on, sizes.dropout, 1.0 - quirks["affine_encoder"])


def under(side: str, moved: Flat) -> Flat:
    """Statistics by their whole names."""
    return {f"{side}/{name}": value for name, value in moved.items()}


def rebuilding(leaves: Flat, batches, key, on, *, side: str, quirks, sizes: Sizes):
    """Mean squared error of rebuilt genes from masked ones."""
    own, batch = unflatten(leaves)[side], batches["train"]
    mode = mode_of(key, batch.w, on, quirks, sizes)
    noise = bits16(jax.random.fold_in(key, 7), *batch.x.shape, 0) * jnp.float32(2**-16)
    x = jnp.where(noise >= MASKED, batch.x, 0)
    z, _, first = net.encode(own, x, mode)
    rebuilt, second = net.rebuild(own, z, mode)
    gap = jnp.square(rebuilt - jnp.where(quirks["masked_target"] > 0, x, batch.x)).mean(axis=1)
    loss = (batch.w * gap).sum() / jnp.maximum(batch.w.sum(), 1)
    return loss, (under(side, first | second), loss)


def source_loss(tree, batch: Batch, mode: net.Mode, quirks):
    """(cross-entropy of the lines, their bottleneck, statistics that moved)."""
    z, _, first = net.encode(tree["source"], batch.x, mode)
    logits, second = net.classify(tree["predictor"], z, mode)
    loss = net.cross_entropy(logits, batch.y, batch.w, quirks["sigmoid_under_softmax"])
    return loss, z, under("source", first) | under("predictor", second)


def predicting(leaves: Flat, batches, key, on, *, quirks, sizes: Sizes):
    """Cross-entropy of the lines."""
    batch = batches["train"]
    loss, _, moved = source_loss(unflatten(leaves), batch, mode_of(key, batch.w, on, quirks, sizes), quirks)
    return loss, (moved, loss)


def transferring(leaves: Flat, batches, key, on, *, quirks, sizes: Sizes, spread: Spread | None):
    """Cross-entropy of the lines, MMD between the bottlenecks, and the cluster term, which has no gradient."""
    tree, lines, cells = unflatten(leaves), batches["source"], batches["target"]
    plain, z, moved = source_loss(tree, lines, mode_of(key, lines.w, on, quirks, sizes), quirks)
    mode = mode_of(jax.random.fold_in(key, 1), cells.w, on, quirks, sizes)
    code, _, own = net.encode(tree["target"], cells.x, mode)
    sides = z, lines.w, code, cells.w
    # One of the two, not both: five kernels and their median cost more than the rest of a step.
    apart = jax.lax.cond(quirks["one_kernel"] > 0, get_distance("mmd_1000"), get_distance("mmd_median"), *sides)
    total = plain + MMD_WEIGHT * apart
    if spread is not None:
        there = quirks["cluster_term"]
        again = {**leaves, **under("target", own)}
        _, hidden, twice = net.encode(
            unflatten(again)["target"], cells.x, mode._replace(key=jax.random.fold_in(key, 2))
        )
        own = {name: jnp.where(there > 0, twice[name], value) for name, value in own.items()}
        total = total + there * jax.lax.stop_gradient(spread(*map(jax.lax.stop_gradient, (hidden, cells.x, cells.w))))
    judged = jnp.where(quirks["total_checkpoint"] > 0, total, plain)
    return total, (moved | under("target", own), judged)


def probability(leaves: Flat, x: jax.Array, on, key, quirks, sizes: Sizes, side: str = "target") -> jax.Array:
    """(n,) probability of sensitive of rows of one domain; on: with dropout and batch statistics in the predictor."""
    tree, w = unflatten(leaves), jnp.ones(len(x))
    still = mode_of(key, w, 0.0, quirks, sizes)
    z, _, _ = net.encode(tree[side], x, still)
    logits, _ = net.classify(tree["predictor"], z, still._replace(on=on))
    return jnp.where(quirks["sigmoid_under_softmax"] > 0, jax.nn.sigmoid(logits)[:, 1], jax.nn.softmax(logits)[:, 1])
