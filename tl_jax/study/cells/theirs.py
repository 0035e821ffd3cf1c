"""Cells scored by scDEAL's own networks from a PyTorch file: its genes by name, its scaling, its two outputs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import jax
import numpy as np
import pandas as pd

from tl_jax.data.cells.cells import read_cells
from tl_jax.data.cells.shared import dense, fit_scaling
from tl_jax.data.cells.steps import logged
from tl_jax.data.cohort.gene_list import read_gene_list
from tl_jax.data.genes.names import translate
from tl_jax.data.tables.cells import examples
from tl_jax.data.tables.pickled_tensors import Refused
from tl_jax.errors import InputError
from tl_jax.models.scdeal_net import Mode, classify, encode
from tl_jax.weights.scdeal_file import Networks, read_scdeal

SIZE = 1 << 33  # bytes of such a file, at most


def predict_theirs(model: Path, genes: str, cells: Path, *, layer: str = "", values: str = "") -> tuple:
    """(cell, sens_score, rest_score, sens_label of every cell; what was done, for summary.json).

    Counts are brought to the median library and logged, and each gene to 0..1 over these cells, as scDEAL's code does;
    its filters of cells are left to the user. sens_label: 1 where the output of sensitive is the higher one.
    Raises:
        InputError: no such file, one that is no network of scDEAL, or cells that lack any of its genes.
    """
    networks, sha256 = opened(model)
    wanted = read_gene_list(genes, len(networks.encoder["encoder1"]["kernel"]))
    found = read_cells(cells, layer=layer, values=values)
    x, notes = on_their_genes(found.x, found.genes, wanted, cells)
    logs, _, library = logged(found)
    if library:
        x, _ = on_their_genes(logs.x, found.genes, wanted, cells)
        notes.append(f"counts brought to {library:,.0f} for each cell and logged")
    x = dense(x)
    sens, rest = probabilities(networks, fit_scaling(x, "minmax").apply(x))
    label = (sens > rest).astype(int)
    table = pd.DataFrame({"cell": found.samples, "sens_score": sens, "rest_score": rest, "sens_label": label})
    origin = {"file": model.name, "sha256": sha256, "format": networks.kind}
    return table, {
        "model": origin,
        "notes": [*found.notes, *notes],
        "cells": {"read": len(table), "scored": len(table)},
    }


def opened(path: Path) -> tuple[Networks, str]:
    """(the networks of a file, its SHA-256)."""
    try:
        if path.stat().st_size > SIZE:
            raise InputError(f"{path} is larger than {SIZE >> 30} GiB; it is no file of scDEAL's networks")
        content = path.read_bytes()
        return read_scdeal(content, str(path)), hashlib.sha256(content).hexdigest()
    except Refused as refused:
        raise InputError(f"{path} {refused}") from refused
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check its permissions") from error


def on_their_genes(x, genes: np.ndarray, wanted: list[str], path: Path):
    """(the columns of the networks' genes in their order, notes)."""
    names, at = translate(list(wanted)).names, {gene: k for k, gene in enumerate(genes.tolist())}
    missing = [gene for gene in names if gene not in at]
    if missing:
        raise InputError(
            f"{path} lacks {len(missing):,} of the {len(names):,} genes of these networks ({examples(missing)}), which "
            "need every one; name cells that have them all"
        )
    return x[:, np.array([at[gene] for gene in names])], [f"all {len(names):,} genes of the networks found"]


def probabilities(networks: Networks, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,) output of sensitive, (n,) of resistant) of rows scaled to 0..1, each between 0 and 1."""
    mode = Mode(jax.random.key(0), np.ones(len(x), np.float32), 0.0, 0.0)
    z, _, _ = encode(networks.encoder, x, mode)
    out = np.asarray(jax.nn.sigmoid(classify(networks.predictor, z, mode)[0]))
    return out[:, 1], out[:, 0]
