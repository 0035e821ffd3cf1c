"""Every arm on every draw of the lines, the sign of the score, and what a cell is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.config import NetworkConfig
from tl_jax.data.cells.neighbours import components
from tl_jax.data.cells.shared import fit_scaling
from tl_jax.data.domain import Domain
from tl_jax.evaluation.draws.thresholds import Calling, settle
from tl_jax.evaluation.predictors.line_models import (
    MODELS,
    SENSITIVE_SHARE,
    bootstrapped,
    mean_response,
    related_drugs,
)
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.networks import network_scores
from tl_jax.study.cells.published import published_scores
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.core.arms import Arm, How, closed_predictions
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.problem import Problem
from tl_jax.system.files import digest

SMOOTHED = "_smoothed"
SETTLED = 0.9  # share of bootstraps that must agree on a sign
DEPTH_LIMIT = 0.3  # Spearman of score and counts beyond which depth is named
AXES = 5  # components of the cells along which the sign is asked


@dataclass
class CellResults:
    """scores: {arm: (draws, cells)}, high = sensitive. held: {arm: (draws, held-out lines)} of the same models.

    signs: the sign along the cells' components. calling: what makes a score a call, settled on held-out lines.
    judged: tables of how right the scores were, made once the scores are written; {} without a truth.
    """

    settings: CellSettings
    setup: Setup
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    held: dict[str, np.ndarray] = field(default_factory=dict)
    signs: pd.DataFrame = field(default_factory=pd.DataFrame)
    calling: Calling | None = None
    judged: dict[str, pd.DataFrame] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def main(self) -> str:
        """The arm whose score is the cells'."""
        return f"ridge{SMOOTHED}" if self.settings.smooth > 1 else "ridge"

    @property
    def score(self) -> np.ndarray:
        """(cells,) the mean over draws of the arm `main`."""
        return self.scores[self.main].mean(axis=0)

    @property
    def settled(self) -> bool:
        """Whether 90 % of bootstraps agree on the sign along the cells' first component, which most often separates
        their classes, and along the one that the score follows most."""
        agreement, followed = self.signs["agreement"], int(self.signs["spearman"].abs().argmax())
        return bool(min(agreement.iloc[0], agreement.iloc[followed]) >= SETTLED)


def run_cells(settings: CellSettings, setup: Setup, work: Path | None = None) -> CellResults:
    """Fit every arm on every draw and score the cells; nothing here sees a cell's label.

    work: a folder for finished parts; those found there are not computed again.
    """
    results = CellResults(settings, setup)
    results.ledger.remark(*setup.notes)
    problem = setup.problem(settings)
    how = How(NetworkConfig(), settings.seed, None, work, ledger=results.ledger)
    with threadpool_limits(1):  # threads of products this small wait for each other
        for arm in arms_of(settings, setup):
            take(results, arm.name, np.stack(closed_predictions(problem, arm, how)))
    if settings.networks:
        for name, predicted in network_scores(setup, settings, how).items():
            take(results, name, predicted)
    if settings.published:
        results.scores |= published_scores(setup, settings, how)
    with threadpool_limits(1), results.ledger.timed("sign"):
        axes = components(setup.plain, AXES)
        results.signs = sign_table(results, axes)
        results.scores["pc1_with_sign"] = first_axis(results, axes)
    results.calling = calling(results, problem)
    tell(results)
    return results


def arms_of(settings: CellSettings, setup: Setup) -> list[Arm]:
    """The closed forms asked for; each is fitted once and read on the cells as they are and smoothed."""
    tissue = digest(setup.lines.tissue)
    found = [
        Arm(name, predict=fitted_on(function), about=[SENSITIVE_SHARE, tissue])
        for name, function in MODELS.items()
        if name in settings.arms
    ]
    if "related_drugs" in settings.arms:
        names = related_drugs(setup.lines.y, setup.drug)
        together = mean_response(setup.lines.y[names])
        found.append(
            Arm("related_drugs", predict=fitted_on(MODELS["ridge"], together), about=[*names, digest(together), tissue])
        )
    if "prevalence" in settings.arms:
        found.append(Arm("prevalence", predict=lambda domain, f: np.zeros(len(f.fold.test))))
    return found


def fitted_on(function, y: np.ndarray | None = None):
    """A model of lines as an arm's `predict`. y: (lines,) in place of the response to the drug."""

    def predict(domain: Domain, f: ScaledFold) -> np.ndarray:
        train = f.fold.train
        response = f.y[train] if y is None else y[train]
        return function(f.scaled_train(domain), response, domain.tissue[train], f.scaled_test(domain))

    return predict


def take(results: CellResults, name: str, predicted: np.ndarray) -> None:
    """Part (draws, held-out lines + cells + smoothed cells) by what it is of."""
    cells = len(results.setup.cells)
    lines = predicted.shape[1] - 2 * cells
    results.held[name] = predicted[:, :lines]
    results.scores[name] = predicted[:, lines : lines + cells]
    if results.settings.smooth > 1 and name != "prevalence":
        results.scores[f"{name}{SMOOTHED}"] = predicted[:, lines + cells :]


def sign_table(results: CellResults, axes: np.ndarray) -> pd.DataFrame:
    """component, share of the cells' variance, Spearman of the score with it, agreement of its sign over bootstraps."""
    setup, settings = results.setup, results.settings
    x = fit_scaling(setup.lines.x, settings.scaler).apply(setup.lines.x)
    drawn = bootstrapped(x, setup.y, setup.lines.tissue, setup.smooth, settings.bootstraps, settings.seed)
    total, score = float(np.var(setup.plain, axis=0, dtype=np.float64).sum()), results.score
    rows = []
    for number, axis in enumerate(axes.T, 1):
        positive = float(np.mean(spearman_rows(axis, drawn) > 0))
        share = float(np.var(axis) / total)
        rows.append((number, share, float(spearman_rows(score, axis)), max(positive, 1 - positive)))
    return pd.DataFrame(rows, columns=["component", "variance", "spearman", "agreement"])


def first_axis(results: CellResults, axes: np.ndarray) -> np.ndarray:
    """(draws, cells): the first component with the sign that each draw's ridge gives it."""
    axis = axes[:, 0]
    return np.sign(spearman_rows(results.scores[results.main], axis))[:, None] * axis


def calling(results: CellResults, problem: Problem) -> Calling:
    """Threshold and probability from held-out lines alone: sensitive are those of the lowest fifth."""
    held, cut = results.held["ridge"], np.quantile(results.setup.y, SENSITIVE_SHARE)
    truth = np.stack([f.y[f.fold.test[: held.shape[1]]] <= cut for f in problem.folds])
    return settle(held.ravel(), truth.ravel())


def tell(results: CellResults) -> None:
    """What a user must know before believing a score."""
    if not results.settled:
        results.ledger.remark(
            "direction not settled: over bootstraps of the lines the score's sign along the cells' main axis changes; "
            "sensitive and resistant may be exchanged"
        )
    depth = depth_of(results)
    if abs(depth) > DEPTH_LIMIT:
        results.ledger.remark(
            f"the score follows a cell's number of counts (Spearman {depth:.2f}); try another --depth"
        )


def depth_of(results: CellResults) -> float:
    """Spearman of the score with the counts of a cell; NaN where there were none."""
    counts = results.setup.log_counts
    return float(spearman_rows(results.score, counts)) if len(counts) else float("nan")
