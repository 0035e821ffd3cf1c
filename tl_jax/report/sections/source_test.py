"""The section on sources: does an arm use what a source's labels carry?"""

from __future__ import annotations

from tl_jax.evaluation.statistics.source_test import METHODS, words
from tl_jax.report.blocks import Blocks, join, paragraph
from tl_jax.report.sections.cells import fixed, frame_table, in_order, p_value, whole, word
from tl_jax.report.sections.study import Study

READING = (
    "The source was trained again on labels that were shuffled among its samples, within each tissue and batch, and "
    "the arm was run again from it on the same folds. p is the share of these runs that predict as well, the true one "
    "included; a small p says that what this source's labels carry is used by this arm. It does not say that the arm "
    "is better than one without a source: that is shown where both tests say so, in the last column."
)


def source_test(study: Study) -> Blocks:
    """The sentence and the table of every source."""
    rows, spec = said(study), study.metric.spec()
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "labels shuffled": word("permuted"),
        "how": lambda row: METHODS.get(row["method"], row["method"]),
        study.metric.per_fold: fixed("observed", spec),
        "shuffled: mean": fixed("null_mean", spec),
        "permutations": whole("permutations"),
        f"at least {study.metric.as_good}": whole("at_least"),
        "p": p_value("p"),
        "p after Holm": p_value("p_holm"),
        "p after all looks": p_value("p_after_looks"),
        "better than": lambda row: f"{row['reference']}: {'yes' if row['beyond'] else 'not shown'}",
    }
    text = sentence(study)
    parts = [paragraph(f"{text[0].upper()}{text[1:]}.")] if text else []
    table = frame_table(
        "The source test", in_order(rows), cells, words=("source", "labels shuffled", "how", "better than")
    )
    return join([parts, paragraph(READING, kind="note"), table])


def said(study: Study):
    """The table, its truths as booleans."""
    rows = study.need("source_test")
    return rows.assign(**{name: rows[name].astype(str) == "True" for name in ("decides", "beyond")})


def sentence(study: Study) -> str:
    """What the test lets one say; "" where no source was tested."""
    return words(said(study), study.protocol) if "source_test" in study.tables else ""


def registration(study: Study) -> str:
    """Whether what was run is what was registered; "" where nothing was."""
    text = study.entry("registered", "text", kind=str)
    return text or ""


def registered(study: Study) -> str:
    """The same as a sentence that follows others."""
    text = registration(study)
    return f" {text[0].upper()}{text[1:]}." if text else ""
