"""The flags of experiments 1 to 7 by task, and those that every study shares. Words and numbers are bound by a test."""

from __future__ import annotations

from experiments._declared import choice, group, integer, switch, text, texts

PLAN_ONLY = switch("plan_only", False, "say what would be done and how long it takes, and stop")
SPLITS = ["stratified", "plain", "leave_one_out"]
TRANSFORMS = ["none", "log2", "log_cpm", "tmm_log_cpm"]
PROTOCOLS = ["honest", "as_published", "transductive"]

COHORT = group(
    "data",
    text("cohort", "simulated", "simulated, gdsc, nci60, glioblastoma, or a path to your own .toml"),
    text("data_dir", None, "folder of the cohort's tables; default: the environment variable TLJAX_DATA"),
)
CHAIN = group(
    "data",
    text("drug", None, "the target's drug; default: the one that the cohort file names"),
    texts(
        "source_drug",
        [],
        "source drug(s) or 'all'; default: all in experiments 1 and 3, experiment 3's choice in 6 and 7",
    ),
)
REFERENCE = text(
    "reference",
    None,
    "the arm without a source that all others are held against, fixed before the run; default: ridge on the target's "
    "own genes, or scratch where no ridge is run",
)
METRIC = text("metric", "spearman", "by which arms are compared and chosen; `tl_jax list metrics` names them")
SIGNATURE = text("signature", None, "file of gene names, one a line: their mean is one more baseline, `signature`")
PATHWAYS = text(
    "pathways",
    None,
    "file of gene sets (GMT): a ridge on their scores is one more baseline, `pathways`, and effects are tested by set",
)
SCALING = choice(
    "scaling",
    None,
    ["standard", "floored", "shrunken"],
    "of genes in the domains after the first: mean and sd; the sd at least the genes' median sd; the sd shrunken "
    "towards the source's; default: as the cohort file says, and where that says nothing floored (as_published: "
    "standard)",
)
MECHANISMS = text("mechanisms", None, "table of drugs that act alike, in place of the shipped one; columns drug, class")
ARMS = group(
    "arms",
    texts("strategy", [], "strategies to compare, 'all' or 'none'; `tl_jax list strategies` names them"),
    texts(
        "baselines",
        "tl_jax.evaluation.predictors.baselines:DEFAULT",
        "baselines on the same folds, 'all' or 'none'; `tl_jax list baselines` names them; default: the fast ones",
    ),
    SIGNATURE,
    PATHWAYS,
    text("strategy_module", None, "your own .py file with functions decorated by @strategy(), @metric() or a reader"),
    MECHANISMS,
    text("intermediate_strategy", "copy_layer1", "how experiment 7's intermediate stage starts"),
    text(
        "source_checkpoint",
        None,
        "experiments 3, 6 and 7: start from this checkpoint instead of training the source, "
        "such as one of import_weights",
    ),
)
FOLDS = group(
    "protocol and folds",
    choice(
        "protocol",
        "honest",
        PROTOCOLS,
        "what held-out samples lend to preprocessing: nothing (honest), their own scaling and response range "
        "(as_published), or their expression without labels (transductive)",
    ),
    SCALING,
    integer("repeats", None, "repeats of cross-validation; default: the published number (11 or 10)"),
    integer("folds", None, "folds; default: the published number (5, or 3 on the target)"),
    choice("split", "stratified", SPLITS, "how folds are drawn; groups always share a fold"),
    integer("seed", 400, "seed of partitions, initialisation and shuffles; repeat r splits with seed + 100 r"),
    METRIC,
    REFERENCE,
)
SOURCE_TEST = group(
    "source test",
    texts(
        "source_test",
        ["closed"],
        "arms that are asked whether they use a source's labels, by training the source on permuted labels: 'closed' "
        "(those whose source is a ridge), names of arms (networks take long: the time is told), 'all' or 'none'",
    ),
    integer("source_permutations", None, "of a source's labels; default: 199, or more where there are many sources"),
    texts("source_stand_in", [], "cheaper tests beside it: shuffled_rows, gls"),
)
TRAINING = group(
    "training",
    integer("epochs", None, "epochs of the evaluated stage; default: 50 from scratch, 200 after transfer"),
    texts(
        "read_epochs",
        [],
        "report the models at these earlier epochs too, read off the same training as arms NAME@EPOCH",
    ),
    texts(
        "learning_rate",
        [],
        "of the evaluated stage; default: 1e-3 from scratch, 1e-4 after transfer; several give one arm each",
    ),
    integer("batch_size", 32, "rows per step of the evaluated stage"),
    choice(
        "optimizer",
        "keras_adam",
        "tl_jax.training.optimizer:OPTIMIZERS",
        "keras_adam is the published one; `tl_jax list optimizers` names them",
    ),
    texts("hidden", ["1000", "100"], "widths of the two hidden layers"),
    integer(
        "at_once",
        None,
        "runs per call of the compiled program; default: as many as fit, or as are done in seconds on a CPU",
    ),
    switch("quick", False, "a small study: 2 repeats, --hidden=100,20, 1/5 of the epochs, 5 x the rate"),
)
CHECKPOINTS = text("checkpoint_dir", "checkpoints", "folder of stage checkpoints, reused when their lineage matches")
REGISTER = text("register", None, "file: the plan is written there before the run, or the run is held against it")
REGISTERED = group("registration", REGISTER)
REGISTRATION = group(
    "registration",
    REGISTER,
    choice(
        "expect",
        "either",
        ["either", "better"],
        "registered direction: with better, whether a source helps beyond the reference is tested on one side",
    ),
)
KEPT = group(
    "output",
    CHECKPOINTS,
    switch(
        "fold_models",
        False,
        "keep beside each final model those of the first repeat's folds, for predict --interval "
        "(one of 4,433 genes takes 17 MB)",
    ),
)
OUTPUT = group(
    "output",
    text("out", None, "output folder; default results/SCRIPT/TIME"),
    switch("overwrite", False, "replace an output folder that exists, and the parts of a stopped run"),
    switch("resume", False, "go on with the stopped run of this --out; begins anew where there is none"),
    switch("parquet", False, "write each table as .parquet too"),
    text("track", None, "tensorboard:FOLDER or mlflow:FOLDER, where losses by epoch and means of arms go too"),
)
PROCESSES = group(
    "processes",
    text("coordinator", None, "host:port of process 0, to share a study between processes"),
    integer("processes", None, "how many processes share the study"),
    integer("process", None, "which of them this is, from 0"),
)
EXPERIMENT = (COHORT, CHAIN, ARMS, FOLDS, SOURCE_TEST, REGISTRATION, TRAINING, OUTPUT, KEPT, PROCESSES)
