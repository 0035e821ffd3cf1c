"""A visitor's cells and bulk lines as files: the simulated pair."""

import io
from pathlib import Path

import pandas as pd
from h5ad_writer import write_h5ad
from scripting import script

from tl_jax.data.cells.simulate import TRUTH, simulated_pair


def cells_and_lines(folder: Path, genes: int = 400) -> dict[str, tuple[str, bytes]]:
    """{what it is: (file name, content)}."""
    lines, cells = simulated_pair(genes=genes)
    path = write_h5ad(folder / "mine.h5ad", cells.x, cells.genes, cells.samples, {TRUTH: cells.obs[TRUTH].to_numpy()})
    expression = pd.DataFrame(lines.x, index=pd.Index(lines.samples, name="cell_id"), columns=lines.genes).round(3)
    response = lines.y.rename_axis("cell_id").reset_index().melt("cell_id", var_name="drug", value_name="AUC")
    return {
        "cells": ("mine.h5ad", path.read_bytes()),
        "bulk_expression": ("lines.csv", table(expression.reset_index())),
        "bulk_response": ("response.csv", table(response.dropna())),
    }


def cells_study(place: Path) -> tuple[Path, dict[str, tuple[str, bytes]]]:
    """(a finished study of the pair in a folder, without networks; its files as above)."""
    files = cells_and_lines(place)
    for name, content in files.values():
        (place / name).write_bytes(content)
    flags = ["--cells=mine.h5ad", "--bulk_expression=lines.csv", "--bulk_response=response.csv", "--drug=simulib"]
    flags += ["--cell_line=none", "--seeds=0", "--repeats=3", "--out=study"]
    code, output, errors = script("scdeal", *flags, folder=place)
    assert code == 0, output + errors
    return place / "study", files


def table(rows: pd.DataFrame) -> bytes:
    text = io.StringIO()
    rows.to_csv(text, index=False)
    return text.getvalue().encode()
