"""Try a strategy on shapes alone, before hours are spent on it."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from tl_jax.errors import InputError
from tl_jax.transfer.strategies import Registered
from tl_jax.trees import split
from tl_jax.types import Network, Transfer


def probe(strategy: Registered, network: Network, genes: int) -> tuple:
    """What a strategy trains and at which rates: strategies that agree on it share a program.

    One that fails, returns something else than a Transfer, or contradicts its registration is refused.
    """
    found = []

    def start(key):
        source, fresh = network.init(key, genes), network.init(key, genes)
        if strategy.source_rows:
            source = {**source, "rows": jnp.zeros((strategy.source_rows, genes))}
        transfer = strategy.function(source if strategy.needs_source else None, fresh)
        if not isinstance(transfer, Transfer):
            raise TypeError(f"it returns {type(transfer).__name__}, not a Transfer")
        trained, _ = split(transfer.variables["params"], transfer.trainable)
        for name in ("lr_scale", "opens"):
            stray = sorted(set(getattr(transfer, name)) - set(trained))
            if stray:
                raise ValueError(f"{name} names leaves that are not trained: {stray}")
        if strategy.trains != bool(trained):
            word = "nothing" if strategy.trains else "something"
            raise ValueError(f"it trains {word}; register it with trains={not strategy.trains}")
        found.append(transfer.kind)
        return transfer.variables

    try:
        jax.eval_shape(start, jax.random.key(0))
    except Exception as error:  # a user's own function may fail in any way
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise InputError(f"strategy '{strategy.name}': {type(error).__name__}: {first_line}") from error
    return found[-1]
