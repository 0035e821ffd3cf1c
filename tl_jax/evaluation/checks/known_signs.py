"""The known genes of each drug as hints on a response's sign (predictors/markers.py)."""

from __future__ import annotations

from tl_jax.evaluation.predictors.markers import EXPRESSION, Marker, listed

SIGNS: dict[str, list[Marker]] = {}
for _one in listed():
    if _one.level == EXPRESSION:
        SIGNS.setdefault(_one.drug, []).append(_one)
