"""The layers that the configuration of a Keras model describes; it is data here, and nothing in it is run."""

from __future__ import annotations

import json
from typing import NamedTuple

from tl_jax.data.tables.pickled_tensors import Refused, short

SILENT = ("InputLayer", "Dropout")  # change nothing in prediction
MOST = 1000


class Described(NamedTuple):
    """A layer of a model in a row. kind: dense, norm or activation. word: its activation; epsilon: of a norm."""

    name: str
    kind: str
    word: str | None = None
    epsilon: float | None = None


def described_layers(text: str | bytes) -> list[Described]:
    """Layers of a Sequential model, or of a functional one without branches, less those that predict nothing.

    Raises Refused for code (Lambda, a class of the author's own) and for any layer that no network of ours has.
    """
    try:
        config = json.loads(text)
        if config["class_name"] not in ("Sequential", "Functional", "Model"):
            raise Refused(
                f"describes a model of class {short(config['class_name'])}; Sequential and Functional are read"
            )
        layers = config["config"]["layers"]
        if not isinstance(layers, list) or len(layers) > MOST:
            raise Refused("describes a model without a list of layers")
        found, before = [], None
        for one in layers:
            before = follows(one, before)
            found.append(described(one))
    except Refused:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        words = f"{type(error).__name__}: {short(error)}"
        raise Refused(f"has a configuration that cannot be read ({words}); save its weights alone") from error
    return [one for one in found if one is not None]


def described(one: dict) -> Described | None:
    """A layer; None where it changes nothing in prediction."""
    kind, config = str(one["class_name"]), one["config"]
    name = str(config["name"]) if "name" in config else str(one.get("name", kind))
    if one.get("registered_name") not in (None, kind, f"Keras>{kind}"):
        raise Refused(f"holds the layer {short(name)} of a class of its author's own; it would have to run code")
    if kind in SILENT:
        return None
    if kind == "Dense":
        if config.get("quantization_config") or config.get("lora_rank"):
            raise Refused(f"holds the layer {short(name)} quantized or with an adapter; save plain weights")
        return Described(name, "dense", activation(config.get("activation"), name))
    if kind == "BatchNormalization":
        if config.get("axis", -1) not in (-1, 1, [1], [-1]):
            raise Refused(f"holds the batch norm {short(name)} over axis {short(config['axis'])}; the last is read")
        return Described(name, "norm", epsilon=float(config["epsilon"]))
    if kind == "Activation":
        return Described(name, "activation", activation(config["activation"], name))
    if kind == "ReLU" and not any(config.get(k) for k in ("max_value", "negative_slope", "threshold")):
        return Described(name, "activation", "relu")
    code = ", which is code and never run here" if kind == "Lambda" else ""
    known = "Dense, BatchNormalization, Dropout, Activation, ReLU"
    raise Refused(f"holds the layer {short(name)} of class {short(kind)}{code}; known are {known}")


def activation(value, name: str) -> str:
    """An activation's name; None is linear."""
    if value is None:
        return "linear"
    if not isinstance(value, str):
        raise Refused(f"gives layer {short(name)} an activation that is no name ({short(value)}); none is run here")
    return value


def follows(one: dict, before: str | None) -> str:
    """A layer's name; Refused where it takes something else than the layer `before`."""
    config = one["config"]
    name = str(one.get("name") or config.get("name"))
    taken = list(sources(one.get("inbound_nodes")))
    if taken and taken != [before]:
        raise Refused(
            f"has branches: layer {short(name)} takes {short(', '.join(taken))}, not the layer before it alone"
        )
    return name


def sources(nodes) -> list[str]:
    """Names of the layers that a layer takes, as Keras 2 ([[["name", 0, 0, {}]]]) and 3 (keras_history) write them."""
    found, open_ = [], [nodes]
    while open_:
        part = open_.pop()
        if isinstance(part, dict) and isinstance(part.get("keras_history"), list):
            found.append(str(part["keras_history"][0]))
        elif isinstance(part, dict):
            open_ += [value for key, value in part.items() if key != "kwargs"]
        elif isinstance(part, list) and len(part) >= 3 and isinstance(part[0], str) and type(part[1]) is int:
            found.append(part[0])
        elif isinstance(part, list):
            open_ += part
    return found
