"""What a study of many targets says over all of them: one number per target and arm, gains, ranks."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.blocks import gains
from tl_jax.evaluation.statistics.comparisons import INFLUENCED, influence_of, influences
from tl_jax.evaluation.statistics.families import family_p
from tl_jax.evaluation.statistics.influence import Influence, InfluenceTest
from tl_jax.evaluation.statistics.metrics import JUDGED, get, held_out_ratio, is_pooled, per_fold
from tl_jax.evaluation.statistics.over_targets import of_target, over_shared_samples, shared
from tl_jax.evaluation.statistics.paired import CorrectedT, corrected_t
from tl_jax.evaluation.statistics.ranks import Ranks, friedman
from tl_jax.evaluation.statistics.source_test import floored
from tl_jax.report.tables import fixed_width, number
from tl_jax.study.core import looks
from tl_jax.study.many_targets.by_class import by_class
from tl_jax.study.many_targets.drugs import ARMS, REFERENCES, source_of
from tl_jax.study.many_targets.looks import Looks, charged, charged_source, notes, of_protocol, record
from tl_jax.study.many_targets.targets import ManyResults

DECIDING = ("repaired_ridge", "ridge")  # the reference of tests over samples, fixed before any study: the first run
SAME_LINES = (
    "the targets share their samples: intervals and tests over targets describe drugs on these samples, not new "
    "samples; over_samples.csv has those over samples"
)
APART = "no two targets share a sample: intervals over targets are those of independent targets"


@dataclass(frozen=True)
class OverTargets:
    """targets, blocks, gains, over_samples, by_class, ranks, pairs: the tables of the same names.

    source_test: charged for looks; empty where none was made. tests: {protocol: Ranks}. over_samples: gains whose
    intervals are over samples; empty where targets share none, or for a metric that is no Spearman. notes: remarks.
    """

    targets: pd.DataFrame
    blocks: pd.DataFrame
    gains: pd.DataFrame
    over_samples: pd.DataFrame
    by_class: pd.DataFrame
    ranks: pd.DataFrame
    pairs: pd.DataFrame
    source_test: pd.DataFrame
    tests: dict[str, Ranks]
    notes: list[str]


def over_targets(results: ManyResults) -> OverTargets:
    """The tables over targets, by the mean of the metric per fold; a gain is positive where an arm is better.

    The look at the targets' samples is counted, and what is claimed is charged for it.
    """
    seen = looks_at(results)
    source_test = charged_source(results.source_test, seen) if len(results.source_test) else results.source_test
    metrics, metric, held = results.table("metrics"), results.settings.metric, held_out(results)
    sign = get(metric).sign
    blocks, found, ranks, pairs, tests = [], [], [], [], {}
    several = metrics.target.nunique() > 1
    told = [*notes(seen), *([SAME_LINES if shared(samples_of(results)) else APART] if several else [])]
    for protocol, rows in per_fold(metrics, metric).groupby("protocol", sort=False):
        table = in_order(rows.pivot_table(index="target", columns="arm", values="value", aggfunc="mean", dropna=False))
        blocks.append(table.reset_index().assign(protocol=protocol))
        for reference in references(table):
            found.append(gains(sign * table, reference).assign(protocol=protocol, reference=reference))
        # An arm whose metric is undefined on a target, as where its network diverged, has no rank.
        try:
            test = friedman(sign * table.dropna(axis="columns"))
        except InputError as error:
            told.append(f"protocol {protocol}: no test over targets: {error}")
            continue
        tests[protocol] = test
        ranks.append(pd.DataFrame({"arm": test.average.index, "average_rank": test.average}).assign(protocol=protocol))
        pairs.append(pairs_of(test, sign).assign(protocol=protocol))
    table = pd.concat(blocks, ignore_index=True)
    gain = pd.concat(found, ignore_index=True).rename(columns={"method": "arm", "blocks": "targets"})
    return OverTargets(
        charged(pd.DataFrame(per_target(metrics, metric, held)), seen, references(blocks[0])),
        table,
        gain.assign(source=[source_of(arm) for arm in gain.arm]),
        over_samples(results, held, seen) if several else pd.DataFrame(),
        by_class(table, deciding_of(table), metric, results.settings.mechanisms) if several else pd.DataFrame(),
        pd.concat(ranks, ignore_index=True) if ranks else pd.DataFrame(),
        pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(),
        source_test,
        tests,
        [*told, *(floored(source_test) if len(source_test) else [])],
    )


def looks_at(results: ManyResults) -> Looks:
    """Every look at the samples of each target."""
    targets = {(one.drug, one.problem.protocol.name): one.problem for one, _ in results.found}
    return record(results.settings, results.source, [(drug, problem) for (drug, _), problem in targets.items()])


def samples_of(results: ManyResults) -> list:
    """The names of the samples of each target."""
    return list({target.drug: target.problem.domain.samples for target, _ in results.found}.values())


def groups_of(results: ManyResults) -> dict[str, str]:
    """{sample: group of related samples} of all targets."""
    domains = [target.problem.domain for target, _ in results.found]
    return {str(sample): str(own) for one in domains for sample, own in zip(one.samples, one.groups, strict=True)}


def over_samples(results: ManyResults, held: dict, seen: Looks) -> pd.DataFrame:
    """Gains over a target-only arm of targets that share samples, with intervals over samples, for each protocol.

    held: of `held_out`. seen: for which p is charged.
    """
    predictions, groups = results.table("predictions"), groups_of(results)
    deciding = deciding_of(set(predictions["arm"]))
    if not held or deciding is None or not shared(samples_of(results)):
        return pd.DataFrame()
    found = []
    for protocol, rows in predictions.groupby("protocol", sort=False):
        parts = [of_target(part, groups, held[protocol, name]) for name, part in rows.groupby("target", sort=False)]
        table = over_shared_samples(parts, deciding).assign(protocol=protocol)
        found.append(looks.charged(table, of_protocol(seen, protocol)))
    table = pd.concat(found, ignore_index=True)
    return table.assign(source=[source_of(arm) for arm in table["arm"]])


def deciding_of(arms: Container[str]) -> str | None:
    """The first of DECIDING that was run."""
    return next((arm for arm in DECIDING if arm in arms), None)


def references(table: pd.DataFrame) -> list[str]:
    """The target-only arms that gains are over, of those that were run."""
    return [arm for arm in REFERENCES if arm in table]


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Columns in the order of the arms, fine-tuned networks after them."""
    known = [arm for arm in ARMS if arm in table.columns]
    ordered = table[[*known, *(arm for arm in table.columns if arm not in known)]]
    return ordered.rename_axis(columns=None)


def pairs_of(test: Ranks, sign: int) -> pd.DataFrame:
    """The pairs of a test with the differences a - b in the metric's own direction."""
    found = test.pairs.rename(columns={"method_a": "arm_a", "method_b": "arm_b"})
    if sign > 0:
        return found
    turned = {"mean_difference": -found["mean_difference"], "ci_low": -found["ci_high"], "ci_high": -found["ci_low"]}
    return found.assign(**turned)


def held_out(results: ManyResults) -> dict:
    """{(protocol, target): {(source, arm): influence}}, for Spearman."""
    if results.settings.metric != INFLUENCED:
        return {}
    return influences(results.table("predictions"), ["protocol", "target"], groups_of(results))


def per_target(metrics: pd.DataFrame, metric: str, held: dict) -> Iterator[dict]:
    """Each arm on each target: its means, and its gain over each reference; held: of `held_out`.

    The test is that of influences where there are any, else the corrected t; p_family counts the arms of the target.
    """
    pooled = is_pooled(metrics)
    for (protocol, target), rows in metrics.groupby(["protocol", "target"], sort=False):
        folds, whole = rows[~pooled.loc[rows.index]], rows[pooled.loc[rows.index]]
        values = folds[folds.metric == metric].pivot(index=["repeat", "fold"], columns="arm", values="value")
        own = {arm: one for (_, arm), one in held.get((protocol, target), {}).items()}
        arms, ratio, sign = list(in_order(values).columns), held_out_ratio(folds), get(metric).sign
        over = [over_reference(sign * values, arms, own, ratio, reference) for reference in references(values)]
        for place, arm in enumerate(arms):
            mine, all_held_out = folds[folds.arm == arm], whole[whole.arm == arm]
            row = {
                **{"target": target, "arm": arm, "source": source_of(arm), "protocol": protocol},
                "n": int(all_held_out.n_test.max()),
                metric: values[arm].mean(),
                f"pooled_{metric}": all_held_out[all_held_out.metric == metric].value.median(),
                "rmse": mine[mine.metric == "rmse"].value.mean(),
            }
            for each in over:
                row |= each[place]
            yield row


def over_reference(
    values: pd.DataFrame, arms: list[str], held: dict[str, Influence], ratio: float, reference: str
) -> list[dict]:
    """For each arm the gain over one reference on the folds of one target, with its interval, p, and corrected t."""
    rows, tests = [], []
    for arm in arms:
        gap = values[arm] - values[reference]
        tests.append(influence_of(held.get(arm), held.get(reference), gap.mean()) if arm != reference else None)
        rows.append({"gain": gap.mean(), **tested(tests[-1], corrected_t(gap, ratio))})
    others = [k for k, arm in enumerate(arms) if arm != reference]
    joint = family_p([rows[k]["p"] for k in others], [tests[k] for k in others], [""] * len(others))
    for k, p in zip(others, joint, strict=True):
        rows[k]["p_family"] = p
    return [{f"{name}_over_{reference}": value for name, value in row.items()} for row in rows]


def tested(found: InfluenceTest | None, corrected: CorrectedT) -> dict:
    """low, high, p of the main test, p of the corrected t."""
    ends = (corrected.low, corrected.high, corrected.p) if found is None else (found.wide_low, found.wide_high, found.p)
    return {**dict(zip(("low", "high", "p"), ends, strict=True)), "p_corrected": corrected.p, "p_family": float("nan")}


def printed(over: OverTargets, metric: str = JUDGED) -> str:
    """What the terminal shows at the end."""
    judged = get(metric)
    gain = "gain" if judged.higher_is_better else "gain (by how much it is lower)"
    alone = over.targets.target.nunique() == 1
    spread = "95 % interval over folds and samples" if alone else "95 % interval over targets and share of targets won"
    lines = [f"Mean {judged.per_fold}; {gain} over a target-only arm with its {spread}"]
    for protocol, block in over.blocks.groupby("protocol", sort=False):
        test, count = over.tests.get(protocol), len(block)
        rows, shown = [], references(block)[-2:]  # a third would leave no room for names
        for arm in block.columns.drop(["protocol", "target"]):
            cells = [gain_cell(over, protocol, arm, reference, alone, judged.spec(3)) for reference in shown]
            rank = test.average.get(arm, float("nan")) if test else None
            rows.append([f"  {arm}", number(block[arm].mean(), judged.spec(3)), *cells, number(rank, ".2f")])
        head = ("  arm", judged.label, *(f"over {reference}" for reference in shown), "rank")
        lines += ["", f"{protocol}, {count} target{'s' if count > 1 else ''}", *fixed_width(head, rows)]
        if test:
            apart = f"ranks differ where more than {test.critical_difference:.2f} apart (Nemenyi)"
            lines.append(f"  Friedman p = {test.p:.2g}; {apart}")
    return "\n".join([*lines, "", *(f"note: {note}" for note in over.notes)])


def gain_cell(over: OverTargets, protocol: str, arm: str, reference: str, alone: bool, spec: str) -> str:
    """A gain with its interval: over targets, or on the only target over folds."""
    if arm == reference:
        return ""
    table = over.targets if alone else over.gains[over.gains.reference == reference]
    row = table[(table.protocol == protocol) & (table.arm == arm)].iloc[0]
    names = [f"{name}_over_{reference}" for name in ("gain", "low", "high")] if alone else ["gain", "ci_low", "ci_high"]
    if pd.isna(row[names[0]]):
        return number(None)
    gain, low, high = (number(row[name], f"+{spec}") for name in names)
    return f"{gain} [{low}, {high}]" if alone else f"{gain} [{low}, {high}] {row.won:4.0%}"
