"""Sections of a grid search: the axes, the best points, the chosen point on the test compounds."""

from __future__ import annotations

from tl_jax.report.blocks import Blocks, Figure, Strong, Text, paragraph
from tl_jax.report.plots.grid import AXES, profiles_figure
from tl_jax.report.sections.cells import fixed, frame_table, word
from tl_jax.report.sections.study import Study

SHOWN = 20


def objective(study: Study) -> str:
    """The metric that chose the point."""
    found = study.entry("settings", "objective", kind=str)
    return found if found in ("mcc", "auroc") else "mcc"


def top(study: Study) -> tuple[str, tuple[Text, ...]]:
    """Title, and how many points were tried."""
    rows, metric = study.table("grid"), objective(study)
    done = int(rows[metric].notna().sum())
    text = (
        f"{len(rows):,} combinations of settings were tried, {done:,} of which gave a number. The best mean "
        f"{metric.upper()} over inner folds is {rows[metric].max():.3f}: as the best of many it is too high. "
    )
    tested = study.table("test").set_index("metric")["value"]
    text += (
        f"On test compounds that no choice saw, the chosen point reaches {tested[metric]:.3f}."
        if metric in tested
        else "Test compounds that no choice saw would judge it."
    )
    return str(study.entry("title") or "Grid search"), (paragraph(Strong("Verdict. "), text, kind="verdict"),)


def profiles(study: Study) -> Blocks:
    """The best and the median point for each value of each axis."""
    rows, metric = study.need("grid"), objective(study)
    label = f"best and median {metric.upper()} over inner folds for each value of each setting"
    return Figure("profiles", lambda: profiles_figure(rows, "", metric=metric), label)


def points(study: Study) -> Blocks:
    """The first points."""
    metric = objective(study)
    best = study.need("grid").sort_values(metric, ascending=False, kind="stable").head(SHOWN)
    cells = {heading: fixed(axis, "g") for axis, heading in AXES.items()}
    for name in ("mcc", "auroc"):
        cells |= {name.upper(): fixed(name, ".3f"), f"sd of {name.upper()} over folds": fixed(f"{name}_sd", ".3f")}
    return frame_table(
        f"The {len(best)} points with the highest {metric.upper()} over inner folds", best, cells, heads=0
    )


def test(study: Study) -> Blocks:
    """Every metric of the final model."""
    cells = {"metric": word("metric"), "value": fixed("value", ".3f")}
    return frame_table("The chosen point's final model on the test compounds", study.need("test"), cells)
