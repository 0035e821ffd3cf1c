"""The tables that a results folder may hold, with the columns that the report reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Contract(NamedTuple):
    """Columns that must be there, as text and as numbers; further columns are kept as text.

    "{metric}" in the name of a column stands for the metric that judges the study.
    """

    text: tuple[str, ...]
    numbers: tuple[str, ...]

    def of(self, metric: str) -> Contract:
        """The contract of a study that is judged by `metric`."""
        return Contract(self.text, named(self.numbers, metric))


def named(columns: Iterable[str], metric: str) -> tuple[str, ...]:
    """Names of columns in a study that is judged by `metric`."""
    return tuple(column.replace("{metric}", metric) for column in columns)


ARM = ("arm", "source", "protocol")
INTERVAL = ("ci_low", "ci_high")
TABLES = {
    "metrics": Contract((*ARM, "fold", "metric"), ("repeat", "value", "n_train", "n_test")),
    "comparisons": Contract(
        ("protocol", "metric", "source_a", "arm_a", "source_b", "arm_b"),
        (
            *("folds", "mean_difference", *INTERVAL, "p_corrected", "p_holm", "p_better", "p_rope", "p_worse", "rope"),
            *("win_rate", "cliffs_delta", "p_naive_wilcoxon"),
        ),
    ),
    "predictions": Contract((*ARM, "fold", "sample_id"), ("repeat", "y_true", "y_pred")),
    "history": Contract(ARM, ("epoch", "train_loss", "test_loss")),
    "gene_weights": Contract(("gene",), ()),
    "source_drugs": Contract(("drug",), ("n", "dynamic_range", "rank")),
    "protocols": Contract(
        ("arm", "source", "metric"), ("honest", "as_published", "difference", *INTERVAL, "p_corrected")
    ),
    "permutations": Contract(ARM, ("observed", "permutations", "at_least", "p", "null_mean", "null_q95")),
    "intervals": Contract(ARM, ("n", "{metric}", "fisher_low", "fisher_high", "bca_low", "bca_high", "level")),
    "source_test": Contract(
        (*ARM, "permuted", "method", "decides", "reference", "beyond"),
        ("observed", "permutations", "at_least", "p", "p_holm", "p_after_looks", "null_mean", "null_q95"),
    ),
    "variance": Contract((*ARM, "component"), ("variance", "share")),
    "detectable": Contract(
        ("arm_a", "source_a", "arm_b", "source_b", "protocol", "metric"), ("power", "detectable")
    ),
    "learning_curves": Contract((*ARM, "fold"), ("n_train", "repeat", "value")),
    "gain_map": Contract(ARM, ("n_train", "gain", *INTERVAL, "p_corrected", "p_holm")),
    "extra_samples": Contract(("arm", "source", "note"), ("n_train", "gain", "extra", "extra_low", "extra_high")),
    "transferability": Contract(("source", "score"), ("value", "realised_gain", "rank_by_score", "rank_realised")),
    "transferability_agreement": Contract(("score",), ("sources", "spearman")),
    "prediction_intervals": Contract((*ARM, "sample_id", "method"), ("y_true", "y_pred", "low", "high", "level")),
    "samples": Contract(
        ("sample_id", "nearest"), ("observed", "predicted", "low", "high", "level", "rank_observed", "rank_predicted")
    ),
    "findings": Contract(("severity", "text", "remedy"), ()),
    "effects": Contract(("gene", "high_means", "known"), ("effect", "rank", "same_sign", "top")),
    "pathways": Contract(("set", "high_means"), ("genes", "named", "above", "correlation", "p", "p_adjusted")),
    "attributions": Contract(("sample_id", "gene"), ("attribution",)),
    "carrying_drugs": Contract(("sample_id", "source_drug"), ("score",)),
    "gene_stability": Contract(("arm", "source", "gene"), ("mean_weight", "rank", "top_share")),
    "gene_overlap": Contract(("arm_a", "source_a", "arm_b", "source_b"), ("top", "shared", "jaccard")),
    "leak_audit": Contract(("protocol", "stage", "what", "fitted_on", "held_out", "check", "result"), ()),
    "lineage": Contract(
        ("id", "parent", "stage", "domain", "drug", "strategy", "data_fingerprint"),
        ("samples", "epochs", "learning_rate"),
    ),
}  # fmt: skip
# The same of a study between protein families (study/dti_tables.py).
COMPARED = ("source", "arm", "reference", "metric")
FAMILY_TABLES = {
    "arms": Contract(("source", "arm", "metric"), ("size", "value", *INTERVAL, "sd_draws", "draws", "n_test")),
    "metrics": Contract(("source", "arm", "metric"), ("size", "n_train", "draw", "value")),
    "comparisons": Contract(
        COMPARED, ("size", "draws", "mean", "mean_reference", "difference", *INTERVAL, "p", "p_holm", "p_naive_t")
    ),
    "crossovers": Contract((*COMPARED, "answer"), ("crossover", *INTERVAL)),
    "switches": Contract(("method", "switch", "source"), ("size", "difference", *INTERVAL, "p")),
    "calibration": Contract(("source", "arm"), ("size", "low", "high", "predicted", "observed", "count")),
    "test_compounds": Contract(("compound_id", "smiles", "scaffold"), ("label",)),
    "families": Contract(
        ("family",), ("compounds", "active", "merged", "disagreeing", "unparsed", "unmeasured")
    ),
    "left_out": Contract(("family", "id", "smiles", "reason"), ("line",)),
    "permutations": Contract(ARM, ("size", "observed", "permutations", "at_least", "p", "null_mean", "null_q95")),
    "source_test": Contract(
        ("source", "arm"), ("size", "observed", "permutations", "at_least", "p", "null_mean", "p_holm")
    ),
    "nested_choices": Contract(ARM, ("size", "draw", "inner_{metric}")),
    "variance": Contract((*ARM, "component"), ("size", "variance", "share")),
    "reach": Contract(
        ("source", "arm"), ("from_similarity", "to_similarity", "n", "active", "confident", "mcc", "auroc", "brier")
    ),
}  # fmt: skip
# The same of a study of many targets (study/many_targets/tables.py), and of a grid search.
TARGET_TABLES = {
    "blocks": Contract(("target", "protocol"), ()),
    "gains": Contract(("arm", "protocol", "reference", "source"), ("targets", "gain", *INTERVAL, "won")),
    "over_samples": Contract(
        ("arm", "source", "protocol", "reference"), ("targets", "samples", "gain", *INTERVAL, "p", "p_family")
    ),
    "by_class": Contract(
        ("class", "arm", "protocol", "reference", "drugs"), ("targets", "gain", "least", "most", "won")
    ),
    "ranks": Contract(("arm", "protocol"), ("average_rank",)),
    "source_test": Contract(
        ("target", "arm", "source", "protocol"), ("observed", "permutations", "at_least", "p", "null_mean", "p_holm")
    ),
}
AXES = ("layers", "width", "batch", "rate", "dropout", "epochs")
SEARCH_TABLES = {
    "grid": Contract((), (*AXES, "mcc", "mcc_sd", "auroc", "auroc_sd")),
    "test": Contract(("metric",), ("value",)),
}
# The same of a study of single cells (study/cells/outputs.py).
CELL_TABLES = {
    "cells": Contract(("cell",), ("sens_score", "sens_score_sd", "sens_prob", "sens_label", "sens_label_agreement")),
    "signs": Contract((), ("component", "variance", "spearman", "agreement")),
    "near": Contract(("line",), ("spearman",)),
    "arms": Contract(("arm", "metric"), ("mean", "sd", "of_score", "below_half")),
    "counted": Contract(("arm", "metric"), ("mean", "sd", "of_score", "below_half")),
    "intervals": Contract(("arm", "metric", "over"), ("n", "value", "ci_low", "ci_high")),
    "comparisons": Contract(("arm", "reference"), ("draws", "difference", "ci_low", "ci_high", "p_holm", "p_better")),
    "graded": Contract(("arm", "against"), ("cells", "spearman", "sd", "of_score")),
    "against_nulls": Contract(("null", "arm", "metric"), ("n", "mean", "low", "high", "observed", "p")),
    "over_lines": Contract(("arm",), ("lines", "spearman")),
    "genes": Contract(("class", "gene"), ("score", "log_fold", "p_adjusted")),
    "map": Contract(("cell",), ("x", "y", "cluster", "score", "label", "pseudotime")),
    "modules": Contract(("compared", "class"), ("pearson", "low", "high", "draws")),
    "trajectory": Contract(("root",), ("cells", "spearman", "p", "null_95")),
    "lineage": TABLES["lineage"],
    "critical_genes": Contract(("arm", "gene"), ("importance", "rank", "top_share", "slope")),
    "critical_overlap": Contract(
        ("arm",),
        (
            *("runs", "top", "jaccard", "by_chance", "jaccard_ridge", "importance_ridge", "direction_ridge"),
            *("incomplete", "alike"),
        ),
    ),
    "critical_attention": Contract(("arm", "over", "one", "other"), ("tokens", "spearman", "sd")),
    "paga": Contract((), ("one", "other", "connectivity")),
}
# The same of a profile over all drugs (study/cells/profile.py).
PROFILE_TABLES = {
    "profiles": Contract(("cell",), ()),
    "drugs": Contract(("drug",), ("lines", "left_out_spearman", "penalty", "mean", "sd")),
    "near": CELL_TABLES["near"],
}
# The same of an answer for several drugs (study/answer/answer.py).
DRUG_TABLES = {
    "drugs": Contract(
        ("drug", "folder", "arm", "source"), ("samples", "value", "honest", "estimate", "low", "high", "p")
    ),
}
# Tables whose columns are numbers but for these.
NUMBERS_BUT = {"profiles": ("cell",), "gene_weights": ("gene",), "blocks": ("target", "protocol")}
OF_NETWORKS = ("score", "label", "agreement")
# Numbers of tables whose further columns the report draws where they are there.
OPTIONAL_NUMBERS = {
    "map": ("truth", *(f"{of}_{when}" for of in OF_NETWORKS for when in ("pretransfer", "transferred"))),
    "comparisons": ("t", "df", "p", "p_family", "p_after_looks", "looks"),
    "over_samples": ("p_after_looks", "looks"),
    "source_test": ("p_after_looks", "looks"),
    "history": ("train_loss_low", "train_loss_high", "test_loss_low", "test_loss_high", "train_mae", "test_mae"),
    "source_drugs": ("median", "q25", "q75", "replicate_n", "replicate_spearman", "intermediate_{metric}"),
}
