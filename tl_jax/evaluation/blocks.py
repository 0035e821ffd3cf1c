"""Many methods over many small targets: one number per target (a block) and method.

Demsar 2006: methods are ranked within each block, so that hard and easy targets count alike. Blocks are taken as
independent. Drugs measured on the same cell lines are not: tests and intervals over them describe these lines.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

FEWEST = 5  # blocks below which no test over them is made


class Ranks(NamedTuple):
    """Friedman's test with Nemenyi's pairs. average: {method: mean rank, 1 the best}. difference: the critical one.

    pairs: methods x methods, Nemenyi's p.
    """

    blocks: int
    statistic: float
    p: float
    average: pd.Series
    difference: float
    pairs: pd.DataFrame


def rank_methods(blocks: pd.DataFrame, level: float = 0.95) -> Ranks | None:
    """Friedman and Nemenyi of a table blocks x methods (higher is better), without gaps.

    None with fewer than five blocks or three methods, for which the tests are not made.
    """
    n, methods = blocks.shape
    if n < FEWEST or methods < 3:
        return None
    statistic, p = stats.friedmanchisquare(*blocks.to_numpy().T)
    average = blocks.rank(axis=1, ascending=False).mean()
    unit = np.sqrt(methods * (methods + 1) / (12 * n))  # of a rank difference, for the studentised range
    difference = unit * stats.studentized_range.ppf(level, methods, np.inf)
    apart = np.abs(average.to_numpy()[:, None] - average.to_numpy())
    pairs = pd.DataFrame(stats.studentized_range.sf(apart / unit, methods, np.inf), average.index, average.index)
    return Ranks(n, float(statistic), float(p), average, float(difference), pairs)


def gains(blocks: pd.DataFrame, reference: str, level: float = 0.95) -> pd.DataFrame:
    """Each method against a reference: method, blocks, gain, ci_low, ci_high, won.

    gain is the mean difference over blocks in which both are defined, with its t interval over blocks; won the share
    of blocks in which the method is above the reference, a tie counting half. With one block the interval is NaN.
    """
    rows = []
    for method in blocks.columns.drop(reference):
        d = (blocks[method] - blocks[reference]).dropna().to_numpy(np.float64)
        n = len(d)
        gain = float(d.mean()) if n else float("nan")
        reach = float(stats.t.ppf(0.5 + level / 2, n - 1) * d.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
        won = float(((d > 0) + (d == 0) / 2).mean()) if n else float("nan")
        rows.append((method, n, gain, gain - reach, gain + reach, won))
    return pd.DataFrame(rows, columns=["method", "blocks", "gain", "ci_low", "ci_high", "won"])
