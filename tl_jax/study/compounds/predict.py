"""Predictions for new compounds: how likely each is active, and whether the model can know anything of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.special import expit

from tl_jax.checkpoint import load_stage
from tl_jax.config import NetworkConfig
from tl_jax.data.compounds.compound_file import read_smiles
from tl_jax.data.compounds.fingerprints import ecfp
from tl_jax.data.compounds.molecules import canonical_smiles
from tl_jax.data.compounds.tanimoto import nearest_row
from tl_jax.data.compounds.vectors import vector_table
from tl_jax.data.domain import LABEL
from tl_jax.data.tables.pickled_tensors import Refused
from tl_jax.errors import InputError
from tl_jax.evaluation.draws.reach import WITHIN
from tl_jax.models import build
from tl_jax.study.compounds.known import Known, load_known
from tl_jax.training.fit import predict
from tl_jax.types import Network, Variables
from tl_jax.weights.torch_file import file_content
from tl_jax.weights.weight_file import read_weights
from tl_jax.weights.weight_layers import DENSE, match

BLOCK = 4096  # compounds at a time
TORCH = (".pth", ".pt")
COLUMNS = ("id", "smiles", "probability", "logit", "nearest_tanimoto", "nearest", "in_domain", "caution")


class CompoundModel(NamedTuple):
    """name: for messages. features: names of the columns; () for a PyTorch file, which has none, but a number of them.

    known: how compounds were described and which it was trained on; None for a PyTorch file, which does not say.
    """

    name: str
    variables: Variables
    network: Network
    features: tuple[str, ...]
    width: int
    known: Known | None


def load_model(checkpoint: Path) -> CompoundModel:
    """A model of compounds from a stage checkpoint, or from a PyTorch state dict as TL4DTI ships them (.pth, .pt)."""
    checkpoint = Path(checkpoint)
    if checkpoint.suffix.lower() in TORCH and not checkpoint.is_dir():
        return load_pytorch(checkpoint)
    variables, meta = load_stage(checkpoint)
    if meta["response_scale"]["unit"] != LABEL:
        raise InputError(f"{checkpoint} is a model of expression; give it --expression instead of compounds")
    network, features = network_of(meta["network"]["hidden"]), tuple(meta["genes"])
    name = f"{meta['domain']} ({meta['stage']}, {meta['strategy']})"
    return CompoundModel(name, variables, network, features, len(features), load_known(checkpoint, meta))


def load_pytorch(path: Path) -> CompoundModel:
    """A state dict of blocks Linear, BatchNorm1d, ReLU and a last Linear, which gives the logit."""
    try:
        held = read_weights(file_content(path), str(path))
        blocks = sum(one.kind == DENSE for one in getattr(held, "layers", ())) - 1
        found = match(held, ["relu"] * blocks + ["linear"])
    except Refused as refused:
        raise InputError(f"{path} {refused}") from refused
    width = len(found.variables["params"]["layer1"]["kernel"])
    return CompoundModel(path.name, found.variables, network_of(found.hidden), (), width, None)


def network_of(hidden) -> Network:
    return build(NetworkConfig("fc_layers", tuple(hidden)))


def predict_smiles(model: CompoundModel, path: str | Path, within: float = WITHIN) -> pd.DataFrame:
    """One row for each line of a table with the column smiles, and id or compound_id where there are names.

    Columns: COLUMNS. probability and logit are of being active. nearest_tanimoto, 0..1: similarity to the nearest
    training compound; nearest: its SMILES, "" where none shares anything or the model's file names none; in_domain:
    whether it reaches `within`. caution: why a probability means little, or is missing.
    A SMILES that cannot be read keeps its line, with empty numbers.
    """
    known = model.known
    if known is None or known.vectors:
        raise InputError(f"the model {model.name} was trained on vectors of a file; give it --vectors, not SMILES")
    names, smiles = zip(*read_smiles(path), strict=True)
    table = pd.DataFrame({"id": names, "smiles": smiles})
    readable = np.array([bool(key) for key in canonical_smiles(smiles)])
    numbers, like = np.full((3, len(table)), np.nan), np.full(len(table), "", dtype=object)
    rows = np.flatnonzero(readable)
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        x = ecfp([smiles[row] for row in part], known.bits, known.radius, known.counts)
        logit = logits(model, x)
        row, similarity = nearest_row(x, known.x)
        numbers[:, part] = expit(logit), logit, similarity
        if known.smiles:
            like[part] = np.where(similarity > 0, np.array(known.smiles, dtype=object)[row], "")
    table["probability"], table["logit"], table["nearest_tanimoto"] = numbers
    table["nearest"] = like
    table["in_domain"] = pd.Series(numbers[2] >= within, dtype=object).where(readable, None)
    table["caution"] = [caution(*line, within) for line in zip(smiles, readable, numbers[2], strict=True)]
    return table[list(COLUMNS)]


def caution(smiles: str, readable: bool, nearest: float, within: float) -> str:
    """What a reader of one line must know; "" where there is nothing."""
    if not readable:
        return "rdkit cannot read this SMILES: not predicted" if smiles else "no SMILES: not predicted"
    if nearest < within:
        return f"unlike every training compound (nearest {nearest:.2f}, below {within:g}): the probability means little"
    if nearest == 1:
        return "to the model the same as a training compound: no prediction of something new"
    return ""


def predict_vectors(model: CompoundModel, path: str | Path) -> pd.DataFrame:
    """The same for a file of vectors (see data/vectors.py) and a model trained on such.

    Columns must be the training columns by name, in any order; a PyTorch model, which knows no names, takes them as
    they stand. How far a vector lies from those of training is not known: what says so of a SMILES is empty.
    """
    if model.known is not None and not model.known.vectors:
        raise InputError(f"the model {model.name} was trained on fingerprints; give it --compounds with SMILES")
    table = vector_table(path)
    if model.features:
        missing = [name for name in model.features if name not in table.columns]
        if missing:
            raise InputError(f"{path} lacks {len(missing)} of the model's {model.width} columns, first '{missing[0]}'")
        table = table[list(model.features)]
    if table.shape[1] != model.width:
        raise InputError(f"{path} has vectors of {table.shape[1]} numbers, the model {model.name} takes {model.width}")
    logit = logits(model, table.to_numpy(np.float32))
    found = pd.DataFrame({"id": table.index.astype(str), "probability": expit(logit), "logit": logit})
    found["smiles"] = found["id"] if table.index.name == "smiles" else ""
    found["nearest_tanimoto"], found["nearest"], found["in_domain"] = np.nan, "", None
    found["caution"] = "whether this is like the training compounds is not known: vectors"
    return found[list(COLUMNS)]


def logits(model: CompoundModel, x: np.ndarray) -> np.ndarray:
    """(n,) float64 for x (n, features) float32."""
    blocks = [x[start : start + BLOCK] for start in range(0, len(x), BLOCK)]
    parts = [np.asarray(predict(model.variables, jnp.asarray(block), model.network)) for block in blocks]
    return np.concatenate([np.zeros(0), *parts])
