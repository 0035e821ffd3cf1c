"""Flags of the grid search."""

from __future__ import annotations

from dataclasses import astuple, fields, replace

from absl import flags

from experiments._compound_flags import DEFAULTS, PLAIN
from tl_jax.errors import InputError
from tl_jax.study.dti_grid_settings import OBJECTIVES, PUBLISHED, SUBSET, GridSettings, Space
from tl_jax.study.dti_settings import DtiSettings

FLAGS = flags.FLAGS
AXES = tuple(field.name for field in fields(Space))

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
flags.DEFINE_string("coordinator", None, "host:port of process 0, to share the search between processes")
flags.DEFINE_integer("processes", None, "how many processes share the search")
flags.DEFINE_integer("process", None, "which of them this is, from 0")


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
