"""Transfer between protein families: what every arm sees, and that each equals a slow way by hand."""

import dataclasses
import re

import jax
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import matthews_corrcoef
from sklearn.svm import SVC

from tl_jax.errors import InputError
from tl_jax.evaluation.draws.reach import WITHIN, by_similarity
from tl_jax.models import build
from tl_jax.study.compounds.networks import buckets, chosen_epochs, methods_of, one_epoch, predict_networks
from tl_jax.study.compounds.outputs import write_dti
from tl_jax.study.compounds.settings import DtiSettings, Switches
from tl_jax.study.compounds.setup import make_setup
from tl_jax.study.compounds.study import load_setup, run_dti
from tl_jax.study.compounds.tables import judged, metrics, predictions
from tl_jax.study.core.arms import How
from tl_jax.transfer.layer_freezing import fine_tune_but
from tl_jax.trees import flatten

pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")

SMALL = {"hidden": (8, 4), "repeats": 2, "sizes": (6, 24), "epochs": 4, "source_epochs": 5, "batch_size": 32}


def make(folder, **changes):
    return DtiSettings(**{**SMALL, "learning_rate": 1e-2, "checkpoint_dir": str(folder), "quick": True, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dti")


@pytest.fixture(scope="module")
def study(folder):
    settings = make(folder, shallow=("svc",), mode3=("svc",), layers=(1, 2), switches=("noisy_evaluation", "best_test"))
    return run_dti(settings, load_setup(settings))


@pytest.fixture(scope="module")
def tables(study):
    return judged(study)


def models_of(study):
    return {stage.plan.domain.name: stage.variables for stage in study.stages}


def test_no_source_holds_a_test_compound_and_no_draw_a_test_row(study):
    setup = study.setup
    test = set(setup.target.samples[setup.split.test])
    for domain in setup.sources.values():
        assert not test & set(domain.samples)
    assert "taken out" in " ".join(setup.notes)  # the simulated families share compounds
    for size, draws in setup.draws.items():
        for rows in draws:
            assert not set(rows) & set(setup.split.test)
            assert len(rows) == size
            assert setup.target.response[rows].mean() == 0.5


def test_every_arm_meets_the_same_test_compounds(study):
    table = predictions(study)
    groups = table.groupby(["source", "arm", "size", "draw"])["compound_id"].apply(tuple)
    assert groups.nunique() == 1
    per_size = table[table["size"] > 0].groupby(["source", "arm"]).size()
    assert set(per_size) == {2 * 2 * len(study.setup.truth)}


def test_zero_shot_is_the_source_model_itself(study):
    network, setup = build(study.settings.network), study.setup
    for source, variables in models_of(study).items():
        logits = network.apply(variables, setup.target.x[setup.split.test]).prediction
        np.testing.assert_allclose(study.probabilities[source, "zero_shot", 0][0], expit(logits), rtol=1e-5)


def test_a_classifier_on_activations_by_hand(study):
    setup, x, y = study.setup, study.setup.target.x, study.setup.target.response
    for source, variables in models_of(study).items():
        params = variables["params"]
        first = x @ np.asarray(params["layer1"]["kernel"]) + np.asarray(params["layer1"]["bias"])
        norm = {name: np.asarray(leaf) for name, leaf in params["bn1"].items()}
        hidden = np.maximum((first - norm["mean"]) / np.sqrt(norm["var"] + 1e-5) * norm["scale"] + norm["bias"], 0)
        second = hidden @ np.asarray(params["layer2"]["kernel"]) + np.asarray(params["layer2"]["bias"])
        for layer, features in ((1, first), (2, second)):
            for draw, rows in enumerate(setup.draws[24]):
                calls = SVC(random_state=101 + draw).fit(features[rows], y[rows]).predict(features[setup.split.test])
                found = study.probabilities[source, f"mode3_{layer}_svc", 24][draw]
                assert np.mean((found > 0.5) == (calls == 1)) > 0.99  # a call on the border may round either way


def test_no_bit_of_an_arm_depends_on_another_source(study):
    """With another source's model spoilt, in the same program."""
    settings = dataclasses.replace(study.settings, methods=("scratch", "mode1"), switches=())
    stages = {stage.plan.domain.name: stage for stage in study.stages}
    spoilt = jax.tree.map(lambda leaf: 1.5 * np.asarray(leaf) + np.float32(0.1), stages["beta"].variables)
    both = ({**stages, "beta": one} for one in (stages["beta"], dataclasses.replace(stages["beta"], variables=spoilt)))
    how, methods = How(settings.network, settings.seed), methods_of(settings)
    one, two = ({tuple(key): p for *key, p in predict_networks(study.setup, settings, methods, s, how)} for s in both)
    assert {key for key in one if np.array_equal(one[key], two[key])} == {key for key in one if key[0] != "beta"}
    assert {key[0] for key in one} == {"", "beta", "gamma"}


@pytest.mark.shipped
def test_an_arm_alone_equals_it_among_others(folder):
    """Sources and methods that run beside an arm change nothing in it; nor do sizes, but for rounding.

    A program of one start is another than that of several, and may round otherwise. What trains without a gradient but
    for rounding (a bias before a batch norm, the weights of a bit that hardly varies) Adam moves by up to the rate in
    every step, in the direction of that noise. As users compile, both round alike; without optimisation these leaves
    end up to .01 apart, the running means behind them, and so logits up to .03; all others 1e-7.
    """
    settings = make(folder, methods=("scratch", "mode1", "mode2"), layers=(1,))
    among = run_dti(settings, load_setup(settings))
    settings = dataclasses.replace(settings, methods=("mode1",), sources=("gamma",))
    # A bias before a batch norm moves by rounding noise alone, and that depends on how far a draw is padded.
    for sizes, atol in ((settings.sizes, 1e-5), ((6,), 0.03)):
        own = dataclasses.replace(settings, sizes=sizes)
        alone = run_dti(own, load_setup(own))
        key = "gamma", "mode1", 6
        np.testing.assert_allclose(alone.probabilities[key], among.probabilities[key], rtol=0, atol=atol)


def test_sizes_of_as_many_steps_share_a_program(study):
    assert list(buckets(study.setup, 256)) == [(6, 24)]
    assert list(buckets(study.setup, 16)) == [(6,), (24,)]


def test_mode_2_freezes_what_it_names_bit_for_bit(study):
    source, fresh = models_of(study)["beta"], build(study.settings.network).init(jax.random.key(1), 1024)
    for numbers, bn, frozen in (
        ((1,), False, {"layer1"}),
        ((1, 2), False, {"layer1", "layer2"}),
        ((2,), True, {"layer2", "bn2"}),
    ):
        transfer = fine_tune_but(numbers, bn).function(source, fresh)
        left = {leaf.split("/")[0] for leaf in flatten(source["params"]) if leaf not in transfer.trainable}
        assert left == frozen
        assert transfer.variables is source
    for wrong in ((), (1, 1), (0,)):
        with pytest.raises(InputError):
            fine_tune_but(wrong)
    with pytest.raises(ValueError, match="no layer"):
        fine_tune_but((3,)).function(source, fresh)


def test_the_switches_do_what_they_say(study, tables):
    last, noisy = (study.probabilities["beta", name, 24] for name in ("mode1", "mode1[noisy_evaluation]"))
    assert not np.allclose(last, noisy)
    found = tables["switches"]
    assert set(found["switch"]) == {"noisy_evaluation", "best_test"}
    best = found[found["switch"] == "best_test"]
    assert (best["difference"] >= -1e-9).all()
    assert (best["difference"] > 0).any()
    truth = study.setup.truth
    for draw, (p, own) in enumerate(zip(study.probabilities["beta", "mode1[best_test]", 24], last, strict=True)):
        assert matthews_corrcoef(truth, p > 0.5) >= matthews_corrcoef(truth, own > 0.5), draw


def test_the_best_epoch_by_hand():
    rng = np.random.default_rng(0)
    truth, p = rng.integers(0, 2, 30).astype(float), rng.random((3, 5, 30))
    found = one_epoch(p, None, truth, Switches(best_test=True))
    for run, chosen in zip(p, found, strict=True):
        scores = [matthews_corrcoef(truth, epoch > 0.5) for epoch in run]
        np.testing.assert_array_equal(chosen, run[int(np.argmax(scores))])
    np.testing.assert_array_equal(one_epoch(p, None, truth, Switches()), p[:, -1])


def test_the_chosen_epoch_never_sees_a_test_label(study, folder):
    settings = make(folder, methods=("scratch", "mode1"), epoch="validation", sizes=(24,))
    how = How(settings.network, settings.seed)
    setup = load_setup(settings)
    y = setup.target.y.copy()
    y[setup.split.test] = 1 - y[setup.split.test]
    other = dataclasses.replace(setup, target=dataclasses.replace(setup.target, y=y))
    stages, methods = {stage.plan.domain.name: stage for stage in study.stages}, methods_of(settings)
    one, two = (
        {tuple(key): p for *key, p in predict_networks(q, settings, methods, stages, how)} for q in (setup, other)
    )
    assert set(one) == {("", "scratch", 24), ("beta", "mode1", 24), ("gamma", "mode1", 24)}
    for key, p in one.items():
        np.testing.assert_array_equal(p, two[key])


def test_epochs_are_fixed_unless_asked(study):
    arms = [None] * 3
    assert chosen_epochs(study.setup, study.settings, arms, [], "", How(study.settings.network)) == arms


def test_metrics_are_those_of_the_predictions(study):
    found = metrics(study)
    row = found[(found.arm == "mode1") & (found.source == "beta") & (found["size"] == 24) & (found.metric == "mcc")]
    p = study.probabilities["beta", "mode1", 24]
    np.testing.assert_allclose(
        row.sort_values("draw")["value"], [matthews_corrcoef(study.setup.truth, values > 0.5) for values in p]
    )


def test_every_comparison_and_crossover_is_there(study, tables):
    rows = tables["comparisons"]
    assert set(rows["reference"]) == {"scratch", "svc"}
    arms = {(s, a) for s, a, n in study.probabilities if "[" not in a}
    assert set(zip(rows["source"], rows["arm"], strict=True)) | {("", "scratch"), ("", "svc")} == arms
    assert not rows["arm"].str.contains("[", regex=False).any()
    assert set(tables["crossovers"]["reference"]) == {"scratch", "svc"}


@pytest.mark.full
def test_a_study_stopped_half_way_goes_on_to_the_same_numbers(folder, tmp_path):
    settings = make(folder, methods=("scratch", "mode1", "shallow"), shallow=("svc", "logistic"))
    setup = load_setup(settings)
    whole = run_dti(settings, setup, tmp_path)
    parts = sorted(tmp_path.rglob("*.part"))
    for path in parts[::2]:
        path.unlink()
    again = run_dti(settings, setup, tmp_path)
    assert set(whole.probabilities) == set(again.probabilities)
    for key, p in whole.probabilities.items():
        np.testing.assert_array_equal(p, again.probabilities[key])


def test_what_a_study_leaves(study, tables, tmp_path):
    p, near = study.probabilities["beta", "mode1", 24][0], study.nearest["pool"]
    reach = by_similarity(study.setup.truth, p, near).assign(source="beta", arm="mode1")
    assert write_dti(dataclasses.replace(study, reach=[reach]), tables, tmp_path) == []
    for name in (
        "metrics",
        "arms",
        "comparisons",
        "crossovers",
        "switches",
        "calibration",
        "test_compounds",
        "families",
    ):
        assert len(pd.read_csv(tmp_path / f"{name}.csv")), name
    with np.load(tmp_path / "predictions.npz", allow_pickle=False) as file:
        np.testing.assert_allclose(file["beta|mode1|24"], study.probabilities["beta", "mode1", 24], rtol=1e-6)
    near = pd.read_csv(tmp_path / "test_compounds.csv")
    assert near[["nearest_in_pool", "nearest_in_beta"]].to_numpy().max() <= 1
    page = (tmp_path / "report.html").read_text()
    for words in (
        "Verdict",
        "noisy_evaluation",
        "Up to which size transfer helps",
        "not for clinical",
        f"below {WITHIN:g}",
        "kept models",
    ):
        assert words.lower() in page.lower()
    left_out = re.sub(r"<[^>]*>", "", page[page.index('id="absent"') :].split("</section>")[0])
    assert left_out.count("ermutations") == 1, "what was not asked for is left out, and nothing else"
    assert left_out.count(".csv") == 4
    for name in ("curves", "mcc", "gain_over_scratch"):
        assert (tmp_path / f"{name}.png").stat().st_size > 5000


def test_sources_and_sizes_that_cannot_be(folder):
    for changes, text in (
        ({"sources": ("delta",)}, "--source=delta: no family beside alpha"),
        ({"target": "delta"}, "--target=delta: no family of simulated; there are: alpha, beta, gamma"),
        ({"sizes": (5000,)}, "choose a size from 2 to"),
        ({"threshold": None, "data": "nowhere.csv"}, "nowhere.csv"),
    ):
        with pytest.raises(InputError, match=text):
            make_setup(make(folder, **changes), None)
    for changes, text in (
        ({"methods": ("mode4",)}, "--methods=mode4: there are"),
        ({"layers": (3,)}, "layer 3 is named"),
        ({"freeze": ((3,),)}, "layer 3 is named"),
        ({"repeats": 1}, "--repeats=1"),
        ({"dropout": 1.0}, "dropout below 1"),
        ({"protocol": "as_published", "switches": ("best_test",)}, "has them all on"),
        ({"mode3": ("svm",)}, "no shallow classifier 'svm'"),
    ):
        with pytest.raises(InputError, match=text):
            make(folder, **changes)


def test_strategies_of_the_other_experiments_run_here_too(study, folder):
    names = ("l2_sp", "gradual_unfreezing", "discriminative_rates", "mmd_fine_tune", "copy_layer1", "freeze_layer1")
    settings = make(folder, methods=("scratch",), strategies=names, sizes=(6,), sources=("beta",))
    found = run_dti(settings, load_setup(settings)).probabilities
    assert set(found) == {("", "scratch", 6), *(("beta", name, 6) for name in names)}
    values = [p.tobytes() for p in found.values()]
    assert len(set(values)) == len(values)
    for wrong, text in (
        ("coral_freeze_layer1", "nothing to align"),
        ("scratch", "name it in --methods"),
        ("x", "no strat"),
    ):
        with pytest.raises(InputError, match=text):
            methods_of(dataclasses.replace(settings, strategies=(wrong,)))


def test_pooled_sources_hold_each_compound_once(folder):
    settings = make(folder, sources=("pooled",), balance_below=0.0)
    setup = make_setup(settings, None)
    pooled = setup.sources["pooled"]
    assert len(set(pooled.samples)) == len(pooled)
    parts = make_setup(dataclasses.replace(settings, sources=("all",)), None).sources
    names = set().union(*(domain.samples for domain in parts.values()))
    assert names == set(pooled.samples)
    active = {key for domain in parts.values() for key in domain.samples[domain.response == 1]}
    np.testing.assert_array_equal(pooled.response == 1, [key in active for key in pooled.samples])


def test_a_lopsided_source_is_balanced(folder):
    settings = make(folder, balance_below=0.6, sources=("beta",))
    domain = make_setup(settings, None).sources["beta"]
    assert domain.response.mean() == 0.5
