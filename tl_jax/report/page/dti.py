"""One page of a study between protein families, made from the tables of its results folder alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tl_jax.evaluation.draws.draw_verdict import FAULT, correct, verdict
from tl_jax.evaluation.draws.reach import WITHIN
from tl_jax.evaluation.predictors.shallow import RANKS_ONLY
from tl_jax.report.page import run as html_run
from tl_jax.report.page.cells import between, fixed, frame_table, p_value, share, whole, word
from tl_jax.report.page.contract import FAMILY_TABLES
from tl_jax.report.page.page import NAME, Section, whole_page
from tl_jax.report.page.picture import picture
from tl_jax.report.page.study import Absent, Study, read_folder
from tl_jax.report.page.tags import Column, Html, bullets, definitions, join, paragraph, table, tag
from tl_jax.report.plots.dti import curves_figure, heatmap_figure
from tl_jax.report.tables import UNDEFINED, number
from tl_jax.system.files import write_atomic

HEADLINE = "mcc"
NAMES = {"mcc": "MCC", "auroc": "AUROC"}


def write_dti_report(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write `report.html` into the results folder, or to `out`; errors as in html_study.read_folder."""
    page = dti_page(read_folder(Path(folder), FAMILY_TABLES))
    place = Path(out) if out else Path(folder) / NAME
    return write_atomic(place, lambda path: path.write_text(page, encoding="utf-8", newline="\n"))


def dti_page(study: Study) -> str:
    """The page as text."""
    target = study.entry("settings", "target") or "the target"
    own = study.entry("data", "target", "family") or target
    text = " ".join(verdict(study.table("comparisons"), study.table("arms"))) or "Nothing was compared."
    top = [
        paragraph("Drug-target interaction learned from few compounds, with and without other protein families."),
        paragraph(tag("strong", "Verdict. "), text, class_="verdict", id="verdict"),
    ]
    return whole_page(study, f"Transfer to {own}", top, SECTIONS)


def curves(study: Study) -> Html:
    """Mean MCC by the number of training compounds."""
    rows = correct(study.need("arms"), HEADLINE)
    return picture(
        "curves",
        lambda: curves_figure(rows, ""),
        f"mean MCC of {rows[['source', 'arm']].drop_duplicates().shape[0]} arms by training size; the numbers stand in "
        "the table of all arms",
        "",
    )


def gains(study: Study) -> Html:
    """A map for each reference, and how to read it."""
    rows = correct(study.need("comparisons"), HEADLINE)
    parts = [
        paragraph(
            "Differences are paired by draw and test compound. Their intervals count three things: how much draws "
            "differ, that draws from one pool share compounds, and that all arms meet the same test compounds. A "
            "paired t-test over draws counts the first alone."
        )
    ]
    for reference, part in rows.groupby("reference", sort=False):
        shown = part.rename(columns={"difference": "value"})
        parts.append(
            picture(
                f"gain-{reference}",
                lambda shown=shown, reference=reference: heatmap_figure(shown, "", reference=reference),
                f"gain in MCC over {reference} by source, method and training size; the numbers stand in the table "
                "below",
                f"Gain over {reference}.",
            )
        )
        parts.append(tag("details", tag("summary", f"Gain over {reference} in numbers"), gain_table(part, reference)))
    return join(parts)


def gain_table(rows: pd.DataFrame, reference: str) -> Html:
    """The numbers of a map."""
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "training compounds": whole("size"),
        "MCC": fixed("mean"),
        f"of {reference}": fixed("mean_reference"),
        "difference": fixed("difference", "+.3f"),
        "95 % interval": between("ci_low", "ci_high", "+.3f"),
        "p": p_value("p"),
        "p after Holm": p_value("p_holm"),
        "naive t-test over draws (too easily significant)": p_value("p_naive_t"),
    }
    caption = f"Each arm minus {reference}; Holm's correction counts the arms of a size"
    return frame_table(caption, rows, cells, words=("source",))


def crossovers(study: Study) -> Html:
    """Up to which size each arm is ahead."""
    rows = study.need("crossovers")
    cells = {"arm": word("arm"), "source": word("source"), "against": word("reference"), "answer": word("answer")}
    return frame_table("Up to which size transfer helps", rows, cells, words=("source", "against", "answer"))


def arms(study: Study) -> Html:
    """Every arm at every size: its mean and interval, one table for each metric."""
    rows, parts = study.need("arms"), []
    for metric in dict.fromkeys(rows["metric"]):
        own = rows[rows["metric"] == metric]
        sizes = sorted(own["size"].unique())
        found = {(r["source"], r["arm"], r["size"]): r for r in own.to_dict("records")}
        keys = sorted(dict.fromkeys(zip(own["source"], own["arm"], strict=True)), key=lambda key: key[0] != "")
        lines = [
            [arm, source or UNDEFINED, *(level(found.get((source, arm, size))) for size in sizes)]
            for source, arm in keys
        ]
        heads = [Column("arm"), Column("source"), *(Column(f"{n:,.0f}" if n else "untrained", True) for n in sizes)]
        caption = f"Mean {NAMES.get(metric, metric)} over draws with its 95 % interval, by training compounds"
        parts.append(table(caption, heads, lines))
    return join(parts)


def level(row: dict | None) -> Html:
    """A mean and its interval in one cell."""
    if row is None:
        return tag("td", UNDEFINED, class_="n")
    ends = f"{number(row['ci_low'], '.2f')} to {number(row['ci_high'], '.2f')}"
    return tag("td", number(row["value"], ".3f"), tag("br"), tag("small", ends), class_="n")


def switches(study: Study) -> Html:
    """What each fault of the published code is worth."""
    cells = {
        "fault": word("switch"),
        "arm": word("method"),
        "source": word("source"),
        "training compounds": whole("size"),
        "difference in MCC": fixed("difference", "+.3f"),
        "95 % interval": between("ci_low", "ci_high", "+.3f"),
        "p": p_value("p"),
    }
    caption = "The arm with the fault minus the same arm without it"
    return frame_table(caption, study.need("switches"), cells, words=("arm", "source"))


def calibration(study: Study) -> Html:
    """How far probabilities are from shares, at the largest size."""
    rows = study.need("metrics")
    rows = rows[(rows["size"] == rows["size"].max()) & rows["metric"].isin(["brier", "log_loss", "ece"])]
    means = rows.groupby(["source", "arm", "metric"], sort=False)["value"].mean().unstack("metric").reset_index()
    means = means[~means["arm"].str.endswith(RANKS_ONLY) & ~means["arm"].str.contains(FAULT, regex=False)]
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "Brier score": fixed("brier", ".3f"),
        "log loss": fixed("log_loss", ".3f"),
        "expected calibration error": fixed("ece", ".3f"),
    }
    note = (
        "Means over draws at the largest size, 0 is best. Values of a support vector classifier rank compounds and are "
        "no probabilities, so they are left out. Draws are balanced while the test set is not: that alone shifts them."
    )
    return join([paragraph(note), frame_table("Calibration", means, cells, words=("source",))])


def compounds(study: Study) -> Html:
    """How like the test compounds are to what the models were trained on."""
    rows = study.need("test_compounds")
    near = {
        name.removeprefix("nearest_in_"): pd.to_numeric(rows[name]) for name in rows if name.startswith("nearest_in_")
    }
    if not near:
        raise Absent("similarity is defined for fingerprints only")
    lines = [
        [name, *(f"{np.quantile(v, q):.2f}" for q in (0.05, 0.5, 0.95)), f"{(v < WITHIN).mean():.0%}"]
        for name, v in near.items()
    ]
    heads = ("training compounds", "5 %", "median", "95 %", f"test compounds below {WITHIN:g}")
    caption = f"Tanimoto similarity of {len(rows)} test compounds to the nearest training compound"
    text = (
        "A test compound unlike all training compounds is outside what a model can know; its prediction means little."
    )
    return join([paragraph(text), table(caption, [Column(h, k > 0) for k, h in enumerate(heads)], lines)])


def reach(study: Study) -> Html:
    """How the models that were kept fare near their training compounds and far from them."""
    cells = {
        "arm": word("arm"),
        "source": word("source"),
        "similarity": between("from_similarity", "to_similarity", ".1f"),
        "test compounds": whole("n"),
        "active": share("active"),
        "probability below .1 or above .9": share("confident"),
        "MCC": fixed("mcc"),
        "AUROC": fixed("auroc"),
        "Brier score": fixed("brier"),
    }
    caption = "Final models on the test compounds, by similarity to the nearest compound of the pool"
    return frame_table(caption, study.need("reach"), cells, words=("source", "similarity"))


def data(study: Study) -> Html:
    """Families of the table, what was left out of them, and the domains that were used."""
    cells = {"family": word("family")} | {
        name: whole(name) for name in ("compounds", "active", "merged", "disagreeing", "unparsed", "unmeasured")
    }
    parts = [frame_table("What became of the table's rows", study.need("families"), cells)]
    used = study.entry("data", kind=dict) or {}
    lines = [
        (name, f"{one.get('compounds'):,} compounds, {one.get('active'):,} active; {one.get('fingerprint')}")
        for name, one in used.items()
        if isinstance(one, dict)
    ]
    parts.append(definitions("Compounds that were used", lines))
    gone = study.table("left_out")
    if len(gone):
        counts = gone.groupby(["family", "reason"], sort=False).size()
        text = "; ".join(f"{family}: {n} {reason}" for (family, reason), n in counts.items())
        parts.append(paragraph(f"Rows that are no compound of their own are listed in left_out.csv ({text})."))
    return join(parts)


def card(study: Study) -> Html:
    """Use and limits."""
    return bullets(
        [
            "Research: whether compounds measured on other protein families help to predict activity on this one.",
            tag("strong", "Not for clinical decisions, and no substitute for an assay."),
            "The input is the compound alone: a family counts as hit where any of its listed targets is.",
            "One target family, one test set and one network for each source: another seed of a source model, another "
            "split or another family may order the arms differently.",
            "Compounds are taken for independent unless whole scaffolds were held out.",
            "Labels join Ki, IC50 and EC50 of many laboratories.",
        ]
    )


SECTIONS = (
    Section("curves", "Curves over the training size", curves),
    Section("gain", "What transfer gained", gains),
    Section("crossover", "Up to which size transfer helps", crossovers),
    Section("arms", "All arms", arms),
    Section("switches", "What the faults of the published code are worth", switches),
    Section("calibration", "Calibration", calibration),
    Section("similarity", "Test compounds and training compounds", compounds),
    Section("reach", "How far the kept models reach", reach),
    Section("data", "Data", data),
    Section("settings", "Settings, versions, device, time", html_run.settings),
    Section("notes", "Notes of the run", html_run.notes),
    Section("card", "Model card", card),
    Section("files", "Tables this page was made of", html_run.tables),
)
