"""Section on what to do after a study: the model and its command, the source, how many samples, what to mend."""

from __future__ import annotations

import math

from tl_jax.evaluation.checks.parts import GOES, SHIFTS
from tl_jax.evaluation.predictors.plain_words import plain
from tl_jax.evaluation.predictors.source_methods import METHODS
from tl_jax.evaluation.statistics.against import base
from tl_jax.evaluation.statistics.power import ARMS, MEASURED, USUAL, detectable, detectable_words, enough
from tl_jax.evaluation.statistics.power import sizes as simulated
from tl_jax.evaluation.statistics.verdict import sample_range
from tl_jax.report.blocks import Blocks, Code, Line, Strong, bullets
from tl_jax.report.sections.answer import BEING, FOLDER, best_transfer, chosen_in, helps, is_quick, predicts
from tl_jax.report.sections.run import short_paths
from tl_jax.report.sections.study import Study

# A difference that is found in 80 % of studies, in half widths of a 95 % interval: (1.96 + 0.84) / 1.96.
FOUND = 1.43
GAINS = (0.1, 0.2, 0.3)  # of metrics without a unit; of others, shares of the reference's mean
MANY = 10_000  # samples beyond which a number is a joke
MOST_FINDINGS = 3
MODEL = "Model. "
# A source by way of the intermediate data set is called "DRUG > intermediate".
ROUTE, INTERMEDIATE = " > ", "intermediate"


def next_steps(study: Study) -> Blocks:
    """What next after an experiment."""
    found = [*full_run(study), (Strong(MODEL), *_model(study)), (Strong("Source. "), _source(study))]
    samples = _samples(study)
    found += [(Strong("Samples. "), samples)] if samples else []
    return bullets([*found, *((Strong("Data. "), *one) for one in _data(study))])


def full_run(study: Study) -> list[Line]:
    """What a quick look needs first."""
    text = "run it again without --quick: the numbers of a quick look are no result."
    return [(Strong("Full run. "), text)] if is_quick(study) else []


def _model(study: Study) -> Line:
    """The recommended model's command."""
    one = study.entry("recommended", kind=dict)
    if not one:
        return "this study keeps no model to recommend; one that does, and says how sure it is: ", Code("tl_jax answer")
    command = f"tl_jax predict --study={FOLDER} --expression=new.csv --out=predictions.csv"
    command += " --interval=0.9" if study.entry("kept_folds") is True else ""
    name = plain(one["arm"], one["source"])
    if chosen_in(study) is not None and not predicts(study):
        return f"no model is shown to predict, so no forecast is worth a decision; to try {name}{BEING}: ", Code(
            command
        )
    return f"predict new samples with {name}{BEING}: ", Code(command)


def _source(study: Study) -> str:
    """Which source to go on with."""
    best = best_transfer(study)
    if best is None:
        return "none was compared; a study with public lines as the source says whether one helps."
    drug, method = best["source"].split(ROUTE)[0], METHODS.get(base(best["arm"]))
    several = method is not None and (method.drugs or method.many)  # no single drug is its source
    name = best["source"] if drug == INTERMEDIATE or several else f"{best['source']} (--source_drug={drug})"
    if helps(study, best):
        return f"go on with {name}, which is shown to help."
    return f"none is shown to help on these samples; most promising: {name}."


def _samples(study: Study) -> str:
    """How many samples which gain would take; "" where nothing can be said.

    As `tl_jax power` and the verdict say it, from simulated studies, where their metric judges and so many samples were
    simulated; else roughly, from the interval of the best transfer.
    """
    count = sample_range(study.metrics, study.protocol, study.metric.name)[0]
    if study.gains.empty or not count:
        return ""
    known = detectable(count) if study.metric.name == MEASURED else math.nan
    return _roughly(study, count) if math.isnan(known) else _simulated(count, known)


def _simulated(count: int, known: float) -> str:
    """What simulated studies say. known: the smallest gain that so many samples find; infinite for none."""
    asked = {gain: enough(gain) for gain in GAINS if gain < known}
    fewer = ", ".join(f"{gain:.2f}: {n}" for gain, n in asked.items() if n and n > count)
    never = [f"{gain:.2f}" for gain, n in asked.items() if n is None]
    text = f"with {count} samples {detectable_words(count)}, by simulation"
    text += f". Samples that smaller gains would take: {fewer}" if fewer else ""
    if never:
        text += f". Up to {simulated(ARMS)[-1]} samples, the most that were simulated, gains of {', '.join(never)} are "
        text += f"found less often than in {USUAL:.0%} of studies"
    return f"{text} (tl_jax power --n={count})."


def _roughly(study: Study, count: int) -> str:
    """From the interval of the best transfer: its width falls with the square root of the number of samples."""
    rows, best = study.gains.dropna(subset=["ci_low", "ci_high"]), best_transfer(study)
    judged = study.metric
    if rows.empty:
        return ""
    best = rows.iloc[0] if best is None or best[["ci_low", "ci_high"]].isna().any() else best
    least = FOUND * (best["ci_high"] - best["ci_low"]) / 2
    if not 0 < least < judged.reach:
        return f"{count} samples in these folds settle nothing: the interval of a gain holds every possible value."
    asked = [(gain, needed(count, least, gain)) for gain in sizes(study, best["reference"]) if gain < least]
    text = f"with {count} samples a study like this finds a gain of about {judged.text(least)} in {judged.per_fold} "
    text += "in 4 of 5 cases, and misses smaller ones more often"
    told = ", ".join(f"{judged.text(gain)}: {n}" for gain, n in reversed(asked))
    return f"{text}. Samples that smaller gains would take, roughly: {told}." if told else f"{text}."


def sizes(study: Study, reference: str) -> list[float]:
    """Gains that one may ask for, in the unit of the metric."""
    if study.metric.reach < math.inf:
        return list(GAINS)
    own = study.means[study.means["arm"] == reference]["mean"]
    return [abs(float(own.iloc[0])) * gain for gain in GAINS] if len(own) else []


def needed(count: int, least: float, gain: float) -> str:
    """Samples at which `gain` is found as often as `least` is with `count`: errors fall with their square root."""
    n = count * (least / gain) ** 2
    return f"more than {MANY:,}" if n > MANY else f"{float(f'{n:.2g}'):,.0f}"


def _data(study: Study) -> list[Line]:
    """What the check found in the data, worst first; the command of the check where it was not made."""
    rows = study.table("findings")
    if rows.empty:
        if "findings.csv" in study.digests:
            return [("the check of the tables found nothing to mend.",)]
        cohort = study.entry("flags", "cohort", kind=str)
        if cohort in (None, "simulated"):
            return []
        command = f"tl_jax check --cohort={short_paths(cohort)}"
        return [("look for mix-ups, batches and outliers before more is run: ", Code(command))]
    # What blocks first, then batches, which may make a model of nothing look good.
    grave = (rows["severity"] != "blocking") * 2 - rows.get("check", rows["severity"]).isin((GOES, SHIFTS))
    order = rows.assign(grave=grave).sort_values("grave", kind="stable")
    told = [(f"{row['text']}: {row['remedy']}.",) for row in order.head(MOST_FINDINGS).to_dict("records")]
    if len(rows) > MOST_FINDINGS:
        told.append((f"{len(rows) - MOST_FINDINGS} more stand in findings.csv and check_data.html.",))
    return told
