"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tl_jax.errors import InputError
from tl_jax.types import Network

NETWORKS: dict[str, Callable[..., Network]] = {}


def network() -> Callable[[Callable[..., Network]], Callable[..., Network]]:
    """Register a factory, factory(hidden) -> Network or factory(hidden, outputs) -> Network, under its own name.

    Equal arguments give the same object, hence the same compiled programs.
    """

    def register(factory: Callable[..., Network]) -> Callable[..., Network]:
        name = factory.__name__
        taken = NETWORKS.get(name)
        if taken and taken.__module__ != factory.__module__:
            raise InputError(f"a network named '{name}' exists already; give yours another name")
        NETWORKS[name] = lru_cache(factory)
        return NETWORKS[name]

    return register
