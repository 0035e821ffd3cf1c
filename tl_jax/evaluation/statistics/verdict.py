"""What a study allows to be said, in one sentence chosen by rule."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.against import against, base, named
from tl_jax.evaluation.statistics.metrics import JUDGED, get, per_fold, sign
from tl_jax.evaluation.statistics.negative_transfer import did_harm

SCRATCH, HONEST = "scratch", "honest"
ALPHA = 0.05
PAIR = ["arm", "source"]


def verdict(
    comparisons: pd.DataFrame, metrics: pd.DataFrame, detectable: pd.DataFrame | None = None, metric: str = JUDGED
) -> str:
    """The verdict on a study: does any transfer beat training from scratch, and does a baseline do as well?

    comparisons: of evaluation/comparisons.py; may be empty. metrics: the table that they were made of. detectable:
    arm_a, source_a, arm_b, source_b, protocol, metric, power, detectable, or None.
    metric: by which the study is judged.

    By the metric per fold of the protocol `honest` (of the first protocol where there is no honest one, and it says
    so). An arm is called better or worse only where p after Holm is below .05; harm is named by the rule of
    evaluation/negative_transfer.py; otherwise the interval is given and nothing is claimed.
    """
    protocol = judged_protocol(metrics)
    means = mean_per_fold(metrics, protocol, metric)
    rows = versus(comparisons, protocol, reference_arm(means), metric)
    moved = [is_transfer(arm, source) for arm, source in zip(rows["arm"], rows["source"], strict=True)]
    transfers = rows[moved].dropna(subset=["mean_difference"]) if len(rows) else rows
    lead = "" if protocol == HONEST else f"Under the protocol {protocol} alone, without an honest one: "
    lead += f"{'o' if lead else 'O'}n {samples(metrics, protocol, metric)} samples "
    if transfers.empty:
        return lead + _without_transfer(means, metric)
    shown = transfers[(transfers["p_holm"] < ALPHA) & (sign(metric) * transfers["mean_difference"] > 0)]
    best = (shown if len(shown) else transfers).iloc[0]
    clauses = [
        _gain(transfers, len(shown), best, metric),
        _harm(transfers, best["reference"], metric),
        _baseline(comparisons, protocol, means, best, metric),
        _detectable(detectable, protocol, best, metric),
    ]
    return lead + "; ".join(clause for clause in clauses if clause) + "."


def judged_protocol(metrics: pd.DataFrame) -> str:
    """The protocol by which methods are judged: honest where it was run, else the first of the table."""
    protocols = list(dict.fromkeys(metrics["protocol"]))
    return HONEST if HONEST in protocols else protocols[0]


def mean_per_fold(metrics: pd.DataFrame, protocol: str, metric: str = JUDGED) -> pd.DataFrame:
    """arm, source, mean: the mean of a metric per fold of each arm that has one, best first."""
    rows = per_fold(metrics[metrics["protocol"] == protocol], metric)
    means = rows.groupby(PAIR, sort=True)["value"].mean().dropna().rename("mean").reset_index()
    return means.sort_values("mean", ascending=sign(metric) < 0, kind="stable", ignore_index=True)


def reference_arm(means: pd.DataFrame) -> str:
    """`scratch`, or, where only variants of it were run ("scratch lr=0.01"), the best of them."""
    found = [arm for arm in means["arm"] if base(arm) == SCRATCH]
    return SCRATCH if SCRATCH in found or not found else found[0]


def versus(comparisons: pd.DataFrame, protocol: str, reference: str = SCRATCH, metric: str = JUDGED) -> pd.DataFrame:
    """Every arm minus `reference`: the comparisons of one metric per fold with the arm first, largest gain first.

    Columns: arm, source, reference and those of `comparisons` that do not name a pair.
    """
    if comparisons.empty:
        return pd.DataFrame(columns=[*PAIR, "reference", "metric", "mean_difference", "ci_low", "ci_high", "p_holm"])
    both = against(comparisons[comparisons["protocol"] == protocol], reference, metric).reset_index(drop=True)
    order = both.assign(lost=-sign(metric) * both["mean_difference"]).sort_values(["lost", *PAIR], kind="stable").index
    return both.loc[order].reset_index(drop=True)


def is_transfer(arm: str, source: str) -> bool:
    """Whether an arm starts from a source: it names one, and is neither a baseline nor trained from scratch."""
    return source != "" and not is_baseline(base(arm)) and base(arm) != SCRATCH


def samples(metrics: pd.DataFrame, protocol: str, metric: str = JUDGED) -> str:
    """How many samples were evaluated: "58", or "776 to 785" where arms differ."""
    low, high = sample_range(metrics, protocol, metric)
    return f"{low}" if low == high else f"{low} to {high}"


def sample_range(metrics: pd.DataFrame, protocol: str, metric: str = JUDGED) -> tuple[int, int]:
    """The fewest and the most samples that an arm was evaluated on in one repeat; (0, 0) where no metric is."""
    rows = per_fold(metrics[metrics["protocol"] == protocol], metric)
    counts = rows.groupby([*PAIR, "repeat"])["n_test"].sum()
    return (int(counts.min()), int(counts.max())) if len(counts) else (0, 0)


def _without_transfer(means: pd.DataFrame, metric: str) -> str:
    """Nothing was transferred, or nothing was compared."""
    text, judged = "no transfer was compared with training from scratch", get(metric)
    if means.empty:
        return f"{text}, and no {judged.per_fold} is defined."
    best = means.iloc[0]
    text += f"; the {judged.best} {judged.per_fold} is that of "
    text += f"{named(best['arm'], best['source'])} ({judged.text(best['mean'])})"
    scratch = means[means["arm"] == reference_arm(means)]
    if len(scratch) and best["arm"] != scratch["arm"].iloc[0]:
        text += f", {named(scratch['arm'].iloc[0], scratch['source'].iloc[0])} reaches "
        text += judged.text(scratch["mean"].iloc[0])
    return f"{text}, and no difference is claimed."


def _gain(transfers: pd.DataFrame, shown: int, best: pd.Series, metric: str) -> str:
    """How many arms are shown to gain, and the gain of the best of them, or of all where none is."""
    count, name = len(transfers), named(best["arm"], best["source"])
    scratch = "training from scratch" if best["reference"] == SCRATCH else best["reference"]
    if shown:
        among = f"{shown} of {count} transfer arms {'is' if shown == 1 else 'are'} better than {scratch}"
        gains = f"{'gains' if sign(metric) > 0 else 'changes by'} {_interval(best, metric)} in {get(metric).per_fold}"
        return f"{among}: {name} {gains}, p after Holm {best['p_holm']:.2g}"
    among = f"the best of {count}, {name}," if count > 1 else f"{name}, the only one,"
    return (
        f"no transfer is shown to beat {scratch}: {among} changes {get(metric).per_fold} by {_interval(best, metric)}"
    )


def _interval(row: pd.Series, metric: str) -> str:
    """A difference with its interval."""
    middle, low, high = (get(metric).text(row[name], "+") for name in ("mean_difference", "ci_low", "ci_high"))
    if pd.isna(row["ci_low"]):
        return f"{middle} (no interval: the folds do not vary)"
    return f"{middle} (95 % {low} to {high})"


def _harm(transfers: pd.DataFrame, reference: str, metric: str) -> str:
    """Negative transfer, if there is any."""
    harmed = transfers[[did_harm(row) for row in transfers.to_dict("records")]]
    if harmed.empty:
        return ""
    lost = (harmed["p_holm"] < ALPHA) & (sign(metric) * harmed["mean_difference"] < 0)
    worst, shown = harmed.iloc[-1], int(lost.sum())
    text = f"negative transfer: {len(harmed)} of {len(transfers)} probably do worse than {reference}, "
    text += f"{shown or 'none'} of them shown to (p after Holm below {ALPHA:g}), "
    return (
        f"{text}the worst {named(worst['arm'], worst['source'])} by {get(metric).text(worst['mean_difference'], '+')}"
    )


def _baseline(comparisons: pd.DataFrame, protocol: str, means: pd.DataFrame, best: pd.Series, metric: str) -> str:
    """The best baseline against the best transfer arm."""
    plain = means[[is_baseline(base(arm)) for arm in means["arm"]]]
    if plain.empty:
        return ""
    top = plain.iloc[0]
    other = means[(means["arm"] == best["arm"]) & (means["source"] == best["source"])]
    judged = get(metric)
    reached, theirs = judged.text(top["mean"]), f" against {judged.text(other['mean'].iloc[0])}" if len(other) else ""
    text = f"the best baseline, {named(top['arm'], top['source'])}, "
    rows = versus(comparisons, protocol, top["arm"], metric)
    rows = rows[(rows["arm"] == best["arm"]) & (rows["source"] == best["source"])]
    if rows.empty:
        return f"{text}reaches a {judged.label} of {reached}{theirs}"
    difference, p = sign(metric) * rows["mean_difference"].iloc[0], rows["p_holm"].iloc[0]
    said = "no differently, as far as these samples show" if not p < ALPHA else "worse" if difference > 0 else "better"
    return f"{text}predicts {said} ({judged.label} {reached}{theirs})"


def _detectable(detectable: pd.DataFrame | None, protocol: str, best: pd.Series, metric: str) -> str:
    """What difference of the best arm this study could have shown."""
    if detectable is None or detectable.empty:
        return ""
    rows = detectable[(detectable["metric"] == metric) & (detectable["protocol"] == protocol)]
    for one, other in (("a", "b"), ("b", "a")):
        same = (rows[f"arm_{one}"] == best["arm"]) & (rows[f"source_{one}"] == best["source"])
        found = rows[same & (rows[f"arm_{other}"] == best["reference"])].dropna(subset=["detectable", "power"])
        if len(found):
            size, power = found["detectable"].iloc[0], found["power"].iloc[0]
            # By simulation such a difference is found less often than the formula says (docs/calibration.md).
            least = f"it takes a true difference of at least {get(metric).text(size)}"
            return f"{least} to be found in {power:.0%} of such studies"
    return ""
