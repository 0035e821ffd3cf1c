"""Sections of a study of many targets on its source: gains by drug class, and whether its labels are used."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.statistics.families import ALPHA
from tl_jax.report.blocks import Blocks, join, paragraph
from tl_jax.report.sections.cells import after_looks, between, fixed, frame_table, p_text, p_value, share, whole, word
from tl_jax.report.sections.study import Study

ALL = "all targets"  # as the study names the mean over them
READING = (
    "The lines of the source exchanged the responses to all drugs, within each tissue; all drugs were fitted again and "
    "the arm was run again from them on the same folds. p is the share of these runs that predict as well, the true "
    "one included. A small p says that what the labels carry is used by the arm, and not that the arm beats a model on "
    "the target's own genes."
)

FEW = (
    "A class is what the table of mechanisms says, and most classes are one drug or two on the same samples: the gains "
    "say where to look, and show nothing of a class."
)


def by_class(study: Study) -> Blocks:
    """The gains of the processes for the targets of each class, the least and the most of single drugs beside them."""
    rows, spec = study.need("by_class"), f"+{study.metric.spec(3)}"
    cells = {
        "class": word("class"),
        "arm": word("arm"),
        "protocol": word("protocol"),
        "targets": whole("targets"),
        "gain": fixed("gain", spec),
        "single targets": between("least", "most", spec),
        "targets won": share("won"),
        "drugs": word("drugs"),
    }
    title = f"Gain over {rows['reference'].iloc[0]} by drug class"
    return [paragraph(FEW), frame_table(title, rows, cells, ("arm", "protocol", "drugs"))]


def source_test(study: Study) -> Blocks:
    """A sentence on the mean over targets, and a table of every target."""
    rows, spec = study.need("source_test"), study.metric.spec(3)
    cells = {
        "target": word("target"),
        "arm": word("arm"),
        "protocol": word("protocol"),
        study.metric.per_fold: fixed("observed", spec),
        "exchanged: mean": fixed("null_mean", spec),
        "permutations": whole("permutations"),
        f"at least {study.metric.as_good}": whole("at_least"),
        "p": p_value("p"),
        "p after all targets": p_value("p_holm"),
        **after_looks(rows),
    }
    parts = [paragraph(f"{text}.") for text in sentences(rows)]
    return join([parts, paragraph(READING, kind="note"), frame_table("The source test", rows, cells, ("protocol",))])


def sentences(rows: pd.DataFrame) -> list[str]:
    """Of each arm and protocol: what the mean over targets and the single targets say."""
    charged = rows["p_after_looks"] if "p_after_looks" in rows else rows["p_holm"].fillna(rows["p"])
    rows, found = rows.assign(charged=charged), []
    for (arm, protocol), own in rows.groupby(["arm", "protocol"], sort=False):
        each = own[own["target"] != ALL]
        passed, after = (int((each[name] <= ALPHA).sum()) for name in ("p", "charged"))
        single = f"{passed} of {len(each)} targets have a p of .05 or less by themselves, {after} after all corrections"
        for p in own["charged"][own["target"] == ALL]:
            shown = "is used" if p <= ALPHA else "is not shown to be used"
            lead = f"Over all targets, what the source's labels carry {shown} by {arm} under {protocol}"
            found.append(f"{lead} (p {p_text(p)}); {single}")
    return found
