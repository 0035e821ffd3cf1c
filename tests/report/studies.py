"""Results folders with every table of a two-step study, drawn at random in the form in which studies write them."""

import json

import numpy as np
import pandas as pd

from tl_jax.evaluation.statistics.comparisons import compare
from tl_jax.report.tables import write_csv

STRATEGIES = ("zero_shot", "copy_layer1", "freeze_layer1", "freeze_layer12", "fine_tune", "head_only")
BASELINES = ("mean", "marker_gene", "ridge")
EXPERIMENT = "two_step_study"


def write_study(folder, sources=("Oxaliplatin", "nervous_system"), strategies=STRATEGIES[:3], **sizes):
    """Write all tables into `folder` and return it. sizes: repeats, folds, samples."""
    arms = [("scratch", ""), *((name, "") for name in BASELINES)]
    arms += [(name, source) for source in sources for name in strategies]
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    made = {**fold_tables(rng, arms, **{"repeats": 3, "folds": 3, "samples": 22} | sizes)}
    made |= arm_tables(rng, arms) | size_tables(rng, arms) | source_tables(rng, sources) | gene_tables(rng, arms)
    made |= {"leak_audit": audit(), "lineage": lineage(arms), **own_tables(rng)}
    for name, frame in made.items():
        write_csv(folder / f"{name}.csv", frame)
    (folder / "summary.json").write_text(json.dumps(summary()))
    (folder / "study.json").write_text(json.dumps({"experiment": EXPERIMENT, "code": "c0de" * 16}))
    return folder


def fold_tables(rng, arms, repeats, folds, samples):
    """metrics, predictions, prediction_intervals, comparisons, history."""
    true = rng.uniform(0, 1, samples)
    names = np.array([f"S{i:03d}" for i in range(samples)])
    metrics, predictions = [], []
    for arm, source in arms:
        for protocol, gain in (("honest", 0.0), ("as_published", 0.1)):
            own = {"experiment": EXPERIMENT, "arm": arm, "source": source, "protocol": protocol}
            level = 0.3 + gain + rng.normal(0, 0.1)
            for repeat in range(repeats):
                place = rng.permutation(samples) % folds
                part = pd.DataFrame({"repeat": repeat, "fold": place, "sample_id": names})
                made = 0.5 + 0.0 * true if arm == "mean" else level * true + rng.normal(0, 0.1, samples)
                predictions.append(part.assign(y_true=true, y_pred=made, **own))
                for fold in (*range(folds), "pooled"):
                    n_test = samples if fold == "pooled" else int(np.sum(place == fold))
                    for metric in ("spearman", "rmse", "mae", "r2"):
                        undefined = arm == "mean" and metric == "spearman" and fold != "pooled"
                        value = np.nan if undefined else level + rng.normal(0, 0.2)
                        row = {"repeat": repeat, "fold": fold, "metric": metric, "value": value}
                        metrics.append({**own, **row, "n_train": samples - samples // folds, "n_test": n_test})
    metrics, predictions = pd.DataFrame(metrics), pd.concat(predictions, ignore_index=True)
    honest = predictions[(predictions["protocol"] == "honest") & (predictions["repeat"] == 0)]
    reach = {"low": honest["y_pred"] - 0.4, "high": honest["y_pred"] + 0.4, "level": 0.9, "method": "CV+"}
    intervals = honest.assign(**reach).drop(columns=["repeat", "fold", "experiment"])
    return {
        "metrics": metrics,
        "predictions": predictions,
        "prediction_intervals": intervals,
        "comparisons": pairs(metrics, arms),
        "history": history(arms),
    }


def pairs(metrics, arms):
    """All pairs of a small study; of a large one those with scratch alone, which are what a page shows."""
    rows = metrics[metrics["metric"].isin(["spearman", "rmse"])]
    if len(arms) <= 12:
        return compare(rows, by_source=False, reference="scratch")
    rows = rows[rows["metric"] == "spearman"]
    key = list(zip(rows["arm"], rows["source"], strict=True))
    masks = {arm: np.array([one == arm for one in key]) for arm in arms}
    scratch = masks[("scratch", "")]
    return pd.concat(
        [compare(rows[scratch | masks[arm]], by_source=False, reference="scratch") for arm in arms[1:]],
        ignore_index=True,
    )


def history(arms):
    """Losses by epoch."""
    epoch = np.arange(1, 21)
    parts = []
    for arm, source in arms:
        if arm not in (*BASELINES, "zero_shot"):
            part = pd.DataFrame({"arm": arm, "source": source, "protocol": "honest", "epoch": epoch})
            for name, scale in (("train", 1.0), ("test", 1.5)):
                for end, factor in (("", 1.0), ("_low", 0.8), ("_high", 1.2)):
                    part[f"{name}_loss{end}"] = scale * factor / epoch
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def arm_tables(rng, arms):
    """permutations, intervals, variance, detectable, protocols, source_test: a row or a few per arm."""
    permutations, intervals, variance, detectable, protocols, tested = [], [], [], [], [], []
    for arm, source in arms:
        own = {"arm": arm, "source": source}
        rho, count = float(rng.uniform(-0.1, 0.6)), int(rng.integers(0, 200))
        p = {"permutations": 199, "at_least": count, "p": (1 + count) / 200}
        permutations.append({**own, "protocol": "honest", "observed": rho, **p, "null_mean": 0.0, "null_q95": 0.3})
        if own["source"]:
            said = {"permuted": "source: drug", "method": "retrained", "decides": False, "reference": "ridge"}
            said |= {"beyond": False, "p_holm": 1.0, "p_after_looks": 1.0}
            tested.append({**permutations[-1], **said})
        ends = {"fisher_low": rho - 0.3, "fisher_high": rho + 0.25, "bca_low": rho - 0.28, "bca_high": rho + 0.2}
        intervals.append({**own, "protocol": "honest", "n": 22, "spearman": rho, **ends, "level": 0.95})
        shares = rng.dirichlet(np.ones(4))
        for component, one in zip(("partition", "initialisation", "batch order", "interaction"), shares, strict=True):
            line = {"component": component, "variance": one * 0.02, "share": one}
            variance.append({**own, "protocol": "honest", **line})
        pair = {"arm_a": arm, "source_a": source, "arm_b": "scratch", "source_b": ""}
        found = {"metric": "spearman", "power": 0.8, "detectable": 0.31}
        detectable.append({**pair, "protocol": "honest", **found})
        both = {"metric": "spearman", "honest": rho, "as_published": rho + 0.1, "difference": 0.1}
        protocols.append({**own, **both, "ci_low": -0.02, "ci_high": 0.22, "p_corrected": 0.09})
    names = ("permutations", "intervals", "variance", "detectable", "protocols", "source_test")
    frames = (permutations, intervals, variance, detectable, protocols, tested)
    return {name: pd.DataFrame(rows) for name, rows in zip(names, frames, strict=True)}


def size_tables(rng, arms):
    """learning_curves, gain_map, extra_samples."""
    curves, gains, extra = [], [], []
    for arm, source in arms:
        own = {"arm": arm, "source": source}
        for size in (8, 11, 14):
            for repeat in range(3):
                for fold in range(3):
                    value = 0.02 * size + rng.normal(0, 0.1)
                    row = {"n_train": size, "repeat": repeat, "fold": fold, "value": value}
                    curves.append({**own, "protocol": "honest", **row})
            if source:
                gain, reach = rng.normal(0, 0.2), rng.uniform(0.05, 0.3)
                ends = {"gain": gain, "ci_low": gain - reach, "ci_high": gain + reach}
                p = {"p_corrected": 0.2, "p_holm": 0.01 if gain > 0.3 else 0.9}
                gains.append({**own, "protocol": "honest", "n_train": size, **ends, **p})
        if source:
            row = {"n_train": 8, "gain": 0.1, "extra": 3.2, "extra_low": -1.0, "extra_high": np.nan}
            extra.append({**own, **row, "note": "transfer is worth 3.2 samples; upper end >= 6"})
    return {
        "learning_curves": pd.DataFrame(curves),
        "gain_map": pd.DataFrame(gains),
        "extra_samples": pd.DataFrame(extra),
    }


def source_tables(rng, sources):
    """transferability, transferability_agreement."""
    rows = []
    for place, source in enumerate(sources):
        for score in ("LogME", "CKA", "MMD"):
            ranks = {"rank_by_score": place + 1, "rank_realised": place + 1}
            row = {"score": score, "value": rng.normal(), "realised_gain": 0.1 - 0.02 * place}
            rows.append({"source": source, **row, **ranks})
    agreement = [{"score": s, "sources": len(sources), "spearman": 0.4} for s in ("LogME", "CKA", "MMD")]
    return {"transferability": pd.DataFrame(rows), "transferability_agreement": pd.DataFrame(agreement)}


def gene_tables(rng, arms, count=400):
    """gene_weights, gene_stability, gene_overlap."""
    genes = [f"G{i:04d}" for i in range(count)]
    nets = [arm for arm in arms if arm[0] not in BASELINES]
    weights = {f"{source}:{arm}" if source else arm: rng.gamma(2, 1, count) for arm, source in nets}
    stability, overlap = [], []
    for arm, source in nets:
        ranked = rng.permutation(genes)[:60]
        for rank, gene in enumerate(ranked, start=1):
            row = {"gene": gene, "mean_weight": 5 / rank, "rank": rank, "top_share": max(0.0, 1 - rank / 60)}
            stability.append({"arm": arm, "source": source, **row})
        pair = {"arm_a": arm, "source_a": source, "arm_b": "scratch", "source_b": ""}
        overlap.append({**pair, "top": 50, "shared": 12, "jaccard": 12 / 88})
    frames = pd.DataFrame({"gene": genes, **weights}), pd.DataFrame(stability), pd.DataFrame(overlap)
    return dict(zip(("gene_weights", "gene_stability", "gene_overlap"), frames, strict=True))


def audit():
    """leak_audit."""
    columns = ["protocol", "stage", "what", "fitted_on", "held_out", "check", "result"]
    rows = [
        ("honest", "target", "expression scaler", "training rows", "nothing", "held-out rows changed", "no change"),
        ("as_published", "target", "expression scaler", "held-out rows", "expression", "the same", "changed"),
        ("as_published", "target", "response range", "all rows", "expression and labels", "the same", "changed"),
    ]
    return pd.DataFrame(rows, columns=columns)


def lineage(arms):
    """lineage: source models, and the final models that began as one of them."""
    rows = []
    for arm, source in arms:
        if arm in BASELINES:
            continue
        root = f"root-{source}" if source else ""
        recipe = {"samples": 22, "epochs": 50, "learning_rate": 1e-3, "data_fingerprint": "ab" * 32}
        if root and not any(row["id"] == root for row in rows):
            start = {"id": root, "parent": "", "stage": "source", "domain": "source", "drug": source}
            rows.append({**start, "strategy": "scratch", **recipe, "samples": 700})
        end = {"id": f"{arm}-{source}", "parent": root, "stage": "target", "domain": "target", "drug": "Temozolomide"}
        rows.append({**end, "strategy": arm, **recipe})
    return pd.DataFrame(rows)


def own_tables(rng):
    """samples, effects, attributions and pathways of the recommended model."""
    names, values = [f"S{i:03d}" for i in range(8)], np.sort(rng.uniform(0, 1, 8))
    samples = pd.DataFrame({"sample_id": names, "observed": rng.uniform(0, 1, 8), "predicted": values})
    samples = samples.assign(low=values - 0.4, high=values + 0.4, level=0.9, nearest="L1 (0.52), L2 (0.40)")
    samples = samples.assign(rank_observed=range(1, 9), rank_predicted=range(1, 9))
    genes = pd.DataFrame({"gene": ["MGMT", "TP53"], "effect": [0.3, -0.1], "high_means": ["resistant", "sensitive"]})
    genes = genes.assign(rank=[1, 2], same_sign=[1.0, 2 / 3], top=1.0, known=["as known", ""])
    each = pd.DataFrame({"sample_id": names[:2], "gene": ["MGMT", "TP53"], "attribution": [0.2, -0.1]})
    sets = pd.DataFrame({"set": ["REPAIR", "CYCLE"], "genes": [12, 30], "named": [15, 30], "above": [0.7, 0.4]})
    sets = sets.assign(high_means=["resistant", "sensitive"], correlation=0.1, p=[0.01, 0.3], p_adjusted=[0.02, 0.3])
    return {"samples": samples, "effects": genes, "attributions": each, "pathways": sets}


def summary():
    """summary.json."""
    data = {"samples": 22, "genes": 400, "gene_coverage": 1.0, "unit": "AUC", "direction": "resistant"}
    return {
        "experiment": EXPERIMENT,
        "title": "two steps, every source",
        "cohort": {"name": "mine", "title": "My cohort", "genes": 400},
        "settings": {"seed": 400, "repeats": 3, "hidden": [1000, 100], "quick": False},
        "versions": {"python": "3.11.7", "jax": "0.10.2"},
        "device": {"platform": "cpu", "count": 2},
        "data": {"target:Temozolomide": {**data, "fingerprint": "ef" * 32}},
        "stage_data": {"source:Oxaliplatin": "cd" * 32},
        "wall_seconds": {"preparation": 0.5, "arm scratch": 12.25},
        "notes": ["negative transfer: an example"],
        "kept_folds": True,
        "recommended": {
            "arm": "ridge",
            "source": "",
            "value": 0.41,
            "candidates": 3,
            "honest": 0.3,
            "path": "",
            "id": "",
        },
    }
