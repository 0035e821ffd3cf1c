"""Several results folders side by side, as one page and three tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.against import base
from tl_jax.evaluation.statistics.families import ALPHA
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.evaluation.statistics.registry import Metric
from tl_jax.report.blocks import Block, Figure, Report, Section, bullets, paragraph
from tl_jax.report.page.page import NAME, html_of
from tl_jax.report.plots.forest import forest_figure
from tl_jax.report.sections.cells import between, fixed, frame_table, p_value, shorter, whole, word
from tl_jax.report.sections.compared import Compared
from tl_jax.report.sections.effect import transfers_first
from tl_jax.report.tables import write_csv
from tl_jax.system.files import write_atomic

MARKER = "differences.csv"
FOOTER = "Made by tl_jax from the tables of the results folders named. Research software."


def write_compared(made: Compared, folder: Path) -> None:
    """arms.csv, differences.csv, settings.csv and report.html."""
    for name, frame in (("arms", made.arms), ("differences", made.differences), ("settings", made.settings)):
        write_csv(folder / f"{name}.csv", frame)
    page = html_of(compared_report(made))
    write_atomic(folder / NAME, lambda path: path.write_text(page, encoding="utf-8", newline="\n"))


def compared_report(made: Compared) -> Report:
    """The blocks of the page."""
    judged = get(made.metric)
    first, *others = made.studies
    sections = [
        Section("Arm by arm", "differences", tuple(differences(made, judged))),
        Section("All arms", "arms", (arms(made, judged),)),
        Section("What was not the same", "settings", (settings(made),)),
    ]
    top = (paragraph(sentence(made), kind="verdict"), *([bullets(made.remarks)] if made.remarks else []))
    return Report(f"{', '.join(others)} against {first}", top, tuple(sections), FOOTER)


def sentence(made: Compared) -> str:
    """What the differences say, in one sentence."""
    tested = made.differences[made.differences["p_family"].notna()]
    first = next(iter(made.studies))
    if tested.empty:
        return "No fold is shared, so no difference was tested: means stand side by side."
    shown = tested[tested["p_family"] < ALPHA]
    if shown.empty:
        return f"Of {len(tested)} arms that share folds with {first} none is shown to differ."
    names = "; ".join(
        f"{row['arm']} in {row['label']} ({row['mean_difference']:+.2f})" for row in shown.to_dict("records")
    )
    return f"Shown to differ from {first} (p for all arms below .05): {names}."


def differences(made: Compared, judged: Metric) -> list[Block]:
    """A forest plot for each later folder, and the numbers."""
    first, rows = next(iter(made.studies)), made.differences
    blocks: list[Block] = [
        paragraph(
            f"Differences are the later study minus {first}, paired over the folds in which both held out the same "
            "samples. p is that of the influence test for Spearman and of the corrected t for other metrics; p for all "
            "arms counts the arms of a later study. Earlier looks at these samples are not counted here."
        )
    ]
    for label in list(made.studies)[1:]:
        part = rows[(rows["label"] == label) & (rows["folds"] > 0)]
        part = transfers_first(part.assign(reference=first, p_after_looks=part["p_family"]))
        if len(part):
            plain = [is_baseline(base(arm)) for arm in part["arm"]]
            draw = partial(forest_figure, part, plain, judged.name)
            words = f"forest plot: arms of {label} minus the same arms of {first}, {judged.per_fold}"
            blocks.append(Figure(f"forest-{len(blocks)}", draw, words, f"{label} minus {first}."))
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "study": word("label"),
        "folds": whole("folds"),
        "difference": fixed("mean_difference", f"+{judged.spec()}"),
        "95 % interval": between("ci_low", "ci_high", f"+{judged.spec()}"),
        "p": p_value("p"),
        "p of the corrected t": p_value("p_corrected"),
        "p for all arms": p_value("p_family"),
    }
    return [*blocks, frame_table(f"{judged.per_fold}, later study minus {first}", rows, cells, ("source", "study"))]


def arms(made: Compared, judged: Metric):
    """Means of every arm, a column for each study."""
    wide = made.arms.pivot(index=["arm", "source"], columns="label", values="mean")[list(made.studies)]
    order = dict.fromkeys(zip(made.arms["arm"], made.arms["source"], strict=True))
    cells = {"arm": word("arm"), "source": word("source")} | {label: fixed(label, judged.spec()) for label in wide}
    return frame_table(f"Mean {judged.per_fold}", wide.loc[list(order)].reset_index(), cells, ("source",))


def settings(made: Compared):
    """What differs between the records of the studies."""
    if made.settings.empty:
        return paragraph("Settings, data and versions are recorded as the same.")
    cells = {"what": word("what")} | {label: shorter(label) for label in made.studies}
    return frame_table("Recorded and not the same", made.settings, cells, tuple(made.studies))


def printed(made: Compared) -> str:
    """What the terminal says."""
    judged, lines = get(made.metric), [*(f"note: {remark}" for remark in made.remarks)]
    for row in made.differences[made.differences["folds"] > 0].to_dict("records"):
        name = f"{row['arm']} from {row['source']}" if row["source"] else row["arm"]
        value, low, high = (format(row[key], f"+{judged.spec()}") for key in ("mean_difference", "ci_low", "ci_high"))
        lines.append(f"{name}: {row['label']} minus {row['minus']} {value} ({low} to {high}), {row['folds']:.0f} folds")
    return "\n".join([*lines, sentence(made)])
