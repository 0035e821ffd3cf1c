"""How good the labels themselves are, per drug.

A drug whose responses span almost no range, or whose second measurement disagrees
with the first, is a poor source and a poor target whatever the model: in GDSC temozolomide has AUC
quartiles of .969 and .985 and a replicate Spearman of .28, oxaliplatin .78.
"""

from __future__ import annotations

import numpy as np

from tl_jax.data.domain import Domain
from tl_jax.evaluation.statistics.metrics import rank_correlation

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def label_quality(domain: Domain, drug: str) -> dict[str, float]:
    """Spread and repeatability of one drug's labels, in the domain's unit.

    n: samples measured. q05, q25, median, q75, q95. dynamic_range: q95 - q05. iqr: q75 - q25.
    sd: sample standard deviation (n - 1). replicate_n: samples with two measurements.
    replicate_spearman: their rank agreement, NaN below three such samples.
    Statistics of no sample (sd: of fewer than two) are NaN. Raises InputError for an unknown drug.
    """
    one = domain.for_drug(drug)
    y = one.response
    found: dict[str, float] = {"n": len(y)}
    found |= {name: float(np.quantile(y, q)) if len(y) else float("nan") for name, q in QUANTILES.items()}
    found["dynamic_range"] = found["q95"] - found["q05"]
    found["iqr"] = found["q75"] - found["q25"]
    found["sd"] = float(np.std(y, ddof=1)) if len(y) > 1 else float("nan")
    second = np.full(len(y), np.nan) if one.replicate is None else one.replicate[:, 0]
    both = np.isfinite(second)
    found["replicate_n"] = int(both.sum())
    found["replicate_spearman"] = rank_correlation(y[both], second[both]) if both.sum() >= 3 else float("nan")
    return found
