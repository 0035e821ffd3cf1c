"""Networks as pure functions, one file per architecture."""

from tl_jax.config import NetworkConfig
from tl_jax.errors import InputError
from tl_jax.models.fc_layers import fc_layers
from tl_jax.models.two_step import two_step
from tl_jax.types import Network

NETWORKS = {"two_step": two_step, "fc_layers": fc_layers}


def build(config: NetworkConfig) -> Network:
    """The network a config names; equal configs give the same object, hence the same programs."""
    if config.name not in NETWORKS:
        raise InputError(f"unknown network '{config.name}'; there are: {', '.join(NETWORKS)}")
    # A factory that knows of one output only stays valid.
    several = () if config.outputs == 1 else (config.outputs,)
    return NETWORKS[config.name](tuple(config.hidden), *several)
