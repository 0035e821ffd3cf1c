"""Flags of the grid search."""

from __future__ import annotations

from dataclasses import astuple, fields, replace

from absl import flags

from experiments._compound_flags import DEFAULTS, PLAIN
from experiments._lists import numbers
from tl_jax.study.compounds.grid_settings import OBJECTIVES, PUBLISHED, SUBSET, GridSettings, Space
from tl_jax.study.compounds.settings import DtiSettings

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


def space() -> Space:
    """The published grid or the small one, with the axes that are given in place of its own."""
    given = {axis: numbers(axis, float if axis in ("rates", "dropouts") else int) for axis in AXES}
    return replace(SUBSET if FLAGS.subset else PUBLISHED, **{axis: values for axis, values in given.items() if values})


def settings() -> GridSettings:
    """Settings from the parsed flags."""
    base = DtiSettings(**{name: FLAGS[name].value for name in PLAIN}, target=FLAGS.family, methods=("scratch",))
    return GridSettings(base, space(), FLAGS.folds, FLAGS.objective, FLAGS.rows, FLAGS.adaptive)
