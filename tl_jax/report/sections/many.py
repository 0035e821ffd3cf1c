"""Sections of a study of many targets: ranks, gains over a model on the target's own genes, every target."""

from __future__ import annotations

from functools import partial

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import is_baseline
from tl_jax.evaluation.statistics.families import ALPHA
from tl_jax.evaluation.statistics.ranks import Ranks, friedman
from tl_jax.evaluation.statistics.registry import Metric
from tl_jax.report.blocks import (
    Absent,
    Block,
    Blocks,
    Cell,
    Column,
    Figure,
    Part,
    Strong,
    Text,
    join,
    paragraph,
    table,
)
from tl_jax.report.plots.ranks import caption, ranks_figure
from tl_jax.report.sections.cells import (
    after_looks,
    between,
    difference,
    fixed,
    frame_table,
    p_text,
    p_value,
    share,
    whole,
    word,
)
from tl_jax.report.sections.source_test import registered
from tl_jax.report.sections.study import Study
from tl_jax.report.tables import number

KEYS = ["target", "protocol"]


def top(study: Study) -> tuple[str, tuple[Text, ...]]:
    """Title, what was judged, and the verdict."""
    cohort = study.entry("cohort", "title") or study.entry("cohort", "name") or "a cohort"
    targets = study.table("blocks")["target"].nunique()
    line = f"All source drugs as one source, judged on each of {targets} drug{'s' * (targets > 1)} of the target."
    return f"Many targets: {cohort}", (
        paragraph(line, kind="lead"),
        paragraph(Strong("Verdict. "), verdict(study) + registered(study), kind="verdict"),
    )


def verdict(study: Study) -> str:
    """Which arm that uses the source gains most over the best model on the target's own genes, and how sure that is."""
    gains, count = study.table("gains"), study.table("blocks")["target"].nunique()
    if gains.empty:
        return "Nothing was compared."
    protocol = gains["protocol"].iloc[0]
    if not (shared := over_samples_of(study, protocol)).empty:
        every = study.table("over_samples").query("protocol == @protocol")["gain"].notna().sum()
        return over_samples_verdict(shared, protocol, count, study.metric, int(every))
    own = gains[gains["protocol"] == protocol].dropna(subset=["gain"])
    reference = strongest(own)
    rows = own[own["reference"] == reference]
    moved = rows[[not is_baseline(arm) for arm in rows["arm"]]]
    judged = study.metric
    gain = judged.label if judged.higher_is_better else f"{judged.label} (by how much it is lower)"
    sized = partial(judged.text, sign="+", decimals=3)
    over = f"Over {count} target{'' if count == 1 else 's'} (protocol {protocol})"
    if moved.empty:
        return f"{over} no arm that uses the source could be compared with {reference}."
    best = moved.sort_values("gain", ascending=False, kind="stable").iloc[0]
    text = f"{over} {best['arm']} is the best arm that uses the source: {sized(best['gain'])} {gain} over {reference}"
    if pd.isna(best["ci_low"]):
        return f"{text}; there are too few targets for an interval over them."
    sure = best["ci_low"] > 0 or best["ci_high"] < 0
    picked = f", not corrected for being the best of {len(moved)} arms" if len(moved) > 1 else ""
    bounds = f"95 % interval over targets {sized(best['ci_low'])} to {sized(best['ci_high'])}{picked}"
    claim = "it leaves out 0" if sure else "it holds 0, so nothing is claimed"
    return f"{text} ({bounds}); {claim}. The targets share their samples: this speaks of drugs on these samples."


def strongest(gains: pd.DataFrame) -> str:
    """The reference over which no other reference gains; a gain over a weaker one says little."""
    references = list(dict.fromkeys(gains["reference"]))
    others = gains[gains["arm"].isin(references) & (gains["arm"] != gains["reference"])]
    best = others.groupby("reference")["gain"].max()
    return min(references, key=lambda name: best.get(name, 0.0)) if references else "a model on the target's genes"


def over_samples_of(study: Study, protocol: str) -> pd.DataFrame:
    """The arms that use the source, with intervals over samples; no rows where the folder has none."""
    rows = study.table("over_samples")
    rows = rows[(rows["protocol"] == protocol) & (rows["source"] != "")].dropna(subset=["gain"])
    return rows.sort_values("gain", ascending=False, kind="stable")


def over_samples_verdict(rows: pd.DataFrame, protocol: str, count: int, judged: Metric, every: int) -> str:
    """Which arm gains most over targets that share their samples, and whether that is shown for other samples.

    every: how many arms p counts, those without a source among them.
    """
    p = "p_after_looks" if "p_after_looks" in rows else "p_family"  # an earlier version did not count looks
    shown = rows[(rows[p] < ALPHA) & (rows["gain"] > 0)]
    best, sized = (shown if len(shown) else rows).iloc[0], partial(judged.text, sign="+", decimals=3)
    lead = f"Over {count} targets on the same {best['samples']:.0f} samples (protocol {protocol}) "
    ends = f"95 % interval over samples {sized(best['ci_low'])} to {sized(best['ci_high'])}"
    looks = " and all looks" if p == "p_after_looks" else ""
    p = f"p {p_text(best[p])} after all {every} arms{looks}"
    size = f"{sized(best['gain'])} in {judged.per_fold} over {best['reference']}"
    if shown.empty:
        return f"{lead}no arm that uses the source is shown to gain: the best, {best['arm']}, {size} ({ends}; {p})."
    return f"{lead}{len(shown)} of {len(rows)} arms that use the source gain: {best['arm']} {size} ({ends}; {p})."


def over_samples(study: Study) -> Blocks:
    """Gains whose intervals are over samples: what another draw of samples could give for the same targets."""
    rows, spec = study.need("over_samples"), f"+{study.metric.spec(3)}"
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "protocol": word("protocol"),
        "samples": whole("samples"),
        "gain": fixed("gain", spec),
        "95 % interval over samples": between("ci_low", "ci_high", spec),
        "p": p_value("p"),
        "p after all arms": p_value("p_family"),
        **after_looks(rows),
    }
    text = (
        "The targets were measured on the same samples, so they are not independent: a sample that is odd is odd for "
        "all of them. Here the samples are drawn anew in thought, and the targets are taken as they are."
    )
    shown = frame_table(
        f"Gain over {rows['reference'].iloc[0]}, mean over targets", rows, cells, ("source", "protocol")
    )
    return [paragraph(text), shown]


def of_protocol(rows: pd.DataFrame, protocol: str) -> pd.DataFrame:
    """Targets by arms."""
    return rows[rows["protocol"] == protocol].set_index("target").drop(columns="protocol")


def ranks(study: Study) -> Blocks:
    """Friedman's test and the diagram of ranks, for each protocol."""
    rows, parts = study.need("blocks"), []
    for protocol in dict.fromkeys(rows["protocol"]):
        try:
            upward = study.metric.sign * of_protocol(rows, protocol).dropna(axis="columns")
            parts += ranks_of(friedman(upward), protocol)
        except InputError as error:
            parts.append(paragraph(f"Protocol {protocol}: no test over targets: {error}.", kind="note"))
    return parts


def ranks_of(test: Ranks, protocol: str) -> list[Block]:
    """Average ranks as a picture and as a table."""
    frame = pd.DataFrame({"arm": test.average.index, "rank": test.average.to_numpy()})
    cells = {"arm": word("arm"), "average rank": fixed("rank")}
    label = f"average ranks of {len(frame)} arms over {test.blocks} targets; the numbers stand in the table below"
    title = f"Average rank, 1 the best, protocol {protocol}"
    return [
        paragraph(caption(test)),
        Figure(f"ranks-{protocol}", lambda: ranks_figure(test, "", explained=False), label, f"Protocol {protocol}."),
        frame_table(title, frame, cells),
    ]


def gains(study: Study) -> Blocks:
    """A table of gains over each reference and protocol."""
    rows, parts, judged = study.need("gains"), [], study.metric
    spec = f"+{judged.spec(3)}"
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "targets": whole("targets"),
        "gain": fixed("gain", spec),
        "95 % interval": difference(judged, decimals=3),
        "targets won": share("won"),
    }
    for (protocol, reference), part in rows.groupby(["protocol", "reference"], sort=False):
        title = f"Gain in {judged.gain} over {reference}, mean over targets, protocol {protocol}"
        parts.append(frame_table(title, part, cells, words=("source",)))
    return join([paragraph("An interval that holds 0 shows neither a gain nor a loss."), parts])


def targets(study: Study) -> Blocks:
    """Every target in numbers, the best arm of each marked."""
    rows, parts, judged = study.need("blocks"), [], study.metric
    names = [name for name in rows if name not in KEYS]
    if not names:
        raise Absent("blocks.csv names no arm")
    for protocol, part in rows.groupby("protocol", sort=False):
        lines = [[row["target"], *marked([row[name] for name in names], judged)] for row in part.to_dict("records")]
        columns = [Column("target"), *(Column(name, True) for name in names)]
        title = f"Mean {judged.per_fold}, protocol {protocol}; bold on blue: the {judged.best} of a target"
        parts.append(
            Part(f"Under {protocol}", (table(title, columns, lines, frame=part),), folded=True, opened=not parts)
        )
    return parts


def marked(values: list[float], judged: Metric) -> list[Cell]:
    """Numbers, the best of them in bold."""
    best = max((value for value in values if pd.notna(value)), default=None, key=lambda value: judged.sign * value)
    text = [number(value, judged.spec()) for value in values]
    return [Cell(Strong(t), look="gain") if value == best else Cell(t) for t, value in zip(text, values, strict=True)]
