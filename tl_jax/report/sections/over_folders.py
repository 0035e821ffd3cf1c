"""One arm over the finished studies of several targets: a t-test over targets, or over samples that they share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.families import reference_of
from tl_jax.evaluation.statistics.metrics import JUDGED, per_fold
from tl_jax.evaluation.statistics.over_targets import FEWEST, independent, of_target, over_shared_samples, shared
from tl_jax.evaluation.statistics.power import MEASURED, TARGETS, detectable_words
from tl_jax.report.sections.study import Study, read_study


class Found(NamedTuple):
    """targets: folder, samples, gain of each. gain, low, high, p: over all. shared: whether samples were the unit."""

    arm: str
    reference: str
    targets: pd.DataFrame
    gain: float
    low: float
    high: float
    p: float
    shared: bool

    def text(self) -> str:
        """What a terminal shows."""
        lines = [f"{self.arm} against {self.reference}, mean difference of Spearman per fold"]
        width = max(len(str(name)) for name in self.targets["folder"])
        lines += [
            f"  {row['folder']:{width}}  {row['samples']:4d} samples  {row['gain']:+.3f}"
            for row in self.targets.to_dict("records")
        ]
        over = "samples: the targets share some, so they are not independent" if self.shared else "targets"
        lines.append(
            f"  mean {self.gain:+.3f}, 95 % interval {self.low:+.3f} to {self.high:+.3f}, p = {self.p:.2g}, over {over}"
        )
        return "\n".join([*lines, *([] if self.shared else [self.power()])])

    def power(self) -> str:
        """What a t-test over so many targets can find."""
        n, count = int(self.targets["samples"].min()), len(self.targets)
        try:
            return f"  over {count} such targets {detectable_words(n, question=TARGETS, targets=count)}"
        except InputError:
            return f"  the power of {count} targets of {n} samples was not measured"


def over_folders(
    paths: Sequence[str | Path], arm: str, source: str | None = None, reference: str | None = None
) -> Found:
    """Read finished studies, one target each, and test one arm over them.

    Args:
        arm, source: which arm; source None: the only one that each study has. reference: an arm without a source; None:
        ridge, or scratch where no ridge was run.
    Raises:
        InputError: fewer than two folders, one that lacks an arm, or too few independent targets.
    """
    if len(paths) < 2:
        raise InputError("name the results folders of several targets, such as results/A results/B results/C")
    studies = [(str(path), read_study(Path(path))) for path in paths]
    for path, study in studies:
        if study.metric.name != JUDGED:
            raise InputError(f"{path} is judged by {study.metric.name}; only {MEASURED} is compared over targets")
    base = reference or reference_of([one for _, study in studies[:1] for one in study.metrics["arm"]])
    if base is None:
        raise InputError(f"{paths[0]} has neither ridge nor scratch; name a --reference")
    frames = [pair_of(path, study, arm, source, base) for path, study in studies]
    rows = [
        (path, frame["sample_id"].nunique(), gain_of(study, frame, base))
        for (path, study), frame in zip(studies, frames, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["folder", "samples", "gain"])
    if shared([frame["sample_id"].unique() for frame in frames]):
        own = over_shared_samples([of_target(frame) for frame in frames], base).iloc[0]
        return Found(arm, base, table, own.gain, own.ci_low, own.ci_high, own.p, True)
    if len(table) < FEWEST:
        raise InputError(f"{len(table)} independent targets: a t-test over targets needs at least {FEWEST}")
    found = independent(table["gain"])
    return Found(arm, base, table, found.gain, found.low, found.high, found.p, False)


def pair_of(path: str, study: Study, arm: str, source: str | None, reference: str) -> pd.DataFrame:
    """The held-out predictions of the two arms under the judged protocol, each known by its name alone."""
    rows = study.judged(study.need("predictions"))
    rows = rows[rows["fold"].astype(str) != "pooled"]
    sources = [one for one in dict.fromkeys(rows.loc[rows["arm"] == arm, "source"]) if source in (None, one)]
    if not sources or reference not in set(rows["arm"]):
        missing = reference if sources else f"{arm} from {source}" if source else arm
        raise InputError(f"{path} has no arm {missing}; it has: {', '.join(dict.fromkeys(rows['arm']))}")
    if len(sources) > 1:
        raise InputError(f"{path} has {arm} from {len(sources)} sources; name one with --source: {', '.join(sources)}")
    own = rows[((rows["arm"] == arm) & (rows["source"] == sources[0])) | (rows["arm"] == reference)]
    return own[["arm", "source", "repeat", "fold", "sample_id", "y_true", "y_pred"]]


def gain_of(study: Study, frame: pd.DataFrame, reference: str) -> float:
    """Mean difference of the metric per fold of the two arms of a frame."""
    pairs = frame[["arm", "source"]].drop_duplicates()
    rows = per_fold(study.judged(study.metrics), study.metric.name).merge(pairs, on=["arm", "source"])
    means = rows.groupby("arm")["value"].mean()
    return float(np.asarray(means.drop(reference))[0] - means[reference])
