"""What the flags of the grid search mean."""

from __future__ import annotations

from dataclasses import replace

from experiments._compound_groups import AXES, PLAIN
from experiments._declared import FLAGS
from experiments._lists import numbers
from tl_jax.study.compounds.grid_settings import PUBLISHED, SUBSET, GridSettings, Space
from tl_jax.study.compounds.settings import DtiSettings


def space() -> Space:
    """The published grid or the small one, with the axes that are given in place of its own."""
    given = {axis: numbers(axis, float if axis in ("rates", "dropouts") else int) for axis in AXES}
    return replace(SUBSET if FLAGS.subset else PUBLISHED, **{axis: values for axis, values in given.items() if values})


def settings() -> GridSettings:
    """Settings from the parsed flags."""
    base = DtiSettings(**{name: FLAGS[name].value for name in PLAIN}, target=FLAGS.family, methods=("scratch",))
    return GridSettings(base, space(), FLAGS.folds, FLAGS.objective, FLAGS.rows, FLAGS.adaptive)
