"""Sections on what was gained: each arm against the reference, and whether it predicts at all."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.against import base
from tl_jax.evaluation.statistics.comparisons import INFLUENCE
from tl_jax.evaluation.statistics.intervals import fisher_holds
from tl_jax.evaluation.statistics.known_rates import UNRELATED, false_positives
from tl_jax.evaluation.statistics.verdict import ALPHA, is_transfer, mean_per_fold, reference_in, sample_range, versus
from tl_jax.report.blocks import Absent, Block, Blocks, Figure, Part, join, paragraph
from tl_jax.report.plots.forest import forest_figure
from tl_jax.report.plots.intervals import interval_figure
from tl_jax.report.sections.cells import (
    arm_cells,
    between,
    by_size,
    difference,
    fixed,
    in_order,
    missing,
    p_value,
    share,
    whole,
)
from tl_jax.report.sections.leading import arm_table, folded, leading
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import UNDEFINED, number

NAIVE = "naive Wilcoxon p (rejects equal methods in more than half of such studies)"
FEWEST = 6  # repeats from which a signed-rank test can fall below .05 at all: 2 / 2**6


def comparison(study: Study) -> Blocks:
    """Forest plot and table of each arm minus the reference, other protocols folded away."""
    study.need("comparisons")
    rows, judged = transfers_first(leading(study, study.gains)), study.metric
    if rows.empty:
        raise Absent("no arm was compared with the reference under the judged protocol")
    plain = [is_baseline(base(arm)) for arm in rows["arm"]]
    parts = [
        paragraph(
            f"Differences are paired by fold, all against one reference that was fixed in advance. {tests_of(rows)} "
            "The last p counts all arms of a family (those that start from a source, and those beside them) and how "
            "often these samples were judged: read it and the interval. An interval that holds 0 shows no equality "
            "unless P(equivalent) is large, and the same evidence is asked of worse as of better."
            + (f" {judged.label} is an error: a difference below 0 is an improvement." if judged.direction else "")
        ),
        paragraph(test_rates(sample_range(study.metrics, study.protocol, judged.name)[0], naive_shown(study))),
        Figure(
            "forest",
            lambda: forest_figure(rows, plain, judged.name),
            f"forest plot: {len(rows)} arms minus {rows['reference'].iloc[0]}, {judged.per_fold}, with intervals and "
            "probabilities; the numbers stand in the table below",
            f"Each arm minus {rows['reference'].iloc[0]}, protocol {study.protocol}.",
        ),
        *_numbers(study, study.protocol, transfers_first(study.gains)),
        _other_protocols(study),
    ]
    return join(parts)


def tests_of(rows: pd.DataFrame) -> str:
    """Which test p is of."""
    if "test" in rows and (rows["test"] == INFLUENCE).any():
        return (
            "p is that of the influence test, whose unit is the sample; the corrected t, whose unit is the fold, "
            "stands beside it. Intervals are at least as wide as the corrected t's."
        )
    return "p is that of the corrected t, which counts that training sets of repeated folds overlap."


def naive_shown(study: Study) -> bool:
    """Whether there are repeats enough for the naive test over them to say anything, wrong as it is."""
    return study.judged(study.metrics)["repeat"].nunique() >= FEWEST


def test_rates(n: int, naive: bool) -> str:
    """How often each test is wrong where nothing differs, for a study of n samples."""
    text = (
        f"Where arms have nothing in common, the influence test {false_positives('influence', n, UNRELATED)}, and the "
        f"corrected t {false_positives('corrected_t', n, UNRELATED)}; of related arms both do so less often."
    )
    if not naive:
        return text
    text += " The naive Wilcoxon test over repeats, printed for comparison with published tables alone, "
    return f"{text}{false_positives('wilcoxon_repeats', n)}."


def transfers_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Transfer arms by gain, then everything else by gain."""
    moved = [is_transfer(arm, source) for arm, source in zip(rows["arm"], rows["source"], strict=True)]
    others = [not is_moved for is_moved in moved]
    return pd.concat([rows[moved], rows[others]], ignore_index=True)


def _numbers(study: Study, protocol: str, rows: pd.DataFrame) -> list[Block]:
    """The numbers of the forest plot."""
    judged = study.metric
    cells = arm_cells(rows.drop(columns="protocol")) | {
        "difference": fixed("mean_difference", f"+{judged.spec()}"),
        "95 % interval": difference(judged),
        "p": p_value("p"),
        "p of the corrected t": p_value("p_corrected"),
        "p for all arms and looks": p_value("p_after_looks"),
        "P: better, equivalent, worse": _probabilities,
        "win rate": share("win_rate"),
        "Cliff's delta": fixed("cliffs_delta", "+.2f"),
    }
    if naive_shown(study):
        cells[NAIVE] = p_value("p_naive_wilcoxon")
    side = f" ({judged.direction})" if judged.direction else ""
    caption = f"Each arm minus {rows['reference'].iloc[0]}: {judged.per_fold}{side}, protocol {protocol}"
    return folded(caption, rows, leading(study, rows), cells, words=("source",))


def _probabilities(row: dict) -> str:
    """The three probabilities in one cell; a dash where they are not defined."""
    values = [number(row[name], ".2f") for name in ("p_better", "p_rope", "p_worse")]
    return UNDEFINED if UNDEFINED in values else ", ".join(values)


def _other_protocols(study: Study) -> Blocks:
    """The same tables under the protocols that do not judge."""
    parts = []
    for protocol in dict.fromkeys(study.metrics["protocol"]):
        judged = study.metric.name
        compared = study.table("comparisons")
        reference = reference_in(compared, protocol, mean_per_fold(study.metrics, protocol, judged))
        rows = transfers_first(versus(compared, protocol, reference, judged))
        if protocol != study.protocol and len(rows):
            parts.append(Part(f"Under {protocol}", tuple(_numbers(study, protocol, rows)), folded=True))
    return parts


def predicts(study: Study) -> Blocks:
    """Whether an arm predicts at all: permuted labels, and intervals of its metric over samples."""
    study.need("permutations", "intervals")
    return join([_permutations(study), _intervals(study)])


def _permutations(study: Study) -> Blocks:
    """The metric of each arm beside that of permuted labels."""
    rows = study.table("permutations")
    return missing("permutations") if rows.empty else permuted(study, rows, study.metric.per_fold)


def permuted(study: Study, given: pd.DataFrame, heading: str) -> Blocks:
    """A table of permutations and how to read it; by size where it has several."""
    rows, judged = in_order(given), study.metric
    found, count = int((rows["p"] < ALPHA).sum()), int(rows["p"].notna().sum())
    cells = (
        arm_cells(rows)
        | by_size(rows)
        | {
            heading: fixed("observed", judged.spec()),
            "permuted: mean": fixed("null_mean", judged.spec()),
            f"permuted: {'95th' if judged.higher_is_better else '5th'} percentile": fixed("null_q95", judged.spec()),
            "permutations": whole("permutations"),
            f"at least {judged.as_good}": whole("at_least"),
            "p": p_value("p"),
        }
    )
    text = (
        f"{found} of {count} arms have p below {ALPHA:g}; with no signal at all, about {ALPHA * count:.1f} of {count} "
        "would on average. All are judged on the same samples, whose luck they share: where one has a small p by "
        "chance, so have others, and several are no more proof than one. These p-values are not corrected for their "
        "number."
    )
    caption = f"Labels permuted through the whole procedure; p = (1 + at least {judged.as_good}) / (1 + permutations)"
    return [paragraph(text), *arm_table(study, caption, rows, cells, words=("source", "protocol"))]


def _intervals(study: Study) -> Blocks:
    """The metric of each arm with its interval over samples."""
    judged, rows = study.metric, in_order(study.table("intervals"))
    if rows.empty:
        return missing("intervals")
    cells = arm_cells(rows) | {
        "n": whole("n"),
        judged.label: fixed(judged.name, judged.spec()),
        "BCa interval": between("bca_low", "bca_high", judged.spec(), judged.range),
    }
    kinds, remark = "BCa and Fisher intervals", []
    if fisher_holds(judged.name):
        cells["Fisher interval"] = between("fisher_low", "fisher_high", judged.spec(), judged.range)
    else:
        kinds = "BCa intervals"
        remark = paragraph(f"Fisher's interval is one of rank correlations; {judged.label} has none.", kind="note")
    cells["level"] = share("level")
    drawn = leading(study, study.judged(rows))
    caption = f"{judged.label} of predictions averaged over repeats, with intervals over samples"
    if judged.chance is None:
        question = f"How good is each arm? What {judged.label} a chance prediction has depends on the data."
    else:
        question = f"Does each arm predict? An interval that holds {judged.chance:g} does not show it."
    return join(
        [
            Figure(
                "correlations",
                lambda: interval_figure(drawn, judged.name),
                f"{judged.label} of {len(drawn)} arms with {kinds}; the numbers stand in the table below",
                question,
            ),
            remark,
            arm_table(study, caption, rows, cells, words=("source", "protocol")),
        ]
    )
