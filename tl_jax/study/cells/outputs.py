"""What a study of cells leaves: a score per cell, tables, the user's own object with the scores in it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.formats.h5ad import is_h5ad
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.report.page.page import write_report
from tl_jax.report.tables import fixed_width, number, write_csv
from tl_jax.study.cells.judge import truth_tables
from tl_jax.study.cells.null_tables import null_tables
from tl_jax.study.cells.settings import EMBEDDED, NAME, CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.cells.study import CellResults, depth_of
from tl_jax.study.cells.truth import Truth
from tl_jax.study.core.identity import identity
from tl_jax.study.core.writer import write_study
from tl_jax.system.files import digest, write_atomic
from tl_jax.system.runtime import versions

CAVEAT = (
    "A label such as parental or resistant tells what a drug did to the cells before they were measured, not which of "
    "them will survive it."
)


def cells_identity(settings: CellSettings, setup: Setup) -> dict:
    """A record to compare: a stopped run is resumed only where all of it is the same."""
    # Of a domain's digest the tissue and the responses to other drugs are no part.
    more = digest(setup.lines.tissue, list(setup.lines.y.columns), setup.lines.y.to_numpy())
    return identity(NAME, settings, {"cells": setup.domain}, lines=more)


def write_cells(results: CellResults, folder: Path, truth: Truth | None = None) -> list[str]:
    """Write cells.csv, cells.h5ad, signs.csv and, where there is a truth, the tables of judge.py; summary and page.

    Returns what could not be written.
    """
    scores = score_table(results)
    tables = {"signs": results.signs}
    if results.setup.near:
        tables["near"] = near_table(results.setup)
    write_csv(folder / "cells.csv", scores)
    if results.profile:
        write_csv(folder / "profile.csv", profile_table(results))
    notes = write_object(results, scores, folder / "cells.h5ad")
    if truth:
        results.judged = truth_tables(results, truth)
    results.judged |= null_tables(results, truth or Truth())
    results.ledger.notes += notes
    left_out = write_study(
        folder,
        tables | results.judged,
        summary(results),
        results.settings.as_dict(),
        results.ledger,
        pictures=[],
        page=write_report,
    )
    return [*notes, *left_out]


def score_table(results: CellResults) -> pd.DataFrame:
    """One row per cell that passed: score and its spread over draws, probability, call and how many draws agree."""
    main, calling = results.scores[results.main], results.calling
    score, called = results.score, calling.calls(main)
    label = calling.calls(score)
    return pd.DataFrame(
        {
            "cell": results.setup.cells.samples,
            "sens_score": score,
            "sens_score_sd": main.std(axis=0, ddof=1),
            "sens_score_unsmoothed": results.scores["ridge"].mean(axis=0),
            "sens_prob": calling.probability(score),
            "sens_label": label,
            "sens_label_agreement": (called == label).mean(axis=0),
        }
    )


def profile_table(results: CellResults) -> pd.DataFrame:
    """One row per cell, one column per drug: the smoothed ridge's score."""
    found = pd.DataFrame(results.profile.smooth, columns=results.profile.drugs)
    found.insert(0, "cell", results.setup.cells.samples)
    return found


def near_table(setup: Setup) -> pd.DataFrame:
    """line, Spearman of its profile with the cells' mean."""
    return pd.DataFrame(setup.near, columns=["line", "spearman"])


def write_object(results: CellResults, scores: pd.DataFrame, path: Path) -> list[str]:
    """The user's object with the scores in its table of cells, never over the input; what stood in the way."""
    try:
        import anndata
    except ImportError:
        return ["cells.h5ad was not written: it needs anndata (pip install 'tl_jax[sc]'); cells.csv has the scores"]
    settings, setup = results.settings, results.setup
    if settings.cells != EMBEDDED and is_h5ad(Path(settings.cells)) and not settings.cells.endswith(".gz"):
        held = anndata.read_h5ad(settings.cells)
    else:
        obs = pd.DataFrame(index=setup.cells.samples)
        held = anndata.AnnData(setup.cells.x, obs=obs, var=pd.DataFrame(index=setup.cells.genes))
    rows = setup.kept if len(held) == setup.total else np.arange(len(setup.cells))
    for column in scores.columns[1:]:
        values = np.full(len(held), np.nan)
        values[rows] = scores[column].to_numpy(np.float64)
        held.obs[column if column not in held.obs else f"{column}_tl"] = values
    about = {"settings": asdict(settings), "notes": results.ledger.notes, "versions": versions()}
    held.uns["tl"] = json.dumps(about, default=str)
    write_atomic(path, lambda place: held.write_h5ad(place))
    return []


def summary(results: CellResults) -> dict:
    """Everything needed to repeat the study, and what it says."""
    setup, depth = results.setup, depth_of(results)
    return {
        "experiment": NAME,
        "title": f"sensitivity of single cells to {setup.drug}, learned from bulk lines",
        "drug": setup.drug,
        "lines": len(setup.lines),
        "cells": {"read": setup.total, "scored": len(setup.cells), "kind": setup.kind},
        "genes": len(setup.lines.genes),
        "lines_out": list(setup.out),
        "arm": results.main,
        "direction_settled": results.settled,
        "depth_spearman": None if np.isnan(depth) else depth,
        "threshold": results.calling.threshold,
        "called_sensitive": float(results.calling.calls(results.score).mean()),
        "caveat": CAVEAT,
    }


def printed(results: CellResults) -> str:
    """The terminal's table: arms, their agreement with the main score, and with the truth where there is one."""
    arms = {name: scores.mean(axis=0) for name, scores in results.scores.items() if np.ptp(scores)}
    alike = spearman_rows(results.score, np.stack(list(arms.values())))
    rows = [[name, number(value)] for name, value in zip(arms, alike, strict=True)]
    head = ["arm", "Spearman with the score"]
    if "arms" in results.judged:
        table = results.judged["arms"].query("metric == 'auroc'").set_index("arm")
        head += ["AUROC", "draws below .5"]
        for row in rows:
            own = table.loc[row[0]]
            row += [f"{number(own['mean'])} ± {number(own['sd'])}", f"{own['below_half']:.0%}"]
    return "\n".join(fixed_width(head, rows))
