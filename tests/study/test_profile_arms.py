"""Arms on all drugs of a source: in a problem, as kept models, with their checkpoint, and the scaling of genes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.config import NetworkConfig
from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.scaling.choice import rescaled
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.forms import evaluate
from tl_jax.evaluation.predictors.profile_gp import fit_gp
from tl_jax.study.cohort.outputs import write_outputs
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.predict import predict_samples
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.arms import How, run_arms
from tl_jax.study.core.kept import everything, keep_form
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.profile_arms import carriers, form, predicted, profile_arms
from tl_jax.study.core.profile_source import identified, source_profile
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.core.respond import load_model

BOTH = ("profile_gp", "profile_gp_mechanism")


@pytest.fixture(scope="module")
def cohort():
    return simulate(seed=3, genes=60, n_source=120, n_intermediate=30, n_target=24)[0]


@pytest.fixture(scope="module")
def source(cohort, tmp_path_factory):
    return source_profile(cohort.stage("source"), tmp_path_factory.mktemp("stages"))


def problem_of(cohort, protocol="honest", kind=None):
    domain = rescaled(cohort, kind).stage("target").for_drug(cohort.drug)
    return Problem.drawn(domain, Partition(3, 1), PROTOCOLS[protocol])


def test_the_checkpoint_is_found_again_and_names_its_drugs(cohort, source):
    again = source_profile(cohort.stage("source"), source.path.parent)
    assert (source.reused, again.reused) == (False, True)
    assert again.profile.drugs == source.profile.drugs == cohort.stage("source").drugs
    np.testing.assert_array_equal(again.profile.weights, source.profile.weights)
    changed = replace(cohort.stage("source"), tissue=cohort.stage("source").tissue[::-1])
    assert identified(changed)["id"] != source.meta["id"]
    with pytest.raises(InputError, match="no drug of domain source: drugs measured on at least 500 lines"):
        source_profile(cohort.stage("source"), source.path.parent, 500)
    with pytest.raises(InputError, match="holds the profile of 4 drugs, which predicts no response by itself"):
        load_model(source.path)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_arm_by_hand_under_each_protocol(cohort, source, protocol):
    problem, profile = problem_of(cohort, protocol), source.profile
    domain, f = problem.domain, problem.folds[0]
    train, test = f.fold.train, f.fold.test
    rows = {"honest": (train, train), "as_published": (train, test), "transductive": (np.arange(24),) * 2}[protocol]
    own, other = (fit_scaler(domain.x[part], "shrunken", profile.variance) for part in rows)
    found = fit_gp(own.apply(domain.x[train]), domain.response[train], profile)
    expected = found.back(found.score(other.apply(domain.x[test]), profile))
    np.testing.assert_allclose(predicted(profile, (), domain, f), expected)
    kept = form(profile, (), domain, f)
    if protocol != "as_published":  # new samples are scaled as training rows are
        told = evaluate(kept.kind, kept.arrays, f.scaled_test(domain))
        np.testing.assert_allclose(told, expected, rtol=1e-4, atol=1e-5)


def test_what_is_kept_names_the_profile_as_its_ancestor(cohort, source, tmp_path):
    problem, how = problem_of(cohort), How(NetworkConfig("two_step", (8, 4)))
    (arm,) = profile_arms(["profile_gp"], source, ())
    kept = keep_form(problem, arm, "target", [source.meta], how, tmp_path)
    assert [one["id"] for one in kept.meta["ancestors"]] == [source.meta["id"]]
    f = everything(problem)
    params = {name: np.asarray(leaf) for name, leaf in kept.variables["params"].items()}
    told = evaluate(kept.meta["network"]["name"], params, f.scaled_train(problem.domain))
    np.testing.assert_allclose(told, predicted(source.profile, (), problem.domain, f), rtol=1e-4, atol=1e-5)


def test_the_drugs_that_carry_a_prediction_add_up(cohort, source):
    """With all drugs named, their parts and the genes' are the whole score."""
    problem = problem_of(cohort)
    domain, f = problem.domain, everything(problem)
    table = carriers(source.profile, ("Temozolomide",), domain, f, 4)
    z = fit_scaler(domain.x, "shrunken", source.profile.variance).apply(domain.x).astype(float)
    found = fit_gp(z, domain.response, source.profile, ("Temozolomide",))
    score = found.score(z, source.profile)
    parts = table.groupby("sample_id").score.sum().reindex(domain.samples).to_numpy() + z @ found.genes
    np.testing.assert_allclose(score - score.mean(), parts - parts.mean(), atol=1e-6)
    assert np.ptp(parts) > 0.1


@pytest.mark.parametrize("kind", ["floored", "shrunken"])
def test_scaling_reaches_every_arm_but_those_with_their_own(cohort, source, kind):
    how = How(NetworkConfig("two_step", (8, 4)))
    found = {}
    for scaling in ("standard", kind):
        problem = problem_of(cohort, kind=scaling)
        f = problem.folds[0]
        like = cohort.stage("source").x.var(axis=0, dtype=np.float64)
        expected = fit_scaler(problem.domain.x[f.fold.train], scaling, like)
        np.testing.assert_allclose(f.train.scale, expected.scale, rtol=1e-5)
        (arm,) = profile_arms(["profile_gp"], source, ())
        (one,) = run_arms(problem, [arm], how)
        found[scaling] = one.predictions.y_pred.to_numpy()
    np.testing.assert_allclose(found[kind], found["standard"], rtol=1e-5)
    assert not np.allclose(expected.scale, fit_scaler(problem.domain.x[f.fold.train], "standard").scale)


def test_a_floor_and_a_shrunken_sd_by_hand():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 30)) * np.exp(rng.normal(size=30))
    like = np.exp(2 * rng.normal(size=30))
    sd = x.std(axis=0)
    np.testing.assert_allclose(fit_scaler(x, "floored").scale, np.maximum(sd, np.median(sd)), rtol=1e-6)
    slope, start = np.polyfit(np.log(np.maximum(like, 1e-3)), np.log(np.maximum(sd**2, 1e-3)), 1)
    prior = np.exp(start + slope * np.log(np.maximum(like, 1e-3)))
    expected = np.sqrt((20 * sd**2 + 300 * prior) / 320)
    np.testing.assert_allclose(fit_scaler(x, "shrunken", like).scale, expected, rtol=1e-5)
    with pytest.raises(InputError, match="scaler 'shrunken' needs a source"):
        fit_scaler(x, "shrunken")


def test_a_chain_without_a_source_cannot_shrink(cohort):
    alone = replace(cohort, domains=cohort.domains[-1:])
    with pytest.raises(InputError, match="no source to shrink towards; take floored"):
        rescaled(alone, "shrunken")
    first = replace(cohort, domains=(replace(cohort.domains[0], scaler="shrunken"), *cohort.domains[1:]))
    with pytest.raises(InputError, match="is the first of its chain"):
        rescaled(first, None)
    assert rescaled(alone, "floored").domains[0].scaler == "floored"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_nobody_scales_is_floored_but_for_the_published_protocol(cohort, protocol, tmp_path):
    """What a user wrote stays; the source keeps its own; a domain alone is scaled as a target."""
    settings = Settings(strategies=(), baselines=("ridge",), repeats=1, protocol=protocol, checkpoint_dir=str(tmp_path))

    def scalers(cohort, experiment="exp4_target", **given):
        plan = prepare(EXPERIMENTS[experiment], replace(settings, **given), cohort)
        return [domain.scaler for domain in plan.cohort.domains]

    usual = "standard" if protocol == "as_published" else "floored"
    first, *later = cohort.domains
    assert scalers(cohort) == [first.scaler, usual, usual]
    assert scalers(replace(cohort, domains=cohort.domains[-1:])) == [usual]
    written = [replace(later[0], scaler="robust"), replace(later[1], scaler_said=True)]
    assert scalers(replace(cohort, domains=(first, *written))) == [first.scaler, "robust", "standard"]
    assert scalers(cohort, scaling="standard")[1:] == ["standard"] * 2


def test_a_study_of_closed_forms_alone(cohort, tmp_path):
    """No network is trained; the model is kept, the mechanism is said, scaling under as_published is remarked."""
    settings = Settings(
        strategies=BOTH, baselines=("ridge", "repaired_ridge"), repeats=1, checkpoint_dir=str(tmp_path), hidden=(8, 4)
    )
    results = run_plan(prepare(EXPERIMENTS["exp4_target"], settings, cohort))
    names = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / cohort.name).iterdir() if path.is_dir())
    assert names == [
        "source-source-4_drugs-drug_profile",
        *(f"target-target-temozolomide-{name}" for name in (*BOTH, "repaired_ridge", "ridge")),
    ]
    assert any("as Temozolomide act Temozolomide" in note for note in results.notes)
    assert set(results.metrics.source) == {"", "all drugs"}
    audit = results.extra["leak_audit"][0]
    assert "source" in set(audit["stage"])
    scaled = replace(settings, protocol="as_published", scaling="floored")
    published = prepare(EXPERIMENTS["exp4_target"], scaled, cohort)
    assert published.cohort.stage("target").scaler == "standard"
    assert any("--scaling=floored changes nothing under as_published" in note for note in published.notes)


def test_the_page_of_a_recommended_profile_shows_the_drugs_that_carry_it(cohort, tmp_path):
    """Its table once bore the name of another one, and no page was made."""
    settings = Settings(
        strategies=("profile_gp",), baselines=("mean",), repeats=1, checkpoint_dir=str(tmp_path), hidden=(8, 4)
    )
    results = run_plan(prepare(EXPERIMENTS["exp4_target"], settings, cohort))
    assert results.recommended.arm == "profile_gp"
    (tmp_path / "out").mkdir()
    assert write_outputs(results, tmp_path / "out") == []
    page = (tmp_path / "out" / "report.html").read_text()
    table = pd.read_csv(tmp_path / "out" / "carrying_drugs.csv")
    assert "Source drugs of single samples" in page
    assert table.loc[0, "source_drug"] in page


@pytest.mark.parametrize("arm", BOTH)
def test_one_new_patient_alone_is_predicted_as_in_a_table(cohort, tmp_path, arm):
    """In the response's unit, with an interval, and the same whoever stands beside and in whatever order genes come."""
    kept = {"checkpoint_dir": str(tmp_path), "fold_models": True}
    settings = Settings(strategies=(arm,), baselines=("mean",), repeats=1, hidden=(8, 4), **kept)
    target = cohort.stage("target")
    results = run_plan(prepare(EXPERIMENTS["exp4_target"], settings, cohort))
    assert results.recommended.arm == arm
    (path,) = (tmp_path / cohort.name).glob(f"target-target-temozolomide-{arm}-*")
    table = pd.DataFrame(target.x[:7] + 0.1, target.samples[:7], target.genes)
    table.to_csv(tmp_path / "seven.csv", index_label="id")
    table.iloc[[4], ::-1].to_csv(tmp_path / "one.csv", index_label="id")
    seven, one = (predict_samples(path, tmp_path / f"{name}.csv", interval=0.8).table for name in ("seven", "one"))
    names = ["prediction", "low", "high"]
    np.testing.assert_allclose(one[names].iloc[0], seven[names].iloc[4], rtol=1e-5)
    assert (seven["low"] < seven["high"]).all()
    y = target.for_drug(cohort.drug).response
    assert seven["prediction"].between(y.min(), y.max()).all()
    assert np.ptp(seven["prediction"]) > 0.05 * np.ptp(y)


def test_a_source_cannot_be_its_own_source(cohort, tmp_path):
    settings = Settings(strategies=("profile_gp",), baselines=("mean",), checkpoint_dir=str(tmp_path))
    with pytest.raises(InputError, match="evaluates the source itself"):
        prepare(EXPERIMENTS["exp1_gdsc"], settings, cohort)
