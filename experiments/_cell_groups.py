"""The flags of studies of single cells by task. Words and numbers are bound by a test."""

from __future__ import annotations

from experiments._declared import choice, group, integer, number, switch, text, texts
from experiments._groups import OUTPUT

VALUES = ["counts", "log", "zscore", "unit"]
DEPTHS = ["none", "regress", "thin", "pearson"]
SCALERS = ["zscore", "rank", "quantile", "minmax"]
ARMS = ["prevalence", "logistic", "ridge", "ridge_within_tissue", "related_drugs"]

CELLS = group(
    "cells",
    text("cells", None, "cells without labels: .h5ad, a 10x folder or .h5, or a table"),
    switch("embedded", False, "a simulated pair of lines and cells in place of tables"),
    text("layer", "", "of an .h5ad: X, raw/X or the name of a layer"),
    choice("values", None, VALUES, "what the values are; default: found by looking"),
    texts("cell_line", [], "lines that the cells are of, taken out of the source; none: they are of none"),
    text("cell_line_column", "", "column of the cells' table that names their lines, in place of --cell_line"),
)
FILTERS = group(
    "filters of counts",
    integer("min_genes_per_cell", 200, "cells with fewer genes are left out"),
    integer("max_genes_per_cell", None, "cells with more genes are left out; default: no limit"),
    integer("min_cells_per_gene", 3, "genes seen in fewer cells are left out"),
    number("max_mito", 1.0, "highest share of mitochondrial counts of a cell"),
    choice("depth", None, DEPTHS, "what is done about unlike counts of cells; default: regress for counts"),
)
LINES = group(
    "bulk lines",
    text("bulk_expression", None, "table of lines x genes, log values"),
    text("bulk_response", None, "table with a row for each line and drug; a HIGH value means resistant"),
    text("bulk_annotation", None, "table of lines with their tissue"),
    text("drug", "", "the drug, as the response table writes it; case and punctuation do not matter"),
    text("line_column", "cell_id", "column of the line's name"),
    text("drug_column", "drug", "column of the drug's name"),
    text("value_column", "AUC", "column of the response"),
    text("database_column", "", "column that names databases"),
    text("response", "auc", "what is learned: auc (as measured), or classes: quantile:SHARE, waterfall, table:FILE"),
    switch("remove_general", False, "of a response, take out what a line's mean over the other drugs explains"),
    texts("databases", [], "databases in order: the first that measured a line with the drug counts"),
    text("tissue_column", "", "column of the annotation that holds the tissue"),
)
FITTING = group(
    "arms and draws",
    texts("arms", ARMS, f"of: {', '.join(ARMS)}"),
    choice("scaler", "zscore", SCALERS, "how genes of lines and of cells are scaled, each by its own statistics"),
    integer("min_genes", 200, "genes that lines and cells must share"),
    integer("smooth", 10, "cells averaged for each cell, itself among them; 0: none"),
    number("penalty", 0.0, "of ridges, on scaled genes; 0: chosen on the lines, whole tissues left out"),
    integer("repeats", 10, "draws of the lines"),
    number("share", 0.8, "share of the lines in a draw; the others settle threshold and probability"),
    integer("bootstraps", 50, "bootstraps of the lines, for the sign of the score"),
    integer("nulls", 0, "permutations of the response and of the genes, to hold the score against; 0: none"),
    integer("seed", 400, "seed of everything that is drawn"),
)
TRUTH = group(
    "truth, read after the scores are on disk",
    text("truth", "", "column of the cells' table with the truth"),
    texts("sensitive", [], "its values that mean sensitive; 1 where the values are 0 and 1"),
    texts(
        "truth_exclude", [], "its values, such as holiday, left out; a table beside counts them as --sensitive has it"
    ),
    switch("truth_by_line", False, "--truth names each cell's line, whose measured response is the truth"),
    switch("leak", False, "with --truth_by_line: every drug, without and with the cells' own lines in the source"),
    texts("mixture", [], "COLUMN:LINE of each column that holds a cell's share of a line with measured response"),
    texts("against", [], "columns of numbers that the score is held beside, such as an amount of RNA"),
    text("replicate_column", "", "column of replicates of one treatment, which the score must not tell apart"),
)
CELL_STUDY = (CELLS, FILTERS, LINES, FITTING, TRUTH, OUTPUT)
