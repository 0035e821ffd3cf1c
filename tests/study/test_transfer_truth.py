"""On simulated chains with known truth: related labels transfer, unrelated labels do not."""

import numpy as np
import pytest

from tl_jax.data.cohort.simulate import simulate
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings


def gain(relatedness, folder):
    """Mean per-fold Spearman of freeze_layer1 from oxaliplatin minus that of scratch, over five chains."""
    gains = []
    for seed in range(5):
        cohort, _ = simulate(seed=seed, genes=400, n_source=400, n_target=40, relatedness=relatedness)
        settings = Settings(
            strategies=("scratch", "freeze_layer1"),
            source_drugs=("Oxaliplatin",),
            repeats=2,
            folds=3,
            hidden=(64, 16),
            checkpoint_dir=str(folder / f"{relatedness}-{seed}"),
        )
        results = run_plan(prepare(EXPERIMENTS["exp6_source_to_target"], settings, cohort))
        folds = results.table("metrics").query("metric == 'spearman' and fold != 'pooled'")
        means = folds.groupby("arm").value.mean()
        gains.append(means["freeze_layer1"] - means["scratch"])
    return float(np.mean(gains))


@pytest.mark.full
@pytest.mark.parametrize(("relatedness", "low", "high"), [(0.95, 0.1, 1.0), (0.0, -1.0, 0.05)])
def test_gain_follows_relatedness(relatedness, low, high, tmp_path):
    """Measured over six chains: +.25 at .95 and -.19 at 0."""
    assert low < gain(relatedness, tmp_path) < high
