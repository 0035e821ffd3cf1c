"""Arms in words that a biologist knows, for sentences: the words first, the code name behind them."""

from __future__ import annotations

from tl_jax.evaluation.predictors.baselines import MARKER

NETWORK = "the source's network"
ARMS = {
    "scratch": "a network trained on these samples alone",
    "zero_shot": f"{NETWORK} as it is",
    "copy_layer1": f"{NETWORK}, first layer taken over, all trained on",
    "freeze_layer1": f"{NETWORK}, first layer kept, the rest trained anew",
    "freeze_layer12": f"{NETWORK}, both hidden layers kept, the output trained anew",
    "fine_tune": f"{NETWORK}, all of it trained on",
    "head_only": f"{NETWORK}, only its output trained on",
    "gradual_unfreezing": f"{NETWORK}, trained on layer by layer from above",
    "discriminative_rates": f"{NETWORK}, lower layers trained on more slowly",
    "l2_sp": f"{NETWORK}, trained on but pulled back to where it began",
    "mmd_fine_tune": f"{NETWORK}, trained on until both data sets look alike to it",
    "coral_freeze_layer1": f"{NETWORK}, first layer kept, on expression made like the source's",
    "feature_ridge": f"a linear model on what {NETWORK} has learned to see",
    "shrunken_ridge": "a linear model on all genes, pulled towards the source's",
    "average_sources": "the mean of linear models over all sources",
    "stack_sources": "a linear model on the forecasts of all sources",
    "profile_gp": "a Gaussian process on genes and on the forecast responses to all source drugs",
    "profile_gp_mechanism": "a Gaussian process on genes and on source drugs, started from those of the same mechanism",
    "mean": "the mean response, the same for every sample",
    "marker_gene": "one marker gene",
    "signature": "the mean of a list of genes",
    "pathways": "a linear model on scores of gene sets",
    "ridge": "a linear model on all genes",
    "repaired_ridge": "a linear model of ranks on all genes, genes of small spread held back",
    "ranked_ridge": "a linear model of ranks on all genes",
    "ranked_elastic_net": "a linear model of ranks on few genes",
    "ranked_kernel_ridge": "a smooth curve of ranks through samples with similar expression",
    "ranked_svr": "support vectors on ranks",
    "elastic_net": "a linear model on few genes",
    "kernel_ridge": "a smooth curve through samples with similar expression",
    "svr": "support vectors, a smooth curve that ignores small errors",
    "random_forest": "a random forest",
    "gradient_boosting": "boosted trees",
    "tabpfn": "TabPFN, a network trained beforehand on made-up tables",
    "nested_choice": "the model that inner folds choose",
    # Many targets: views of a sample that all source drugs together give.
    "drug_profile": "a smooth curve over the responses to all source drugs that a network forecasts",
    "drug_profile_linear": "a linear model on the responses to all source drugs that a network forecasts",
    "drug_features": "a linear model on what a network of all source drugs has learned to see",
    "kernel_profile": "a smooth curve over the responses to all source drugs that kernel ridges forecast",
    "kernel_profile_linear": "a linear model on the responses to all source drugs that kernel ridges forecast",
    "drug_profile_average": "the mean of drug_profile and kernel_ridge",
    "kernel_profile_average": "the mean of kernel_profile and kernel_ridge",
    # Compounds.
    "mode1": f"{NETWORK}, all of it trained on",
    "mode2": f"{NETWORK}, some hidden layers kept, the rest trained on",
    "mode3": f"a simple classifier on what {NETWORK} has learned to see",
    "svc": "support vectors",
    "logistic": "a linear model of two classes",
    # Single cells.
    "prevalence": "the same score for every cell",
    "ridge_within_tissue": "a linear model on all genes, within each tissue",
    "related_drugs": "a linear model on drugs of alike response",
}
SMOOTHED = "_smoothed"  # of single cells: the score averaged over the cells next to each


def words_of(arm: str) -> str:
    """An arm in words, a variant such as "scratch lr=0.01@50" as its base; "" for one that somebody has added."""
    base = arm.split(" ")[0].split("@")[0]
    if base.startswith(MARKER):
        return f"the one gene {base.removeprefix(MARKER)}"
    if base.endswith(SMOOTHED) and base.removesuffix(SMOOTHED) in ARMS:
        return f"{ARMS[base.removesuffix(SMOOTHED)]}, averaged over neighbouring cells"
    return ARMS.get(base.split("_")[0] if base.startswith("mode") else base, "")


def plain(arm: str, source: str = "") -> str:
    """Words, and in brackets the arm's name and the source where it starts; the name alone where there are no words."""
    name, words = f"{arm} from {source}" if source else arm, words_of(arm)
    return f"{words} ({name})" if words else name
