"""What a study of many targets leaves, and what determines its numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.cohort.gene_report import gene_report
from tl_jax.evaluation.statistics.registry import record
from tl_jax.report.page.page import write_report
from tl_jax.report.plots.ranks import critical_difference
from tl_jax.study.core.identity import identity
from tl_jax.study.core.stages import fingerprint
from tl_jax.study.core.writer import write_study
from tl_jax.study.many_targets.settings import NAME, ManySettings
from tl_jax.study.many_targets.tables import OverTargets
from tl_jax.study.many_targets.targets import ManyResults
from tl_jax.transfer import strategies


def many_identity(settings: ManySettings, cohort) -> dict:
    """A record to compare: a stopped run is resumed only where all of it is the same."""
    named = [strategies.get(name) for name in settings.fine_tuned]
    return identity(NAME, settings, {domain.name: domain for domain in cohort.domains}, named)


def write_many(results: ManyResults, over: OverTargets, folder: Path) -> list[str]:
    """Write metrics, held_out, targets, blocks, gains, ranks and pairs (.csv), summary.json, pictures and report.html.

    over_samples.csv, by_class.csv and source_test.csv where there are any, genes.csv where the cohort was read from
    tables. Returns what could not be drawn.
    """
    tables = {name: getattr(over, name) for name in ("targets", "blocks", "gains", "over_samples", "ranks", "pairs")}
    tables["by_class"] = over.by_class
    tables["source_test"] = over.source_test
    if results.cohort.gene_names:
        tables["genes"] = gene_report(results.cohort)
    tables = {name: table for name, table in tables.items() if len(table)}
    title = f"{NAME}: {{}} targets of cohort {results.cohort.name}, protocol {{}}"
    pictures = [
        partial(critical_difference, test, folder / f"ranks-{protocol}", title.format(test.blocks, protocol))
        for protocol, test in over.tests.items()
    ]
    return write_study(
        folder,
        {"metrics": results.table("metrics"), "held_out": held_out(results), **tables},
        summary(results, over),
        results.settings.as_dict(),
        replace(results.ledger, notes=[*results.ledger.notes, *over.notes]),
        pictures=pictures,
        page=write_report,
    )


def held_out(results: ManyResults) -> pd.DataFrame:
    """Every held-out prediction in the response's own unit, one column per arm."""
    keys = ["experiment", "target", "protocol", "repeat", "fold", "sample_id", "y_true"]
    table = results.table("predictions")
    arms = dict.fromkeys(table.arm)
    wide = table.set_index([*keys, "arm"])["y_pred"].unstack("arm", sort=False)
    return wide[list(arms)].rename_axis(columns=None).reset_index()


def summary(results: ManyResults, over: OverTargets) -> dict:
    """Everything needed to repeat the study, and its result per arm."""
    cohort, source = results.cohort, results.source
    means = over.blocks.drop(columns="target").groupby("protocol", sort=False).mean()
    return {
        "experiment": NAME,
        "title": "all source drugs to every drug of the target",
        "cohort": {"name": cohort.name, "title": cohort.title, "genes": len(cohort.genes)},
        "metric": record(results.settings.metric),
        "recipe": results.settings.recipe.as_dict(),
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
        f"mean_{results.settings.metric}": {protocol: row.to_dict() for protocol, row in means.iterrows()},
        "registered": results.registered.told() if results.registered else None,
        "friedman": {
            protocol: {"statistic": t.statistic, "p": t.p, "critical_difference": t.critical_difference}
            for protocol, t in over.tests.items()
        },
    }
