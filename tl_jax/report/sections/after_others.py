"""What to do after a study of compounds, of many targets, of single cells, after a grid search or several drugs."""

from __future__ import annotations

import pandas as pd

from tl_jax.evaluation.draws.draw_verdict import ALPHA, claimed, correct
from tl_jax.evaluation.predictors.plain_words import plain
from tl_jax.report.blocks import Blocks, Code, Line, Strong, bullets
from tl_jax.report.sections.after import full_run
from tl_jax.report.sections.answer import BEING, FOLDER
from tl_jax.report.sections.cells import farthest, interval
from tl_jax.report.sections.many import strongest
from tl_jax.report.sections.study import Study

RISE = 0.02  # of a metric, from one size to the next, that is worth a word


def compounds(study: Study) -> Blocks:
    """After a study between protein families."""
    judged = study.metric
    arms, pairs = (correct(study.table(name), judged.name) for name in ("arms", "comparisons"))
    most = arms["size"].max()
    ranked = arms[arms["size"] == most].sort_values("value", ascending=judged.sign < 0, kind="stable")
    best = ranked.iloc[0]
    kept = [str(one.get("arm")) for one in study.entry("final_models", kind=list) or [] if isinstance(one, dict)]
    model = f"{plain(best['arm'], best['source'])} is best with {most:,.0f} training compounds"
    model += f"; kept for tl_jax predict --compounds: {', '.join(kept)}." if kept else "; --final=ARM keeps a network."
    curve = arms[(arms["arm"] == best["arm"]) & (arms["source"] == best["source"]) & (arms["size"] > 0)]
    told = ", ".join(f"{judged.text(v)} with {n:,.0f}" for n, v in zip(curve["size"], curve["value"], strict=True))
    found = [*full_run(study), (Strong("Model. "), model), (Strong("Source. "), _source(study, pairs))]
    rises = len(curve) > 1 and judged.sign * (curve["value"].iloc[-1] - curve["value"].iloc[-2]) > RISE
    pays = "it rises to the end: measuring more pays." if rises else "it rises no more: more compounds promise little."
    found.append((Strong("Compounds. "), f"{judged.label} of that model: {told}; {pays}"))
    families = study.table("families")
    lost = [f"{families[name].sum():,.0f} {name}" for name in LOST if len(families) and families[name].sum()]
    return bullets([*found, (Strong("Data. "), f"rows that could not be used: {', '.join(lost)}.")] if lost else found)


LOST = ("disagreeing", "unparsed", "unmeasured")  # columns of families.csv


def _source(study: Study, pairs: pd.DataFrame) -> str:
    """The transfer of the largest gain at the smallest size."""
    rows = pairs[(pairs["source"] != "") & (pairs["reference"] == "scratch")]
    if rows.empty:
        return "none was compared with training from scratch."
    best = rows[rows["size"] == rows["size"].min()].sort_values("difference", kind="stable").iloc[-1]
    ends = interval(best["ci_low"], best["ci_high"], "+.2f", farthest(study.metric))
    text = f"with {best['size']:,.0f} compounds {plain(best['arm'], best['source'])} gains most over training from "
    text += f"scratch, {best['difference']:+.2f} (95 % {ends})"
    return f"{text}: {'shown to help' if claimed(best) < ALPHA else 'not shown to help'}."


def targets(study: Study) -> Blocks:
    """After a study of many targets."""
    rows = study.table("gains").dropna(subset=["gain"])
    moved = rows[(rows["source"] != "") & (rows["reference"] == strongest(rows))]
    lines: list[Line] = full_run(study)
    if len(moved):
        best = moved.sort_values("gain", ascending=False, kind="stable").iloc[0]
        lines.append((Strong("Model. "), f"the most promising is {plain(best['arm'])}; this study keeps no model."))
    lines.append((Strong("One drug. "), "an answer with a model to use: ", Code("tl_jax answer --drug=NAME")))
    count = study.table("blocks")["target"].nunique()
    few = " too few to say anything of arms in general; five are the least, and more samples help as well."
    enough = " whose results hang together, since they share their samples: other samples tell more than more drugs."
    return bullets([*lines, (Strong("Targets. "), f"{count} were judged,{few if count < 5 else enough}")])


def cells(study: Study) -> Blocks:
    """After a study of single cells."""
    settled = study.entry("direction_settled", kind=bool)
    command = f"tl_jax cells_predict --model={FOLDER} --cells=new.h5ad --out=results/new"
    use = "score new cells with it" if settled else "do not use the score: its direction is not settled. Were it"
    lines: list[Line] = [(Strong("Model. "), f"{use}{BEING}: ", Code(command))]
    lines.append((Strong("Lines. "), f"the score rests on {study.entry('lines')} bulk lines; cells add none to them."))
    if "arms" not in study.tables:
        text = "nothing here says whether the score is right: name a column of known cells with --truth."
        lines.append((Strong("Truth. "), text))
    return bullets(lines)


def profile(study: Study) -> Blocks:
    """After a profile over all drugs."""
    best = study.need("drugs").sort_values("left_out_spearman", ascending=False, kind="stable").iloc[0]["drug"]
    command = Code(f"tl_jax cells --drug={best}")
    return bullets([(Strong("One drug. "), "ask whether the direction of its score is settled: ", command)])


def search(study: Study) -> Blocks:
    """After a grid search."""
    metric = study.entry("settings", "objective", kind=str) or "mcc"
    best = study.need("grid").sort_values(metric, ascending=False, kind="stable").iloc[0]
    hidden = ",".join([f"{best['width']:.0f}"] * int(best["layers"]))
    command = f"tl_jax compounds --hidden={hidden} --batch_size={best['batch']:.0f} --learning_rate={best['rate']:g} "
    command += f"--dropout={best['dropout']:g} --epochs={best['epochs']:.0f}"
    return bullets([(Strong("Model. "), "a study with the chosen settings: ", Code(command))])


def drugs(study: Study) -> Blocks:
    """After an answer for several drugs."""
    judged, rows = study.metric, study.table("drugs")
    end = rows["low" if judged.sign > 0 else "high"]
    shown = rows[judged.sign * (end - (judged.chance or 0)) > 0]
    if shown.empty:
        return bullets([*full_run(study), (Strong("Samples. "), "no drug has a model to rely on: more samples first.")])
    command = f"tl_jax predict --study={FOLDER}/{shown.iloc[0]['folder']} --expression=new.csv --out=predictions.csv"
    words = f"predict new samples for {shown.iloc[0]['drug']}{BEING}: "
    return bullets([*full_run(study), (Strong("Model. "), words, Code(command))])
