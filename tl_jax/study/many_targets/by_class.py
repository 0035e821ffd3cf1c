"""What the processes on all source drugs gain for targets of one drug class, as the table of mechanisms has it."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.predictors.mechanisms import class_of
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.evaluation.statistics.paired import win_rate
from tl_jax.study.many_targets.drugs import PROCESSES

UNKNOWN = "not in the table"
COLUMNS = ("class", "arm", "protocol", "reference", "targets", "gain", "least", "most", "won", "drugs")


def by_class(blocks: pd.DataFrame, reference: str | None, metric: str, mechanisms: str | None = None) -> pd.DataFrame:
    """One row for each class, process and protocol: the mean gain over a reference and how far single drugs lie apart.

    There is no interval: most classes are one drug or two. The classes with the largest mean gain come first.

    Args:
        blocks: targets x arms with the columns target and protocol, each the mean of the metric per fold.
        mechanisms: a user's table; None: the shipped one.
    Returns:
        COLUMNS. gain, least, most: positive where the arm is better. won: share of targets. drugs: their names.
    """
    arms, rows = [arm for arm in PROCESSES if arm in blocks], []
    if reference not in blocks or not arms:
        return pd.DataFrame(columns=list(COLUMNS))
    kinds = blocks["target"].map(lambda drug: class_of(drug, mechanisms) or UNKNOWN)
    for (protocol, kind), own in blocks.groupby(["protocol", kinds], sort=False):
        for arm in arms:
            gain = get(metric).sign * (own[arm] - own[reference])
            known = gain.dropna()
            if len(known):
                sizes = (len(known), known.mean(), known.min(), known.max(), win_rate(known.to_numpy()))
                rows.append((kind, arm, protocol, reference, *sizes, "; ".join(own["target"][known.index])))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    size = table.groupby(["protocol", "class"])["gain"].transform("mean")
    keys = {"place": pd.factorize(table["protocol"])[0], "size": -size}
    return table.assign(**keys).sort_values(list(keys), kind="stable").drop(columns=list(keys))
