"""The flags of studies of single cells by task. Words and numbers are bound by a test."""

from __future__ import annotations

from experiments._declared import alias, choice, group, integer, number, switch, text, texts
from experiments._groups import OUTPUT, REGISTERED

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
    integer("min_counts", 1, "cells with fewer counts are left out"),
    integer("max_counts", None, "cells with more counts are left out; default: no limit"),
    number("max_doublet", None, "cells with a higher score of scrublet are left out as doublets, such as 0.25"),
    choice("depth", None, DEPTHS, "what is done about unlike counts of cells; default: regress for counts"),
)
LINES = group(
    "bulk lines",
    text("bulk_expression", None, "table of lines x genes, log values"),
    text("bulk_response", None, "table with a row for each line and drug; a HIGH value means resistant"),
    text("bulk_annotation", None, "table of lines with their tissue"),
    text("drug", "", "the drug, as the response table writes it; case and punctuation do not matter"),
    choice("drugs", None, ["all"], "all: a profile over every drug of the table, in place of one --drug"),
    text("line_column", "cell_id", "column of the line's name"),
    text("drug_column", "drug", "column of the drug's name"),
    text("value_column", "AUC", "column of the response"),
    text("database_column", "", "column that names databases"),
    text("response", "auc", "what is learned: auc (as measured), or classes: quantile:SHARE, waterfall, table:FILE"),
    switch("remove_general", False, "of a response, take out what a line's mean over the other drugs explains"),
    texts("databases", [], "databases in order: the first that measured a line with the drug counts"),
    texts("database_weights", [], "of each of --databases: their mean counts, on the first's scale"),
    text("tissue_column", "", "column of the annotation that holds the tissue"),
)
FITTING = group(
    "arms and draws",
    texts("arms", ARMS, f"of: {', '.join(ARMS)}"),
    choice("scaler", "zscore", SCALERS, "how genes of lines and of cells are scaled, each by its own statistics"),
    integer("min_genes", 200, "genes that lines and cells must share"),
    integer("highly_variable", 0, "of the shared genes, how many stay: those that vary most over the cells; 0: all"),
    switch("cell_cycle", False, "take the cell cycle out of lines and cells"),
    integer("smooth", 10, "cells averaged for each cell, itself among them; 0: none"),
    number("penalty", 0.0, "of ridges, on scaled genes; 0: chosen on the lines, whole tissues left out"),
    integer("repeats", 10, "draws of the lines"),
    number("share", 0.8, "share of the lines in a draw; the others settle threshold and probability"),
    integer("bootstraps", 50, "bootstraps of the lines, for the sign of the score"),
    switch("leak", False, "with --truth_by_line: every drug, with and without the cells' own lines in the source"),
    integer("nulls", 0, "permutations of the response and of the genes, to hold the score against; 0: none"),
    integer("seed", 400, "seed of everything that is drawn"),
)
TRANSFERS = ["none", "mmd", "coral", "dann"]


def networks(attention: list[str]):
    """The flags of networks; `attention` is what runs where none is asked for."""
    return group(
        "networks",
        choice("mode", "fixed", ["fixed", "paper"], "networks of ours, or scDEAL's as its code has them"),
        texts("repaired", [], "with --mode=paper: quirks of scDEAL that are turned off, by name"),
        switch("quirk_table", False, "with --mode=paper: also each quirk turned off alone, and each alone turned on"),
        integer("seeds", 10, "runs of each network, each on the next draw of the lines; 0: no networks"),
        texts(
            "transfer",
            TRANSFERS,
            "what brings lines and cells together after a predictor on lines, as NAME or NAME:WEIGHT",
        ),
        texts("attention", attention, "of none, A1 (pieces of the bottleneck), A2 (modules of genes), A3 (genes)"),
        text("modules", "", "a GMT file of modules for A2; default: k-means over the lines' gene correlations"),
        switch(
            "binary_labels", False, "networks learn the published labels, the lowest fifth, in place of the response"
        ),
        choice(
            "sampling",
            "none",
            ["none", "up", "down", "smote"],
            "how lines of two classes are resampled, training lines only",
        ),
        switch("database_head", False, "lines teach each of --databases by a head of its own; that of the first stays"),
        choice("batch_norm", "off", ["off", "shared", "domain"], "of the encoder: none, or by statistics of whom"),
        choice("pretraining", "denoising", ["denoising", "autoencoder", "variational"], "what the encoder begins with"),
        choice("pretrain_on", "both", ["both", "bulk", "cells"], "whose genes pre-training rebuilds"),
        integer("network_genes", 1500, "genes that networks see: those that vary most over the lines"),
        texts("hidden", ["256"], "units of the encoder's hidden layers"),
        integer("bottleneck", 64, "units of what lines and cells both become"),
        texts("predictor", ["32"], "units of the predictor's hidden layers"),
        integer("epochs", 60, "passes over the lines, in each of pre-training, predictor and transfer"),
        integer("batch_size", 128, "lines, and as many cells, of one step"),
        number("learning_rate", 1e-3, "of Adam"),
        number("dropout", 0.1, "share of units dropped after each hidden layer"),
        number("masked", 0.2, "share of genes hidden in pre-training"),
        number("ramp", 0.5, "share of the transfer over which its weight rises from 0"),
        number("discriminator_rate", 1.0, "of dann_minmax: the discriminator's learning rate as a multiple"),
        integer("discriminator_steps", 1, "of dann_minmax: its steps for each one of the encoder"),
        texts(
            "choose",
            [],
            "a grid that lines of left-out tissues choose from, such as weight:0.1,weight:1,rate:0.001,hidden:256-64",
        ),
    )


KEPT = group(
    "output",
    text(
        "checkpoint_dir",
        "checkpoints",
        "folder of pre-trained networks, reused on the same lines and cells",
    ),
)
TRUTH = group(
    "truth, read after the scores are on disk",
    text("truth", "", "column of the cells' table with the truth"),
    texts("sensitive", [], "its values that mean sensitive; 1 where the values are 0 and 1"),
    texts(
        "truth_exclude", [], "its values, such as holiday, left out; a table beside counts them as --sensitive has it"
    ),
    switch("truth_by_line", False, "--truth names each cell's line, whose measured response is the truth"),
    texts("mixture", [], "COLUMN:LINE of each column that holds a cell's share of a line with measured response"),
    texts("against", [], "columns of numbers that the score is held beside, such as an amount of RNA"),
    text("replicate_column", "", "column of replicates of one treatment, which the score must not tell apart"),
    text(
        "unit_column",
        "",
        "column of what was sampled, such as donor or plate: its cells are one unit of intervals and tests",
    ),
)
ALSO = group(
    "output",
    alias("output_dir", "out"),
)
PLAN = group("plan", switch("plan", False, "say what would be run, in what memory and time; train and write nothing"))
BIOLOGY = group(
    "biology, by scanpy",
    switch("biology", False, "genes and modules of the called classes, a map, clusters, pseudotime"),
    text("root", "", "cell where pseudotime begins; default: the most sensitive one"),
)
REST = (TRUTH, REGISTERED, BIOLOGY, OUTPUT, ALSO, KEPT, PLAN)
CELL_STUDY = (CELLS, FILTERS, LINES, FITTING, networks(["none"]), *REST)
ATTENTION_STUDY = (CELLS, FILTERS, LINES, FITTING, networks(["none", "A1"]), *REST)
