"""What a study between protein families leaves, and what determines its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.draw_verdict import correct
from tl_jax.evaluation.draws.published import published_2022, published_2023
from tl_jax.evaluation.statistics.registry import get, record
from tl_jax.report.page.page import write_report
from tl_jax.report.plots.dti import size_curves, transfer_heatmap
from tl_jax.study.compounds.networks import methods_of
from tl_jax.study.compounds.settings import NAME, DtiSettings
from tl_jax.study.compounds.setup import Setup
from tl_jax.study.compounds.study import DtiResults
from tl_jax.study.compounds.tables import compounds, metrics
from tl_jax.study.core.identity import identity
from tl_jax.study.core.stages import fingerprint
from tl_jax.study.core.writer import write_study
from tl_jax.system.files import digest, write_atomic


def dti_identity(settings: DtiSettings, setup: Setup) -> dict:
    """A record to compare: a stopped run is resumed only where all of it is the same."""
    domains = {"target": setup.target, **setup.sources}
    named = [method.strategy for method in methods_of(settings)]
    return identity(NAME, settings, domains, named, test=digest(setup.split.test))


def write_dti(results: DtiResults, judged: dict[str, pd.DataFrame], folder: Path) -> list[str]:
    """Write the tables (.csv), predictions.npz, test_ids.txt, summary.json and the pictures.

    Returns what could not be drawn.
    """
    setup = results.setup
    tables = {"metrics": metrics(results), **results.examined, **judged}
    tables |= {"test_compounds": compounds(results), "families": setup.read}
    if results.reach:
        tables["reach"] = pd.concat(results.reach, ignore_index=True)
    if len(setup.left_out):
        tables["left_out"] = setup.left_out
    (folder / "test_ids.txt").write_text("\n".join(setup.target.samples[setup.split.test]) + "\n")
    write_predictions(results, folder / "predictions.npz")
    return write_study(
        folder,
        tables,
        summary(results, judged),
        results.settings.as_dict(),
        results.ledger,
        pictures=[lambda: draw(results, judged, folder)],
        page=write_report,
    )


def write_predictions(results: DtiResults, path: Path) -> None:
    """Probabilities as "SOURCE|ARM|SIZE": (draws, m) float32, and the test compounds' keys: half a table's bytes."""
    arrays = {"|".join(map(str, key)): p.astype(np.float32) for key, p in results.probabilities.items()}
    keys = results.setup.target.samples[results.setup.split.test].astype(str)

    def write(place: Path) -> None:
        with open(place, "wb") as file:
            np.savez_compressed(file, compounds=keys, **arrays)

    write_atomic(path, write)


def draw(results: DtiResults, judged: dict[str, pd.DataFrame], folder: Path) -> None:
    """The map of levels, the curves, and a map of gains over each reference."""
    settings, setup, metric = results.settings, results.setup, get(results.settings.metric)
    where = f"to {setup.target.name}, {len(setup.truth)} test compounds, {settings.repeats} draws"
    levels = correct(judged["arms"], metric.name)
    transfer_heatmap(levels, folder / metric.name, f"Transfer {where}", metric=metric.label)
    known = published(setup) if metric.name == "mcc" else None
    size_curves(levels, folder / "curves", f"Transfer {where}", metric=metric.label, published=known)
    if "comparisons" in judged:
        rows = correct(judged["comparisons"], metric.name).rename(columns={"difference": "value"})
        for reference, own in rows.groupby("reference", sort=False):
            title = f"Gain over {reference} {where}"
            transfer_heatmap(own, folder / f"gain_over_{reference}", title, reference=reference, metric=metric.label)


def published(setup: Setup) -> pd.DataFrame | None:
    """The published curves on transporters under our arms' names, where transporters are the target."""
    if setup.target.name != "transporter":
        return None
    ours = {"mode2": "mode2_1"}
    rows = published_2022().rename(columns={"mcc": "value"})
    rows = rows[rows["arm"].isin(["mode1", "mode2"])]
    scratch = published_2023().rename(columns={"mcc": "value"})
    scratch = scratch[scratch["arm"] == "scratch"].assign(source="")
    both = pd.concat([rows, scratch], ignore_index=True)
    return both.assign(arm=both["arm"].replace(ours))[["source", "arm", "size", "value"]]


def summary(results: DtiResults, judged: dict[str, pd.DataFrame]) -> dict:
    """Everything needed to repeat the study, and what each arm reached."""
    setup, settings = results.setup, results.settings
    domains = {"target": setup.target, **setup.sources}
    arms = judged["arms"]
    rows = arms[arms["metric"] == settings.metric]
    return {
        "experiment": NAME,
        "title": "drug-target interaction between protein families",
        "metric": record(settings.metric),
        "recipe": settings.recipe.as_dict(),
        "data": {
            name: {
                "family": domain.name,
                "compounds": len(domain),
                "active": int(domain.response.sum()),
                "fingerprint": fingerprint(domain),
            }
            for name, domain in domains.items()
        },
        "split": {"pool": len(setup.split.train), "test": len(setup.split.test)},
        "overlap_of_draws": {str(size): value for size, value in setup.overlap.items()},
        "stages": [{"id": s.meta["id"], "path": str(s.path), "reused": s.reused} for s in results.stages],
        "final_models": results.finals,
        "registered": results.registered.told() if results.registered else None,
        settings.metric: rows.astype(object).where(rows.notna(), None).to_dict("records"),
    }
