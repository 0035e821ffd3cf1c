"""What a study of many targets says over all of them: one number per target and arm, gains, ranks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from tl_jax.evaluation.blocks import FEWEST, Ranks, gains, rank_methods
from tl_jax.evaluation.paired import corrected_t
from tl_jax.report.tables import fixed_width, number
from tl_jax.study.many_drugs import ARMS, source_of
from tl_jax.study.many_targets import ManyResults

# Gains are over a model on the target's own genes. The radial one decides: the profiles' head is radial too.
REFERENCES = ("kernel_ridge", "ridge")
SAME_LINES = (
    "the targets share their samples: intervals and tests over targets describe drugs on these samples, not new samples"
)


@dataclass(frozen=True)
class OverTargets:
    """targets, blocks, gains, ranks, pairs: the tables of the same names. tests: {protocol: Ranks}; notes: remarks."""

    targets: pd.DataFrame
    blocks: pd.DataFrame
    gains: pd.DataFrame
    ranks: pd.DataFrame
    pairs: pd.DataFrame
    tests: dict[str, Ranks]
    notes: list[str]


def over_targets(results: ManyResults) -> OverTargets:
    """The tables over targets, by mean Spearman per fold."""
    metrics = results.table("metrics")
    folds = metrics[metrics.fold.astype(str) != "pooled"]
    spearman = folds[folds.metric == "spearman"]
    blocks, found, ranks, pairs, tests, notes = [], [], [], [], {}, [SAME_LINES]
    for protocol, rows in spearman.groupby("protocol", sort=False):
        table = in_order(rows.pivot_table(index="target", columns="arm", values="value", aggfunc="mean", dropna=False))
        blocks.append(table.reset_index().assign(protocol=protocol))
        for reference in REFERENCES:
            found.append(gains(table, reference).assign(protocol=protocol, reference=reference))
        # An arm that predicts a constant somewhere, as the mean does, has no Spearman and hence no rank.
        ranked = table.dropna(axis="columns")
        test = rank_methods(ranked)
        if test is None:
            notes.append(f"protocol {protocol}: no test over targets, which needs {FEWEST} targets and 3 arms")
            continue
        tests[protocol] = test
        ranks.append(pd.DataFrame({"arm": test.average.index, "average_rank": test.average}).assign(protocol=protocol))
        pairs += [{"protocol": protocol, "arm_a": a, "arm_b": b, "p_nemenyi": p} for a, b, p in each_pair(test)]
    gain = pd.concat(found, ignore_index=True).rename(columns={"method": "arm", "blocks": "targets"})
    return OverTargets(
        pd.DataFrame(per_target(metrics)),
        pd.concat(blocks, ignore_index=True),
        gain.assign(source=[source_of(arm) for arm in gain.arm]),
        pd.concat(ranks, ignore_index=True) if ranks else pd.DataFrame(),
        pd.DataFrame(pairs),
        tests,
        notes,
    )


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Columns in the order of the arms, fine-tuned networks after them."""
    known = [arm for arm in ARMS if arm in table.columns]
    ordered = table[[*known, *(arm for arm in table.columns if arm not in known)]]
    return ordered.rename_axis(columns=None)


def each_pair(test: Ranks) -> Iterator[tuple[str, str, float]]:
    names = list(test.pairs.columns)
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            yield a, b, test.pairs.loc[a, b]


def per_target(metrics: pd.DataFrame) -> Iterator[dict]:
    """Each arm on each target: its means, and its gain over the reference with the corrected interval over folds."""
    pooled = metrics.fold.astype(str) == "pooled"
    for (protocol, target), rows in metrics.groupby(["protocol", "target"], sort=False):
        folds, whole = rows[~pooled.loc[rows.index]], rows[pooled.loc[rows.index]]
        values = folds[folds.metric == "spearman"].pivot(index=["repeat", "fold"], columns="arm", values="value")
        sizes = folds.drop_duplicates(["repeat", "fold"])
        ratio = float(sizes.n_test.mean() / sizes.n_train.mean())
        for arm in in_order(values).columns:
            test = corrected_t(values[arm] - values[REFERENCES[0]], ratio)
            own, all_held_out = folds[folds.arm == arm], whole[whole.arm == arm]
            yield {
                **{"target": target, "arm": arm, "source": source_of(arm), "protocol": protocol},
                "n": int(all_held_out.n_test.max()),
                "spearman": values[arm].mean(),
                "pooled_spearman": all_held_out[all_held_out.metric == "spearman"].value.median(),
                "rmse": own[own.metric == "rmse"].value.mean(),
                "gain": (values[arm] - values[REFERENCES[0]]).mean(),
                **{"ci_low": test.low, "ci_high": test.high, "p_corrected": test.p},
            }


def printed(over: OverTargets) -> str:
    """What the terminal shows at the end."""
    reference = REFERENCES[0]
    lines = [f"Mean Spearman per fold over targets; gain over {reference} with its 95 % interval over targets"]
    for protocol, block in over.blocks.groupby("protocol", sort=False):
        test = over.tests.get(protocol)
        rows = []
        of = over.gains[(over.gains.protocol == protocol) & (over.gains.reference == reference)].set_index("arm")
        for arm in block.columns.drop(["protocol", "target"]):
            gain = of.loc[arm] if arm in of.index else None
            rank = number(test.average.get(arm, float("nan")), ".2f") if test else number(None)
            cells = ["", ""] if gain is None else [interval(gain), f"{gain.won:.0%}" if gain.targets else ""]
            rows.append([f"  {arm}", number(block[arm].mean()), *cells, rank])
        lines += ["", f"{protocol}, {len(block)} targets"]
        lines += fixed_width(("  arm", "Spearman", "gain", "won", "rank"), rows)
        if test:
            lines.append(f"  Friedman p = {test.p:.2g}; ranks differ where more than {test.difference:.2f} apart")
    return "\n".join([*lines, "", *(f"note: {note}" for note in over.notes)])


def interval(gain: pd.Series) -> str:
    if not gain.targets:
        return number(None)
    return f"{gain.gain:+.3f} [{number(gain.ci_low, '+.3f')}, {number(gain.ci_high, '+.3f')}]"
