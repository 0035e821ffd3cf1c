"""Every arm on every draw of the lines, the sign of the score, and what a cell is called."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tl_jax.config import NetworkConfig
from tl_jax.data.cells.neighbours import components
from tl_jax.data.domain import Domain
from tl_jax.evaluation.draws.thresholds import Calling, settle
from tl_jax.evaluation.predictors.line_models import (
    MODELS,
    SENSITIVE_SHARE,
    mean_response,
    related_drugs,
    sensitive,
)
from tl_jax.evaluation.statistics.metrics import spearman_rows
from tl_jax.study.cells.choice import chosen
from tl_jax.study.cells.networks import NetArm, before, check_networks, network_arms
from tl_jax.study.cells.nulls import Null, null_scores
from tl_jax.study.cells.published import check_published, published_scores
from tl_jax.study.cells.settings import CellSettings
from tl_jax.study.cells.setup import Setup
from tl_jax.study.cells.signs import directions, first_axis, sign_table
from tl_jax.study.core.arms import Arm, How, closed_predictions
from tl_jax.study.core.folds import ScaledFold
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.problem import Problem
from tl_jax.study.core.registration import Registration
from tl_jax.system.files import digest

SMOOTHED = "_smoothed"
SETTLED = 0.9  # share of bootstraps that must agree on a sign
DEPTH_LIMIT = 0.3  # Spearman of score and counts beyond which depth is named
WITHIN_TISSUE = "ridge_within_tissue"
AXES = 5  # components of the cells along which the sign is asked


@dataclass
class CellResults:
    """scores: {arm: (draws, cells)}, high = sensitive. held: {arm: (draws, held-out lines)} of the same models.

    signs: the sign along the cells' components; directions: of every arm beside that of the score. callings: {arm: what
    makes its score a call}, settled on held-out lines. varies: {arm: what differs between its draws}, "lines" where it
    is not named; draws of "seeds" share no lines by design. before: {arm of a transfer: the same without it}. nulls:
    {name: scores of nothing}. networks: {arm: a network at the end of a stage}. choice: settings of networks that were
    tried on lines. judged: tables of how right the scores were, made once the scores are written; {} without a truth.
    registered: before the run.
    """

    settings: CellSettings
    setup: Setup
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    held: dict[str, np.ndarray] = field(default_factory=dict)
    signs: pd.DataFrame = field(default_factory=pd.DataFrame)
    directions: pd.DataFrame = field(default_factory=pd.DataFrame)
    callings: dict[str, Calling] = field(default_factory=dict)
    varies: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    nulls: dict[str, Null] = field(default_factory=dict)
    networks: dict[str, NetArm] = field(default_factory=dict)
    choice: pd.DataFrame = field(default_factory=pd.DataFrame)
    judged: dict[str, pd.DataFrame] = field(default_factory=dict)
    registered: Registration | None = None
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def main(self) -> str:
        """The arm whose score is the cells'."""
        return f"ridge{SMOOTHED}" if self.settings.smooth > 1 else "ridge"

    @property
    def calling(self) -> Calling:
        """What makes the score a call."""
        return self.callings[self.main]

    @property
    def score(self) -> np.ndarray:
        """(cells,) the mean over draws of the arm `main`."""
        return self.scores[self.main].mean(axis=0)

    @property
    def agreement(self) -> float:
        """Share of bootstraps that agree on the sign along the cells' first component, which most often separates
        their classes, and along the one that the score follows most: the lesser of the two."""
        agreement, followed = self.signs["agreement"], int(self.signs["spearman"].abs().argmax())
        return float(min(agreement.iloc[0], agreement.iloc[followed]))

    @property
    def settled(self) -> bool:
        """Whether 90 % of bootstraps agree."""
        return self.agreement >= SETTLED


def run_cells(
    settings: CellSettings, setup: Setup, work: Path | None = None, *, registered: Registration | None = None
) -> CellResults:
    """Fit every arm on every draw and score the cells; nothing here sees a cell's label.

    work: a folder for finished parts; those found there are not computed again. registered: before the run.
    """
    if settings.networks:
        check_networks(settings.networks, setup)
    if settings.published:
        check_published(settings.published.repaired, settings.published.quirk_table)
    results = CellResults(settings, setup, registered=registered)
    results.ledger.remark(*setup.notes, *([registered.text()] if registered else []))
    problem = setup.problem(settings)
    how = How(NetworkConfig(), settings.seed, None, work, ledger=results.ledger)
    if settings.networks and settings.networks.choose:
        own, results.choice = chosen(setup, settings, how)
        settings = results.settings = replace(settings, networks=own)
        weights = ", ".join(f"{name}:{weight:g}" for name, weight in own.transfers)
        sizes = "-".join(map(str, own.hidden))
        results.ledger.remark(
            f"chosen on lines of left-out tissues: hidden {sizes}, rate {own.learning_rate:g}, {weights}"
        )
    with threadpool_limits(1):  # threads of products this small wait for each other
        for arm in arms_of(settings, setup):
            take(results, arm.name, np.stack(closed_predictions(problem, arm, how)))
    if settings.networks:
        results.networks = network_arms(setup, settings, how)
        for name, arm in results.networks.items():
            take(results, name, arm.scores)
            results.before |= {f"{name}{end}": f"{before(name)}{end}" for end in ends(settings) if before(name)}
            if settings.networks.seeds > settings.repeats:  # then seeds share draws of the lines
                results.varies |= {f"{name}{end}": "seeds" for end in ends(settings)}
    if settings.published:
        results.scores |= (scores := published_scores(setup, settings, how))
        results.before |= {name: f"{name} before" for name in scores if f"{name} before" in scores}
        results.varies |= dict.fromkeys(scores, "seeds")  # all of them see the same lines
    with threadpool_limits(1):
        with results.ledger.timed("sign"):
            axes = components(setup.plain, AXES)
            results.signs = sign_table(settings, setup, results.score, axes)
            results.directions = directions(results.scores, results.main, axes)
            results.scores["pc1_with_sign"] = first_axis(results.scores[results.main], axes)
        if settings.nulls:
            with results.ledger.timed("nulls"):
                results.nulls = null_scores(settings, setup, axes)
    results.callings = callings(results, problem)
    tell(results)
    return results


def arms_of(settings: CellSettings, setup: Setup) -> list[Arm]:
    """The closed forms asked for; each is fitted once and read on the cells as they are and smoothed."""
    tissue = digest(setup.lines.tissue)

    def at(function):
        return function if function is MODELS["logistic"] else partial(function, alpha=settings.penalty)

    asked = [name for name in settings.arms if tissue_known(setup) or name != WITHIN_TISSUE]
    found = [
        Arm(name, predict=fitted_on(at(function)), about=[SENSITIVE_SHARE, tissue, settings.penalty])
        for name, function in MODELS.items()
        if name in asked
    ]
    if "related_drugs" in settings.arms:
        names = related_drugs(setup.lines.y, setup.drug)
        together = mean_response(setup.lines.y[names])
        about = [*names, digest(together), tissue, settings.penalty]
        found.append(Arm("related_drugs", predict=fitted_on(at(MODELS["ridge"]), together), about=about))
    if "prevalence" in settings.arms:
        found.append(Arm("prevalence", predict=lambda domain, f: np.zeros(len(f.fold.test))))
    return found


def tissue_known(setup: Setup) -> bool:
    """Whether any line's tissue is known; without, an arm within tissue would be the same as without it."""
    return bool((setup.lines.tissue != "").any())


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
    if SMOOTHED in ends(results.settings) and name != "prevalence":
        results.scores[f"{name}{SMOOTHED}"] = predicted[:, lines + cells :]


def ends(settings: CellSettings) -> tuple[str, ...]:
    """Of the names of an arm: on cells as they are, and smoothed."""
    return ("", SMOOTHED) if settings.smooth > 1 else ("",)


def callings(results: CellResults, problem: Problem) -> dict[str, Calling]:
    """Threshold and probability of each arm from held-out lines alone: sensitive are those of the lowest fifth.

    The smoothed score of an arm is called by the same model's threshold; an arm without held-out lines has none.
    """
    called, found = sensitive(results.setup.y), {}
    for arm, held in results.held.items():
        # Seeds go around the draws of the lines.
        folds = [problem.folds[k % len(problem.folds)] for k in range(len(held))]
        truth = np.stack([called[f.fold.test[: held.shape[1]]] for f in folds])
        for name in (arm, f"{arm}{SMOOTHED}"):
            if name in results.scores:
                found[name] = settle(held.ravel(), truth.ravel())
    return found


def tell(results: CellResults) -> None:
    """What a user must know before believing a score."""
    if WITHIN_TISSUE in results.settings.arms and not tissue_known(results.setup):
        results.ledger.remark(
            f"{WITHIN_TISSUE} is left out: no line's tissue is known (--bulk_annotation, --tissue_column)"
        )
    if not results.settled:
        results.ledger.remark(
            "direction not settled: over bootstraps of the lines the score's sign along the cells' main axis changes; "
            "sensitive and resistant may be exchanged"
        )
    first = results.directions.query(f"component == 1 and same_way < {SETTLED}").set_index("arm")["same_way"]
    turned = [f"{arm} {share:.0%}" for arm, share in first.items() if arm.startswith(("network", "attention", "paper"))]
    if turned:
        results.ledger.remark(f"draws that run the score's way along the first component: {', '.join(turned)}")
    for name, null in results.nulls.items():
        share = float((null.agreement >= SETTLED).mean())
        results.ledger.remark(
            f"{name}: bootstraps agree on a direction in {share:.0%} of {len(null.agreement)} such nulls"
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
