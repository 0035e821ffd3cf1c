"""Networks as pure functions, one file per architecture; a file whose factory is decorated by @network() is found."""

from tl_jax.config import NetworkConfig
from tl_jax.errors import InputError
from tl_jax.models.registry import NETWORKS, network
from tl_jax.registry import load
from tl_jax.types import Network

__all__ = ["NETWORKS", "build", "network"]


def build(config: NetworkConfig) -> Network:
    """The network a config names; equal configs give the same object, hence the same programs."""
    if config.name not in NETWORKS:
        raise InputError(f"unknown network '{config.name}'; there are: {', '.join(NETWORKS)}")
    # A factory that knows of one output only stays valid.
    several = () if config.outputs == 1 else (config.outputs,)
    return NETWORKS[config.name](tuple(config.hidden), *several)


load("models")
