"""The batch of each new sample, for models whose preprocessing corrects batches."""

from __future__ import annotations

import numpy as np

from tl_jax.data.preprocessing.preprocess import Fitted
from tl_jax.data.tables.cells import as_ids
from tl_jax.data.tables.raw_tables import ENDINGS, PACKED, read_table
from tl_jax.errors import InputError


def batches_for(given: str, samples: np.ndarray, fitted: Fitted) -> np.ndarray:
    """(n,) batch of each sample, "" where unknown.

    given: "" for unknown, the name of the batch that all samples belong to, or a table (known by its ending) with the
    columns `sample` and `batch`; rows of other samples are passed over. InputError where the model has no use for it
    and where the table is not clear about a sample.
    """
    if given and not fitted.batches:
        raise InputError(
            f"--batch={given} changes nothing: the model's preprocessing corrects no batches; leave it out"
        )
    if not given.lower().endswith((*ENDINGS, *PACKED)):
        return np.full(len(samples), given)
    frame = read_table(given)
    lacking = [name for name in ("sample", "batch") if name not in frame.columns]
    if lacking:
        raise InputError(f"--batch={given} has no column '{lacking[0]}'; give it the columns sample and batch")
    batch: dict[str, str] = {}
    for name, one in zip(as_ids(frame["sample"]), as_ids(frame["batch"]), strict=True):
        if batch.setdefault(name, one) != one:
            raise InputError(f"--batch={given}: sample '{name}' has rows that disagree; keep one row for each sample")
    absent = [name for name in samples if name not in batch]
    if absent:
        raise InputError(f"--batch={given} has no row for sample '{absent[0]}' ({len(absent)} in all); add them")
    return np.array([batch[name] for name in samples], dtype=str)
