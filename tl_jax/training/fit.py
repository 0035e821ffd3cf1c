"""ONE training as one pure function; vmap, map and meshes stay outside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp

from tl_jax.config import FitConfig
from tl_jax.errors import InputError
from tl_jax.keys import purpose
from tl_jax.training import supervised
from tl_jax.training.draws import PLAIN, draw_domains, leading
from tl_jax.training.objective import Objective, step_loss, with_averages, with_extra
from tl_jax.training.optimizer import grouped
from tl_jax.training.prefix import Ahead, prepare
from tl_jax.training.supervised import Prefix, Rows, supervised_loss
from tl_jax.trees import merge, split
from tl_jax.types import Batch, FitResult, Flat, Hparams, Live, Network, Transfer, Variables


def fit(
    key: jax.Array,
    transfer: Transfer,
    train: Batch | Mapping[str, Batch],
    test: Batch | None,
    hparams: Hparams,
    *,
    network: Network,
    config: FitConfig,
    objective: Objective | None = None,
    ahead: Ahead | None = None,
) -> FitResult:
    """Train from `transfer` on `train`; `test` is evaluated for curves and predictions only.

    Each epoch visits the rows of weight 1 in batches of config.batch_size, the last one partial,
    reshuffled every epoch. Only the leaves named trainable move; of these the network's running statistics by
    averaging, the others alone reach the gradient and the optimizer.

    Args:
        key: of the run; shuffles, dropout and the objective's own leaves come from it.
        transfer: where it starts and what may move.
        train: rows of one domain, or {domain: rows}: "train", or else the first by name, is visited once per epoch and
            sets its steps; the others give full batches beside it, and the strategy's penalty does not see them.
        test: held-out rows, or None; the network predicts them, and their loss is the supervised one.
        hparams: numbers of the run.
        network: the network.
        config: whatever changes the program.
        objective: what is minimised; None: the network's supervised loss on one domain.
        ahead: what the frozen leading layers make of both, where that is known already.

    Returns:
        FitResult: leaves of the objective's own are among the trained ones.

    Raises:
        ValueError: several domains without an objective, or leaves named that are not there or not trained.
        InputError: live_epochs beside an objective, which could not honour it.
    """
    domains = jax.tree.map(jnp.asarray, dict(train) if isinstance(train, Mapping) else {PLAIN: train})
    first = leading(domains)
    others = [name for name in domains if name != first]
    if objective is None and others:
        raise ValueError(f"several domains ({', '.join(domains)}) need an objective that says what they are for")
    if objective is not None:
        if config.live_epochs is not None:
            raise InputError("live_epochs does not reach an objective, whose loss moves the statistics; leave it None")
        # A loss that may look anywhere needs the whole network in each step.
        transfer, config = with_extra(objective, key, transfer), replace(config, cache_prefix=False)
        network = with_averages(objective, network, transfer)
    seen = seen_rows(domains[first], test, config)
    trained, prefix, rows, test = prepare(transfer, domains[first], test, network, config, ahead)
    if transfer.penalty is not None:
        own = partial(transfer.penalty, rows=seen, anchors=transfer.anchors, network=network)
        prefix = prefix._replace(penalty=own)
    rows = {first: rows, **{name: Rows(domains[name], jnp.zeros_like(domains[name].w)) for name in others}}
    noise = partial(jax.random.fold_in, purpose(key, "evaluation")) if config.noisy_evaluation else lambda epoch: None

    def look(trained, number):
        return examine(trained, prefix=prefix, test=test, hparams=hparams, network=network, key=noise(number))

    if not trained or config.epochs == 0:
        untouched = None if test is None else jnp.stack([look(trained, 0)[1]] * len(config.reads))
        return FitResult(trained, {}, untouched)
    rates = learning_rates(transfer, trained, hparams, network)
    if objective is None:
        loss, groups = supervised.step_loss(prefix, hparams, network), ()
    else:
        loss, groups = step_loss(objective, prefix, hparams), objective.groups
    tx = grouped(config.optimizer, rates, groups, hparams)
    step = partial(train_step, loss=loss, network=network, tx=tx, skip_empty=config.skip_empty)
    plan = plan_of(key, rows, config, tells_progress=objective is not None)
    carry = trained, tx.init(apart(trained, network)[0])
    return loop(carry, plan, rows, step, transfer.opens, config, None if test is None else look)


def plan_of(key, rows: dict[str, Rows], config: FitConfig, tells_progress: bool):
    """(number, {domain: (row indices, weights)}, dropout keys, progress or None) with leading axis (epochs, ...)."""
    drawn, noise = draw_domains(key, {domain: part.batch.w for domain, part in rows.items()}, config)
    done = jnp.arange(noise.size, dtype=jnp.float32).reshape(noise.shape) / noise.size if tells_progress else None
    return jnp.arange(1, config.epochs + 1), drawn, noise, done


def loop(carry, plan, rows: dict[str, Rows], step, opens, config: FitConfig, look) -> FitResult:
    """All epochs: step(carry, rows, key, progress) on each batch; look(trained, epoch) at the held-out rows."""
    reads = config.reads

    def epoch(carry, plan):
        number, drawn, noise, done = plan
        still = {leaf: number <= round(share * config.epochs) for leaf, share in opens.items()}
        moving = True if config.live_epochs is None else number <= config.live_epochs

        def one(carry, inputs):
            drawn, key, progress = inputs
            batch = {domain: taken(rows[domain], *chosen) for domain, chosen in drawn.items()}
            return step(carry, batch, key, progress, still=still, moving=moving)

        carry, (loss, metrics, size) = jax.lax.scan(one, carry, (drawn, noise, done))
        seen = {"loss": loss, **metrics}
        history = {f"train_{name}": (value * size).sum() / size.sum() for name, value in seen.items()}
        if look is None:
            return carry, (history, None)
        if not config.curves:
            # The epoch's number is the same in every run, so this stays a branch under vmap.
            wanted = (number == jnp.asarray(reads)).any()
            skipped = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(look, carry[0], number))
            return carry, (history, jax.lax.cond(wanted, look, lambda *_: skipped, carry[0], number)[1])
        (test_loss, test_mae), seen = look(carry[0], number)
        return carry, ({**history, "test_loss": test_loss, "test_mae": test_mae}, seen)

    (trained, _), (history, seen) = jax.lax.scan(epoch, carry, plan)
    return FitResult(trained, history, None if seen is None else seen[jnp.asarray(reads) - 1])


def taken(rows: Rows, index: jax.Array, weight: jax.Array) -> Rows:
    """Some rows of a domain, at weights of their own."""
    batch = rows.batch
    mask = None if batch.mask is None else batch.mask[index]
    batch = Batch(batch.x[index], None if batch.y is None else batch.y[index], weight, mask)
    return Rows(batch, rows.activity[index])


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
    loss, mae, out = supervised_loss(trained, prefix, test, hparams, key, network)
    return (loss, mae), out.prediction


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
        layer = leaf.split("/")[0]
        if hparams.lr_scale is not None and layer in network.layers:
            rate = rate * hparams.lr_scale[network.layers.index(layer)]
        rates[leaf] = rate
    return rates


def train_step(
    carry,
    rows: dict[str, Rows],
    key,
    progress=None,
    *,
    loss,
    network: Network,
    tx,
    still=(),
    moving: jax.Array | bool = True,
    skip_empty=True,
):
    """One optimizer step; rows: by domain, the leading one counts. loss: a step_loss of supervised.py or objective.py.

    With skip_empty a batch of padding alone changes nothing, the step count included. The guard costs three copies of
    a wide layer in every step, so it is off where it can change nothing.
    still: {leaf: whether it does not move yet}; its moments gather meanwhile. moving: whether statistics move.
    """
    trained, state = carry
    weights, averages = apart(trained, network)
    w = rows[leading(rows)].batch.w
    live = Live(tuple(averages), w, moving) if averages else None
    slope = jax.value_and_grad(loss, has_aux=True)
    (value, (metrics, statistics)), grads = slope(weights, averages, rows, key, progress, live)
    updates, moved_state = tx.update(grads, state, weights)
    # The loss reads the weights for its penalty. Only where the update visibly waits for it does the compiler update
    # them in place; else it copies a wide layer in every step. The factor is 1, or NaN where the loss is not finite.
    waits = 1 + 0 * value
    updates = {leaf: jnp.where(still[leaf], 0, u) if leaf in still else u for leaf, u in updates.items()}
    moved = {**jax.tree.map(lambda p, u: p + u * waits, weights, updates), **averages, **(statistics or {})}
    size = w.sum()
    after = (moved, moved_state)
    if skip_empty:
        after = jax.tree.map(lambda new, old: jnp.where(size > 0, new, old), after, carry)
    return after, (value, metrics, size)


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
    return supervised_loss(trained, Prefix(frozen, 0), Rows(batch, jnp.zeros_like(batch.w)), hparams, None, network)[:2]
