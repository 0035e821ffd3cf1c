"""Units of a new table against those of a model's training table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tl_jax.data.scaling.units import COUNTS, LINEAR, TOP, UNKNOWN, Z_GENES, Z_SAMPLES, Units, detect_units
from tl_jax.errors import InputError

ENOUGH = 50  # genes from which values tell a unit
SKEWED = 10.0  # highest value over the mean, from which values without a logarithm are told by their form alone
STANDARDISED = "standardised values"
# log2 units. By medians over 4,433 genes, lines of GDSC and NCI-60 lie within 0.4 of their own platform's mean and
# the two platforms 0.5 apart; counts for a model of TPM lie log2 of their ratio away.
SHIFT = 1.0


def check_units(raw: np.ndarray, transform: str, path: str, given: bool) -> None:
    """InputError where (n, genes) values, before the transform, are not what it is made for: logarithms, z-scores.

    given: whether the user named the transform; else it is the training table's.
    """
    units = detect_units(raw)
    if transform != "none" and units.kind not in (COUNTS, LINEAR, UNKNOWN):
        whose = (
            f"--transform={transform} is" if given else f"the model was trained on a table with '{transform}', which is"
        )
        remedy = "give it the table before logarithms" if units.scale == "log" else "give it counts or TPM"
        raise InputError(f"{path} looks like {units}; {whose} for counts, TPM or FPKM: {remedy}")


def check_scale(x: np.ndarray, genes: Sequence[str], meta: dict, path: str, by_cohort: bool) -> None:
    """InputError where (n, genes) values, after the transform, are on another scale than the model's training rows.

    genes: names of the columns; what the model does not read may be anything.
    by_cohort: whether they are scaled by themselves, which makes up for a shift and a spread, but for no logarithm.
    Tables and models of few genes tell no scale, nor do values that the training's preprocessing changes first.
    """
    x = x[:, np.isin(genes, meta["genes"]) & ~np.isin(genes, meta.get("unmeasured", ()))]
    if x.shape[1] < ENOUGH or meta.get("preprocess"):
        return
    own, units = scale_of_training(meta), detect_units(x)
    found = scale_of(units)
    if not own or not found or own == found:
        return
    if by_cohort and (STANDARDISED in (own, found) or units.evidence["high"] < SKEWED * units.evidence["mean"]):
        return
    ways = {
        "log": "add --transform=log2 (of TPM or FPKM) or --transform=log_cpm (of counts)",
        LINEAR: "give it the values before logarithms",
        STANDARDISED: "give it values that were standardised as the training's were",
    }
    remedy = ways[own]
    if found == STANDARDISED:
        remedy = "give it the values before they were standardised, or add --scale_by=cohort"
    raise InputError(f"{path} looks like {units}, and the model was trained on {words(own)}: {remedy}")


def shift_words(x: np.ndarray, meta: dict, path: str) -> list[str]:
    """A warning where (n, genes of the model) logarithms lie above or below the training's as a whole."""
    center = np.asarray(meta["scaler"]["center"], float)
    if len(center) != x.shape[1] or meta.get("preprocess") or scale_of_training(meta) != "log":
        return []
    known = np.isfinite(x).any(axis=0)
    if known.sum() < ENOUGH:
        return []
    shift = float(np.median(np.nanmean(x[:, known], axis=0) - center[known]))
    if abs(shift) <= SHIFT:
        return []
    return [
        f"{path} lies {abs(shift):.1f} log2 {'above' if shift > 0 else 'below'} the training's table in the median "
        "over genes: other units (counts for a model of TPM) or another platform? Predictions are shifted by that; "
        "give it the training's units, or add --scale_by=cohort, which needs several samples"
    ]


def words(scale: str) -> str:
    return {"log": "logarithms", LINEAR: "counts, TPM or FPKM without a logarithm"}.get(scale, scale)


def scale_of(units: Units) -> str:
    """ "log", LINEAR (counts among them) or STANDARDISED; "" where it is not sure."""
    if units.kind in (Z_GENES, Z_SAMPLES):
        return STANDARDISED
    return {"log": "log", COUNTS: LINEAR, LINEAR: LINEAR}.get(units.scale, "")


def scale_of_training(meta: dict) -> str:
    """The same of a model's training rows, read off its transform and the centres of its genes; "" where unsure."""
    if meta["transform"] != "none":
        return "log"
    known = ~np.isin(meta["genes"], meta.get("unmeasured", ()))
    center, scale = (np.asarray(meta["scaler"][name], float) for name in ("center", "scale"))
    if len(center) != len(known) or known.sum() < ENOUGH:
        return ""
    center, scale = center[known], scale[known]
    if center.max() > TOP:
        return LINEAR
    if (np.abs(center) <= 0.5).mean() > 0.9:
        # Centres of genes near 0 are those of standardised genes, where the genes vary at all.
        return STANDARDISED if (scale > 0.3).mean() > 0.5 and (center < 0).mean() > 0.1 else ""
    return "log"
