"""Page: what a study says of genes, with its own warnings."""

from __future__ import annotations

from tl_jax.app.parts import report
from tl_jax.app.parts.markup import say
from tl_jax.app.parts.visit import chosen

# Sections of the report: effects and stability of a cohort's study; genes, modules and importance of one of cells.
SECTIONS = ("effects", "genes", "modules", "critical", "attention")


def show() -> None:
    """The page."""
    study = chosen(None)
    if study is None:
        say("There is no finished study yet.")
        return
    made = report.report_of(study.folder)
    found = [section for name in SECTIONS if (section := report.find(made, name))]
    if not found:
        say("This study says nothing of genes.")
    for section in found:
        report.show_section(section, study.folder)
