"""Page: which model of a study came from which."""

from __future__ import annotations

from tl_jax.app.parts import report
from tl_jax.app.parts.markup import say
from tl_jax.app.parts.visit import chosen
from tl_jax.report.blocks import Block, Part


def show() -> None:
    """The page."""
    study = chosen(None)
    if study is None:
        say("There is no finished study yet.")
        return
    found = report.find(report.report_of(study.folder), "lineage")
    if found is None:
        say("This study trained no model that came from another one.")
        return
    report.show_blocks(opened(found.blocks), study.folder, "lineage")


def opened(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """What the report folds away is what this page is for."""
    return tuple(inner for one in blocks for inner in (one.blocks if isinstance(one, Part) and one.folded else (one,)))
