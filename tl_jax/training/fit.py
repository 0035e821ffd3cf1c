"""ONE training as one pure function; vmap, map and meshes stay outside it."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from tl_jax.config import FitConfig
from tl_jax.keys import purpose
from tl_jax.training.objective import Prefix, Rows, objective
from tl_jax.training.optimizer import build_optimizer
from tl_jax.training.prefix import Ahead, prepare
from tl_jax.trees import merge, split
from tl_jax.types import Batch, FitResult, Flat, Hparams, Live, Network, Transfer, Variables


def fit(
    key: jax.Array,
    transfer: Transfer,
    train: Batch,
    test: Batch | None,
    hparams: Hparams,
    *,
    network: Network,
    config: FitConfig,
    ahead: Ahead | None = None,
) -> FitResult:
    """Train from `transfer` on `train`; `test` is evaluated for curves and predictions only.

    ahead: what the frozen leading layers make of both, where that is known already.

    Each epoch visits the rows of weight 1 in batches of config.batch_size, the last one partial,
    reshuffled every epoch. Only the leaves named trainable move; of these the network's running statistics by
    averaging, the others alone reach the gradient and the optimizer.
    """
    seen = seen_rows(train, test, config)
    trained, prefix, train, test = prepare(transfer, train, test, network, config, ahead)
    if transfer.penalty is not None:
        own = partial(transfer.penalty, rows=seen, anchors=transfer.anchors, network=network)
        prefix = prefix._replace(penalty=own)
    noise = partial(jax.random.fold_in, purpose(key, "evaluation")) if config.noisy_evaluation else lambda epoch: None

    def look(trained, number):
        return examine(trained, prefix=prefix, test=test, hparams=hparams, network=network, key=noise(number))

    reads = config.reads
    if not trained or config.epochs == 0:
        untouched = None if test is None else jnp.stack([look(trained, 0)[1]] * len(reads))
        return FitResult(trained, {}, untouched)
    rates = learning_rates(transfer, trained, hparams, network)
    tx = build_optimizer(config.optimizer, rates, hparams.weight_decay)
    step = partial(train_step, prefix=prefix, hparams=hparams, network=network, tx=tx, skip_empty=config.skip_empty)

    def epoch(carry, plan):
        number, index, weight, noise = plan
        still = {leaf: number <= round(share * config.epochs) for leaf, share in transfer.opens.items()}
        moving = True if config.live_epochs is None else number <= config.live_epochs

        def one(carry, inputs):
            rows, w, key = inputs
            mask = None if train.batch.mask is None else train.batch.mask[rows]
            batch = Batch(train.batch.x[rows], train.batch.y[rows], w, mask)
            return step(carry, Rows(batch, train.activity[rows]), key, still=still, moving=moving)

        carry, (loss, mae, size) = jax.lax.scan(one, carry, (index, weight, noise))
        history = {"train_loss": (loss * size).sum() / size.sum(), "train_mae": (mae * size).sum() / size.sum()}
        if test is None:
            return carry, (history, None)
        if not config.curves:
            # The epoch's number is the same in every run, so this stays a branch under vmap.
            wanted = (number == jnp.asarray(reads)).any()
            skipped = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(look, carry[0], number))
            return carry, (history, jax.lax.cond(wanted, look, lambda *_: skipped, carry[0], number)[1])
        (test_loss, test_mae), seen = look(carry[0], number)
        return carry, ({**history, "test_loss": test_loss, "test_mae": test_mae}, seen)

    plan = (jnp.arange(1, config.epochs + 1), *schedule(key, train.batch.w, config))
    (trained, _), (history, seen) = jax.lax.scan(epoch, (trained, tx.init(apart(trained, network)[0])), plan)
    return FitResult(trained, history, None if seen is None else seen[jnp.asarray(reads) - 1])


def seen_rows(train: Batch, test: Batch | None, config: FitConfig) -> Batch:
    """The expression that a strategy's penalty may see, never a response: of held-out rows where the config says so."""
    rows = [train, test] if test is not None and config.sees_held_out else [train]
    return Batch(jnp.concatenate([part.x for part in rows]), None, jnp.concatenate([part.w for part in rows]))


def apart(trained: Flat, network: Network) -> tuple[Flat, Flat]:
    """Trained leaves that move by gradient, and running statistics, which move by averaging."""
    weights = {leaf: value for leaf, value in trained.items() if leaf not in network.statistics}
    return weights, {leaf: value for leaf, value in trained.items() if leaf in network.statistics}


def examine(trained: Flat, *, prefix: Prefix, test: Rows, hparams: Hparams, network: Network, key=None):
    """((loss, mean absolute error), predictions) on the held-out rows; dropout only with a key."""
    loss, mae, out = objective(trained, prefix, test, hparams, key, network)
    return (loss, mae), out.prediction


def schedule(key, weights: jax.Array, config: FitConfig):
    """(row indices, weights, dropout keys) of every step, each (epochs, steps, ...).

    Drawn for all epochs at once: step by step, these small programs took as long as a small step itself.
    """
    numbers = jnp.arange(config.epochs)
    mixing = jax.vmap(partial(jax.random.fold_in, purpose(key, "shuffle")))(numbers)
    if config.shuffle:
        index, weight = jax.vmap(lambda key: batches(key, weights, config.batch_size))(mixing)
    else:
        index, weight = (
            jnp.broadcast_to(part, (config.epochs, *part.shape)) for part in batches(None, weights, config.batch_size)
        )
    noise = jax.vmap(partial(jax.random.fold_in, purpose(key, "dropout")))(numbers)
    steps = jnp.arange(index.shape[1])
    return index, weight, jax.vmap(lambda key: jax.vmap(partial(jax.random.fold_in, key))(steps))(noise)


def learning_rates(transfer: Transfer, trained: Flat, hparams: Hparams, network: Network) -> dict[str, jax.Array]:
    """{trained leaf: its learning rate}: the run's own, times the strategy's factor, times the layer's.

    A factor for a leaf that is not trained raises, and so does a beginning.
    """
    for name in ("lr_scale", "opens"):
        stray = sorted(set(getattr(transfer, name)) - set(trained))
        if stray:
            raise ValueError(f"{name} names leaves that are not trained: {stray}")
    rates = {}
    for leaf in apart(trained, network)[0]:
        rate = hparams.learning_rate * transfer.lr_scale.get(leaf, 1.0)
        if hparams.lr_scale is not None:
            rate = rate * hparams.lr_scale[network.layers.index(leaf.split("/")[0])]
        rates[leaf] = rate
    return rates


def loss_and_rest(*arguments):
    """objective() as jax.grad wants it: (loss, the rest)."""
    loss, mae, out = objective(*arguments)
    return loss, (mae, out.statistics)


def train_step(
    carry,
    rows: Rows,
    key,
    *,
    prefix: Prefix,
    hparams: Hparams,
    network: Network,
    tx,
    still=(),
    moving: jax.Array | bool = True,
    skip_empty=True,
):
    """One optimizer step. With skip_empty a batch of padding alone changes nothing, the step count included.

    The guard costs three copies of a wide layer in every step, so it is off where it can change nothing.
    still: {leaf: whether it does not move yet}; its moments gather meanwhile. moving: whether statistics move.
    """
    trained, state = carry
    weights, averages = apart(trained, network)
    rest = prefix._replace(frozen={**prefix.frozen, **averages})
    live = Live(tuple(averages), rows.batch.w, moving) if averages else None
    slope = jax.value_and_grad(loss_and_rest, has_aux=True)
    (loss, (mae, statistics)), grads = slope(weights, rest, rows, hparams, key, network, live)
    updates, moved_state = tx.update(grads, state, weights)
    # The loss reads the weights for its penalty. Only where the update visibly waits for it does the compiler update
    # them in place; else it copies a wide layer in every step. The factor is 1, or NaN where the loss is not finite.
    waits = 1 + 0 * loss
    updates = {leaf: jnp.where(still[leaf], 0, u) if leaf in still else u for leaf, u in updates.items()}
    moved = {**jax.tree.map(lambda p, u: p + u * waits, weights, updates), **(statistics or {})}
    size = rows.batch.w.sum()
    after = (moved, moved_state)
    if skip_empty:
        after = jax.tree.map(lambda new, old: jnp.where(size > 0, new, old), after, carry)
    return after, (loss, mae, size)


def batches(key, weights: jax.Array, batch_size: int) -> tuple[jax.Array, jax.Array]:
    """(row indices, weights), each (steps, batch): one epoch's batches, padding last.

    The order of the real rows depends on their position alone, not on how much padding follows.
    """
    n = len(weights)
    size = min(batch_size, n)
    steps = -(-n // size)
    place = jnp.arange(n, dtype=jnp.float32) / n
    if key is not None:
        draw = jax.vmap(lambda i: jax.random.uniform(jax.random.fold_in(key, i)))
        place = draw(jnp.arange(n))
    order = jnp.argsort(jnp.where(weights > 0, place, 2.0), stable=True)
    index = jnp.pad(order, (0, steps * size - n)).reshape(steps, size)
    filled = (jnp.arange(steps * size) < n).reshape(steps, size)
    return index, jnp.where(filled, weights[index], 0)


def complete(transfer: Transfer, trained: Flat) -> Variables:
    """All variables after training: the trained leaves in their places."""
    _, frozen = split(transfer.variables["params"], transfer.trainable)
    return {**transfer.variables, "params": merge(trained, frozen)}


def predict(variables: Variables, x: jax.Array, network: Network) -> jax.Array:
    """(n,) predictions on the network's scale (logits of a classifier), dropout off."""
    return network.apply(variables, x).prediction


def evaluate(variables: Variables, trainable, batch: Batch, hparams: Hparams, network: Network):
    """(loss, mean absolute error) at fixed weights, as Keras' evaluate."""
    trained, frozen = split(variables["params"], trainable)
    return objective(trained, Prefix(frozen, 0), Rows(batch, jnp.zeros_like(batch.w)), hparams, None, network)[:2]
