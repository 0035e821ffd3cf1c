"""The profile process on real targets: what the source gives, and the gains over the target's own genes."""

import os

import numpy as np
import pandas as pd
import pytest

from tl_jax.data.cohort.cohort_file import load_cohort
from tl_jax.data.cohort.targets import Targets
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.evaluation.predictors.baselines import ridge
from tl_jax.evaluation.predictors.drug_profile import fit_drug_profile, fit_duals, of_tissue, residuals, standardised
from tl_jax.evaluation.predictors.mechanisms import acts_alike
from tl_jax.evaluation.predictors.profile_gp import profile_gp, repaired_ridge
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.study.core.problem import Partition


@pytest.mark.full
@pytest.mark.skipif("TLJAX_DATA" not in os.environ, reason="needs the real data: set TLJAX_DATA")
def test_gains_on_31_drugs_of_nci60():
    cohort = load_cohort("nci60", targets=Targets("nci60_almanac_31drugs.csv"))
    source, target = cohort.stage("source"), cohort.stage("target")
    profile = fit_drug_profile(source.x, source.y, source.drugs, source.tissue)
    assert profile.weights.shape == (4433, 286)
    assert profile.reliability.mean() == pytest.approx(0.3061, abs=1e-4)
    found = []
    for drug in target.drugs:
        own, alike = target.for_drug(drug), acts_alike(drug, profile.drugs).drugs
        for f in Partition(3, 1).draw(own.response, own.groups):
            y, held = own.response[f.train], own.response[f.test]
            for kind, arms in (
                ("standard", {"ridge": lambda a, b, y=y: ridge(a, y, b)}),
                ("floored", {"repaired_ridge": lambda a, b, y=y: repaired_ridge(a, y, b)}),
                (
                    "shrunken",
                    {
                        "profile_gp": lambda a, b, y=y: profile_gp(a, y, b, profile),
                        "mechanism": lambda a, b, y=y, c=alike: profile_gp(a, y, b, profile, alike=c),
                    },
                ),
            ):
                scaler = fit_scaler(own.x[f.train], kind, profile.variance)
                rows = scaler.apply(own.x[f.train]), scaler.apply(own.x[f.test])
                found += [(drug, arm, spearman(held, predict(*rows))) for arm, predict in arms.items()]
    means = pd.DataFrame(found, columns=["drug", "arm", "value"]).groupby(["drug", "arm"]).value.mean().unstack()
    gain = means["profile_gp"] - means["ridge"]
    assert gain.mean() > 0.05
    assert np.mean(gain > 0) > 0.7
    assert (means["profile_gp"] - means["repaired_ridge"]).mean() > 0.02
    assert (means["mechanism"] - means["repaired_ridge"]).mean() > 0.03


@pytest.mark.full
@pytest.mark.skipif("TLJAX_DATA" not in os.environ, reason="needs the real data: set TLJAX_DATA")
def test_the_coefficients_of_the_source_have_their_known_size():
    """Before they become weights of genes: lines x drugs, of 787 lines, 4,433 genes and 286 drugs."""
    source = load_cohort("nci60").stage("source")
    z, _ = standardised(source.x)
    belongs = of_tissue(source.tissue)
    free = np.eye(len(z)) - belongs @ np.linalg.pinv(belongs)
    dual, reliability = fit_duals(free @ (z @ z.T / z.shape[1]) @ free, residuals(source.y, belongs), lambda done: None)
    coefficients = free @ dual
    coefficients -= coefficients.mean(axis=1, keepdims=True)
    assert (z.shape, dual.shape) == ((787, 4433), (787, 286))
    assert reliability.mean() == pytest.approx(0.3061, abs=1e-4)
    assert np.abs(coefficients).mean() == pytest.approx(0.2940, abs=1e-4)
