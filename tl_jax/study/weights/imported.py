"""Weights from outside as an ordinary stage checkpoint: genes by name, a scaler, a response scale, their origin."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from tl_jax.checkpoint import save_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.cohort.gene_list import read_gene_list
from tl_jax.data.domain import LABEL, RESISTANT, SCALERS
from tl_jax.data.preprocessing.preprocess import from_record
from tl_jax.data.preprocessing.transforms import TRANSFORMS
from tl_jax.data.scaling.scaling import NETWORK_TOP, Scaler
from tl_jax.data.tables.pickled_tensors import Refused, short
from tl_jax.errors import InputError
from tl_jax.models import NETWORKS, build
from tl_jax.study.compounds.known import FILE
from tl_jax.study.core.beside import keep
from tl_jax.study.core.stages import brief
from tl_jax.system.files import digest
from tl_jax.system.runtime import versions
from tl_jax.trees import flatten, unflatten
from tl_jax.types import Variables
from tl_jax.weights.model_file import Model
from tl_jax.weights.weight_file import read_weights
from tl_jax.weights.weight_layers import match

UNSCALED = "network output"  # unit where nobody says what 0 to 10 of the network meant
STAGE, STRATEGY = "imported", "import"
SIZE = 1 << 33  # bytes of a weight file, at most


@dataclass(frozen=True)
class Meaning:
    """What a weight file does not say of its model.

    drug, name: words for tables and lineage; name is of the model, "" for the file's own. unit, direction, low, high:
    the response that 0 and 10 of the network stood for; without low and high predictions stay on the network's scale.
    transform: what was done to the training expression before scaling.
    """

    drug: str = ""
    name: str = ""
    unit: str = ""
    direction: str = RESISTANT
    low: float | None = None
    high: float | None = None
    transform: str = "none"

    def scale(self) -> dict:
        """The response scale of the record."""
        if (self.low is None) != (self.high is None) or (self.low is None and self.unit):
            raise InputError("--low, --high and --unit say together what 0 and 10 of the network mean; give all")
        if self.low is None:
            return {"low": 0.0, "high": NETWORK_TOP, "direction": self.direction, "unit": UNSCALED}
        if not self.unit or not np.isfinite([self.low, self.high]).all() or not self.low < self.high:
            raise InputError(f"--low={self.low:g} --high={self.high:g} --unit={self.unit}: needs low < high and a unit")
        if self.unit == LABEL:
            raise InputError(f"--unit={LABEL} is that of compounds, active or not; name the unit of the response")
        return {"low": float(self.low), "high": float(self.high), "direction": self.direction, "unit": self.unit}


class Opened(NamedTuple):
    """A weight file as variables of a network of ours. kept: a model that export_weights wrote, with all it says."""

    variables: Variables
    network: NetworkConfig
    features: int
    origin: dict
    kept: Model | None = None


def open_weights(
    path: str | Path,
    *,
    activations: Sequence[str] = (),
    layers: Sequence[str] = (),
    bn_epsilon: float | None = None,
    sha256: str = "",
) -> Opened:
    """Read a weight file of any known format (transfer/weight_file.py).

    activations, layers, bn_epsilon: what the file does not say of its network (weight_layers.match). sha256: of the
    file as its authors give it; any other file is refused. Raises InputError.
    """
    path = Path(path)
    content = bytes_of(path)
    found = hashlib.sha256(content).hexdigest()
    if sha256 and sha256.strip().lower() != found:
        raise InputError(f"{path} has SHA-256 {found}, not that of --sha256; fetch it again")
    try:
        held = read_weights(content, str(path), layers)
        if isinstance(held, Model):
            stray = "activations" if activations else "bn_epsilon" if bn_epsilon is not None else ""
            if stray:
                raise Refused(f"says all of its network itself; leave --{stray} out")
            return open_kept(held, origin_of(path, found, "tl_jax"))
        matched = match(held, activations, bn_epsilon)
    except Refused as refused:
        raise InputError(f"{path} {refused}") from refused
    origin = origin_of(path, found, held.format) | {"layers": [short(one.name) for one in held.layers]}
    if matched.notes:
        origin["converted"] = list(matched.notes)
    features = len(matched.variables["params"]["layer1"]["kernel"])
    return Opened(matched.variables, NetworkConfig(matched.network, matched.hidden), features, origin)


def bytes_of(path: Path) -> bytes:
    """A file's content."""
    try:
        if not path.is_file():
            raise InputError(f"--weights={path} is no file; name a weight file")
        if path.stat().st_size > SIZE:
            raise InputError(f"{path} is larger than {SIZE >> 30} GiB; it is no weight file of such a network")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot read {path}: {error}; check its permissions") from error


def origin_of(path: Path, sha256: str, kind: str) -> dict:
    """Where weights come from, without any path of this machine."""
    today = datetime.now(UTC).date().isoformat()
    return {"file": path.name, "sha256": sha256, "format": kind, "imported": today}


def open_kept(model: Model, origin: dict) -> Opened:
    """A model that export_weights wrote; Refused where its arrays are not those of its network."""
    name, hidden = model.meta["network"]["name"], tuple(model.meta["network"]["hidden"])
    if name not in NETWORKS:
        raise Refused("names a network that this version of tl_jax does not have")
    if model.meta["scaler"]["kind"] not in SCALERS or model.meta["transform"] not in TRANSFORMS:
        raise Refused("names a scaler or a transform that this version of tl_jax does not have")
    config = NetworkConfig(name, hidden)
    most = sum(values.size for values in model.leaves.values())  # before shapes of any size are made up
    if len(hidden) > 100 or max(hidden) * min(len(model.genes), 1) > most:
        raise Refused("does not hold the leaves of its network; it is damaged")
    init = jax.eval_shape(lambda key: build(config).init(key, len(model.genes)), jax.random.key(0))
    wanted = {leaf: shape.shape for leaf, shape in flatten(init["params"]).items()}
    if wanted != {leaf: values.shape for leaf, values in model.leaves.items()}:
        raise Refused("does not hold the leaves of its network; it is damaged")
    for leaf, values in model.leaves.items():
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            raise Refused(f"holds values in {leaf} that are no finite numbers; take an earlier state of the model")
    return Opened({"params": unflatten(model.leaves)}, config, len(model.genes), origin, model)


def genes_of(opened: Opened, genes: str | Path | None) -> list[str]:
    """The names of the inputs in the file's order; InputError where nobody gives them, or two differ."""
    if opened.kept is not None:
        if genes and read_gene_list(genes, opened.features) != opened.kept.genes:
            raise InputError(f"--genes={genes} differs from the genes in the file itself; leave --genes out")
        return opened.kept.genes
    if genes:
        return read_gene_list(genes, opened.features)
    if opened.network.name == "fc_layers":
        return [f"v{i}" for i in range(opened.features)]  # as data/vectors.py calls columns without names
    raise InputError(f"--genes is missing: the {opened.features} genes of the weights, in their order, one per line")


def record_of(
    opened: Opened, variables: Variables, genes: Sequence[str], meaning: Meaning, scaler: Scaler | None, kind: str
) -> dict:
    """The record of the checkpoint, all that checkpoint.REQUIRED asks for."""
    compounds = opened.network.name == "fc_layers"
    label = {"low": 0.0, "high": NETWORK_TOP, "direction": RESISTANT, "unit": LABEL}
    params = {name: np.asarray(leaf) for name, leaf in flatten(variables["params"]).items()}
    said = {
        "stage": STAGE,
        "domain": meaning.name or opened.origin["file"],
        "drug": meaning.drug,
        "samples": None,
        "strategy": STRATEGY,
        "recipe": {},
        "network": {"name": opened.network.name, "hidden": list(opened.network.hidden)},
        "seed": None,
        "data_fingerprint": "",
        "note": "",
        "ancestors": [],
        "genes": list(genes),
        "transform": meaning.transform,
        "scaler": {"kind": kind, **lists(scaler)},
        "response_scale": label if compounds else meaning.scale(),
        "origin": opened.origin,
        "versions": versions(),
    }
    if opened.kept is not None:
        own = opened.kept.meta
        said |= {key: own[key] for key in ("drug", "transform", "response_scale")}
        said |= {"domain": meaning.name or own["domain"], "ancestors": [*own["ancestors"], brief(own)]}
        said |= carried(own, genes)
    # Neither the day nor versions of packages change what the model is.
    named = {key: value for key, value in said.items() if key != "versions"}
    named["origin"] = {key: value for key, value in opened.origin.items() if key != "imported"}
    return said | {"id": digest(named, *(part for name in params for part in (name, params[name])))[:16]}


def carried(own: dict, genes: Sequence[str]) -> dict:
    """What an exported model says of its training expression beside the scaler; Refused where that is no such thing."""
    found, there = {}, set(genes)
    if own.get("preprocess"):
        try:
            from_record(own["preprocess"]).apply(np.ones((0, len(genes))), np.empty(0, str))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Refused("holds preprocessing steps that make no sense; it is damaged") from error
        found["preprocess"] = own["preprocess"]
    if own.get("unmeasured"):
        found["unmeasured"] = [gene for gene in own["unmeasured"] if gene in there]
    return found


def lists(scaler: Scaler | None) -> dict:
    """A scaler in a record; empty where the model came without."""
    if scaler is None:
        return {"center": [], "scale": []}
    return {"center": scaler.center.tolist(), "scale": scaler.scale.tolist()}


def keep_imported(out: Path, variables: Variables, record: dict) -> Path:
    """Write the checkpoint; a model of compounds gets what experiments.predict needs beside it."""
    if out.exists():
        raise InputError(f"{out} exists; choose another --out")
    path = save_stage(out, variables, record)
    if record["response_scale"]["unit"] == LABEL:
        plain = {"vectors": True, "bits": 0, "radius": 0, "counts": False, "stereo": False, "active": float("nan")}
        keep(path / FILE, f"{record['id']} imported", lambda: {k: np.asarray(v) for k, v in plain.items()})
    return path
