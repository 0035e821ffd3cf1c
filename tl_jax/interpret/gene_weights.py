"""Gene weights as the published archive defines them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.types import Variables


def gene_weights(variables: Variables, genes) -> pd.DataFrame:
    """Columns gene, weight: the sum over layer 1's units of |kernel|, one row per gene.

    Source: the published zip of Ju et al. 2025, read as this sum because it matches its numbers
    (1000 units drawn from (-.05, .05) give 25.0 before training; the zip has 20 to 26).
    """
    kernel = np.asarray(variables["params"]["layer1"]["kernel"], np.float64)
    if len(kernel) != len(genes):
        raise ValueError(f"layer 1 has {len(kernel)} inputs, {len(genes)} genes were named")
    return pd.DataFrame({"gene": np.asarray(genes, str), "weight": np.abs(kernel).sum(axis=1)})
