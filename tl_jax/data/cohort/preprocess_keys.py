"""The keys of a cohort file that concern preprocessing: what they mean together, and what cannot work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.preprocessing.preprocess import STEPS, Preprocess
from tl_jax.data.tables.cells import nearest
from tl_jax.errors import InputError

# The step that each option belongs to.
OPTIONS = {
    "combat_reference": "combat",
    "combat_unknown": "combat",
    "low_expression_below": "low_expression",
    "low_expression_share": "low_expression",
}


def preprocessing(part) -> Preprocess:
    """The steps of a [[domain]] (schema.DomainTable) and those of their options that it gives."""
    given = {name: getattr(part, name) for name in OPTIONS if getattr(part, name) not in ("", None)}
    for name in given:
        if OPTIONS[name] not in part.preprocess:
            raise InputError(f"{name} changes nothing without the preprocess step '{OPTIONS[name]}'; remove it")
    return Preprocess(part.preprocess, **given)


def check_preprocess(part, where: str, file: Path) -> None:
    """InputError where a [[domain]] asks for preprocessing that cannot work, before any table is read."""
    try:
        wanted = preprocessing(part)
    except InputError as error:
        raise InputError(f"{file}: {where}: {error}") from error
    changed = sorted({part.expression.transform, part.expression.transform_as_published} - {"", "none"})
    if wanted.needs_counts and changed:
        step = next(name for name in wanted.steps if STEPS[name].counts)
        taken = f"transform '{changed[0]}' would change them first; leave it out"
        raise InputError(f"{file}: {where}: preprocess step '{step}' needs counts, and {taken}")
    if "combat" in wanted.steps and not (part.annotation and part.annotation.batch_column):
        raise InputError(f"{file}: {where}: preprocess 'combat' needs batch_column in [domain.annotation]")


def batches_of(part, column: pd.Series, path: Path) -> np.ndarray:
    """(n,) batch of each sample, "" where unknown; InputError where the domain's combat cannot work with them."""
    batch, reference = np.array(column, dtype=str), part.combat_reference
    known = sorted(set(batch) - {""})
    if reference and reference not in known:
        remedy = nearest(reference, known) if known else "batch_column is empty for all of its samples"
        raise InputError(f"{path}: domain '{part.name}' has no batch '{reference}' (combat_reference); {remedy}")
    if "combat" in part.preprocess and part.combat_unknown != "pooled" and (batch == "").any():
        sample = column.index[batch == ""][0]
        remedy = "fill batch_column or set combat_unknown = 'pooled'"
        raise InputError(f"{part.annotation.path}: sample '{sample}' of domain '{part.name}' has no batch; {remedy}")
    return batch
