"""Layers of the files that Keras writes: HDF5 of Keras 2 in two layouts, .weights.h5 and .keras of Keras 3.

Keras 2 lists its layers in the attribute layer_names, at the root (save_weights) or in model_weights (save). Keras 3
numbers the layers of each class in the order in which they were made (dense, dense_1, ...) and their variables (0, 1).
"""

from __future__ import annotations

import io
import re
import zipfile

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.weights.hdf5_file import SIGNATURE, Hdf5, read_hdf5
from tl_jax.weights.keras_config import Described, described_layers
from tl_jax.weights.torch_file import DAMAGE
from tl_jax.weights.weight_layers import DENSE, NORM, FileLayer, WeightFile, layer

EPSILON = 1e-3  # what BatchNormalization of Keras adds to a variance unless told otherwise
LEAVES = {
    **{"kernel": "kernel", "bias": "bias"},
    **{"gamma": "scale", "beta": "bias", "moving_mean": "mean", "moving_variance": "var"},
}
KERAS3 = {"dense": (DENSE, ("kernel", "bias")), "batch_normalization": (NORM, ("scale", "bias", "mean", "var"))}
TOPS = ("layers", "_layer_checkpoint_dependencies")
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LARGEST_CONFIG = 1 << 24


def read_keras_hdf5(content: bytes) -> WeightFile:
    """The layers of an HDF5 file of Keras 2 or 3. Raises Refused."""
    file = read_hdf5(content)
    for top in ("model_weights", ""):
        if "layer_names" in file.attributes.get(top, {}):
            return keras2(file, top)
    return keras3(file, None)


def keras2(file: Hdf5, top: str) -> WeightFile:
    """Layers in the order of layer_names, with the activations of model_config where the file has one."""
    layers = []
    for name in file.attributes[top]["layer_names"]:
        path = f"{top}/{name}" if top else name
        if path not in file.attributes:
            raise Refused(f"is incomplete: layer {short(name)} of its list is not in it")
        weights = file.attributes[path].get("weight_names", [])
        if weights:
            layers.append(keras2_layer(file, path, name, weights))
    config = file.attributes[""].get("model_config")
    if config is not None:
        layers = declared(layers, described_layers(config))
    return WeightFile("Keras 2 HDF5", tuple(layers), True, EPSILON)


def keras2_layer(file: Hdf5, path: str, name: str, weights: list[str]) -> FileLayer:
    """One layer from the tensors of its own list."""
    tensors = {}
    for weight in weights:
        leaf = weight.rpartition("/")[2].removesuffix(":0")
        if leaf not in LEAVES or LEAVES[leaf] in tensors:
            raise Refused(f"holds the tensor {short(weight)}; known are Dense and BatchNormalization layers")
        if f"{path}/{weight}" not in file.tensors:
            raise Refused(f"is incomplete: tensor {short(weight)} of its list is not in it")
        tensors[LEAVES[leaf]] = file.tensors[f"{path}/{weight}"]
    return layer(name, DENSE if "kernel" in tensors else NORM, tensors)


def keras3(file: Hdf5, config: list[Described] | None) -> WeightFile:
    """Layers of each class in the order of their numbers; in that of the model where it is configured."""
    top = next((t for t in TOPS if any(path.startswith(f"{t}/") for path in file.tensors)), None)
    if top is None:
        held = ", ".join(list(file.tensors)[:5]) or "no tensors"
        raise Refused(f"is no weight file of a Keras model in a row of layers; it holds {short(held)}")
    groups: dict[str, dict[str, object]] = {}
    for path, values in file.tensors.items():
        parts = path.split("/")
        if parts[0] == top and len(parts) == 4 and parts[2] == "vars":
            groups.setdefault(parts[1], {})[parts[3]] = values
        elif parts[0] == top and "seed_generator" in parts[1:-1]:
            continue  # of a Dropout layer
        else:
            raise Refused(f"holds the tensor {short(path)}; known are models of Dense and BatchNormalization layers")
    layers = [keras3_layer(group, groups[group], file, top) for group in sorted(groups, key=in_order)]
    if config is not None:
        layers = declared(by_class(layers, config), config)
    return WeightFile("Keras 3 weights", tuple(layers), config is not None, EPSILON)


def in_order(group: str) -> tuple[str, int]:
    """dense, dense_1, ..., dense_10."""
    stem, number = re.fullmatch(r"(.*?)(?:_(\d{1,9}))?", group, re.DOTALL).groups()
    return stem, int(number or 0)


def keras3_layer(group: str, found: dict, file: Hdf5, top: str) -> FileLayer:
    """One layer from its numbered variables, under the name that its author gave it."""
    name = file.attributes.get(f"{top}/{group}/vars", {}).get("name", group)
    kind, parts = KERAS3.get(in_order(group)[0], (None, ()))
    numbered = [str(number) for number in range(len(found))]
    few = kind == DENSE and len(found) == 1
    if kind is None or sorted(found) != sorted(numbered) or not (few or len(found) == len(parts)):
        words = f"{len(found)} variables in layer {short(group)}"
        raise Refused(f"holds {words}; known are dense (kernel, bias) and batch_normalization (4)")
    return layer(name, kind, {part: found[number] for part, number in zip(parts, numbered, strict=False)})


def by_class(layers: list[FileLayer], config: list[Described]) -> list[FileLayer]:
    """Layers in the order of the model, those of each class being in order already."""
    waiting = {kind: [one for one in layers if one.kind == kind] for kind in (DENSE, NORM)}
    wanted = [one.kind for one in config if one.kind in waiting]
    if sorted(wanted) != sorted(one.kind for one in layers):
        raise Refused(f"describes {len(wanted)} layers with weights and holds {len(layers)}; it is damaged")
    return [waiting[kind].pop(0) for kind in wanted]


def declared(layers: list[FileLayer], config: list[Described]) -> list[FileLayer]:
    """The layers with what the configuration says of each; Refused where it describes others."""
    names = [one.name for one in config if one.kind != "activation"]
    if names != [one.name for one in layers]:
        found = ", ".join(one.name for one in layers[:5])
        raise Refused(f"describes the layers {short(', '.join(names[:5]))} and holds {short(found)}; it is damaged")
    found, waiting = [], iter(layers)
    for one in config:
        if one.kind != "activation":
            found.append(next(waiting)._replace(activation=one.word, epsilon=one.epsilon))
            if one.kind == NORM and found[:-1] and found[-2].activation != "linear":
                raise Refused(f"has an activation before batch norm {short(one.name)}; it must come after")
        elif one.word != "linear":
            place = next((k for k in reversed(range(len(found))) if found[k].kind == DENSE), None)
            if place is None or found[place].activation != "linear":
                raise Refused(f"has two activations in a row, or one before the first layer ({short(one.name)})")
            found[place] = found[place]._replace(activation=one.word)
    return found


def read_keras_archive(content: bytes) -> WeightFile:
    """The layers of a .keras archive: a zip with config.json and model.weights.h5. Raises Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config = archived(archive, CONFIG, LARGEST_CONFIG)
            weights = archived(archive, WEIGHTS, 4 * len(content) + (1 << 20))
    except DAMAGE as error:
        raise Refused(f"is a damaged archive ({short(error)})") from error
    if not weights.startswith(SIGNATURE):
        raise Refused(f"holds a {WEIGHTS} that is no HDF5 file")
    return keras3(read_hdf5(weights), described_layers(config))._replace(format="Keras 3 archive")


def archived(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member's bytes, of `most` at most; members are never written to a disk."""
    names = [member.filename for member in archive.infolist()]
    strange = [one for one in names if one.startswith("/") or "\\" in one or ".." in one.split("/")]
    if strange or len(set(names)) < len(names):
        raise Refused(f"is an archive with strange members ({short(strange or names)}); Keras did not write it")
    if archive.getinfo(name).file_size > most:
        raise Refused(f"is an archive whose {name} unpacks to more than {most:,} bytes; it is refused")
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise Refused(f"is an archive whose {name} unpacks to more than {most:,} bytes; it is refused")
    return content


def is_keras_archive(names: list[str]) -> bool:
    return CONFIG in names and WEIGHTS in names
