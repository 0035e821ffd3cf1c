"""Flags of the grid search."""

from __future__ import annotations

from dataclasses import astuple, fields, replace

from absl import flags

from tl_jax.errors import InputError
from tl_jax.study.dti_grid_settings import OBJECTIVES, PUBLISHED, SUBSET, GridSettings, Space
from tl_jax.study.dti_settings import SPLITS, DtiSettings

FLAGS = flags.FLAGS
DEFAULTS = {field.name: field.default for field in fields(DtiSettings)}
AXES = tuple(field.name for field in fields(Space))

flags.DEFINE_string("data", "simulated", "table (.csv, .csv.gz) with the columns family, smiles, label; or simulated")
flags.DEFINE_string("family", DEFAULTS["target"], "the family whose compounds are classified")
flags.DEFINE_integer("rows", None, "compounds of the training pool, half of them active; default: all of the pool")
flags.DEFINE_integer("folds", 3, "inner folds of the pool that judge a point; 1: one validation split of a fifth")
flags.DEFINE_enum("objective", "mcc", list(OBJECTIVES), "what the chosen point has the highest mean of")
flags.DEFINE_integer("adaptive", None, "so many trials of optuna's TPE instead of every point")
flags.DEFINE_bool(
    "subset", False, "a small spread of the published grid, for a laptop; axes that are given replace its"
)
for axis, values in zip(AXES, astuple(PUBLISHED), strict=True):
    flags.DEFINE_list(axis, [], f"values of this axis; published: {', '.join(f'{value:g}' for value in values)}")
flags.DEFINE_bool("plan", False, "print programs, runs, memory and time, counted from shapes; train and write nothing")
flags.DEFINE_enum("split", "random", list(SPLITS), "how test compounds and, by scaffold, inner folds are chosen")
flags.DEFINE_float("test_share", DEFAULTS["test_share"], "share of test compounds")
flags.DEFINE_string("test_ids", None, "text file with an id or SMILES of a test compound in each line")
flags.DEFINE_float("threshold", None, "active where the column pchembl is at least this; default: the column label")
flags.DEFINE_bool("stereo", False, "stereoisomers are compounds of their own, although fingerprints are the same")
flags.DEFINE_integer("bits", DEFAULTS["bits"], "length of the fingerprint")
flags.DEFINE_integer("radius", DEFAULTS["radius"], "radius of the fingerprint; 2 is ECFP4")
flags.DEFINE_bool("counts", False, "fingerprints that count")
flags.DEFINE_string("vectors", None, "file of vectors by id or SMILES (.csv, .npz) instead of fingerprints")
flags.DEFINE_float("weight_decay", DEFAULTS["weight_decay"], "coupled, on every trained weight")
flags.DEFINE_integer("seed", DEFAULTS["seed"], "seed of split, folds, initialisation, shuffles and trials")
flags.DEFINE_integer("at_once", None, "runs of one compiled call; default: the planner's choice")
flags.DEFINE_string("checkpoint_dir", "checkpoints", "where what rdkit computes is kept")
flags.DEFINE_string("out", None, "output folder; default results/dti_grid_search/TIME")
flags.DEFINE_bool("overwrite", False, "replace an output folder that exists, and the parts of a stopped run")
flags.DEFINE_bool("resume", False, "go on with the stopped run of this --out; begins anew where there is none")
flags.DEFINE_string("coordinator", None, "host:port of process 0, to share the search between processes")
flags.DEFINE_integer("processes", None, "how many processes share the search")
flags.DEFINE_integer("process", None, "which of them this is, from 0")

PLAIN = (
    *("data", "split", "test_share", "test_ids", "threshold", "stereo", "bits", "radius", "counts", "vectors"),
    *("weight_decay", "seed", "at_once", "checkpoint_dir"),
)


def space() -> Space:
    """The published grid or the small one, with the axes that are given in place of its own."""
    given = {}
    for axis in AXES:
        texts, kind = FLAGS[axis].value, float if axis in ("rates", "dropouts") else int
        try:
            values = tuple(kind(text) for text in texts)
        except ValueError as error:
            raise InputError(f"--{axis}={','.join(texts)}: numbers separated by commas") from error
        given |= {axis: values} if values else {}
    return replace(SUBSET if FLAGS.subset else PUBLISHED, **given)


def settings() -> GridSettings:
    """Settings from the parsed flags."""
    base = DtiSettings(**{name: FLAGS[name].value for name in PLAIN}, target=FLAGS.family, methods=("scratch",))
    return GridSettings(base, space(), FLAGS.folds, FLAGS.objective, FLAGS.rows, FLAGS.adaptive)
