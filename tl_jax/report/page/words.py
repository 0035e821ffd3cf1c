"""The verdict on a finished study in words, as its page says it, and which page that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tl_jax.evaluation.draws.draw_verdict import verdict as verdict_on_draws
from tl_jax.evaluation.statistics.verdict import verdict
from tl_jax.report.page.contract import FAMILY_TABLES
from tl_jax.report.page.dti import write_dti_report
from tl_jax.report.page.overview import OVERVIEWS, overview_words, write_overview
from tl_jax.report.page.page import write_report
from tl_jax.report.page.study import read_folder, read_study

COMPOUNDS = "dti_transfer"


def experiment_of(folder: Path) -> str:
    """What summary.json names; "" where there is no summary that can be read."""
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # the page's own reader has a better word on it
        return ""
    return str(summary.get("experiment")) if isinstance(summary, dict) else ""


def writer_of(folder: Path) -> Callable[..., Path]:
    """What writes the page that suits the folder."""
    named = experiment_of(folder)
    if named in OVERVIEWS:
        return write_overview
    return write_dti_report if named == COMPOUNDS else write_report


def verdict_words(folder: Path) -> str:
    """The verdict on the study of a results folder; InputError where its tables cannot be read."""
    named = experiment_of(folder)
    if named in OVERVIEWS:
        return overview_words(folder)
    if named == COMPOUNDS:
        study = read_folder(folder, FAMILY_TABLES)
        return " ".join(verdict_on_draws(study.table("comparisons"), study.table("arms"))) or "Nothing was compared."
    study = read_study(folder)
    return verdict(study.table("comparisons"), study.metrics, study.table("detectable"))
