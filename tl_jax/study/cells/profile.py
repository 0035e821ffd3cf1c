"""A score per cell for every drug of the table: what the cells are like, over all drugs at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.data.cells.shared import fit_scaling
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.line_models import SENSITIVE_SHARE
from tl_jax.evaluation.predictors.line_weights import all_ridges
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.report.page.page import write_report
from tl_jax.report.tables import fixed_width, number
from tl_jax.study.cells.object import write_object
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.core.identity import identity
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.writer import write_study
from tl_jax.system.files import digest

NAME = "scdeal_profile"
FEWEST = 40  # lines
SHOWN = 15


@dataclass
class Profile:
    """scores: cells x drugs, high = sensitive. drugs: one row for each, that of the best left-out Spearman first."""

    settings: CellSettings
    setup: Setup
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    drugs: pd.DataFrame = field(default_factory=pd.DataFrame)
    ledger: Ledger = field(default_factory=Ledger)


def run_profile(settings: CellSettings, setup: Setup, _work: Path | None = None) -> Profile:
    """Fit every drug on all lines, and read the smoothed cells; it takes a minute, so nothing is kept on the way."""
    found = Profile(settings, setup)
    found.ledger.remark(*setup.notes)
    lines, y = setup.lines, told_apart(setup.lines.y)
    if y.empty:
        raise InputError(f"no drug is measured in {FEWEST} lines with some of them sensitive; give more responses")
    if lost := lines.y.shape[1] - y.shape[1]:
        found.ledger.remark(f"{lost} drugs tell too little: under {FEWEST} lines, or none of them sensitive")
    with found.ledger.timed("profile"), threadpool_limits(1):  # threads of systems this small wait for each other
        x = fit_scaling(lines.x, settings.scaler).apply(lines.x)
        ridges = all_ridges(x, y.to_numpy(), lines.tissue)
        scores = setup.smooth @ ridges.weights + ridges.bias
    found.scores = pd.DataFrame(scores, setup.cells.samples, y.columns)
    found.drugs = drug_table(y, ridges, scores)
    return found


def told_apart(y: pd.DataFrame) -> pd.DataFrame:
    """The drugs that are measured in enough lines, of which some are sensitive."""
    tells = y.quantile(SENSITIVE_SHARE) < y.max()
    return y.loc[:, (y.notna().sum() >= FEWEST) & tells]


def drug_table(y: pd.DataFrame, ridges, scores: np.ndarray) -> pd.DataFrame:
    """drug, lines, Spearman over lines with their tissue left out, penalty, mean and sd of the score over cells."""
    rows = []
    for place, drug in enumerate(y):
        own = y[drug].notna().to_numpy()
        left_out = float(spearman_rows(-y[drug].to_numpy()[own], ridges.left_out[own, place]))
        score = scores[:, place]
        rows.append((drug, int(own.sum()), left_out, ridges.alpha[place], score.mean(), score.std()))
    names = ["drug", "lines", "left_out_spearman", "penalty", "mean", "sd"]
    return pd.DataFrame(rows, columns=names).sort_values("left_out_spearman", ascending=False, ignore_index=True)


def profile_identity(settings: CellSettings, setup: Setup) -> dict:
    """A record to compare: what determines a profile."""
    parts = setup.lines.x, setup.lines.tissue, list(setup.lines.y.columns), setup.lines.y.to_numpy(), setup.smooth
    return identity(NAME, settings, {}, profile=digest(*parts))


def write_profile(found: Profile, folder: Path) -> list[str]:
    """Write profiles.csv, drugs.csv, cells.h5ad with obsm X_tl_profile, summary and page; what could not be written."""
    table = found.scores.rename_axis("cell").reset_index()
    lineage = {"drugs": list(found.scores)}
    places = {"X_tl_profile": found.scores.to_numpy()}
    notes = write_object(found, table[["cell"]], folder / "cells.h5ad", lineage, places)
    found.ledger.notes += notes
    tables = {"profiles": table, "drugs": found.drugs}
    if found.setup.near:
        tables["near"] = pd.DataFrame(found.setup.near, columns=["line", "spearman"])
    summary = {
        "experiment": NAME,
        "title": "sensitivity of single cells to every drug of the table, learned from bulk lines",
        "lines": len(found.setup.lines),
        "cells": {"read": found.setup.total, "scored": len(found.setup.cells), "kind": found.setup.kind},
        "genes": len(found.setup.lines.genes),
        "lines_out": list(found.setup.out),
    }
    told = found.settings.told(), found.ledger
    return [*notes, *write_study(folder, tables, summary, *told, pictures=[], page=write_report)]


def printed(found: Profile) -> str:
    """The terminal's table: the drugs that lines say most about."""
    head = ["drug", "lines", "Spearman over lines left out", "mean score", "sd over cells"]
    rows = [
        [row.drug, str(row.lines), number(row.left_out_spearman), number(row.mean), number(row.sd, ".3f")]
        for row in found.drugs.head(SHOWN).itertuples()
    ]
    return "\n".join(fixed_width(head, rows))
