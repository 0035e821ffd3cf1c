"""Sound weight files of every format, and what a test of damaged ones asks."""

from functools import cache

import numpy as np
import pytest
from torch_writer import state_dict
from weight_writer import config_of, dense_layers, keras2, keras3, keras_archive, named, state_dict_of

from tl_jax.data.tables.pickled_tensors import Refused
from tl_jax.errors import InputError
from tl_jax.weights.hdf5_file import answered
from tl_jax.weights.model_file import Model, model_bytes
from tl_jax.weights.safetensors_file import safetensors_bytes
from tl_jax.weights.weight_file import read_weights
from tl_jax.weights.weight_layers import match

TWO_STEP = ("sigmoid", "softplus", "softplus")
LAYERS = named(dense_layers())


def read(content, activations=TWO_STEP):
    """What import_weights makes of a file, up to its genes."""
    file = read_weights(content, "x")
    return file if isinstance(file, Model) else match(file, activations)


def refused(content, words):
    with pytest.raises((Refused, InputError), match=words) as fault:
        read(content)
    assert "\n" not in str(fault.value)
    assert len(str(fault.value)) < 1200


def own_model():
    leaves = {}
    for name, (_, tensors) in zip(("layer1", "layer2", "head"), LAYERS, strict=True):
        leaves |= {f"{name}/{part}": values for part, values in tensors.items()}
    past = {"id": "1", "stage": "source", "domain": "d", "drug": "x", "strategy": "scratch", "data_fingerprint": ""}
    meta = past | {"note": "", "recipe": {"epochs": 3, "learning_rate": 0.1}, "samples": 9, "seed": 4, "ancestors": []}
    meta |= {"network": {"name": "two_step", "hidden": [4, 3]}, "scaler": {"kind": "standard"}, "transform": "none"}
    meta["response_scale"] = {"low": 0.0, "high": 1.0, "direction": "resistant", "unit": "AUC"}
    scaler = (np.arange(5, dtype="f4"), np.ones(5, "f4"))
    return Model(leaves, ["A", "B", "C", "Dé", "E"], scaler, meta)


@cache
def sound_files() -> dict[str, bytes]:
    tensors = {name: np.ascontiguousarray(values) for name, values in state_dict_of(dense_layers()).items()}
    return {
        "npz": model_bytes(own_model(), ".npz"),
        "own safetensors": model_bytes(own_model(), ".safetensors"),
        "pytorch": state_dict(tensors),
        "keras archive": keras_archive(LAYERS, config_of(LAYERS, TWO_STEP)),
        "keras 3": keras3(LAYERS),
        "keras 2": keras2(LAYERS),
        "safetensors": safetensors_bytes(tensors, {}),
    }


def hdf5_here(content):
    """read_hdf5 without a process of its own, which takes a third of a second: for files that are known to be tame."""
    from tl_jax.weights.hdf5_worker import packed

    return answered(packed(content))
