"""Lines and cells on the same genes and scale: what all arms of one study share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from tl_jax.data.cells.cells import Cells, read_cells
from tl_jax.data.cells.cycle import cycle_scores, less_cycle
from tl_jax.data.cells.labels import labelled, without_general
from tl_jax.data.cells.lines import Lines, drug_named, read_lines, response_to, without_lines
from tl_jax.data.cells.preparation import Preparation, evened, prepare
from tl_jax.data.cells.shared import alike, dense, fit_scaling, on_shared_genes, shaped
from tl_jax.data.cells.simulate import simulated_pair
from tl_jax.data.cells.steps import filtered, logged, most_variable, pearson_residuals, thinned
from tl_jax.data.cells.values import COUNTS, ZSCORE
from tl_jax.data.domain import Domain
from tl_jax.data.drugs.names import same_drugs
from tl_jax.data.scaling.scaling import fit_response_scale
from tl_jax.data.splits import Fold
from tl_jax.errors import InputError
from tl_jax.study.cells.settings import EMBEDDED, NO_LINE, CellSettings
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.problem import Problem
from tl_jax.system.files import digest

FOR_BIOLOGY = 11  # cells; pseudotime walks along 10 diffusion components
STANDS_OUT = 0.03  # Spearman by which one bulk profile is nearer to the cells than the next


@dataclass(frozen=True)
class CellFold(ScaledFold):
    """A draw of lines: held-out rows are its other lines, scaled as the training lines, then cells, scaled already."""

    def scaled_test(self, domain: Domain) -> np.ndarray:
        lines = self.fold.test < first_cell(domain)
        return np.concatenate([self.train.apply(domain.x[self.fold.test[lines]]), domain.x[self.fold.test[~lines]]])


def first_cell(domain: Domain) -> int:
    """Where the cells begin among a problem's rows; lines alone have a response."""
    return int(np.isfinite(domain.response).sum())


@dataclass(frozen=True)
class Setup:
    """What the arms meet.

    lines: those that train, on the shared genes, with responses to all drugs. y: (lines,) response to the drug. cells:
    those that passed, as log values on the shared genes; everything: the same on all their genes. kept: their rows in
    the file. plain, smooth: (cells, genes) scaled by the cells' own statistics, each as it is and averaged over its
    neighbours. log_counts: (cells,), empty where there were no counts. drug: as the responses name it. out: lines
    taken out because the cells are of them. near: bulk profiles nearest to the cells' mean. truth_lines: measured
    responses of the lines taken out. total, kind: cells in the file, and what its values were. library: the counts
    that every cell was brought to, 0 for none. preparation: what made plain and smooth of the log values. names: a
    digest of the names of all cells in the file, in whatever order.
    """

    lines: Lines
    y: np.ndarray
    cells: Cells
    everything: Cells
    kept: np.ndarray
    preparation: Preparation
    plain: np.ndarray
    smooth: np.ndarray
    log_counts: np.ndarray
    drug: str
    out: tuple[str, ...]
    near: tuple[tuple[str, float], ...]
    truth_lines: pd.Series
    total: int
    kind: str
    library: float
    notes: tuple[str, ...] = ()
    names: str = ""

    @cached_property
    def domain(self) -> Domain:
        """Lines, cells, and the same cells smoothed, as one table of rows."""
        n = len(self.cells)
        x = np.concatenate([self.lines.x, self.plain, self.smooth])
        nothing = np.full(2 * n, "")
        return Domain(
            name="cells",
            x=x,
            y=np.concatenate([self.y, np.full(2 * n, np.nan)])[:, None],
            samples=np.concatenate([self.lines.samples, self.cells.samples, self.cells.samples]),
            genes=self.lines.genes,
            drugs=(self.drug,),
            groups=np.concatenate([self.lines.samples, nothing]),
            tissue=np.concatenate([self.lines.tissue, nothing]),
        )

    def problem(self, settings: CellSettings) -> Problem:
        """The draws of lines as folds; nobody's labels judge them."""
        domain = self.domain
        folds = tuple(self.folds(domain, settings))
        return Problem(domain, folds, scores=lambda truth, score: {}, name=self.drug)

    def folds(self, domain: Domain, settings: CellSettings) -> Iterator[CellFold]:
        lines, cells = len(self.lines), np.arange(len(self.lines), len(domain))
        for draw in range(settings.repeats):
            order = np.random.default_rng([settings.seed, draw]).permutation(lines)
            train, rest = np.split(order, [round(settings.share * lines)])
            scaler = fit_scaling(domain.x[train], settings.scaler)
            fold = Fold(draw, 0, np.sort(train), np.concatenate([np.sort(rest), cells]))
            response = fit_response_scale(self.y[train], "resistant", "AUC")
            yield CellFold(fold, scaler, scaler, response, domain.response)


def make_setup(settings: CellSettings) -> Setup:
    """Read, filter, match and scale.

    Raises:
        InputError: the tables do not fit each other, or one bulk line is so like the cells that it may be theirs.
    """
    lines, cells, drug = read_pair(settings)
    total, kind, names = len(cells), cells.kind, digest(sorted(map(str, cells.samples)))
    lines, y, out, truth, notes = source_lines(lines, cells, settings, drug)
    cells, kept = filtered(cells, settings.filters, settings.seed)
    if settings.biology and len(cells) < FOR_BIOLOGY:
        raise InputError(f"--biology needs {FOR_BIOLOGY} cells; {len(cells)} are left: leave it out")
    cells, log_counts, library = at_one_depth(cells, settings)
    everything, whole = cells, lines
    lines, cells = on_shared_genes(lines, cells, settings.min_genes)
    notes += [f"{len(lines.genes):,} genes are shared by lines and cells"]
    if settings.highly_variable:
        chosen = most_variable(cells, settings.highly_variable)
        lines, cells = lines.columns(chosen), cells.columns(chosen)
        notes += [f"{len(chosen):,} of them are left, those that vary most over the cells"]
    neighbours, more = neighbours_of(len(cells), settings.smooth)
    regressed = log_counts if settings.depth in ("", "regress") else np.zeros(0)
    x, *depth = evened(dense(cells.x), regressed)
    near = tuple(alike(lines, x.mean(axis=0))) if cells.kind != ZSCORE else ()
    notes += [*ask_for_line(settings, near, out), *more]
    if settings.cell_cycle:
        lines, x, taken = without_cycle(lines, x, whole, everything)
        notes.append(taken)
    preparation, *scaled = prepare(x, *depth, settings.scaler, neighbours)
    lines = replace(lines, x=shaped(lines.x, settings.scaler))
    about = (*lines.notes, *cells.notes, *notes)
    own = lines, y, cells, everything, kept, preparation, *scaled, log_counts
    return Setup(*own, drug, out, near, truth, total, kind, library, about, names)


def without_cycle(lines: Lines, x: np.ndarray, whole: Lines, everything: Cells) -> tuple[Lines, np.ndarray, str]:
    """Lines and cells (cells, genes) less what the cell cycle explains in each; a note. whole, everything: the same on
    all genes that each has, by which the cycle is scored."""
    own, of_lines = less_cycle(lines.x, cycle_scores(whole.x, whole.genes, "lines"))
    x, of_cells = less_cycle(x, cycle_scores(everything.x, everything.genes, "cells"))
    note = f"the cell cycle was taken out: {of_lines:.1%} of the variance of lines, {of_cells:.1%} of that of cells"
    return replace(lines, x=own), x, note


def read_pair(settings: CellSettings) -> tuple[Lines, Cells, str]:
    """Lines, cells and the drug as the responses spell it, "" for all drugs."""
    if settings.cells == EMBEDDED:
        lines, cells = simulated_pair(settings.seed)
        return lines, cells, "" if settings.drugs else lines.y.columns[0]
    lines = read_lines(settings.lines)
    cells = read_cells(settings.cells, layer=settings.layer, values=settings.values)
    return lines, cells, "" if settings.drugs else drug_named(settings.drug, list(lines.y.columns))


def source_lines(lines: Lines, cells: Cells, settings: CellSettings, drug: str):
    """Lines that train, their response ((0,) for all drugs), the names and responses of those taken out, and notes."""
    names, notes = own_lines(cells, settings), []
    rest, out, unknown = without_lines(lines, names)
    if unknown:
        notes.append(f"no bulk line is called {', '.join(unknown)}; nothing was taken out for it")
    if out:
        notes.append(f"taken out of the source because the cells are of it: {', '.join(out)}")
    if not drug:
        return rest, np.zeros(0), tuple(out), pd.Series(dtype=float), notes
    truth = lines.y.loc[out, drug]
    notes.append(general_part(response_to(rest, drug)[0], drug))
    notes += [f"{drug}: {rest.agreements[drug]}"] if drug in rest.agreements else []
    if settings.remove_general:
        rest = replace(rest, y=without_general(rest.y))
        notes.append("of every response the part that a line's mean over the other drugs explains was taken out")
    kept, y = response_to(rest, drug)
    kept, y, more = labelled(kept, y, drug, settings.response, settings.lines.line_column if settings.lines else "")
    return kept, y, tuple(out), truth, [*notes, *more]


def general_part(lines: Lines, drug: str) -> str:
    """How far the response is a line's sensitivity to anything."""
    others = lines.y.drop(columns=same_drugs(drug, lines.y.columns)).rank(pct=True).mean(axis=1)
    share = float(lines.y[drug].corr(others, method="spearman"))
    return f"the response runs with the lines' mean rank over all other drugs at Spearman {share:.2f}"


def own_lines(cells: Cells, settings: CellSettings) -> list[str]:
    """Names of the lines that the cells are of."""
    if settings.cell_line and settings.cell_line_column:
        raise InputError("give --cell_line or --cell_line_column, not both")
    if not settings.cell_line_column:
        return [name for name in settings.cell_line if name.casefold() != NO_LINE]
    if cells.obs is None or settings.cell_line_column not in cells.obs:
        raise InputError(f"the table of cells has no column '{settings.cell_line_column}' (--cell_line_column)")
    return sorted(cells.obs[settings.cell_line_column].dropna().astype(str).unique())


def neighbours_of(cells: int, asked: int) -> tuple[int, list[str]]:
    """How many cells are averaged, and a note where half of them are fewer than asked for: beyond, all become alike."""
    if asked < 2 or asked <= cells // 2:
        return asked, []
    return cells // 2, [f"--smooth={asked} of {cells} cells would make all alike; {max(cells // 2, 1)} are averaged"]


def ask_for_line(settings: CellSettings, near: tuple[tuple[str, float], ...], out: tuple[str, ...]) -> list[str]:
    """The nearest bulk profiles in words; where none was named and one stands out, the user must say."""
    if not near:
        return []
    words = ", ".join(f"{name} {value:.3f}" for name, value in near)
    stands_out = len(near) > 1 and near[0][1] - near[1][1] > STANDS_OUT
    denied = NO_LINE in [name.casefold() for name in settings.cell_line]
    if stands_out and not (out or denied):
        raise InputError(
            f"the bulk line {near[0][0]} is so like the cells ({words}) that they may be of it; take it out by "
            f"--cell_line={near[0][0]}, or say --cell_line={NO_LINE}"
        )
    return [f"bulk profiles nearest to the mean of the cells (Spearman over genes): {words}"]


def at_one_depth(cells: Cells, settings: CellSettings) -> tuple[Cells, np.ndarray, float]:
    """Log values, the log counts of each cell and their library size; values that are no counts stay as they are."""
    if cells.kind != COUNTS:
        if settings.depth not in ("", "none"):
            raise InputError(f"--depth={settings.depth} needs counts; these values are {cells.kind}")
        return cells, np.zeros(0), 0.0
    found, counts, library = logged(cells)
    if settings.depth == "thin":
        found, _, _ = logged(thinned(cells, settings.seed))
    elif settings.depth == "pearson":
        found = pearson_residuals(cells)
    return found, counts, library
