"""Strategies, baselines and networks by name or as they are: what a study is told, as the names that it works with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import BASELINES, KNOWN
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.models import NETWORKS
from tl_jax.system.files import digest
from tl_jax.transfer.strategies import STRATEGIES, Registered
from tl_jax.types import Network


def listed(given, option: str) -> tuple:
    """A list as a tuple; one string, which would be read as its letters, is refused."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        shown = f"['{given}']" if isinstance(given, str) else "a list"
        raise InputError(f"{option}={given!r} is no list; write {option}={shown}")
    return tuple(given)


@contextmanager
def borrowed(registry: dict, more: Mapping) -> Iterator[None]:
    """Within the block some entries stand in a registry too; afterwards it is as it was."""
    before = dict(registry)
    registry.update(more)
    try:
        yield
    finally:
        registry.clear()
        registry.update(before)


@contextmanager
def known(strategies: Sequence, baselines: Sequence, network: Network | str, genes: int) -> Iterator[tuple]:
    """(names of strategies, names of baselines, name of the network), each known by its name within the block.

    Args:
        strategies, baselines: names or functions. network: a name or a Network. genes: that it will read.
    """
    moved = dict(map(named_strategy, listed(strategies, "strategies")))
    plain = dict(map(named_baseline, listed(baselines, "baselines")))
    name, factory = named_network(network, genes)
    with ExitStack() as stack:
        for registry, found in ((STRATEGIES, moved), (BASELINES, plain), (KNOWN, plain), (NETWORKS, {name: factory})):
            own = {key: value for key, value in found.items() if value is not None}
            stack.enter_context(borrowed(registry, own))
        yield tuple(moved), tuple(plain), name


def named_strategy(given) -> tuple[str, Registered | None]:
    """(name, None) of what is registered; (name, how it would be registered) of any other function."""
    if isinstance(given, str):
        return given, None  # an unknown one is refused with the list of names where it is looked up
    if isinstance(given, Registered):
        return given.name, given
    name = name_of(given, "strategies", "(source, fresh) -> Transfer")
    if name in STRATEGIES and STRATEGIES[name].function is given:
        return name, None
    if name in STRATEGIES or name in METHODS:
        raise InputError(f"a strategy named '{name}' exists already; give yours another name")
    return name, Registered(name, given, needs_source=True, trains=True)


def named_baseline(given) -> tuple[str, Callable | None]:
    """(name, None) of a baseline of the house; (name, as the house calls it) of any other function."""
    if isinstance(given, str):
        return given, None
    signature = "(x_train, y_train, x_test, *, groups) -> y"
    name = name_of(given, "baselines", signature)
    if KNOWN.get(name) is given:
        return name, None
    if name in KNOWN:
        raise InputError(f"a baseline named '{name}' exists already; give yours another name")
    if "groups" not in (parameters := inspect.signature(given).parameters) and not any(
        one.kind is one.VAR_KEYWORD for one in parameters.values()
    ):
        raise InputError(f"baseline '{name}' does not take groups; its signature is {signature}")

    @wraps(given)
    def predict(x_train, y_train, x_test, *, groups=None, marker=None, seed=0):
        found = np.asarray(given(x_train, y_train, x_test, groups=groups), np.float64)
        if found.shape != (len(x_test),) or not np.isfinite(found).all():
            raise InputError(
                f"baseline '{name}' gives the shape {found.shape} for {len(x_test)} held-out rows, or numbers that are "
                "not finite; one finite number for each row is needed"
            )
        return found

    return name, predict


def name_of(given, option: str, signature: str) -> str:
    """The name of a function that stands in a list of arms."""
    name = getattr(given, "__name__", "")
    if not callable(given) or not name.isidentifier():
        raise InputError(f"{option} holds {given!r}; give names, or functions {signature} that have a name")
    return name


def named_network(given: Network | str, genes: int) -> tuple[str, Callable | None]:
    """(name, None) of a registered network; (a name made of what it computes, its factory) of a Network."""
    if isinstance(given, str):
        if given not in NETWORKS:
            raise InputError(f"unknown network '{given}'; there are: {', '.join(NETWORKS)}")
        return given, None
    if not isinstance(given, Network):
        raise InputError(f"network={given!r}: give a name, or a Network")
    return f"own_{signature_of(given, genes)}", lambda hidden, outputs=1: given


def signature_of(network: Network, genes: int) -> str:
    """Digest of a network's programs: models of another network must never be taken for this one's."""
    try:
        key, x = jax.random.key(0), jnp.zeros((2, genes))
        variables = network.init(key, genes)
        rates = jnp.full(max(2, len(network.layers)), 0.1)

        def run(variables, x, key):
            return network.apply(variables, x), network.apply(variables, x, key=key, dropout=rates)

        programs = [jax.make_jaxpr(lambda key: network.init(key, genes))(key), jax.make_jaxpr(run)(variables, x, key)]
        out = jax.eval_shape(run, variables, x, key)[0].prediction
        programs.append(jax.make_jaxpr(lambda p, y: (network.loss(p, y), network.link(p)))(out, out))
    except InputError:
        raise
    except Exception as error:  # a user's own functions may fail in any way
        first = (str(error).strip().splitlines() or [""])[0]
        raise InputError(
            f"the network cannot be run on 2 rows of {genes} genes: {type(error).__name__}: {first}"
        ) from error
    if out.shape != (2,):
        raise InputError(f"the network predicts the shape {out.shape} for 2 rows; a study needs (2,)")
    missing = [layer for layer in network.layers if layer not in variables["params"]]
    if missing or "layer1" not in network.layers:
        raise InputError(f"the network's layers are {network.layers}; its parameters must be named so, 'layer1' first")
    constants = [
        np.asarray(c) for one in programs for c in one.consts if not jnp.issubdtype(c.dtype, jax.dtypes.extended)
    ]
    return digest(*map(str, programs), *constants, list(network.layers), list(network.regularised))[:8]
