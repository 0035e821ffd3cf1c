"""A model of ours in one file, for other programs: .npz or .safetensors with weights, names, scaler and meaning.

Arrays: "layer1/kernel" (genes, units), "layer1/bias", ..., "head/kernel", and where there is a scaler "scaler/center"
and "scaler/scale" (genes,). Texts: `genes`, in the order of layer 1's rows, and `meta`, JSON (docs/weights.md lists
its keys). An .npz holds the texts as arrays, a .safetensors as JSON among its notes.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable
from typing import NamedTuple
from unicodedata import category

import numpy as np

from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.system.files import digest
from tl_jax.weights.safetensors_file import safetensors_bytes

FORMAT = "tl_jax weights 1"
SCALER = ("scaler/center", "scaler/scale")
TEXTS = ("genes", "meta")
ORIGIN = ("file", "sha256", "format", "imported")
PAST = ("id", "stage", "domain", "drug", "strategy", "data_fingerprint", "note")  # texts of a stage and its ancestors


class Model(NamedTuple):
    """leaves: {"layer1/kernel": array, ...}. scaler: (center, scale), each (genes,), or None. meta: what it is."""

    leaves: dict[str, np.ndarray]
    genes: list[str]
    scaler: tuple[np.ndarray, np.ndarray] | None
    meta: dict


def arrays_of(model: Model) -> dict[str, np.ndarray]:
    """All numbers of a model by name."""
    return dict(model.leaves) | ({} if model.scaler is None else dict(zip(SCALER, model.scaler, strict=True)))


def fingerprint(arrays: dict[str, np.ndarray], genes: list[str], meta: dict) -> str:
    """SHA-256 over everything that the file says."""
    said = {key: value for key, value in meta.items() if key != "sha256"}
    return digest(*(part for name in sorted(arrays) for part in (name, arrays[name])), genes, said)


def model_bytes(model: Model, ending: str) -> bytes:
    """The file, ending in .npz or .safetensors; the same model gives the same bytes."""
    arrays = arrays_of(model)
    meta = {"format": FORMAT, **model.meta}
    text = json.dumps(meta | {"sha256": fingerprint(arrays, model.genes, meta)}, sort_keys=True)
    if ending == ".safetensors":
        return safetensors_bytes(arrays, {"genes": json.dumps(model.genes), "meta": text})
    arrays |= {"genes": np.array(model.genes, dtype=str), "meta": np.array(text)}
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name, values in arrays.items():
                with io.BytesIO() as member:
                    np.lib.format.write_array(member, np.asarray(values, order="C"), (1, 0), allow_pickle=False)
                    archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
        return file.getvalue()


def model_of(arrays: dict[str, np.ndarray], texts: dict[str, str]) -> Model:
    """The model of a file's arrays and texts. Raises Refused where they are not just what model_bytes wrote."""
    try:
        meta, genes = json.loads(texts["meta"]), json.loads(texts["genes"])
    except (KeyError, ValueError, RecursionError) as error:
        raise Refused(f"is no weight file of tl_jax ({short(error)} is missing or damaged)") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise Refused(f"has another format than {FORMAT!r}; export the model again")
    if not isinstance(genes, list) or not all(map(is_text, genes)) or len(set(genes)) < len(genes):
        raise Refused("does not name each of its genes once; it is damaged")
    if meta.get("sha256") != fingerprint(arrays, genes, meta):
        raise Refused("is damaged: its content does not match its own SHA-256; export the model again")
    leaves = {name: values for name, values in arrays.items() if name not in SCALER}
    scaler = tuple(arrays[name] for name in SCALER) if all(name in arrays for name in SCALER) else None
    wrong = [key for key, fits in rules(genes, arrays, meta).items() if key not in meta or not fits(meta[key])]
    if wrong:
        raise Refused(f"says {', '.join(wrong)} in a way that no model of tl_jax does; export the model again")
    return Model(leaves, genes, scaler, meta)


def rules(genes: list[str], arrays: dict[str, np.ndarray], whole: dict) -> dict[str, Callable[[object], bool]]:
    """{entry of meta: what it must be}: a file may come from anywhere, digest and all. whole: all of meta."""
    scaled = [arrays[name] for name in SCALER if name in arrays]
    sound = all(a.shape == (len(genes),) and a.dtype == np.float32 and np.isfinite(a).all() for a in scaled)
    sound = sound and (not scaled or (len(scaled) == 2 and bool((scaled[1] > 0).all())))
    return {
        "transform": is_text,
        "network": lambda v: isinstance(v, dict) and is_text(v.get("name")) and is_widths(v.get("hidden")),
        "response_scale": is_scale,
        "scaler": lambda v: sound and isinstance(v, dict) and set(v) == {"kind"} and is_text(v["kind"]),
        "id": lambda v: is_past(whole),
        "ancestors": lambda v: isinstance(v, list) and all(is_past(one) for one in v),
    }


def is_text(value) -> bool:
    """Whether a value is a text that can be printed and written."""
    return isinstance(value, str) and len(value) < 10_000 and not {"Cc", "Cs"} & set(map(category, value))


def is_number(value) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def is_widths(value) -> bool:
    return isinstance(value, list) and bool(value) and all(type(n) is int and 0 < n < 2**31 for n in value)


def is_scale(value) -> bool:
    """A response scale: two ends, what high means, the unit."""
    if not isinstance(value, dict) or set(value) != {"low", "high", "direction", "unit"}:
        return False
    ends = is_number(value["low"]) and is_number(value["high"]) and value["low"] < value["high"]
    return ends and value["direction"] in ("resistant", "sensitive") and is_text(value["unit"])


def is_past(value) -> bool:
    """What a stage remembers of itself or an ancestor."""
    if not isinstance(value, dict) or not all(is_text(value.get(key)) for key in PAST):
        return False
    recipe, counts = value.get("recipe"), (value.get("samples"), value.get("seed"))
    origin = value.get("origin", {})
    if not isinstance(origin, dict) or (origin and not all(is_text(origin.get(key)) for key in ORIGIN)):
        return False
    trained = isinstance(recipe, dict) and all(is_number(recipe.get(key)) for key in ("epochs", "learning_rate"))
    return (trained or recipe == {}) and all(n is None or type(n) is int for n in counts)
