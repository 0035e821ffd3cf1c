"""Weight files as Keras and PyTorch write them, put together by hand, and the networks' twins in plain numpy."""

import io
import json
import zipfile
from itertools import pairwise

import numpy as np

ENDS = {"kernel": "kernel:0", "bias": "bias:0", "scale": "gamma:0", "mean": "moving_mean:0", "var": "moving_variance:0"}


def dense_layers(sizes=(5, 4, 3, 1), seed=0, kind="f4"):
    """[{kernel, bias}, ...] of a network of these widths."""
    rng = np.random.default_rng(seed)
    pairs = pairwise(sizes)
    return [{"kernel": rng.normal(size=p).astype(kind), "bias": rng.normal(size=p[1]).astype(kind)} for p in pairs]


def norm_layers(units=(4, 3), seed=1):
    """[{scale, bias, mean, var}, ...] of batch norms."""
    rng = np.random.default_rng(seed)
    made = [{part: rng.normal(size=n).astype("f4") for part in ("scale", "bias", "mean")} for n in units]
    return [norm | {"var": rng.uniform(0.1, 2, n).astype("f4")} for norm, n in zip(made, units, strict=True)]


def named(dense, norms=()):
    """[(name, layer)] in the order of the network; names sort in another order than the layers stand."""
    found = []
    for k, one in enumerate(dense):
        found.append((f"dense_{k + 9}", one))
        if k < len(norms):
            found.append((f"batch_normalization_{k}", norms[k]))
    return found


def hdf5(fill) -> bytes:
    """A file that `fill(h5py.File)` fills."""
    import h5py

    with io.BytesIO() as content:
        with h5py.File(content, "w") as file:
            fill(file)
        return content.getvalue()


def keras2(layers, config=None, top="", names=bytes) -> bytes:
    """Keras 2: save_weights, or save with top="model_weights"; names as bytes or as str."""

    def text(values):
        return [v.encode() for v in values] if names is bytes else list(values)

    def fill(file):
        if config is not None:
            file.attrs["model_config"] = config
        root = file.create_group(top) if top else file
        root.attrs["layer_names"] = text([name for name, _ in layers] + ["dropout"])
        root.create_group("dropout").attrs["weight_names"] = np.zeros(0)
        for name, tensors in layers:
            group, norm = root.create_group(name), "mean" in tensors
            weights = {f"{name}/{'beta:0' if norm and p == 'bias' else ENDS[p]}": v for p, v in tensors.items()}
            group.attrs["weight_names"] = text(weights)
            for weight, values in weights.items():
                group.create_dataset(weight, data=values)

    return hdf5(fill)


def keras3(layers) -> bytes:
    """Keras 3: numbered by class, with an optimizer and the seed of a Dropout layer that are no weights."""

    def fill(file):
        counts = {}
        for name, tensors in layers:
            stem = "batch_normalization" if "mean" in tensors else "dense"
            number = counts[stem] = counts.get(stem, -1) + 1
            group = file.create_group(f"layers/{stem}_{number}/vars" if number else f"layers/{stem}/vars")
            group.attrs["name"] = name
            for k, values in enumerate(tensors.values()):
                group.create_dataset(str(k), data=values)
        file.create_dataset("layers/dropout/seed_generator/vars/0", data=np.zeros(2, "u4"))
        file.create_dataset("optimizer/vars/0", data=np.int64(3))

    return hdf5(fill)


def config_of(layers, words, epsilon=0.001, **changes) -> dict:
    """config.json of a Sequential model; words: what follows each dense layer, or its batch norm."""
    described = [{"class_name": "InputLayer", "config": {"name": "input"}}]
    norms = any("mean" in tensors for _, tensors in layers)
    words = iter(words)
    for name, tensors in layers:
        if "mean" in tensors:
            described.append({"class_name": "BatchNormalization", "config": {"name": name, "epsilon": epsilon}})
            described.append({"class_name": "Activation", "config": {"name": f"{name}_a", "activation": next(words)}})
        else:
            last = name == layers[-1][0]
            word = next(words) if last or not norms else "linear"
            described.append({"class_name": "Dense", "config": {"name": name, "activation": word}})
        described.append({"class_name": "Dropout", "config": {"name": f"{name}_d", "rate": 0.3}})
    return {"class_name": "Sequential", "config": {"name": "model", "layers": described}, **changes}


def archive(members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", compression) as content:
            for name, raw in members.items():
                content.writestr(name, raw)
        return file.getvalue()


def keras_archive(layers, config, **more: bytes) -> bytes:
    members = {"metadata.json": b"{}", "config.json": json.dumps(config).encode(), "model.weights.h5": keras3(layers)}
    return archive(members | more)


def state_dict_of(dense, norms=()) -> dict[str, np.ndarray]:
    """PyTorch's names and shapes."""
    found = {}
    for k, one in enumerate(dense, start=1):
        name = f"l{k}" if k < len(dense) else "layer_out"
        found |= {f"{name}.weight": one["kernel"].T, f"{name}.bias": one["bias"]}
        if k <= len(norms):
            ours = {"scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
            found |= {f"bn{k}.{theirs}": norms[k - 1][part] for part, theirs in ours.items()}
            found[f"bn{k}.num_batches_tracked"] = np.array(7, "i8")
    return found


def two_step_twin(dense, x):
    """Dense sigmoid, Dense softplus, ..., in float64."""
    h = np.asarray(x, "f8")
    for k, one in enumerate(dense):
        z = h @ one["kernel"].astype("f8") + one["bias"]
        h = np.logaddexp(0, z) if k else 1 / (1 + np.exp(-z))
    return h[:, 0]


def blocks_twin(dense, norms, x, epsilon):
    """Dense, batch norm, ReLU, ..., Dense, in float64."""
    h = np.asarray(x, "f8")
    for one, norm in zip(dense, norms, strict=False):
        z = h @ one["kernel"].astype("f8") + one["bias"]
        scaled = (z - norm["mean"]) / np.sqrt(norm["var"].astype("f8") + epsilon)
        h = np.maximum(scaled * norm["scale"] + norm["bias"], 0)
    return (h @ dense[-1]["kernel"].astype("f8") + dense[-1]["bias"])[:, 0]
