"""The recommended model on the cohort's own samples: what it forecast of each while it had not seen it, and by which
genes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tl_jax.data.domain import Domain
from tl_jax.data.own_scale import on_own_scale, own_scale, possible_words
from tl_jax.data.scaling.scaled import prepare
from tl_jax.data.scaling.scaling import RESISTANT, ResponseScale
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.drug_profile import standardised
from tl_jax.evaluation.predictors.markers import signs_of
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.source_methods import MECHANISM, METHODS
from tl_jax.evaluation.statistics.conformal import held_out_intervals
from tl_jax.evaluation.statistics.profile_pairs import profiles
from tl_jax.study.cohort.pathways import enrichment, known_sets, scores
from tl_jax.study.cohort.recommend import Recommended
from tl_jax.study.core.effects import Explained, explain
from tl_jax.study.core.fold_models import load_fold_models
from tl_jax.study.core.kept import everything
from tl_jax.study.core.profile_arms import carriers
from tl_jax.study.core.profile_source import source_profile
from tl_jax.study.core.respond import load_model, network_of

LEVEL = 0.9
NEAREST = 3
LISTED = 200  # genes of effects.csv
PER_SAMPLE = 10  # genes of attributions.csv for each sample


def tables_of(results, found: Recommended) -> dict[str, pd.DataFrame]:
    """samples, effects and attributions of the recommended model; without the latter two where it has no gradient.

    Of a model of all source drugs carrying_drugs too.
    """
    domain = results.plan.groups[0].problem.domain
    tables = {"samples": samples(results, found, domain)}
    explained, genes = explanation(found, domain)
    if explained is not None:
        tables["effects"] = effects(explained, genes, domain)
        tables["attributions"] = attributions(explained, genes, domain)
    if results.settings.pathways:
        tables |= of_sets(results, found, explained, genes)
    if found.arm in METHODS and METHODS[found.arm].drugs:
        tables["carrying_drugs"] = carrying_drugs(results, found)
    return tables


def of_sets(results, found: Recommended, explained: Explained | None, genes: np.ndarray) -> dict[str, pd.DataFrame]:
    """pathway_scores, and pathways: the sets in which the effects of the recommended model lie."""
    domain, ledger = results.plan.groups[0].problem.domain, results.ledger
    known, z = known_sets(results.settings.pathways, domain), standardised(prepare(domain)[1])[0]
    tables = {"pathway_scores": scores(known, domain, z)}
    own = None if explained is None else enrichment(known, explained.effects, genes, domain, z, found.arm)
    if own is None:
        ledger.remark(f"no sets of genes are tested: {found.arm} gives no effects of enough genes to rank")
        return tables
    return {**tables, "pathways": own}


def carrying_drugs(results, found: Recommended) -> pd.DataFrame:
    """sample_id, source_drug, score: of each sample the source drugs that carry the prediction."""
    plan, problem = results.plan, results.plan.groups[0].problem
    profile = source_profile(plan.cohort.stage("source"), plan.folder).profile
    alike = acts_alike(problem.domain.drugs[0], profile.drugs, plan.settings.mechanisms).drugs
    alike = alike if found.arm == MECHANISM else ()
    return carriers(profile, alike, problem.domain, everything(problem), PER_SAMPLE)


def samples(results, found: Recommended, domain: Domain) -> pd.DataFrame:
    """sample_id, observed, predicted, low, high, level, rank_observed, rank_predicted (1: most sensitive), nearest, and
    batch where the cohort names batches.

    predicted: the mean over repeats of forecasts by models that had not seen the sample. nearest: source lines whose
    expression is most alike, with the correlation of profiles that are centred within each domain.
    """
    rows = results.table("predictions")
    own = (rows["arm"] == found.arm) & (rows["source"].fillna("") == found.source)
    own = rows[own & (rows["protocol"] == results.settings.protocol)]
    if domain.name in set(own.get("domain", [])):
        own = own[own["domain"] == domain.name]
    table = held_out_intervals(own, LEVEL).rename(columns={"y_true": "observed", "y_pred": "predicted"})
    turn = 1 if domain.direction == RESISTANT else -1
    for name in ("observed", "predicted"):
        table[f"rank_{name}"] = (turn * table[name]).rank(method="min").astype(int)
    source = results.cohort.stage("source")
    near = nearest(domain, source) if source.name != domain.name else dict.fromkeys(domain.samples, "")
    table["nearest"] = table["sample_id"].map(near)
    own = own_scale(domain.unit, domain.response.min(), domain.response.max())
    table, outside = on_own_scale(table, own, ("observed", "predicted", "low", "high"))
    if outside:
        results.ledger.remark(f"samples.csv: {possible_words(own, outside)}")
    names = ("sample_id", "observed", "predicted", "low", "high", "level", "rank_observed", "rank_predicted", "nearest")
    if (domain.batch != "").any():
        table["batch"] = table["sample_id"].map(dict(zip(domain.samples, domain.batch, strict=True)))
        names = (*names, "batch")
    return table[list(names)].sort_values(["rank_predicted", "sample_id"], kind="stable", ignore_index=True)


def nearest(domain: Domain, source: Domain) -> dict[str, str]:
    """{sample: its NEAREST source samples with correlations}."""
    seen = domain.measured & source.measured
    r = profiles(domain.x[:, seen]) @ profiles(source.x[:, seen]).T
    best = np.argsort(-r, axis=1, kind="stable")[:, :NEAREST]
    told = [", ".join(f"{source.samples[j]} ({r[i, j]:.2f})" for j in row) for i, row in enumerate(best)]
    return dict(zip(domain.samples.tolist(), told, strict=True))


def explanation(found: Recommended, domain: Domain) -> tuple[Explained | None, np.ndarray]:
    """(the model explained on its own rows, its genes)."""
    variables, meta = load_model(found.path)
    genes = np.asarray(meta["genes"])
    try:
        folds = load_fold_models(found.path, variables, meta)
    except InputError:
        folds = None
    x = prepare(domain)[1][:, np.isin(domain.genes, genes)]
    return explain(network_of(meta), variables, x, ResponseScale(**meta["response_scale"]), folds, genes), genes


def effects(explained: Explained, genes: np.ndarray, domain: Domain) -> pd.DataFrame:
    """gene, effect, high_means, rank, same_sign, top, known: the LISTED largest, and every known marker of the drug.

    effect: change of the response, in its unit, when the gene rises by one spread of the samples. known: whether a
    marker of the list (predictors/markers.py) has this direction here: "as known", "the opposite of what is known".
    """
    turn = 1 if domain.direction == RESISTANT else -1
    table = explained.stability.assign(effect=explained.effects)
    table["rank"] = table["effect"].abs().rank(ascending=False, method="min").astype(int)
    table["high_means"] = np.where(turn * table["effect"] > 0, "resistant", "sensitive")
    known = {one.gene: one.resistant for one in signs_of(domain.drugs[0])}
    agrees = ("the opposite of what is known", "as known")
    pairs = zip(genes, turn * table["effect"], strict=True)
    table["known"] = [agrees[int(effect * known[g] > 0)] if g in known and effect else "" for g, effect in pairs]
    table = table[(table["effect"] != 0) & ((table["rank"] <= LISTED) | (table["known"] != ""))]
    names = ["gene", "effect", "high_means", "rank", "same_sign", "top", "known"]
    return table[names].sort_values(["rank", "gene"], kind="stable", ignore_index=True)


def attributions(explained: Explained, genes: np.ndarray, domain: Domain) -> pd.DataFrame:
    """sample_id, gene, attribution: of each sample the genes that move its prediction most from the average one's."""
    rows = []
    for sample, values in zip(domain.samples, explained.attributions, strict=True):
        for k in np.argsort(-np.abs(values), kind="stable")[: min(PER_SAMPLE, len(genes))]:
            if values[k]:
                rows.append((sample, genes[k], float(values[k])))
    return pd.DataFrame(rows, columns=["sample_id", "gene", "attribution"])
