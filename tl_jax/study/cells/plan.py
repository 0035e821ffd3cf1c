"""What a study of cells would run, what memory it needs and how long it takes; nothing is trained."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.evaluation.predictors.baselines import RELATIVE_ALPHAS
from tl_jax.evaluation.predictors.line_models import MODELS
from tl_jax.study.cells.critical import MOST_CELLS, STEPS
from tl_jax.study.cells.networks import check_networks
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.training.published import QUIRKS

EIGEN = 9  # n cubed: an eigendecomposition with its vectors
LOGISTIC = 3  # times a ridge, for its singular values and its steps
BIOLOGY = 0.02, 30.0  # seconds for each cell, and for scanpy itself; a fresh environment compiles 80 s more
COMPILED = 8.0  # seconds that a program of a network takes to compile
OF_PAPER = 70.0  # the same of scDEAL's four stages, whatever their sizes
STAGES = 3  # of every kind of network: pre-training, a predictor on it, and one without it
COLUMNS = ["part", "fits", "seconds"]


def planned(settings: CellSettings, setup: Setup) -> tuple[pd.DataFrame, list[str]]:
    """(part, fits, rough seconds on one core of this machine; lines in words), from the sizes at hand."""
    lines, genes, cells = len(setup.lines), len(setup.lines.genes), len(setup.cells)
    rate = speed()
    rows = []
    if settings.drugs:
        drugs = setup.lines.y.shape[1]
        gaps = setup.lines.y.isna().sum().to_numpy(float)
        work = one_fit(lines, genes, cells) + len(RELATIVE_ALPHAS) * (4 * lines**3 + float((gaps**3).sum()))
        rows.append(("all drugs", drugs, work / rate))
    else:
        own = round(settings.share * lines)
        fit = one_fit(own, genes, lines - own + 2 * cells) / rate
        for arm in settings.arms:
            if arm != "prevalence":
                times = LOGISTIC if MODELS.get(arm) is MODELS["logistic"] else 1
                rows.append((arm, settings.repeats, times * settings.repeats * fit))
        each = 2 / 3 * lines**3 + 2 * lines**2 + 2 * lines * cells
        rows.append(("sign", settings.bootstraps, (one_fit(lines, genes, cells) + settings.bootstraps * each) / rate))
        rows.append(("kept model", settings.repeats, settings.repeats * one_fit(own, genes, 0) / rate))
    if settings.networks and not settings.drugs:
        check_networks(settings.networks, setup)
        rows += network_parts(settings, setup, rate)
    if settings.published and not settings.drugs:
        rows.append(published_part(settings, setup, rate))
    if settings.biology:
        rows.append(("biology", 1, BIOLOGY[0] * cells + BIOLOGY[1]))
    table = pd.DataFrame(rows, columns=COLUMNS)
    told = words(setup, float(table["seconds"].sum()))
    left_out = [name for name in ("nulls", "leak") if getattr(settings, name)]
    left_out += ["choose"] if settings.networks and settings.networks.choose else []
    if left_out:
        told.insert(-1, f"not counted: {', '.join(left_out)}")
    return table, told


def network_parts(settings: CellSettings, setup: Setup, rate: float) -> list[tuple[str, int, float]]:
    """Every kind of network: fits are seeds times stages. A stage is epochs of passes over lines and as many cells,
    three products per weight forward and back; attention over tokens is not counted."""
    own = settings.networks
    widths = (min(own.genes, len(setup.lines.genes)), *own.hidden, own.bottleneck, *own.predictor, 1)
    weights = sum(a * b for a, b in pairwise(widths))
    stage = own.epochs * 2 * settings.share * len(setup.lines) * 6 * weights
    fits, programs = own.seeds * (STAGES + len(own.transfers)), 2 + len({name for name, _ in own.transfers} - {"none"})
    seconds = fits * stage / rate + programs * COMPILED
    found = [(f"networks {attention}".strip(), fits, seconds) for attention in own.attention]
    arms = own.seeds * (STAGES - 1 + len(own.transfers)) * len(own.attention)
    explained = arms * min(MOST_CELLS, len(setup.cells)) * STEPS * 6 * weights / rate + len(own.attention) * COMPILED
    return [*found, ("critical genes", arms, explained)]


def published_part(settings: CellSettings, setup: Setup, rate: float) -> tuple[str, int, float]:
    """scDEAL's four stages for every seed and, with its quirk table, for every quirk twice and without any."""
    own = settings.published
    widths = (len(setup.lines.genes), *own.hidden, own.bottleneck)
    weights = 2 * sum(a * b for a, b in pairwise(widths))
    rows = 3 * 0.64 * len(setup.lines) + 2 * 0.8 * len(setup.cells)
    fits = own.seeds * (2 + 2 * len(QUIRKS) if own.quirk_table else 1)
    # Shared genes or separate ones, clusters or none; resampled lines are of another number for every seed.
    programs = fits if own.resampling else 4 if own.quirk_table else 1
    return "scDEAL as published", fits, fits * own.epochs * rows * 6 * weights / rate + programs * OF_PAPER


def one_fit(lines: int, genes: int, rows: int) -> float:
    """Operations of one ridge: kernel, eigendecomposition, penalties, rows."""
    return 2 * lines**2 * genes + EIGEN * lines**3 + len(RELATIVE_ALPHAS) * 2 * lines**2 + 2 * lines * rows * genes


def speed(size: int = 512) -> float:
    """Operations per second of a product on one core, in float64."""
    a = np.ones((size, size))
    with threadpool_limits(1):
        a @ a
        start = time.perf_counter()
        a @ a
        return 2 * size**3 / max(time.perf_counter() - start, 1e-6)


def words(setup: Setup, seconds: float) -> list[str]:
    """Sizes, memory and time."""
    rows = len(setup.lines) + 2 * len(setup.cells)
    # The rows in float32, and in float64 those of one draw, scaled and centred.
    memory = (4 + 2 * 8) * rows * len(setup.lines.genes)
    sizes = f"{len(setup.lines):,} lines, {len(setup.cells):,} cells, {len(setup.lines.genes):,} genes"
    gigabytes, minutes = max(memory / 2**30, 0.1), max(seconds / 60, 0.1)  # neither takes nothing
    return [
        *setup.notes,
        f"{setup.drug or 'all drugs'}: {sizes}; {rows:,} rows in all",
        f"about {gigabytes:.1f} GB of memory beside the tables, and {minutes:.1f} minutes on one core",
        "nothing was trained",
    ]


def printed(table: pd.DataFrame, told: list[str]) -> str:
    """The plan as text."""
    rows = [f"{row.part:20} {row.fits:5d} fits  {row.seconds:8.1f} s" for row in table.itertuples()]
    return "\n".join([*told[:-2], *rows, *told[-2:]])
