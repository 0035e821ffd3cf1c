"""One weight file of any known format, told by its content and never by its name. Nothing in it is ever run."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.models.fc_layers import EPSILON
from tl_jax.weights.hdf5_file import SIGNATURE
from tl_jax.weights.keras_file import is_keras_archive, read_keras_archive, read_keras_hdf5
from tl_jax.weights.model_file import TEXTS, Model, model_of
from tl_jax.weights.named_tensors import chosen, layers_of, without_order
from tl_jax.weights.npz_file import read_npz
from tl_jax.weights.safetensors_file import is_safetensors, read_safetensors
from tl_jax.weights.torch_file import DAMAGE, LEGACY, read_tensors
from tl_jax.weights.weight_layers import WeightFile

KNOWN = "known are Keras (.weights.h5, .h5, .keras), PyTorch state dicts, safetensors, and .npz of export_weights"


def read_weights(content: bytes, name: str, order: Sequence[str] = ()) -> WeightFile | Model:
    """The layers of a file, or a model that export_weights wrote.

    order: names of all layers in the order of the network, where the user gives it. Raises Refused (words that follow
    the file's name) and InputError.
    """
    found = read_any(content, name, bool(order))
    if not order:
        return found
    if isinstance(found, Model):
        raise Refused("says itself in which order its layers stand; leave --layers out")
    return found._replace(layers=tuple(chosen(found.layers, order)), ordered=True)


def read_any(content: bytes, name: str, told: bool) -> WeightFile | Model:
    """By the first bytes and, of a zip archive, its members. told: whether the user gives the order of layers."""
    if content.startswith(SIGNATURE):
        return read_keras_hdf5(content)
    if content.startswith(LEGACY):
        return pytorch(content, name)
    if content.startswith(b"PK"):
        return read_archive(content, name)
    if is_safetensors(content):
        tensors, notes = read_safetensors(content)
        if set(TEXTS) <= set(notes):
            return model_of(tensors, notes)
        layers = layers_of(tensors)
        return WeightFile("safetensors", tuple(layers if told else without_order(layers)), False, EPSILON)
    raise Refused(f"is no weight file of a known format, or damaged at its beginning; {KNOWN}")


def read_archive(content: bytes, name: str) -> WeightFile | Model:
    """A zip archive: of Keras 3, of PyTorch or of our own."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except DAMAGE as error:
        raise Refused(f"is a damaged archive, or its end is missing ({short(error)})") from error
    if is_keras_archive(names):
        return read_keras_archive(content)
    if names and all(one.endswith(".npy") for one in names):
        arrays = read_npz(content)
        if not set(TEXTS) <= set(arrays) or any(arrays[one].dtype.kind != "U" for one in TEXTS):
            raise Refused("is an .npz that export_weights did not write (no genes, no meta); " + KNOWN)
        genes, meta = (arrays.pop(one).tolist() for one in TEXTS)
        return model_of(arrays, {"genes": json.dumps(genes), "meta": str(meta)})
    return pytorch(content, name)


def pytorch(content: bytes, name: str) -> WeightFile:
    """A state dict; its order is that of the modules."""
    return WeightFile("PyTorch state dict", tuple(layers_of(read_tensors(content, name))), True, EPSILON)
