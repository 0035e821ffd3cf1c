"""Experiments from settings to tables: same folds for all arms, protocols, reuse of stages, the choice of a source."""

import dataclasses
import json

import jax
import numpy as np
import pandas as pd
import pytest

from tl_jax.checkpoint import load_stage
from tl_jax.data.scaling import fit_scaler
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.metrics import score
from tl_jax.study.arms import strategy_arm
from tl_jax.study.choice import rank_sources
from tl_jax.study.folds import scale_folds
from tl_jax.study.plans import EXPERIMENTS
from tl_jax.study.run import run_experiment
from tl_jax.study.settings import PROTOCOLS
from tl_jax.study.stages import StagePlan, describe
from tl_jax.transfer.strategies import STRATEGIES, Registered
from tl_jax.trees import flatten, select
from tl_jax.types import Transfer

QUIET = {"say": lambda text: None}


def run(name, settings, cohort, **options):
    return run_experiment(EXPERIMENTS[name], settings, cohort, **{**QUIET, **options})


def test_every_arm_predicts_the_same_rows_once(two_step):
    predictions = two_step[0].table("predictions")
    keys = ["repeat", "fold", "sample_id", "y_true"]
    arms = {arm: part[keys].reset_index(drop=True) for arm, part in predictions.groupby("arm")}
    assert set(arms) == {"scratch", "zero_shot", "copy_layer1", "freeze_layer1", "mean", "marker_gene", "ridge"}
    for rows in arms.values():
        assert rows.equals(arms["scratch"])
        assert (rows.groupby("repeat").sample_id.nunique() == 20).all()


def test_metrics_are_those_of_the_predictions(two_step):
    """Per fold and pooled, recomputed from the predictions table."""
    metrics, predictions = two_step[0].table("metrics"), two_step[0].table("predictions")
    for (arm, repeat, fold), part in metrics.groupby(["arm", "repeat", "fold"]):
        rows = predictions[(predictions.arm == arm) & (predictions.repeat == repeat)]
        if fold != "pooled":
            rows = rows[rows.fold == fold]
        expected = score(rows.y_true.to_numpy(), rows.y_pred.to_numpy())
        found = part.set_index("metric").value
        assert set(found.index) == set(expected)
        for metric, value in expected.items():
            np.testing.assert_allclose(found[metric], value, equal_nan=True)
        assert (part.n_test == len(rows)).all()


def test_predictions_are_in_the_response_unit(two_step, cohort):
    predictions = two_step[0].table("predictions")
    truth = dict(zip(cohort.stage("target").samples, cohort.stage("target").response, strict=True))
    assert all(truth[s] == y for s, y in zip(predictions.sample_id, predictions.y_true, strict=True))
    ridge = predictions[predictions.arm == "ridge"]
    assert ridge.y_pred.between(-0.5, 1.5).all()


def test_the_chain_is_recorded(two_step):
    results, said = two_step
    upstream = results.stages[1]
    assert [a["stage"] for a in upstream.meta["ancestors"]] == ["source"]
    final = next(s for s in results.stages if s.plan.strategy.name == "freeze_layer1")
    _, meta = load_stage(final.path, genes=results.cohort.genes)
    assert [a["stage"] for a in meta["ancestors"]] == ["source", "intermediate"]
    assert meta["ancestors"][1]["id"] == upstream.meta["id"]
    np.testing.assert_array_equal(
        final.variables["params"]["layer1"]["kernel"], upstream.variables["params"]["layer1"]["kernel"]
    )
    assert any("training source-" in line for line in said)


def test_gene_weights_per_final_model(two_step, cohort):
    weights = {w.name: w for w in two_step[0].gene_weights}
    assert set(weights) == {"scratch", "Oxaliplatin:copy_layer1", "Oxaliplatin:freeze_layer1"}
    kernel = two_step[0].stages[1].variables["params"]["layer1"]["kernel"]
    frozen = weights["Oxaliplatin:freeze_layer1"]
    np.testing.assert_allclose(frozen.to_numpy(), np.abs(kernel).sum(axis=1), rtol=1e-6)
    assert list(frozen.index) == list(cohort.genes)


def test_later_experiments_reuse_stages_and_give_the_same_numbers(small, cohort):
    first = run("exp7_two_step", small(), cohort)
    assert not any(s.reused for s in first.stages)
    again = run("exp7_two_step", small(), cohort)
    assert all(s.reused for s in again.stages)
    assert first.table("predictions").equals(again.table("predictions"))
    one_step = run("exp6_source_to_target", small(), cohort)
    assert one_step.stages[0].reused
    other_seed = run("exp6_source_to_target", small(seed=401), cohort)
    assert not other_seed.stages[0].reused


def test_what_changes_the_weights_changes_the_lineage(small, cohort, monkeypatch):
    settings, target = small(strategies=("scratch",), baselines=()), cohort.domains[-1]

    def identity(domain=target, **changes):
        plan = StagePlan("target", domain, STRATEGIES["scratch"], settings.recipe(STRATEGIES["scratch"]))
        return describe(dataclasses.replace(plan, **changes), settings.network, settings.seed, None)[0]["id"]

    ids = {
        "as it is": identity(),
        "one sample less": identity(target.rows(np.arange(len(target) - 1))),
        "another label": identity(dataclasses.replace(target, y=np.where(target.y == target.y.max(), 2, target.y))),
        "another scaler": identity(dataclasses.replace(target, scaler="robust")),
        "another strategy": identity(strategy=STRATEGIES["fine_tune"]),
        "another file of that strategy": identity(strategy=dataclasses.replace(STRATEGIES["scratch"], function=start)),
        "another recipe": identity(recipe=dataclasses.replace(settings.recipe(STRATEGIES["scratch"]), kernel_l2=0.5)),
        "another optimizer": identity(recipe=small(optimizer="adam").recipe(STRATEGIES["scratch"])),
        "a note": identity(note="source drug chosen"),
    }
    monkeypatch.setattr("tl_jax.study.stages.code_fingerprint", lambda: "changed")
    ids["changed training code"] = identity()
    assert len(set(ids.values())) == len(ids)
    monkeypatch.undo()
    assert identity() == ids["as it is"]


def start(source, fresh):
    return STRATEGIES["scratch"].function(source, fresh)


def wrong_pattern(source, fresh):
    return Transfer(source, select(source["params"], "layer9/*"))


def mixed(source, fresh):
    mean = jax.tree.map(lambda a, b: (a + b) / 2, source, fresh)
    return Transfer(mean, tuple(flatten(fresh["params"])), {"layer1/kernel": 0.1})


def register(monkeypatch, function, **options):
    monkeypatch.setitem(STRATEGIES, function.__name__, Registered(function.__name__, function, True, True))


def test_a_strategy_that_computes_with_weights(small, cohort, monkeypatch):
    register(monkeypatch, mixed)
    results = run("exp6_source_to_target", small(strategies=("mixed",), baselines=()), cohort)
    assert results.table("predictions").y_pred.notna().all()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (wrong_pattern, r"strategy 'wrong_pattern': ValueError: pattern 'layer9/\*' matches no parameter"),
        (lambda source, fresh: Transfer(source, ()), "it trains nothing; register it with trains=False"),
        (lambda source, fresh: source, "it returns dict, not a Transfer"),
        (lambda source, fresh: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_strategy_that_fails_is_refused_before_any_training(small, cohort, monkeypatch, function, message):
    register(monkeypatch, function)
    said = []
    with pytest.raises(InputError, match=message):
        run("exp6_source_to_target", small(strategies=(function.__name__,)), cohort, say=said.append)
    assert said == []


def test_no_upstream_model_is_trained_for_nothing(small, cohort):
    results = run("exp7_two_step", small(strategies=("scratch",), source_drugs=(), baselines=()), cohort)
    assert [s.plan.role for s in results.stages] == ["target"]
    noted = run("exp4_target", small(strategies=("scratch",), baselines=()), cohort)
    assert "--source_drug changes nothing here" in noted.notes[0]


def test_a_repeated_drug_or_baseline_counts_once(small, cohort):
    twice = small(source_drugs=("oxaliplatin", "Oxaliplatin"), baselines=("mean", "mean"), strategies=("copy_layer1",))
    metrics = run("exp6_source_to_target", twice, cohort).table("metrics")
    assert not metrics.duplicated(["arm", "source", "repeat", "fold", "metric"]).any()


def test_two_domains_use_the_default_source(small, cohort):
    short = dataclasses.replace(cohort, domains=(cohort.domains[0], cohort.domains[2]))
    results = run("exp6_source_to_target", small(source_drugs=(), strategies=("copy_layer1",), baselines=()), short)
    assert results.table("metrics").source.unique().tolist() == [cohort.default_source]
    with pytest.raises(InputError, match="no intermediate"):
        run("exp7_two_step", small(), short)


def test_an_unmeasured_drug_is_refused(small, cohort):
    source = cohort.domains[0]
    y = source.y.copy()
    y[:, source.column("Oxaliplatin")] = np.nan
    other = dataclasses.replace(cohort, domains=(dataclasses.replace(source, y=y), *cohort.domains[1:]))
    with pytest.raises(InputError, match=r"domain source .* has 0 samples measured for Oxaliplatin"):
        run("exp1_gdsc", small(strategies=("scratch",)), other)


def test_experiment_3_chooses_and_6_and_7_read_it(small, cohort, tmp_path):
    with pytest.raises(InputError, match=r"no source drug was chosen yet.*exp3_source_to_intermediate.*--source_drug"):
        run("exp6_source_to_target", small(source_drugs=()), cohort)
    third = run("exp3_source_to_intermediate", small(source_drugs=(), repeats=1), cohort)
    ranking = {row["drug"]: row for row in third.ranking}
    assert set(ranking) == set(cohort.source_drugs)
    folds = third.table("metrics").query("metric == 'spearman' and arm == 'copy_layer1' and fold != 'pooled'")
    means = folds.groupby("source").value.mean()
    best = means.idxmax()
    assert ranking[best]["chosen"]
    np.testing.assert_allclose(ranking[best]["intermediate_spearman"], means[best])
    assert third.table("metrics").query("arm == 'scratch'").source.unique().tolist() == [""]
    path = tmp_path / "checkpoints" / cohort.name / "best_source-honest-quick.json"
    assert json.loads(path.read_text())["drug"] == best
    said = []
    sixth = run("exp6_source_to_target", small(source_drugs=(), strategies=("copy_layer1",)), cohort, say=said.append)
    assert sixth.table("metrics").query("arm == 'copy_layer1'").source.unique().tolist() == [best]
    assert f"source drug {best}" in said[0]
    assert best in sixth.stages[-1].meta["note"]
    assert sixth.stages[0].meta["note"] == ""
    with pytest.raises(InputError, match="not this network"):
        run("exp6_source_to_target", small(source_drugs=(), hidden=(9, 4)), cohort)

    moved = dataclasses.replace(cohort.domains[1], y=cohort.domains[1].y + 0.01)
    other = dataclasses.replace(cohort, domains=(cohort.domains[0], moved, cohort.domains[2]))
    with pytest.raises(InputError, match="decided on other data"):
        run("exp7_two_step", small(source_drugs=()), other)
    path.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        run("exp7_two_step", small(source_drugs=()), cohort)


def test_collapsed_folds_count_as_no_correlation(cohort):
    rows = [("Oxaliplatin", f, 0.9 if f == 0 else float("nan")) for f in range(5)]
    rows += [("Bortezomib", f, 0.3) for f in range(5)] + [("Cyclophosphamide", f, float("nan")) for f in range(5)]
    metrics = pd.DataFrame(rows, columns=["source", "fold", "value"]).assign(metric="spearman", arm="copy_layer1")
    drugs = ["Oxaliplatin", "Bortezomib", "Cyclophosphamide"]
    ranking = {row["drug"]: row for row in rank_sources(cohort, drugs, metrics, "copy_layer1")}
    assert ranking["Bortezomib"]["rank"] == 1
    np.testing.assert_allclose(ranking["Oxaliplatin"]["intermediate_spearman"], 0.18)
    assert ranking["Oxaliplatin"]["undefined_folds"] == 4
    assert ranking["Cyclophosphamide"]["rank"] is None
    assert not any(row["chosen"] for row in ranking.values())


def test_no_choice_is_made_from_some_drugs(small, cohort, tmp_path):
    partial = run("exp3_source_to_intermediate", small(repeats=1), cohort)
    assert partial.notes == ["no source drug was chosen: only some source drugs were run"]
    assert not any(row["chosen"] for row in partial.ranking)
    assert not list(tmp_path.rglob("best_source*"))
    none = run("exp3_source_to_intermediate", small(strategies=("scratch",), source_drugs=()), cohort)
    assert "no strategy here starts from a source" in none.notes[0]


def test_the_choice_never_sees_target_labels(small, cohort, tmp_path):
    target = cohort.domains[2]
    shuffled = dataclasses.replace(target, y=target.y[::-1].copy())
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:2], shuffled))
    rankings = [
        run("exp3_source_to_intermediate", small(source_drugs=(), repeats=1, checkpoint_dir=str(tmp_path / str(i))), c)
        for i, c in enumerate((cohort, other))
    ]
    assert rankings[0].ranking == rankings[1].ranking


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_what_held_out_rows_lend(cohort, protocol):
    """Changing held-out expression or labels moves exactly the statistics that the protocol says."""
    domain, rules = cohort.stage("target"), PROTOCOLS[protocol]
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    fold = folds[0]
    x, y = domain.x.copy(), domain.y.copy()
    x[fold.test] += 3
    y[fold.test] *= 10
    before = scale_folds(domain, folds, rules)[0]
    after = scale_folds(dataclasses.replace(domain, x=x, y=y), folds, rules)[0]
    same_train = np.array_equal(before.train.center, after.train.center)
    same_test = np.array_equal(before.test.center, after.test.center)
    same_response = before.response == after.response
    expected = {
        "honest": (True, True, True),
        "as_published": (True, False, False),
        "transductive": (False, False, True),
    }
    assert (same_train, same_test, same_response) == expected[protocol]


def test_published_protocol_scales_the_held_out_fold_by_itself(cohort):
    domain = cohort.stage("target")
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    scaled = scale_folds(domain, folds, PROTOCOLS["as_published"])
    for f in scaled:
        np.testing.assert_allclose(f.test.center, fit_scaler(domain.x[f.fold.test], domain.scaler).center)
        assert (f.response.low, f.response.high) == (domain.response.min(), domain.response.max())
    alone = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1, kind="leave_one_out")
    with pytest.raises(InputError, match="at least 2 samples"):
        scale_folds(domain, alone, PROTOCOLS["as_published"])


def test_held_out_labels_and_rows_cannot_reach_a_model(small, cohort):
    """Under the honest protocol a fold's predictions do not move when its held-out labels do."""
    domain, settings = cohort.stage("target"), small()
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=1)
    y = domain.y.copy()
    y[folds[0].test] = y[folds[0].test][::-1] * 3
    predicted = []
    for d in (domain, dataclasses.replace(domain, y=y)):
        scaled = scale_folds(d, folds, settings.rules)[:1]
        recipe = settings.recipe(STRATEGIES["scratch"])
        arm = strategy_arm(d, scaled, STRATEGIES["scratch"], None, network=settings.network, recipe=recipe, seed=1)
        predicted.append(arm.predictions.y_pred.to_numpy())
    np.testing.assert_array_equal(*predicted)


def test_a_sensitive_direction_mirrors_the_network_scale_only(small, cohort):
    """The same response written as 'high = sensitive' gives mirrored predictions in its own unit."""
    target = cohort.domains[2]
    mirrored = dataclasses.replace(target, y=1 - target.y, direction="sensitive")
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:2], mirrored))
    settings = small(strategies=("copy_layer1",), baselines=(), split="plain")
    one, two = (run("exp6_source_to_target", settings, c).table("predictions").y_pred for c in (cohort, other))
    np.testing.assert_allclose(one, 1 - two, atol=1e-4)


def test_groups_share_a_fold(small, cohort):
    target = cohort.domains[2]
    grouped = dataclasses.replace(target, groups=np.asarray([f"g{i // 2}" for i in range(len(target))]))
    other = dataclasses.replace(cohort, domains=(*cohort.domains[:2], grouped))
    predictions = run("exp4_target", small(strategies=("scratch",), baselines=()), other).table("predictions")
    group = dict(zip(grouped.samples, grouped.groups, strict=True))
    assert (predictions.assign(g=predictions.sample_id.map(group)).groupby(["repeat", "g"]).fold.nunique() == 1).all()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("exp4_target", {"strategies": ("copy_layer1",)}, "strategy 'copy_layer1' needs a source model"),
        ("exp6_source_to_target", {"source_drugs": ("aspirin",)}, "aspirin.*Oxaliplatin"),
        ("exp6_source_to_target", {"strategies": ("nothing",)}, "no strategy 'nothing'"),
        ("exp6_source_to_target", {"baselines": ("nothing",)}, "no baseline 'nothing'"),
        ("exp7_two_step", {"intermediate_strategy": "zero_shot"}, "zero_shot trains nothing"),
        ("exp4_target", {"strategies": ("scratch",), "folds": 15}, "fold"),
    ],
)
def test_bad_settings_are_refused_in_one_line(small, cohort, name, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        run(name, small(**changes), cohort)
    assert "\n" not in str(caught.value)


def test_settings_check_themselves(small):
    bad = ({"repeats": 0}, {"folds": 0}, {"learning_rate": float("nan")}, {"optimizer": "lion"})
    for changes in (*bad, {"learning_rate": -1.0}, {"hidden": (5,)}, {"seed": -1}, {"protocol": "mine"}):
        with pytest.raises(InputError):
            small(**changes)


def test_recipes_follow_the_specification(small):
    settings = small(quick=False)
    scratch, transfer = (settings.recipe(STRATEGIES[name]) for name in ("scratch", "copy_layer1"))
    assert (scratch.epochs, scratch.learning_rate, scratch.batch_size) == (50, 1e-3, 32)
    assert (transfer.epochs, transfer.learning_rate) == (200, 1e-4)
    assert (transfer.kernel_l2, transfer.activity_l1, transfer.dropout) == (1e-4, 1e-4, (0.3, 0.1))
    own = small(quick=False, epochs=7, learning_rate=0.5, batch_size=3).recipe(STRATEGIES["copy_layer1"])
    assert (own.epochs, own.learning_rate, own.batch_size) == (7, 0.5, 3)
