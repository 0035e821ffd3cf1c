"""A checked cohort as one HTML page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tl_jax.evaluation.checks.cohort import Checked
from tl_jax.evaluation.checks.parts import Finding
from tl_jax.report.page.page import html_of
from tl_jax.report.sections.check import check_report
from tl_jax.report.tables import no_formula
from tl_jax.system.files import write_atomic

NAME = "check_data.html"


def write_check(checked: Checked, folder: Path) -> list[str]:
    """Write check_data.html and findings.csv into a folder; no remarks, as writers of outputs return them."""
    frame = pd.DataFrame(checked.findings, columns=Finding._fields).map(no_formula)
    write_atomic(folder / "findings.csv", lambda p: frame.to_csv(p, index=False, lineterminator="\n", encoding="utf-8"))
    page = check_page(checked)
    write_atomic(folder / NAME, lambda p: p.write_text(page, encoding="utf-8", newline="\n"))
    return []


def check_page(checked: Checked) -> str:
    """The page as text; it needs no other file and no network."""
    return html_of(check_report(checked))
