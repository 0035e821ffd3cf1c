"""What a study of many targets leaves, and what determines its numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.gene_report import gene_report
from tl_jax.report.page.overview import write_overview
from tl_jax.report.plots.ranks import critical_difference
from tl_jax.report.tables import write_csv
from tl_jax.study.cohort.outputs import drawn, page
from tl_jax.study.core.stages import circumstances, fingerprint
from tl_jax.study.many_targets.tables import OverTargets
from tl_jax.study.many_targets.targets import NAME, ManyResults, ManySettings
from tl_jax.system.files import write_json
from tl_jax.system.runtime import device, versions


def many_identity(settings: ManySettings, cohort) -> dict:
    """A record to compare: a stopped run is resumed only where all of it is the same."""
    return {
        "experiment": NAME,
        "flags": {name: value for name, value in settings.as_dict().items() if name != "data_dir"},
        "data": {domain.name: fingerprint(domain) for domain in cohort.domains},
        **circumstances(),
    }


def write_many(results: ManyResults, over: OverTargets, folder: Path) -> list[str]:
    """Write metrics, held_out, targets, blocks, gains, ranks and pairs (.csv), summary.json, pictures and report.html.

    genes.csv too, where the cohort was read from tables.
    Returns what could not be drawn.
    """
    write_csv(folder / "metrics.csv", results.table("metrics"))
    write_csv(folder / "held_out.csv", held_out(results))
    for name in ("targets", "blocks", "gains", "ranks", "pairs"):
        table = getattr(over, name)
        if len(table):
            write_csv(folder / f"{name}.csv", table)
    if results.cohort.gene_names:
        write_csv(folder / "genes.csv", gene_report(results.cohort))
    left_out = []
    for protocol, test in over.tests.items():
        title = f"{NAME}: {test.blocks} targets of cohort {results.cohort.name}, protocol {protocol}"
        left_out += drawn(partial(critical_difference, test, folder / f"ranks-{protocol}", title))
    write_json(folder / "summary.json", summary(results, over, [*results.notes, *over.notes, *left_out]))
    return left_out + page(write_overview, folder)


def held_out(results: ManyResults) -> pd.DataFrame:
    """Every held-out prediction in the response's own unit, one column per arm."""
    keys = ["experiment", "target", "protocol", "repeat", "fold", "sample_id", "y_true"]
    table = results.table("predictions")
    arms = dict.fromkeys(table.arm)
    wide = table.set_index([*keys, "arm"])["y_pred"].unstack("arm", sort=False)
    return wide[list(arms)].rename_axis(columns=None).reset_index()


def summary(results: ManyResults, over: OverTargets, notes: list[str]) -> dict:
    """Everything needed to repeat the study, and its result per arm."""
    cohort, source = results.cohort, results.source
    means = over.blocks.drop(columns="target").groupby("protocol", sort=False).mean()
    return {
        "experiment": NAME,
        "title": "all source drugs to every drug of the target",
        "cohort": {"name": cohort.name, "title": cohort.title, "genes": len(cohort.genes)},
        "settings": results.settings.as_dict(),
        "recipe": results.settings.recipe.as_dict(),
        "versions": versions(),
        "device": device(),
        "data": {
            domain.name: {"samples": len(domain), "fingerprint": fingerprint(domain)} for domain in cohort.domains
        },
        "source": {
            "domain": source.name,
            "samples": len(source),
            "drugs": list(source.drugs),
            "measured": np.isfinite(source.y).sum(axis=0),
            "scaler": source.scaler,
            "final_train_loss": results.source_loss,
        },
        "wall_seconds": results.seconds,
        "mean_spearman": {protocol: row.to_dict() for protocol, row in means.iterrows()},
        "friedman": {
            protocol: {"statistic": t.statistic, "p": t.p, "critical_difference": t.critical_difference}
            for protocol, t in over.tests.items()
        },
        "notes": notes,
    }
