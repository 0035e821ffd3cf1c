"""What a study allows to be said, in one sentence chosen by rule."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.against import against, base, named
from tl_jax.evaluation.statistics.families import ALPHA, RIDGE, SCRATCH, is_transfer
from tl_jax.evaluation.statistics.metrics import JUDGED, get, per_fold, sign
from tl_jax.evaluation.statistics.negative_transfer import did_harm, is_lower
from tl_jax.evaluation.statistics.source_test import words

HONEST = "honest"
CHOICE = "nested_choice"  # the arm of the choice by inner folds
PAIR = ["arm", "source"]
SPOKEN = {SCRATCH: "training from scratch", RIDGE: "ridge on the target's own genes"}


def verdict(
    comparisons: pd.DataFrame, metrics: pd.DataFrame, detectable: pd.DataFrame | None = None, metric: str = JUDGED
) -> str:
    """The verdict on a study: does any transfer beat the reference, and what did harm?

    comparisons: of evaluation/comparisons.py; may be empty. metrics: the table that they were made of. detectable:
    arm_a, source_a, arm_b, source_b, protocol, metric, power, detectable, or None.
    metric: by which the study is judged.

    By the metric per fold of the protocol `honest` (of the first protocol where there is no honest one, and it says
    so). An arm is called better or worse than the reference only where its p, corrected for all arms of the family and
    for earlier looks at the samples, is below .05; otherwise the interval is given and nothing is claimed.
    """
    protocol = judged_protocol(metrics)
    means = mean_per_fold(metrics, protocol, metric)
    reference = reference_in(comparisons, protocol, means)
    rows = versus(comparisons, protocol, reference, metric)
    moved = [is_transfer(arm, source) for arm, source in zip(rows["arm"], rows["source"], strict=True)]
    transfers = rows[moved].dropna(subset=["mean_difference"]) if len(rows) else rows
    lead = "" if protocol == HONEST else f"Under the protocol {protocol} alone, without an honest one: "
    lead += f"{'o' if lead else 'O'}n {samples(metrics, protocol, metric)} samples "
    if transfers.empty:
        return lead + _without_transfer(means, reference, metric)
    shown = transfers[(transfers["p_after_looks"] < ALPHA) & (sign(metric) * transfers["mean_difference"] > 0)]
    best = (shown if len(shown) else transfers).iloc[0]
    clauses = [
        _gain(transfers, len(shown), best, metric),
        _harm(transfers, best["reference"], metric),
        _baseline(means, best, metric),
        _detectable(detectable, protocol, best, metric),
    ]
    return lead + "; ".join(clause for clause in clauses if clause) + "."


def whole_verdict(
    comparisons: pd.DataFrame,
    metrics: pd.DataFrame,
    detectable: pd.DataFrame | None = None,
    metric: str = JUDGED,
    *,
    source_test: pd.DataFrame | None = None,
    intervals: pd.DataFrame | None = None,
    registered: str = "",
) -> str:
    """The verdict, whether a model chosen by inner folds predicts, what the source test lets one say, and whether what
    was run is what was registered.

    source_test, intervals: their tables; None or without rows where there are none. registered: the sentence, "" for
    none.
    """
    protocol, tested = judged_protocol(metrics), source_test is not None and len(source_test) > 0
    row = chosen(intervals, protocol, metric)
    more = [_chance(row, metric), words(source_test, protocol) if tested else "", registered]
    told = [f"{text[0].upper()}{text[1:]}." for text in more if text]
    return " ".join([verdict(comparisons, metrics, detectable, metric), *told])


def chosen(intervals: pd.DataFrame | None, protocol: str, metric: str) -> pd.Series | None:
    """The interval of the choice by inner folds, whose forecasts no choice has seen; None where none was made, or where
    the metric has no value of chance.

    That of the best arm alone would be too good: it is the best of several on the very samples that judge it.
    """
    if intervals is None or intervals.empty or get(metric).chance is None:
        return None
    rows = intervals[(intervals["arm"] == CHOICE) & (intervals["protocol"] == protocol)]
    return None if rows.empty else rows.iloc[0]


def beats_chance(row: pd.Series, metric: str) -> bool:
    """Whether an interval lies beyond what predictions that know nothing reach."""
    return bool(sign(metric) * (row["bca_low" if sign(metric) > 0 else "bca_high"] - get(metric).chance) > 0)


def _chance(row: pd.Series | None, metric: str) -> str:
    """What must be said first where nothing is shown to predict."""
    if row is None or beats_chance(row, metric):
        return ""
    return "no model is shown to predict: one chosen by inner folds is not shown to do better than chance"


def judged_protocol(metrics: pd.DataFrame) -> str:
    """The protocol by which methods are judged: honest where it was run, else the first of the table."""
    protocols = list(dict.fromkeys(metrics["protocol"]))
    return HONEST if HONEST in protocols else protocols[0]


def mean_per_fold(metrics: pd.DataFrame, protocol: str, metric: str = JUDGED) -> pd.DataFrame:
    """arm, source, mean: the mean of a metric per fold of each arm that has one, best first."""
    rows = per_fold(metrics[metrics["protocol"] == protocol], metric)
    means = rows.groupby(PAIR, sort=True)["value"].mean().dropna().rename("mean").reset_index()
    return means.sort_values("mean", ascending=sign(metric) < 0, kind="stable", ignore_index=True)


def reference_in(comparisons: pd.DataFrame, protocol: str, means: pd.DataFrame) -> str:
    """The reference that the comparisons of a protocol name; of a table that names none, `reference_arm`."""
    if "reference" in comparisons:
        named = comparisons.loc[comparisons["protocol"] == protocol, "reference"].dropna()
        named = named[named != ""]
        if len(named):
            return str(named.iloc[0])
    return reference_arm(means)


def reference_arm(means: pd.DataFrame) -> str:
    """What a study of an earlier version was held against: `scratch`, or, where only variants of it were run ("scratch
    lr=0.01"), the best of them."""
    found = [arm for arm in means["arm"] if base(arm) == SCRATCH]
    return SCRATCH if SCRATCH in found or not found else found[0]


def versus(comparisons: pd.DataFrame, protocol: str, reference: str = SCRATCH, metric: str = JUDGED) -> pd.DataFrame:
    """Every arm minus `reference`: the comparisons of one metric per fold with the arm first, largest gain first.

    Columns: arm, source, reference and those of `comparisons` that do not name a pair.
    """
    if comparisons.empty:
        columns = ("reference", "metric", "mean_difference", "ci_low", "ci_high", "p", "p_family", "p_after_looks")
        return pd.DataFrame(columns=[*PAIR, *columns])
    both = against(comparisons[comparisons["protocol"] == protocol], reference, metric).reset_index(drop=True)
    order = both.assign(lost=-sign(metric) * both["mean_difference"]).sort_values(["lost", *PAIR], kind="stable").index
    return both.loc[order].reset_index(drop=True)


def samples(metrics: pd.DataFrame, protocol: str, metric: str = JUDGED) -> str:
    """How many samples were evaluated: "58", or "776 to 785" where arms differ."""
    low, high = sample_range(metrics, protocol, metric)
    return f"{low}" if low == high else f"{low} to {high}"


def sample_range(metrics: pd.DataFrame, protocol: str, metric: str = JUDGED) -> tuple[int, int]:
    """The fewest and the most samples that an arm was evaluated on in one repeat; (0, 0) where no metric is."""
    rows = per_fold(metrics[metrics["protocol"] == protocol], metric)
    counts = rows.groupby([*PAIR, "repeat"])["n_test"].sum()
    return (int(counts.min()), int(counts.max())) if len(counts) else (0, 0)


def spoken(reference: str) -> str:
    """The reference in a sentence."""
    return SPOKEN.get(reference, reference)


def _without_transfer(means: pd.DataFrame, reference: str, metric: str) -> str:
    """Nothing was transferred, or nothing was compared."""
    text, judged = f"no transfer was compared with {spoken(reference)}", get(metric)
    if means.empty:
        return f"{text}, and no {judged.per_fold} is defined."
    best = means.iloc[0]
    text += f"; the {judged.best} {judged.per_fold} is that of "
    text += f"{named(best['arm'], best['source'])} ({judged.text(best['mean'])})"
    other = means[means["arm"] == reference]
    if len(other) and best["arm"] != other["arm"].iloc[0]:
        text += f", {named(other['arm'].iloc[0], other['source'].iloc[0])} reaches "
        text += judged.text(other["mean"].iloc[0])
    return f"{text}, and no difference is claimed."


def _gain(transfers: pd.DataFrame, shown: int, best: pd.Series, metric: str) -> str:
    """How many arms are shown to gain, and the gain of the best of them, or of all where none is."""
    count, name = len(transfers), named(best["arm"], best["source"])
    reference = spoken(best["reference"])
    if shown:
        among = f"{shown} of {count} transfer arms {'is' if shown == 1 else 'are'} better than {reference}"
        gains = f"{'gains' if sign(metric) > 0 else 'changes by'} {_interval(best, metric)} in {get(metric).per_fold}"
        return f"{among}: {name} {gains}, p {best['p_after_looks']:.2g} after all corrections"
    among = f"the best of {count}, {name}," if count > 1 else f"{name}, the only one,"
    return (
        f"no transfer is shown to beat {reference}: {among} changes {get(metric).per_fold} by {_interval(best, metric)}"
    )


def _interval(row: pd.Series, metric: str) -> str:
    """A difference with its interval."""
    judged = get(metric)
    middle, reach = judged.text(row["mean_difference"], "+"), judged.reach
    if pd.isna(row["ci_low"]):
        return f"{middle} (no interval: the folds do not vary)"
    if row["ci_low"] <= -reach and row["ci_high"] >= reach:
        return f"{middle} (95 %: any value that is possible)"
    low, high = (judged.text(min(max(row[name], -reach), reach), "+") for name in ("ci_low", "ci_high"))
    return f"{middle} (95 % {low} to {high})"


def _harm(transfers: pd.DataFrame, reference: str, metric: str) -> str:
    """Shown harm, and what is lower on average without being shown to be worse."""
    rows, count = transfers.to_dict("records"), len(transfers)
    harmed, lower = transfers[[did_harm(row) for row in rows]], sum(map(is_lower, rows))
    text, rest = "", lower - len(harmed)
    if len(harmed):
        worst = harmed.iloc[-1]
        text = f"negative transfer: {len(harmed)} of {count} {'is' if len(harmed) == 1 else 'are'} shown to do worse "
        text += f"than {reference}, the worst {named(worst['arm'], worst['source'])} by "
        text += get(metric).text(worst["mean_difference"], "+")
    if rest:
        text += f"{', and ' if text else ''}{rest} {'other' if text else f'of {count}'} "
        text += f"{'is' if rest == 1 else 'are'} {_lower(metric)} than {reference} on average, not shown to be worse"
    return text


def _lower(metric: str) -> str:
    """The word for a value that is worse."""
    return "lower" if sign(metric) > 0 else "higher"


def _baseline(means: pd.DataFrame, best: pd.Series, metric: str) -> str:
    """The best baseline beside the best transfer arm, if it is not the reference: picked by its result, so no test."""
    plain = means[[is_baseline(base(arm)) for arm in means["arm"]]]
    if plain.empty or plain["arm"].iloc[0] == best["reference"]:
        return ""
    top, judged = plain.iloc[0], get(metric)
    other = means[(means["arm"] == best["arm"]) & (means["source"] == best["source"])]
    theirs = f" against {judged.text(other['mean'].iloc[0])}" if len(other) else ""
    text = f"the best baseline, {named(top['arm'], top['source'])}, reaches a {judged.label} of "
    return f"{text}{judged.text(top['mean'])}{theirs}, picked by its result, so no difference is claimed"


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
            if size == float("inf"):
                return f"no gain that was ever simulated is found in {power:.0%} of such studies (see tl_jax power)"
            least = f"it takes a true difference of at least {get(metric).text(size)}"
            return f"{least} to be found in {power:.0%} of such studies"
    return ""
