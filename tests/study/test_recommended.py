"""The recommended model: chosen among what was kept, told in the report, used by predict; and its own samples."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scripting import script

from tl_jax.data.scaling.scaling import ResponseScale
from tl_jax.errors import InputError
from tl_jax.report.sections import all_of, answer_words
from tl_jax.study.cohort.models import model_of_study
from tl_jax.study.cohort.outputs import write_outputs
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.run import run_plan
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.cohort.study import with_extras
from tl_jax.study.core.effects import attribute
from tl_jax.study.core.respond import load_model, network_of, respond

pytestmark = pytest.mark.full  # a study of their own

ARMS = {
    "strategies": ("scratch", "freeze_layer1", "feature_ridge"),
    "baselines": ("mean", "ridge", "kernel_ridge", "marker_gene"),
}
NOTHING = {"curve_repeats": 0, "levels": 0, "beside": ()}
CLOSED = ("feature_ridge", "ridge", "kernel_ridge")  # what takes no training


@pytest.fixture(scope="module")
def done(cohort, tmp_path_factory):
    """(results, folder of a written study, which kept models of folds and made a choice by inner folds)."""
    place = tmp_path_factory.mktemp("recommended")
    settings = Settings(
        hidden=(8, 4), repeats=2, folds=3, epochs=2, quick=True, source_drugs=("oxaliplatin",), fold_models=True,
        checkpoint_dir=str(place / "checkpoints"), **ARMS,
    )  # fmt: skip
    experiment = EXPERIMENTS["exp6_source_to_target"]
    settings = with_extras(experiment, settings, examined=CLOSED, nested=CLOSED, permutations=19, **NOTHING)
    results = run_plan(prepare(experiment, settings, cohort))
    write_outputs(results, place)
    return results, place


def test_the_choice_is_among_the_candidates_of_the_inner_folds(done):
    results, _ = done
    found, named = results.recommended, results.settings.extras.nested
    assert found.arm in named
    metrics = results.table("metrics").query("metric == 'spearman' and fold != 'pooled'")
    means = metrics.groupby("arm")["value"].mean()
    assert means[found.arm] == pytest.approx(means[[n for n in named if n in means]].max())
    assert found.honest == pytest.approx(means["nested_choice"])
    assert found.candidates == len([n for n in named if n in means])


def test_samples_are_forecast_by_models_that_had_not_seen_them(done):
    results, place = done
    table = pd.read_csv(place / "samples.csv").set_index("sample_id")
    rows = results.table("predictions").query("arm == @results.recommended.arm")
    means = rows.groupby("sample_id")[["y_true", "y_pred"]].mean()
    np.testing.assert_allclose(table["predicted"], means["y_pred"][table.index].clip(0, 1), rtol=1e-6)
    assert list(table["rank_predicted"]) == sorted(table["rank_predicted"])
    assert table["predicted"].is_monotonic_increasing  # high means resistant here, and rank 1 is the most sensitive
    source = results.cohort.stage("source")
    assert all(line.rsplit(" (", 1)[0] in set(source.samples) for line in table["nearest"].str.split(", ").str[0])


def test_the_page_and_the_terminal_say_what_to_do_next(done):
    _, place = done
    titles = [section.title for section in all_of(place)]
    assert titles[:3] == ["In short", "What next", "Your samples"]
    words = answer_words(place)
    leads = [line.split(":")[0] for line in words]
    assert leads[:5] == ["Model", "Source", "How sure", "Full run", "Predict"]
    assert leads.count("Source") == 1
    assert f": tl_jax predict --study={place} " in words[4]


def test_a_quick_look_is_stamped(done):
    _, place = done
    page = (place / "report.html").read_text()
    assert page.count("QUICK LOOK, NOT A RESULT") >= 3  # title, heading, verdict
    assert any("quick look" in line for line in model_of_study(place).warnings)


def test_predict_takes_the_model_of_a_study_by_name(done, cohort, tmp_path):
    _, place = done
    target = cohort.stage("target")
    pd.DataFrame(target.x, index=pd.Index(target.samples, name="s"), columns=target.genes).to_csv(tmp_path / "new.csv")
    for name in ("best", "kernel_ridge"):
        flags = [f"--study={place}", f"--model={name}", "--expression=new.csv", f"--out={name}.csv", "--interval=0.8"]
        code, _, err = script("predict", *flags, folder=tmp_path)
        assert code == 0, err
        assert "quick look" in err
    assert len(pd.read_csv(tmp_path / "best.csv")) == len(target)
    with pytest.raises(InputError, match="kept no such model"):
        model_of_study(place, "ridge of mine")
    summary = json.loads((place / "summary.json").read_text())
    assert {one["arm"] for one in summary["models"]} >= {"scratch", "freeze_layer1", "feature_ridge", "ridge", "mean"}


@pytest.mark.parametrize("arm", ["scratch", "feature_ridge", "ridge", "kernel_ridge", "marker_gene"])
def test_attributions_add_up_to_the_prediction(done, cohort, arm):
    """From the average sample's, in the unit of the response (Sundararajan et al. 2017: completeness)."""
    results, _ = done
    variables, meta = load_model(next(m.path for m in results.models if m.arm == arm))
    network, response = network_of(meta), ResponseScale(**meta["response_scale"])
    x = np.random.default_rng(0).normal(size=(7, len(meta["genes"]))).astype(np.float32)
    for scale in (response, replace(response, direction="sensitive")):
        found = attribute(network, variables, x, scale).sum(axis=1)
        expected = respond(network, variables, x, scale) - respond(network, variables, 0 * x[:1], scale)
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4)


def test_effects_of_a_linear_model_are_its_coefficients(done):
    from tl_jax.study.core.effects import slopes

    rng = np.random.default_rng(0)
    x, coef = rng.normal(size=(9, 5)), rng.normal(size=5)
    np.testing.assert_allclose(slopes(x * coef, x), coef)
