"""Run one experiment from its plan to its tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.data.own_scale import on_own_scale, own_scale, possible_words
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.against import against
from tl_jax.evaluation.statistics.comparisons import compare
from tl_jax.evaluation.statistics.families import reference_of
from tl_jax.evaluation.statistics.metrics import get, sign
from tl_jax.evaluation.statistics.negative_transfer import negative_transfer
from tl_jax.evaluation.statistics.source_test import deciding_p, floored, with_gains
from tl_jax.evaluation.statistics.verdict import HONEST
from tl_jax.study.cohort.arms import Case, arms_of
from tl_jax.study.cohort.choice import DECIDING, rank_sources, write_choice
from tl_jax.study.cohort.finals import keep_closed, keep_final
from tl_jax.study.cohort.forecast import tables_of as forecast
from tl_jax.study.cohort.judged import keep_judged
from tl_jax.study.cohort.looks import record
from tl_jax.study.cohort.prepare import Group, Plan, Way
from tl_jax.study.cohort.recommend import recommend
from tl_jax.study.cohort.results import Results
from tl_jax.study.cohort.source_scores import ranked_sources
from tl_jax.study.cohort.source_test import source_tests
from tl_jax.study.core import derived
from tl_jax.study.core.arms import How, run_arms
from tl_jax.study.core.examine import examine
from tl_jax.study.core.leak_audit import leak_audit
from tl_jax.study.core.ledger import Ledger
from tl_jax.study.core.looks import charged, note
from tl_jax.study.core.stages import Shelf, TrainedStage, train_stages


def run_plan(plan: Plan, work: Path | None = None, finals: bool = True) -> Results:
    """Cross-validate every strategy and baseline on the same folds, then train the final models on all rows.

    Args:
        finals: False trains no final models.
    """
    settings, ledger = plan.settings, Ledger()
    how = How(settings.network, settings.seed, settings.at_once, work, plan.experiment.name, ledger)
    results, shelf = Results(plan, ledger), Shelf(plan.folder)
    ledger.remark(*plan.notes)
    # All source models first: arms of one domain share programs across sources.
    cases = [[case_of(results, way, how, shelf, k == 0) for k, way in enumerate(group.ways)] for group in plan.groups]
    for group, own in zip(plan.groups, cases, strict=True):
        run_group(results, group, own, how, shelf if finals else None)
    judge(results)
    if settings.extras:
        derive(results)
    if plan.experiment.chooses_source:
        choose_source(results)
    if finals and not plan.evaluates_source:
        results.recommended = recommend(results)
        keep_judged(results)
        if results.recommended and plan.settings.protocol == HONEST:
            with ledger.timed("forecast"):
                for name, table in forecast(results, results.recommended).items():
                    results.keep(name, table)
    return results


def case_of(results: Results, way: Way, how: How, shelf: Shelf, first: bool) -> Case:
    """The models on a way to the evaluated domain, trained or found; the first may be the user's own."""
    given = [results.plan.outside] if results.plan.outside and way.route[:1] == ("source",) else []
    stages: list[TrainedStage] = given
    if way.stages:
        with how.ledger.timed("upstream stages"):
            parent = given[0] if given else None
            stages = given + train_stages(way.stages, network=how.network, seed=how.seed, shelf=shelf, parent=parent)
    known = {stage.path for stage in results.stages}  # routes share their first stages
    results.stages.extend(stage for stage in stages if stage.path not in known)
    return Case(way, tuple(stages), first)


def run_group(results: Results, group: Group, cases: list[Case], how: How, shelf: Shelf | None) -> None:
    """Every arm of the cases of one domain: cross-validation by program, then the final models."""
    plan, problem, drawn = results.plan, group.problem, group.examination
    networks, closed = arms_of(plan, problem, cases, how.ledger)
    arms = [arm for _, arm in (*networks, *closed)]
    found = run_arms(problem, arms, how)
    results.arms += found
    roles = dict.fromkeys(role for way in group.ways for role in way.route)
    if any(METHODS[name].drugs for name in plan.methods):
        roles.setdefault("source")
    moved = any(one.align or one.source_rows for one in plan.strategies)
    audit = leak_audit(problem, plan.cohort, roles, inner=drawn.inner, outside=plan.outside, moved=moved)
    results.keep("leak_audit", audit)
    if plan.settings.extras:
        more, tables = examine(problem, drawn, arms, how, found)
        results.arms += more
        with how.ledger.timed("source scores"):
            tables |= ranked_sources(problem, cases, how, results.table("metrics"))
        for name, table in tables.items():
            results.keep(name, table)
    with how.ledger.timed("source test"):
        results.keep("source_test", source_tests(plan, problem, cases, how, found))
    for case, arm in networks if shelf else ():
        keep_final(results, problem, case, arm, how, shelf)
    for read, arm in closed if shelf else ():
        keep_closed(results, problem, read, arm, how, shelf)


def judge(results: Results) -> None:
    """Compare every pair of arms and all with the reference, and say where transfer did harm."""
    plan, metrics, reference = results.plan, results.table("metrics"), reference_of_study(results)
    looks = record(plan)
    compared = compare(
        metrics,
        by_source=plan.evaluates_source,
        predictions=results.table("predictions"),
        groups=groups_of(plan),
        reference=reference,
        source_p=source_p(results),
    )
    comparisons = charged(compared, len(looks))
    results.extra["comparisons"] = [comparisons]
    judge_sources(results, comparisons, reference, len(looks))
    results.ledger.remark(note(looks))
    transfers = {*plan.methods, *(strategy.name for strategy in plan.strategies if strategy.needs_source)}
    if reference:
        harm = negative_transfer(comparisons, metrics, transfers, reference, plan.settings.metric)
        results.ledger.remark(*harm)


def judge_sources(results: Results, comparisons: pd.DataFrame, reference: str | None, looks: int) -> None:
    """Which sources are shown to help beyond the reference."""
    for place, table in enumerate(results.extra.get("source_test", [])):
        gains = against(comparisons, reference, results.settings.metric)
        one_sided = bool(results.plan.registered and results.plan.registered.one_sided)
        found = with_gains(table, gains, looks, one_sided, sign(results.settings.metric))
        results.extra["source_test"][place] = found
        results.ledger.remark(*floored(found))


def source_p(results: Results) -> dict[str, float] | None:
    """{source: p of the arm that decides} of the source test; None where no source was tested."""
    found = results.extra.get("source_test")
    return deciding_p(found[0]) if found else None


def reference_of_study(results: Results) -> str | None:
    """The arm that all are held against: by its name, whatever came out."""
    return reference_of([arm for arm, _ in results.arms.arms], results.settings.reference)


def groups_of(plan: Plan) -> dict[str, str]:
    """{sample: group of related samples} of the evaluated domains."""
    domains = [group.problem.domain for group in plan.groups]
    return {str(sample): str(own) for one in domains for sample, own in zip(one.samples, one.groups, strict=True)}


def derive(results: Results) -> None:
    """The tables that follow from the arms' own."""
    predictions, plan = results.table("predictions"), results.plan
    with results.ledger.timed("intervals"):
        results.keep("intervals", derived.intervals(predictions, plan.settings.seed, metric=plan.settings.metric))
        results.keep("prediction_intervals", own_intervals(results, derived.prediction_intervals(predictions)))
    if reference := reference_of_study(results):
        found = derived.detectable(results.table("metrics"), reference, metric=plan.settings.metric)
        results.keep("detectable", found)
    results.keep("lineage", derived.lineage(one.meta for one in (*results.stages, *results.models)))
    measured = plan.cohort.stage(plan.experiment.evaluated).measured
    trained = {(one.arm, one.source): one.gene_weights for one in results.arms if one.gene_weights is not None}
    weights = {arm: np.asarray(values)[:, measured] for arm, values in trained.items()}
    for name, table in derived.gene_tables(weights, plan.cohort.genes[measured]).items():
        results.keep(name, table)


def own_intervals(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """Intervals of held-out samples on the scale that was measured, within what is possible there."""
    domains = [group.problem.domain for group in results.plan.groups]
    ends = [end for one in domains for end in (one.response.min(), one.response.max())]
    scale = own_scale(domains[0].unit, min(ends), max(ends))
    table, outside = on_own_scale(table, scale, ("y_true", "y_pred", "low", "high"))
    if outside:
        results.ledger.remark(f"prediction_intervals.csv: {possible_words(scale, outside)}")
    return table


def choose_source(results: Results) -> None:
    """Rank the source drugs on the intermediate and write the choice down, if all of them were run."""
    plan, ledger = results.plan, results.ledger
    names = [strategy.name for strategy in plan.strategies if strategy.needs_source]
    if plan.outside:
        return ledger.remark("no source drug was chosen: the source model was given by the user")
    if not names:
        return ledger.remark("no source drug was chosen: no strategy here starts from a source")
    arm = DECIDING if DECIDING in names else names[0]
    metric, tables = plan.settings.metric, (results.table("metrics"), results.table("predictions"))
    results.ranking = rank_sources(plan.cohort, plan.drugs, tables[0], arm, metric, tables[1])
    if set(plan.drugs) != set(plan.cohort.source_drugs):
        return ledger.remark("no source drug was chosen: only some source drugs were run")
    path = write_choice(plan.folder, plan.cohort, plan.settings, results.ranking, arm)
    if path is None:
        return ledger.remark(f"no source drug was chosen: no {get(metric).per_fold} is defined (leave-one-out?)")
    drug = next(row["drug"] for row in results.ranking if row["chosen"])
    return ledger.remark(f"source drug chosen by {arm}: {drug}; written to {path}")
