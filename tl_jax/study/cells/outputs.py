"""What a study of cells leaves: a score per cell, tables, the user's own object with the scores in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cells.reach import Reach
from tl_jax.data.cells.shared import fit_scaling
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.report.page.page import write_report
from tl_jax.report.tables import fixed_width, number, write_csv
from tl_jax.study.cells.attention_read import attention_table
from tl_jax.study.cells.biology import biology
from tl_jax.study.cells.critical import critical_genes
from tl_jax.study.cells.judge import truth_tables
from tl_jax.study.cells.kept import fitted_weights, keep_model
from tl_jax.study.cells.looks import record
from tl_jax.study.cells.modules import modules
from tl_jax.study.cells.null_tables import null_tables
from tl_jax.study.cells.object import lineage_of, score_columns, write_object
from tl_jax.study.cells.published import quirk_table
from tl_jax.study.cells.settings import NAME, CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.cells.study import CellResults, depth_of
from tl_jax.study.cells.transferred import SEED, bottlenecks, columns, shown
from tl_jax.study.cells.truth import Truth, truth_of
from tl_jax.study.core.derived import lineage
from tl_jax.study.core.identity import identity
from tl_jax.study.core.looks import note
from tl_jax.study.core.writer import write_study
from tl_jax.system.files import digest

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
    tables = {"signs": results.signs, "directions": results.directions}
    if results.setup.near:
        tables["near"] = near_table(results.setup)
    if len(results.choice):
        tables["choice"] = results.choice
    write_csv(folder / "cells.csv", scores)
    weights = fitted_weights(results)
    places, by_gene = {}, {"tl_weights": (results.setup.lines.genes, weights[0].mean(axis=0))}
    if results.networks:
        found, more = explained(results, weights[0])
        tables, places, by_gene = tables | found, bottlenecks(results), by_gene | more
    if results.settings.biology:
        with results.ledger.timed("biology"):
            found, places["X_umap_tl"] = biology(results)
        tables |= found
    rest_on = lineage_of(results) | {"columns": columns(results), "bottlenecks_of_seed": SEED}
    made = write_object(results, scores, folder / "cells.h5ad", rest_on, places, by_gene)
    notes = [*keep_model(results, folder / "model", weights), *made]
    if truth:
        seen = record(results.settings, results.setup, truth)
        results.judged = truth_tables(results, truth, len(seen))
        if "comparisons" in results.judged:
            results.ledger.remark(note(seen, "p_holm", "cells"))
        if (published := results.settings.published) and published.quirk_table:
            results.judged["quirks"] = quirk_table(results.judged["arms"])
        if results.settings.biology:
            label = truth_of(results, truth)
            tables["map"] = tables["map"].assign(truth=label[tables["map"].index])
            tables["modules"] = modules(results, label)
    results.judged |= null_tables(results, truth or Truth())
    results.ledger.notes += notes
    left_out = write_study(
        folder,
        tables | results.judged,
        summary(results),
        results.settings.told(),
        results.ledger,
        pictures=[],
        page=write_report,
    )
    return [*notes, *left_out]


def explained(results: CellResults, weights: np.ndarray) -> tuple[dict[str, pd.DataFrame], dict[str, tuple]]:
    """Tables lineage, critical_genes, critical_overlap and, where there is attention, critical_attention; and tl_ig of
    the network that is shown, for varm. weights: (draws, genes) of the ridge."""
    networks, seed = results.networks, results.settings.seed
    with results.ledger.timed("critical genes"):
        tables, both = critical_genes(networks, weights, results.setup.lines.genes, seed)
        attention = attention_table(networks, seed)
    tables["lineage"] = lineage(arm.record for arm in networks.values())
    if len(attention):
        tables["critical_attention"] = attention
    _, last = shown(results) or (None, next(iter(networks)))
    return tables, {"tl_ig": (networks[last].nets.genes, both[last])}


def score_table(results: CellResults) -> pd.DataFrame:
    """One row per cell that passed: the columns of `score_columns`, of the score, of the unsmoothed ridge and of the
    network that is shown before and after transfer, and in_domain (see Reach.of)."""
    setup, scaler = results.setup, results.settings.scaler
    reach = Reach.fit(fit_scaling(setup.lines.x, scaler).apply(setup.lines.x))
    return pd.DataFrame(
        {
            "cell": setup.cells.samples,
            **score_columns(results.scores[results.main], results.calling),
            **score_columns(results.scores["ridge"], results.calling, "_unsmoothed"),
            **network_columns(results),
            "in_domain": reach.of(setup.smooth),
        }
    )


def network_columns(results: CellResults) -> dict[str, np.ndarray]:
    """The columns of a network before and after transfer."""
    pairs = columns(results).items()
    found = [score_columns(results.scores[arm], results.callings.get(arm), ending) for ending, arm in pairs]
    return {name: values for own in found for name, values in own.items()}


def near_table(setup: Setup) -> pd.DataFrame:
    """line, Spearman of its profile with the cells' mean."""
    return pd.DataFrame(setup.near, columns=["line", "spearman"])


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
        "before_and_after": list(shown(results) or ()),
        "direction_settled": results.settled,
        "bootstraps": results.settings.bootstraps,
        "depth_spearman": None if np.isnan(depth) else depth,
        "threshold": results.calling.threshold,
        "called_sensitive": float(results.calling.calls(results.score).mean()),
        "caveat": CAVEAT,
        "registered": results.registered.told() if results.registered else None,
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
            known = np.isfinite(own["mean"])
            row += [f"{number(own['mean'])} ± {number(own['sd'])}", f"{own['below_half']:.0%}"] if known else ["", ""]
    return "\n".join(fixed_width(head, rows))
