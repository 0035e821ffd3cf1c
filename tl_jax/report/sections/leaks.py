"""Section on leaks: what each protocol lends to preprocessing, and what that changes."""

from __future__ import annotations

from tl_jax.report.blocks import Blocks, Cell, Column, Figure, join, table
from tl_jax.report.plots.shares import protocol_figure
from tl_jax.report.sections.cells import arm_cells, difference, fixed, in_order, missing, p_value, word
from tl_jax.report.sections.leading import arm_table, leading
from tl_jax.report.sections.study import Study

# What a fit sees of held-out samples -> look of its cell; the words stand in the cell.
LOOKS = {"nothing": "good", "expression": "open", "labels, to balance folds": "open", "expression and labels": "bad"}
AUDIT = {
    "protocol": "protocol",
    "evaluated": "evaluated",
    "stage": "stage",
    "what": "what is fitted",
    "fitted_on": "fitted on",
    "held_out": "it sees of held-out samples",
    "check": "check",
    "result": "result",
}


def leaks(study: Study) -> Blocks:
    """The audit, then as_published against honest for each arm."""
    study.need("leak_audit", "protocols")
    return join([_audit(study), _protocols(study)])


def _audit(study: Study) -> Blocks:
    """Every fit, and what it sees."""
    rows = study.table("leak_audit")
    if rows.empty:
        return missing("leak_audit")
    several = "evaluated" in rows and rows["evaluated"].nunique() > 1
    shown = {name: heading for name, heading in AUDIT.items() if name != "evaluated" or several}
    lines = [
        [Cell(row[name], look=LOOKS.get(row[name], "bad")) if name == "held_out" else row[name] for name in shown]
        for row in rows.to_dict("records")
    ]
    return table(
        "What each step is fitted on, and how that was checked", [Column(h) for h in shown.values()], lines, frame=rows
    )


def _protocols(study: Study) -> Blocks:
    """The difference that a leak makes to each arm."""
    judged, rows = study.metric, in_order(study.table("protocols"))
    if rows.empty:
        return missing("protocols")
    cells = arm_cells(rows) | {
        "metric": word("metric"),
        "honest": fixed("honest", judged.spec()),
        "as_published": fixed("as_published", judged.spec()),
        "difference": fixed("difference", f"+{judged.spec()}"),
        "95 % interval": difference(judged),
        "p corrected": p_value("p_corrected"),
    }
    drawn = leading(study, rows[rows["metric"] == judged.name])
    shown = (
        Figure(
            "protocols",
            lambda: protocol_figure(drawn, judged.name),
            f"{judged.label} of {len(drawn)} arms under honest and under as_published; the numbers stand in the table "
            "below",
            "",
        )
        if len(drawn)
        else []
    )
    caption = "as_published minus honest, by arm; p-values are not corrected for their number"
    return join([shown, arm_table(study, caption, rows, cells, words=("source", "metric"))])
