"""What the flags of studies of single cells mean."""

from __future__ import annotations

from experiments._declared import FLAGS
from experiments._lists import distinct
from tl_jax.data.cells.lines import LineTables
from tl_jax.data.cells.steps import Filters
from tl_jax.errors import InputError
from tl_jax.study.cells.settings import EMBEDDED, CellSettings
from tl_jax.study.cells.truth import Truth

COLUMNS = ("line_column", "drug_column", "value_column", "database_column", "tissue_column")
PLAIN = (
    "layer",
    "cell_line_column",
    "drug",
    "min_genes",
    "scaler",
    "smooth",
    "penalty",
    "repeats",
    "share",
    "bootstraps",
    "nulls",
    "seed",
)


def settings() -> CellSettings:
    """Settings from the parsed flags."""
    if FLAGS.embedded == bool(FLAGS.cells):
        raise InputError("give --cells=FILE, or --embedded for the simulated pair")
    filters = Filters(FLAGS.min_genes_per_cell, FLAGS.max_genes_per_cell, FLAGS.min_cells_per_gene, FLAGS.max_mito)
    return CellSettings(
        cells=EMBEDDED if FLAGS.embedded else FLAGS.cells,
        values=FLAGS.values or "",
        lines=None if FLAGS.embedded else lines(),
        cell_line=tuple(distinct(FLAGS.cell_line)),
        filters=filters,
        depth=FLAGS.depth or "",
        arms=tuple(distinct(FLAGS.arms)),
        **{name: FLAGS[name].value for name in PLAIN},
    )


def lines() -> LineTables:
    """Where bulk lines stand."""
    missing = [name for name in ("bulk_expression", "bulk_response", "drug") if not FLAGS[name].value]
    if missing:
        raise InputError(f"--cells needs --{missing[0]} too")
    columns = {name: FLAGS[name].value for name in COLUMNS}
    where = FLAGS.bulk_expression, FLAGS.bulk_response, FLAGS.bulk_annotation
    return LineTables(*where, databases=tuple(distinct(FLAGS.databases)), **columns)


def truth() -> Truth | None:
    """What the scores are judged by, if anything."""
    if not FLAGS.truth and (FLAGS.sensitive or FLAGS.truth_by_line or FLAGS.truth_exclude or FLAGS.leak):
        raise InputError(
            "--sensitive, --truth_exclude, --truth_by_line and --leak need --truth, its column"
        )
    asked = Truth(
        FLAGS.truth,
        distinct(FLAGS.sensitive),
        FLAGS.truth_by_line,
        distinct(FLAGS.truth_exclude),
        FLAGS.replicate_column,
        tuple(share_of(text) for text in FLAGS.mixture),
        distinct(FLAGS.against),
        FLAGS.leak,
    )
    return None if asked == Truth() else asked


def share_of(text: str) -> tuple[str, str]:
    """(column, line) of "COLUMN:LINE"."""
    column, found, line = text.partition(":")
    if not (column and found and line):
        raise InputError(f"--mixture={text}: write a column and the line that it is the share of, as COLUMN:LINE")
    return column, line
