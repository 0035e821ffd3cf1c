"""Looks at cells with a truth (`study/core/looks.py`), and what of a study is registered before it."""

from __future__ import annotations

import numpy as np

from tl_jax.study.cells.settings import NAME, CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.cells.truth import Truth
from tl_jax.study.core import looks
from tl_jax.system.files import digest

WHAT = ("repeats", "seed", "share")  # other draws of the lines
ELSEWHERE = (*WHAT, "cells", "lines")  # files, whose content is counted
OWN = ("column", "by_line")  # of a truth: another column is another question


def record(settings: CellSettings, setup: Setup, asked: Truth) -> list[dict]:
    """Every look at how right the scores of these cells are for this drug and truth, this one included.

    Cells are known by the names of all in the file, so that other filters are a look at the same cells, as other
    draws, arms, networks or values that count as sensitive are; the very same study again is none.
    """
    told = {name: value for name, value in vars(asked).items() if name not in OWN}
    own = {name: getattr(settings, name) for name in WHAT}
    own["recipe"] = looks.recipe(settings.science(), ELSEWHERE, told, content(setup))
    column = f"line in {asked.column}" if asked.by_line else asked.column
    return looks.record(settings.checkpoint_dir, " ".join([NAME, setup.drug, column, setup.names[:16]]), own)


def to_register(settings: CellSettings, setup: Setup, main: str, asked: Truth | None) -> dict:
    """What a registration says: whose scores are judged by which truth, against which arm, by which settings."""
    return {
        "experiment": NAME,
        "metric": "auroc",
        "expect": "either",
        "reference": main,
        "drug": setup.drug,
        "truth": vars(asked) if asked else {},
        "settings": {name: value for name, value in settings.science().items() if name not in ("cells", "lines")},
        "data": {"cells": setup.names, "content": content(setup)},
    }


def content(setup: Setup) -> str:
    """A digest of lines and cells that tells other data; of the cells their means, since they are many."""
    means = np.asarray(setup.cells.x.mean(axis=0), np.float64).ravel()
    return digest(setup.lines.x, setup.y, means)
