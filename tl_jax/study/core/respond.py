"""What a kept model predicts of scaled rows, in the response's own unit: a network, or a model in closed form."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from tl_jax.checkpoint import load_network, load_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.scaling.scaling import ResponseScale
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.forms import FORMS, evaluate
from tl_jax.models import build
from tl_jax.study.core.views import look
from tl_jax.training.fit import predict
from tl_jax.trees import flatten
from tl_jax.types import Network, Variables

ON_SOURCES = "on_sources"


class Closed(NamedTuple):
    """A model in closed form. kind: a name of FORMS, or ON_SOURCES.

    network, reads: of a model on source models, their network and what is read of them, "hidden" or "prediction".
    """

    kind: str
    network: Network | None = None
    reads: str = ""


def network_of(meta: dict) -> Network | Closed:
    """What a checkpoint's variables belong to."""
    shape = meta["network"]
    if shape["name"] in FORMS:
        return Closed(shape["name"])
    if shape["name"] == ON_SOURCES:
        return Closed(ON_SOURCES, build(NetworkConfig(shape["of"], tuple(shape["hidden"]))), shape["reads"])
    return build(NetworkConfig(shape["name"], tuple(shape["hidden"])))


def load_model(path: Path) -> tuple[Variables, dict]:
    """(variables, record) of a checkpoint that may be in closed form; source models that it reads are among them.

    Those stand beside it; InputError where one does not.
    """
    variables, meta = load_network(path)
    for number, name in enumerate(meta["network"].get("sources", ())):
        parent = Path(path).absolute().parent / Path(name).name
        if not parent.is_dir():
            raise InputError(f"{path} reads the source model {name}, which must stand beside it; copy it there too")
        variables["params"][f"source{number}"] = load_stage(parent)[0]["params"]
    return variables, meta


def is_closed(meta: dict) -> bool:
    """Whether a checkpoint holds a model in closed form instead of a network."""
    return meta["network"]["name"] in (*FORMS, ON_SOURCES)


def refuse_closed(meta: dict, path, what: str) -> None:
    """InputError where a network is needed and the checkpoint holds none."""
    if is_closed(meta):
        raise InputError(f"{path} is the closed form '{meta['strategy']}' and no network; {what}")


def respond(network: Network | Closed, variables: Variables, scaled: np.ndarray, response: ResponseScale) -> np.ndarray:
    """(m,) float64 predictions of (m, genes) scaled rows in the response's own unit."""
    if not isinstance(network, Closed):
        return response.from_network(np.asarray(predict(variables, jnp.asarray(scaled, jnp.float32), network)))
    params = variables["params"]
    if network.kind != ON_SOURCES:
        return evaluate(network.kind, arrays_of(params), scaled)
    told = [look({"params": params[n]}, jnp.asarray(scaled, jnp.float32), network.network) for n in sources_of(params)]
    hidden, prediction = zip(*told, strict=True)
    read = np.concatenate(hidden, axis=1) if network.reads == "hidden" else np.column_stack(prediction)
    return evaluate("linear", arrays_of({name: params[name] for name in ("coef", "intercept")}), read)


def sources_of(params: dict) -> list[str]:
    """Names of the source models that a model reads, in their order."""
    return sorted((name for name in params if name.startswith("source")), key=lambda name: int(name[6:]))


def arrays_of(params: dict) -> dict[str, np.ndarray]:
    """Leaves in numpy: a tree is walked by thousands of small steps."""
    return {name: np.asarray(leaf) for name, leaf in flatten(params).items()}
