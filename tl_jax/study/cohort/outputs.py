"""What an experiment leaves: tables, summary, pictures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tl_jax.data.chain import Cohort
from tl_jax.data.cohort.gene_report import gene_report
from tl_jax.evaluation.statistics.registry import record
from tl_jax.report import plots
from tl_jax.report.page.page import write_report
from tl_jax.report.tables import arm_table, source_table, summarise
from tl_jax.study.cohort.results import Results
from tl_jax.study.core.stages import TrainedStage
from tl_jax.study.core.writer import write_study

ALONE = "the one domain of this cohort, without a source: nothing is transferred"
METRIC_COLUMNS = ["experiment", "arm", "source", "protocol", "repeat", "fold", "metric", "value", "n_train", "n_test"]
PREDICTION_COLUMNS = ["experiment", "arm", "source", "protocol", "repeat", "fold", "sample_id", "y_true", "y_pred"]


def write_outputs(results: Results, folder: Path, *, flags: dict | None = None) -> list[str]:
    """Write metrics.csv, comparisons.csv, predictions.csv, history.csv, gene_weights.csv, summary.json, the pictures.

    genes.csv too, where the cohort was read from tables.

    Returns what could not be drawn.
    """
    return write_study(
        folder,
        tables_of(results),
        summary(results, flags or {}),
        results.settings.as_dict(),
        results.ledger,
        pictures=[lambda: draw(results, folder)],
        page=write_report,
    )


def tables_of(results: Results) -> dict[str, pd.DataFrame]:
    """Every table by the name of its file."""
    found = {
        "metrics": results.table("metrics")[METRIC_COLUMNS],
        "predictions": results.table("predictions")[PREDICTION_COLUMNS],
        "history": results.table("history"),
        "gene_weights": pd.concat(results.gene_weights, axis=1).reset_index() if results.gene_weights else None,
        "genes": gene_report(results.cohort) if results.cohort.gene_names else None,
        "source_drugs": pd.DataFrame(results.ranking) if results.ranking else None,
        **{name: pd.concat(frames, ignore_index=True) for name, frames in results.extra.items()},
    }
    return {name: table for name, table in found.items() if table is not None and (len(table) or name == "comparisons")}


def draw(results: Results, folder: Path) -> None:
    """Loss curves, predicted against observed, the comparison of arms, and the ranking of source drugs."""
    experiment, cohort = results.experiment, results.cohort
    title = f"{experiment.name}: {cohort.title}, protocol {results.settings.protocol}"
    metric = results.settings.metric
    plots.arm_comparison(results.table("metrics"), folder / "arms", title, metric)
    if results.settings.extras:
        return  # a panel for each of a hundred arms is no picture; the report shows the best of them
    predictions, units = results.table("predictions"), {d["unit"] for d in results.data.values()}
    plots.predicted_observed(predictions, folder / "predicted_observed", title, ", ".join(sorted(units)), metric)
    if len(results.table("history")):
        plots.loss_curves(results.table("history"), folder / "loss_curves", title)
    if results.ranking:
        plots.source_ranking(results.ranking, folder / "source_drugs", title, metric)


def title_of(results: Results) -> str:
    """What the experiment asks; of a cohort of one domain, what is left of it."""
    experiment = results.experiment
    alone = len(results.cohort.domains) == 1 and (experiment.routes or experiment.evaluated == "source")
    return ALONE if alone and experiment.name != "answer" else experiment.title


def cohort_of(cohort: Cohort) -> dict:
    """What a page says of a cohort."""
    sizes = {"genes": len(cohort.genes), "domains": len(cohort.domains)}
    return {"name": cohort.name, "title": cohort.title, **sizes}


def summary(results: Results, flags: dict) -> dict:
    """Everything needed to repeat the experiment, and its result per arm."""
    arms = summarise(results.table("metrics"), results.settings.metric)
    return {
        "experiment": results.experiment.name,
        "title": title_of(results),
        "cohort": cohort_of(results.cohort),
        "metric": record(results.settings.metric),
        "flags": flags,
        "data": results.data,
        "stage_data": {a["domain"] + ":" + a["drug"]: a["data_fingerprint"] for s in results.stages for a in family(s)},
        "stages": [
            {
                "id": s.meta["id"],
                "path": str(s.path),
                "reused": s.reused,
                "ancestors": [a["id"] for a in s.meta["ancestors"]],
                "recipe": s.meta["recipe"],
            }
            for s in results.stages
        ],
        "models": [
            {"arm": one.arm, "source": one.source, "id": one.meta["id"], "path": str(one.path)}
            for one in results.models
        ],
        "kept_folds": results.settings.fold_models,
        "registered": results.plan.registered.told() if results.plan.registered else None,
        "recommended": results.recommended._asdict() if results.recommended else None,
        "arms": arms.astype(object).where(arms.notna(), None).to_dict("records"),
        "source_drugs": results.ranking,
    }


def family(stage: TrainedStage) -> list[dict]:
    """A stage's record and its ancestors'."""
    return [*stage.meta["ancestors"], stage.meta]


def printed(results: Results) -> str:
    """What the terminal shows at the end."""
    metric = results.settings.metric
    parts = [arm_table(summarise(results.table("metrics"), metric), metric)]
    if results.ranking:
        parts.append(source_table(results.ranking, metric))
    return "\n\n".join(parts)
