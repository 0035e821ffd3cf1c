"""Tables and pictures of many arms: the first ten in sight, the others folded away."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.against import base
from tl_jax.report.blocks import Block, Part
from tl_jax.report.sections.cells import frame_table
from tl_jax.report.sections.study import Study

IN_SIGHT = 10
FEW = 12  # arms that are all shown: folding two away saves nothing
KEY = ["arm", "source"]


def leading(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the arms in sight, in their order: all where there are few, else the ten of the best mean per fold,
    with the reference and the best baseline, without which none of the others says anything."""
    keys = list(zip(frame["arm"], frame["source"], strict=True))
    if len(set(keys)) <= FEW or "fold" not in study.metrics:
        return frame
    means = [key for key in zip(study.means["arm"], study.means["source"], strict=True) if key in set(keys)]
    always = [key for key in means if key[0] == study.reference][:1]
    always += [key for key in means if is_baseline(base(key[0]))][:1]
    shown = set(always + [key for key in means if key not in always][: IN_SIGHT - len(always)])
    return frame[[key in shown for key in keys]]


def arm_table(
    study: Study, caption: str, frame: pd.DataFrame, cells: Mapping[str, Callable], words: tuple[str, ...] = ()
) -> list[Block]:
    """A table of the arms in sight under the protocol that judges, and the rest folded away."""
    own = study.judged(frame) if "protocol" in frame and "protocol" in study.metrics else frame
    return folded(caption, frame, leading(study, own), cells, words)


def folded(
    caption: str, frame: pd.DataFrame, first: pd.DataFrame, cells: Mapping[str, Callable], words: tuple[str, ...] = ()
) -> list[Block]:
    """A table of the rows `first`, and one of all others folded away."""
    rest = frame.drop(index=first.index)
    if rest.empty or first.empty:
        return [frame_table(caption, frame, cells, words=words)]
    title = f"The other {len(rest)} of {len(frame)} rows"
    return [
        frame_table(f"{caption}; {len(first)} of {len(frame)} rows", first, cells, words=words),
        Part(title, (frame_table(f"{caption}: the others", rest, cells, words=words),), folded=True),
    ]
