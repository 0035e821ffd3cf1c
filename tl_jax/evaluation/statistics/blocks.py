"""How much a method gains over a reference on many small targets: one number per target (a block) and method.

Blocks are taken as independent. Drugs measured on the same cell lines are not: intervals over them describe drugs on
these lines. `ranks.friedman` compares all methods.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.paired import corrected_t, win_rate


def gains(blocks: pd.DataFrame, reference: str, level: float = 0.95) -> pd.DataFrame:
    """Each method against a reference: method, blocks, gain, ci_low, ci_high, won.

    gain is the mean difference over blocks in which both are defined, with its t interval over blocks; won the share
    of blocks in which the method is above the reference, a tie counting half. With one block the interval is NaN.
    """
    rows = []
    for method in blocks.columns.drop(reference):
        d = (blocks[method] - blocks[reference]).dropna().to_numpy(np.float64)
        test = corrected_t(d, 0.0, level)  # without overlap the ordinary paired t-test
        rows.append((method, len(d), float(d.mean()) if len(d) else float("nan"), test.low, test.high, win_rate(d)))
    return pd.DataFrame(rows, columns=["method", "blocks", "gain", "ci_low", "ci_high", "won"])
