"""Shared shapes: what networks, strategies and training pass to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from tl_jax.errors import InputError

Params = Mapping[str, Any]  # nested: {"layer1": {"kernel": (genes, units), "bias": (units,)}, ...}
Flat = dict[str, jax.Array]  # by leaf name: {"layer1/kernel": ..., "layer1/bias": ...}
Variables = Mapping[str, Any]  # {"params": Params}; a source may also bring "rows", (k, genes) of its own samples


def leaf_names(params: Params) -> tuple[str, ...]:
    """Names of all leaves, such as "layer1/kernel", in the tree's own order."""
    paths = (path for path, _ in jax.tree_util.tree_leaves_with_path(params))
    return tuple(jax.tree_util.keystr(path, simple=True, separator="/") for path in paths)


def shown(value) -> str:
    """A value for a repr: an array by type and shape, a tree by its size, others as they are."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, Mapping):
        leaves = jax.tree.leaves(value)
        return f"{len(leaves)} leaves, {sum(getattr(leaf, 'size', 1) for leaf in leaves):,} numbers"
    return repr(value)


def named(title: str, **parts) -> str:
    """A repr on one line: the parts that are not None."""
    return f"{title}({', '.join(f'{name}={shown(part)}' for name, part in parts.items() if part is not None)})"


class Batch(NamedTuple):
    """Rows of one domain. Rows of weight 0 are padding and change nothing.

    Args:
        x: (n, features), as the network takes it (scaled expression).
        y: (n,) or (n, outputs), response on the network's scale; None where rows have no response.
        w: (n,) 1 for a real row, 0 for padding; None: every row is real (for `tl_jax.fit`, which puts ones there).
        mask: of y's shape, the weight of each entry where some were not measured; None: all were. What stands in y at
            an entry of weight 0, NaN included, changes nothing.
    """

    x: jax.Array  # (n, features)
    y: jax.Array  # (n,) or (n, outputs), on the network's scale; None where rows have no response
    w: jax.Array | None = None  # (n,) 1 for a real row, 0 for padding
    mask: jax.Array | None = None  # of y's shape, 0 or more

    def __repr__(self) -> str:
        return named("Batch", **self._asdict())


class Hparams(NamedTuple):
    """Numbers that may differ between runs of one program (each may carry a leading run axis).

    Defaults: specification of Ju et al. 2025, experiment 1.
    """

    learning_rate: Any = 1e-3
    kernel_l2: Any = 1e-4  # times the sum of squares of each regularised kernel that is trained
    activity_l1: Any = 1e-4  # times the sum of |activation| of each regularised layer, over the batch's own rows
    dropout: Any = (0.3, 0.1)  # share of units dropped after each hidden layer; further layers take the last
    lr_scale: Any = None  # factor on the learning rate per layer, (layers,); None: 1 everywhere
    weight_decay: Any = None  # times each trained weight, added to its gradient (coupled L2); None: none
    weights: Any = None  # {name: number} that an objective reads, such as the weights of its terms; None: none

    def arrays(self, dtype=jnp.float32) -> Hparams:
        """The same numbers as arrays, ready to be traced or vmapped."""
        *plain, weights = (v if v is None or isinstance(v, Mapping) else jnp.asarray(v, dtype) for v in self)
        return Hparams(*plain, weights and {name: jnp.asarray(v, dtype) for name, v in weights.items()})


class Output(NamedTuple):
    """One forward pass. activations: {layer: (n, units)} of the hidden layers that were run or given."""

    prediction: jax.Array  # (n,) or (n, outputs)
    activations: dict[str, jax.Array]
    statistics: Flat | None = None  # running statistics after this batch, where a network keeps any


class Live(NamedTuple):
    """A batch in training, for networks that normalise by the batch: others never see it.

    leaves: the running statistics that move, such as "bn1/mean"; the layers of others use what they have stored.
    w: (n,) weights of the batch's rows. on: whether statistics move in this step at all.
    """

    leaves: tuple[str, ...]
    w: jax.Array
    on: jax.Array | bool = True


def squared_error(prediction: jax.Array, y: jax.Array) -> jax.Array:
    """Loss of each entry of a regression."""
    return jnp.square(prediction - y)


def unchanged(prediction: jax.Array) -> jax.Array:
    """The link of a network that predicts the response itself."""
    return prediction


class Network(NamedTuple):
    """A network as pure functions.

    Args:
        init: (key, features, dtype) -> variables, {"params": {layer: {leaf: array}}}.
        apply: (variables, x (n, features), *, key=None, dropout=None, start=0) -> Output. `start = k` means that x
            already holds the output of layer k, before dropout; layers up to k are then not evaluated. `key` switches
            dropout on.
        prefix: (variables, x, stop) -> Output whose prediction is the output of layer `stop`, before dropout.
        layers: names in order, the API of freezing; the first is layer 1.
        regularised: layers under kernel L2 and activity L1.
        noise_free: how many leading layers give the same output in every step of training while they are frozen;
            dropout between two layers ends it, since it must be drawn anew each step even if both are frozen.
        statistics: leaves that training moves by averaging over batches, not by gradient, such as "bn1/mean"; with any,
            apply also takes live: Live | None and says in Output.statistics what became of them.
        loss: (prediction, y) -> loss of each entry.
        link: prediction -> the response's scale (a probability for logits).
    """

    init: Callable[..., Variables]
    apply: Callable[..., Output]
    prefix: Callable[..., Output]
    layers: tuple[str, ...]
    regularised: tuple[str, ...] = ()
    noise_free: int = 0
    statistics: tuple[str, ...] = ()
    loss: Callable[[jax.Array, jax.Array], jax.Array] = squared_error
    link: Callable[[jax.Array], jax.Array] = unchanged

    def __repr__(self) -> str:
        functions = getattr(self.loss, "__name__", "own"), getattr(self.link, "__name__", "own")
        return f"Network({', '.join(self.layers)}; loss {functions[0]}, link {functions[1]})"


def by_leaf(given: Mapping[str, float], leaves: tuple[str, ...], what: str) -> dict[str, float]:
    """Values by leaf name from values by name or pattern; the order of `given` decides between patterns alone."""
    found = {}
    for pattern, value in given.items():
        matched = [leaf for leaf in leaves if fnmatchcase(leaf, pattern)] if "*" in pattern else []
        if "*" in pattern and not matched:
            raise InputError(f"{what}: '{pattern}' matches no leaf that is trained; there are: {', '.join(leaves)}")
        found |= dict.fromkeys(matched, value)
    return found | {name: value for name, value in given.items() if "*" not in name}


@dataclass(frozen=True)
class Transfer:
    """Where a stage starts and what may move.

    Args:
        variables: the starting point, all leaves.
        trainable: names of the leaves that training may change; () trains nothing.
        lr_scale: {leaf name or pattern such as "layer1/*": factor on the learning rate}, 1 where absent; the same for
            every leaf that a pattern matches, a leaf's own name first, then the last pattern.
        opens: {leaf name or pattern: share of the epochs after which it begins to move}, 0 where absent.
        penalty: added to the loss of every batch, penalty(variables, rows, anchors, network) -> scalar, where rows are
            all the expression that training may see (x and w of a Batch). Define it at the top of a module, not inside
            another function: starts with the same penalty function are trained in one compiled program.
        anchors: what the penalty is given.

    Raises:
        InputError: trainable is one string, or a pattern matches none of the leaves that are trained.
    """

    variables: Variables
    trainable: tuple[str, ...]
    lr_scale: Mapping[str, float] = field(default_factory=dict)
    opens: Mapping[str, float] = field(default_factory=dict)
    penalty: Callable[..., jax.Array] | None = None
    anchors: Any = None

    def __post_init__(self):
        if isinstance(self.trainable, str):
            raise InputError(f"trainable must be a tuple of leaf names, such as ('{self.trainable}',)")
        for name in ("lr_scale", "opens"):
            given = getattr(self, name)
            if any("*" in key for key in given):
                object.__setattr__(self, name, by_leaf(given, self.trainable, name))

    @classmethod
    def fresh(cls, variables: Variables) -> Transfer:
        """Train everything from `variables`, without a source model.

        Args:
            variables: of a network's init, {"params": {layer: {leaf: array}}}.

        Returns:
            Transfer: all leaves are trainable.
        """
        return cls(variables, leaf_names(variables["params"]))

    def __repr__(self) -> str:
        more = {"lr_scale": dict(self.lr_scale), "opens": dict(self.opens)}
        found = [f"{name} {value}" for name, value in more.items() if value]
        found += [f"penalty {self.penalty.__name__}"] if hasattr(self.penalty, "__name__") else []
        total = len(leaf_names(self.variables["params"]))
        trained = ", ".join(self.trainable) or "nothing"
        return f"Transfer(trains {len(self.trainable)} of {total} leaves: {'; '.join([trained, *found])})"

    @property
    def kind(self) -> tuple:
        """What must be the same for starts of one program."""
        return self.trainable, *(tuple(sorted(part.items())) for part in (self.lr_scale, self.opens)), self.penalty


class Strategy(Protocol):
    """A way to start a stage from a source model; pure, so that it can be traced and vmapped.

    source: variables of the source model, or None when there is none.
    fresh: variables drawn from the run's own key, the same for every strategy of a run.
    """

    def __call__(self, source: Variables | None, fresh: Variables) -> Transfer: ...


Start = tuple[Strategy, Variables | None]  # a strategy and the source model it starts from


class FitResult(NamedTuple):
    """One training. trained: the trained leaves only, by name; history: {metric: (epochs,)}.

    history holds train_loss, train_mae (running means during the epoch, as Keras reports) and,
    where held-out rows were given, test_loss, test_mae after each epoch.
    prediction: (reads, n_test), the held-out rows on the network's scale after each epoch of config.reads,
    or None where no held-out rows were given.
    """

    trained: Flat
    history: dict[str, jax.Array]
    prediction: jax.Array | None = None

    def __repr__(self) -> str:
        return named("FitResult", **self._asdict())
