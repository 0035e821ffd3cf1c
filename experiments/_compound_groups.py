"""The flags of the studies of compounds by task. Words and numbers are those of their settings, bound by a test."""

from __future__ import annotations

from experiments._declared import choice, group, integer, number, switch, text, texts
from experiments._groups import OUTPUT, PROCESSES, REGISTERED

METHODS = ["scratch", "shallow", "mode1", "mode2", "mode3", "zero_shot"]
SWITCHES = ["stopped_batchnorm", "noisy_evaluation", "best_test"]
CLASSIFIERS = "`tl_jax list classifiers` names them"

COMPOUNDS = group(
    "data",
    text("data", "simulated", "table (.csv, .csv.gz) with the columns family, smiles, label; or simulated"),
    number("threshold", None, "active where the column pchembl is at least this; default: the column label"),
    switch("stereo", False, "stereoisomers are compounds of their own, although fingerprints are the same"),
    integer("bits", 1024, "length of the fingerprint"),
    integer("radius", 2, "radius of the fingerprint; 2 is ECFP4"),
    switch("counts", False, "fingerprints that count"),
    text("vectors", None, "file of vectors by id or SMILES (.csv, .npz) instead of fingerprints"),
)
TEST_SET = group(
    "protocol and folds",
    choice("split", "random", ["random", "scaffold"], "how test compounds are chosen"),
    number("test_share", 1 / 6, "share of test compounds; default: a sixth"),
    text("test_ids", None, "text file with an id or SMILES of a test compound in each line"),
    integer("seed", 101, "seed of everything that is drawn"),
)
RATES = group(
    "training",
    number("weight_decay", 1e-5, "coupled, on every trained weight"),
    integer("at_once", None, "runs of one compiled call on each device; default: the planner's choice"),
)
KEPT = group("output", text("checkpoint_dir", "checkpoints", "where source models and what rdkit computes are kept"))
# Of these, the flags that are named as fields of DtiSettings.
PLAIN = tuple(flag.name for own in (COMPOUNDS, TEST_SET, RATES, KEPT) for flag in own.flags)

FAMILIES = group(
    "data",
    texts("source", ["all"], "source families; 'all': each of them; 'pooled': all of them together"),
    text("target", "transporter", "target family"),
    number("similarity", None, "sources lose compounds at least so similar to a test compound (Tanimoto)"),
    number("balance_below", 0.25, "balance a source whose rarer class is a smaller share"),
)
ARMS = group(
    "arms",
    texts("methods", METHODS, f"of: {', '.join(METHODS)}"),
    texts("strategy", [], "further strategies, such as l2_sp; `tl_jax list strategies` names them"),
    texts("freeze", ["1", "12"], "sets of layers that mode 2 freezes: 12 freezes layers 1 and 2"),
    switch("frozen_bn", False, "mode 2 also freezes the batch norms of these layers"),
    texts("layers", ["1"], "hidden layers whose output mode 3 hands to shallow classifiers"),
    switch("after_activation", False, "mode 3 takes what follows batch norm and ReLU, not the linear output"),
    texts(
        "shallow",
        ["svc", "random_forest", "gradient_boosting", "logistic"],
        f"classifiers on raw features; {CLASSIFIERS}",
    ),
    texts("mode3", ["svc", "random_forest"], f"classifiers of mode 3; {CLASSIFIERS}"),
)
DRAWS = group(
    "protocol and folds",
    texts("sizes", [], "training compounds, half of them active; default: both published lists"),
    integer("repeats", 10, "draws of training compounds, shared by all methods"),
    choice("protocol", "honest", ["honest", "as_published"], "as_published turns on every fault of the published code"),
    choice("metric", "mcc", ["mcc", "auroc"], "by which arms are compared and chosen"),
    texts("switches", [], f"faults of the published code, each tried alone beside honest: {', '.join(SWITCHES)}"),
    choice(
        "epoch",
        "fixed",
        ["fixed", "validation", "best_test"],
        "which epoch predicts; best_test is the published fault",
    ),
)
TRAINING = group(
    "training",
    texts("hidden", ["1200", "300"], "widths of the hidden layers, one to four"),
    integer("epochs", 50, "epochs on the target"),
    integer("source_epochs", 50, "epochs on a source"),
    number("learning_rate", 1e-4, "of Adam"),
    integer("batch_size", 256, "rows of a step"),
    number("dropout", 0.1, "share of hidden units dropped"),
    switch("quick", False, "a small study: 2 draws of 6, 24 and 96, --hidden=64,16, small sources"),
)
FINAL = group(
    "output",
    texts("final", [], "networks of the study, such as mode1, trained on the whole pool in the end and kept"),
    text("final_source", "", "source that they start from; default: the first"),
)
EXAMINED = group(
    "protocol and folds",
    texts("examined", [], "arms that are permuted and varied at every size, such as scratch,mode1,svc"),
    integer("permutations", 0, "permutations of the labels, to ask whether an arm predicts at all; 0: none"),
    integer("levels", 0, "draws, initialisations and orders of the variance split; 0: none"),
    texts("nested", [], "candidates of a choice by inner folds of each draw, which is an arm of its own"),
    texts("source_test", [], "networks that are asked whether they use a source's labels: it trains on permuted ones"),
    integer("source_permutations", None, "of a source's labels; default: 199, or more where there are many tests"),
)
TRANSFER = (COMPOUNDS, FAMILIES, ARMS, TEST_SET, DRAWS, EXAMINED, REGISTERED, TRAINING, RATES, OUTPUT, KEPT, FINAL)

FAMILY = group(
    "data",
    text("family", "transporter", "the family whose compounds are classified"),
    integer("rows", None, "compounds of the training pool, half of them active; default: all of the pool"),
)
# {axis: its published values}
AXES = {
    "layers": "1, 2, 3, 4",
    "widths": "64, 128, 256, 512, 1024, 2048, 4096",
    "batches": "64, 128, 256, 512",
    "rates": "0.0001, 0.001, 0.01",
    "dropouts": "0.1, 0.2, 0.3, 0.4, 0.5",
    "epochs": "20, 40, 50, 80, 100",
}
POINTS = group(
    "points of the grid",
    *(texts(axis, [], f"values of this axis; published: {values}") for axis, values in AXES.items()),
    switch("subset", False, "a small spread of the published grid, for a laptop; axes that are given replace its"),
    integer("adaptive", None, "so many trials of optuna's TPE instead of every point"),
    choice("objective", "mcc", ["mcc", "auroc"], "what the chosen point has the highest mean of"),
    switch("plan", False, "print programs, runs, memory and time, counted from shapes; train and write nothing"),
)
INNER = group(
    "protocol and folds",
    integer("folds", 3, "inner folds of the pool that judge a point; 1: one validation split of a fifth"),
)
GRID = (COMPOUNDS, FAMILY, POINTS, TEST_SET, INNER, RATES, OUTPUT, KEPT, PROCESSES)
