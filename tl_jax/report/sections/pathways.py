"""Section on the gene sets in which the effects of the recommended model lie."""

from __future__ import annotations

from tl_jax.evaluation.predictors.baselines import PATHWAYS
from tl_jax.evaluation.statistics.against import named
from tl_jax.evaluation.statistics.verdict import ALPHA
from tl_jax.report.blocks import Blocks, paragraph
from tl_jax.report.sections.answer import doubt
from tl_jax.report.sections.cells import fixed, frame_table, p_value, whole, word
from tl_jax.report.sections.study import Study

SHOWN = 20


def pathways(study: Study) -> Blocks:
    """Which sets have larger effects than the other genes, towards resistance or sensitivity."""
    rows, one = study.need("pathways"), study.entry("recommended", kind=dict) or {}
    made_of_them = one.get("arm") == PATHWAYS
    cells = {
        "set": word("set"),
        "genes": whole("genes"),
        "a high value means": word("high_means"),
        "above the others": fixed("above", ".2f"),
    }
    if not made_of_them:
        cells |= {"p": p_value("p"), "p for all sets": p_value("p_adjusted")}
    shown = rows.head(SHOWN)
    text = (
        f"{doubt(study)}Sets of the file of --{PATHWAYS} by the effects of their genes in "
        f"{named(one.get('arm', '?'), one.get('source', ''))}. Above the others: how often a gene of the set has an "
        "effect more towards resistance than a gene outside it; 0.5 is no difference. All sets stand in pathways.csv, "
        "the scores of these samples in pathway_scores.csv."
    )
    caption = f"{len(shown)} of {len(rows)} sets, those that stand out most first"
    found = frame_table(caption, shown, cells, words=("set", "a high value means"))
    return [paragraph(text), paragraph(_said(rows, made_of_them)), found]


def _said(rows, made_of_them: bool) -> str:
    """What the test says of all sets."""
    if made_of_them:
        return "This model is made of the scores of these very sets, so no test says whether they stand out."
    count = int((rows["p_adjusted"] < ALPHA).sum())
    how = (
        "a rank test that counts how much the genes of a set run together in these samples; p for all sets is by "
        "Benjamini and Hochberg"
    )
    if not count:
        return f"None of {len(rows)} sets stands out ({how})."
    stand = "stand" if count > 1 else "stands"
    return (
        f"{count} of {len(rows)} sets {stand} out with p for all sets below {ALPHA:g} "
        f"({how}). That describes the model, and is no proof that a pathway acts."
    )
