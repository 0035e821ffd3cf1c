"""Many source drugs as a source, and many small targets: what each arm is made of, and what may reach what."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tl_jax.data.cohort.simulate import simulate
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.predictors.baselines import kernel_ridge, ridge
from tl_jax.evaluation.statistics.influence import Held, influence_test
from tl_jax.evaluation.statistics.metrics import get
from tl_jax.evaluation.statistics.paired import corrected_t
from tl_jax.report.sections.many import over_samples_verdict, strongest
from tl_jax.study.core.folds import scale_folds
from tl_jax.study.core.profile_source import source_profile
from tl_jax.study.core.protocol import PROTOCOLS
from tl_jax.study.many_targets.drugs import (
    ARMS,
    AVERAGES,
    SOURCE,
    fit_sources,
    fold_predictions,
    scaled_rows,
)
from tl_jax.study.many_targets.known_drugs import KNOWN_DRUGS, among, others_of
from tl_jax.study.many_targets.outputs import write_many
from tl_jax.study.many_targets.tables import over_targets, printed
from tl_jax.study.many_targets.targets import ManySettings, run_many_targets
from tl_jax.system.parts import Parts

DRUGS = tuple(f"D{i}" for i in range(6))
SETTINGS = ManySettings(
    protocols=("honest", "transductive"), repeats=1, folds=3, hidden=(8, 4), min_lines=20, quick=True
)


def with_targets(cohort, y, drugs=DRUGS):
    target = replace(cohort.stage("target"), y=y, drugs=drugs)
    return replace(cohort, domains=(*cohort.domains[:-1], target), drug=drugs[0])


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Stages of a study that names no folder go into a temporary one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def many():
    """A chain whose target of 20 samples has six drugs, one of them with two gaps."""
    cohort = simulate(seed=3, genes=60, n_source=60, n_intermediate=30, n_target=20)[0]
    rng = np.random.default_rng(5)
    y = cohort.stage("target").y + 0.05 * rng.normal(size=(20, len(DRUGS)))
    y[[2, 7], 3] = np.nan
    return with_targets(cohort, y)


@pytest.fixture(scope="module")
def sources(many, tmp_path_factory):
    source = replace(many.stage("source"), scaler=many.stage("target").scaler)
    profile = source_profile(many.stage("source"), tmp_path_factory.mktemp("stages"), SETTINGS.min_lines)
    return fit_sources(source, SETTINGS.recipe, SETTINGS.hidden, SETTINGS.seed, profile)


@pytest.fixture(scope="module")
def results(many, tmp_path_factory):
    return run_many_targets(replace(SETTINGS, checkpoint_dir=str(tmp_path_factory.mktemp("stages"))), many)


def one_fold(many, protocol="honest", drug="D0"):
    domain = many.stage("target").for_drug(drug)
    folds = partitions(domain.response, domain.groups, folds=3, repeats=1, seed=400)
    return domain, scale_folds(domain, folds[:1], PROTOCOLS[protocol])[0]


def test_every_arm_by_hand(many, sources):
    """Each closed form on its own view, scaled here by hand."""
    domain, fold = one_fold(many)
    train, test = fold.fold.train, fold.fold.test
    x = fit_scaler(domain.x[train], domain.scaler).apply(domain.x)
    y = domain.response[train]
    found = fold_predictions(domain, fold, sources, 400)
    assert tuple(found) == ARMS

    def head(form, view):
        return form(view[train], y, view[test], groups=domain.groups[train])

    source = many.stage("source")
    centre, spread = np.nanmean(source.y, axis=0), np.nanstd(source.y, axis=0)
    kernel = (sources.kernel.predict(x) - centre) / spread
    raw = np.asarray(sources.network.network.apply(sources.network.variables, x).prediction, np.float64)
    low, high = np.nanmin(source.y, axis=0), np.nanmax(source.y, axis=0)
    network = (low + raw / 10 * (high - low) - centre) / spread
    np.testing.assert_allclose(found["mean"], y.mean())
    np.testing.assert_allclose(found["ridge"], head(ridge, x))
    np.testing.assert_allclose(found["kernel_ridge"], head(kernel_ridge, x))
    np.testing.assert_allclose(found["kernel_profile"], head(kernel_ridge, kernel), rtol=1e-6)
    np.testing.assert_allclose(found["kernel_profile_linear"], head(ridge, kernel), rtol=1e-6)
    np.testing.assert_allclose(found["drug_profile"], head(kernel_ridge, network), rtol=1e-4)
    np.testing.assert_allclose(found["drug_profile_linear"], head(ridge, network), rtol=1e-4)
    for arm, (one, other) in AVERAGES.items():
        np.testing.assert_allclose(found[arm], (found[one] + found[other]) / 2)
    np.testing.assert_array_equal(found["profile_gp_mechanism"], found["profile_gp"])  # no drug acts as D0 does
    predictions = np.stack([found[arm] for arm in ARMS if arm not in ("mean", "profile_gp_mechanism")])
    assert len(np.unique(predictions.round(6), axis=0)) == len(predictions)  # no two arms are the same


def test_some_arms_alone_need_no_other_source_models(many, results):
    """The same numbers, and neither network nor kernel ridges."""
    settings = replace(SETTINGS, arms=("profile_gp", "ridge", "drug_profile_average"))
    assert settings.models == {"network"}
    few = replace(settings, arms=("profile_gp", "ridge"), protocols=("honest",), known_drugs=True)
    assert few.models == set()
    found = run_many_targets(few, many).table("metrics").set_index(["target", "arm", "repeat", "fold", "metric"]).value
    whole = results.table("metrics")
    whole = whole[whole.protocol == "honest"].set_index(["target", "arm", "repeat", "fold", "metric"]).value
    assert set(found.index.get_level_values("arm")) == {"ridge", "profile_gp", KNOWN_DRUGS}
    own = found.drop(KNOWN_DRUGS, level="arm")
    pd.testing.assert_series_equal(own, whole.loc[own.index])
    assert not found.xs(KNOWN_DRUGS, level="arm").equals(found.xs("profile_gp", level="arm"))
    with pytest.raises(InputError, match="name a model on the target's own genes too"):
        replace(SETTINGS, arms=("profile_gp",))
    with pytest.raises(InputError, match="--arms=gp: there are: mean"):
        replace(SETTINGS, arms=("gp",))


def test_known_drugs_are_those_of_the_sample_and_not_the_judged_one(many):
    """Another drug's response of a held-out sample moves its own prediction alone; the judged drug's moves none."""
    whole = many.stage("target")
    domain, fold = one_fold(many)
    train, row = fold.fold.train, fold.fold.test[0]
    before = among(others_of(whole, domain)[1], train)
    assert before.shape == (20, 5)
    y = whole.y.copy()
    y[row, 1] += 5
    after = among(others_of(replace(whole, y=y), domain)[1], train)
    assert (np.flatnonzero((before != after).any(axis=1)) == row).all()
    y = whole.y.copy()
    y[:, 0] = y[::-1, 0]
    np.testing.assert_array_equal(among(others_of(replace(whole, y=y), domain)[1], train), before)


def test_held_out_labels_reach_nothing(many, sources):
    domain, fold = one_fold(many)
    y = domain.y.copy()
    y[fold.fold.test] = y[fold.fold.test][::-1] + 1
    before, after = (fold_predictions(d, fold, sources, 400) for d in (domain, replace(domain, y=y)))
    for arm in ARMS:
        assert np.array_equal(before[arm], after[arm]), arm


@pytest.mark.parametrize("protocol", ["honest", "transductive"])
def test_a_held_out_sample_reaches_the_others_only_through_a_transductive_scaler(many, sources, protocol):
    domain, fold = one_fold(many, protocol)
    x = domain.x.copy()
    x[fold.fold.test[0]] += np.linspace(-3, 3, 60)
    other = replace(domain, x=x)
    moved = scale_folds(other, [fold.fold], PROTOCOLS[protocol])[0]
    before, after = fold_predictions(domain, fold, sources, 400), fold_predictions(other, moved, sources, 400)
    for arm in ARMS[1:]:
        assert before[arm][0] != after[arm][0], arm
        assert np.allclose(before[arm][1:], after[arm][1:], rtol=1e-6, atol=0) == (protocol == "honest"), arm


def test_held_out_rows_are_scaled_as_the_protocol_says(many):
    for protocol in PROTOCOLS:
        domain, fold = one_fold(many, protocol)
        train, test = fold.fold.train, fold.fold.test
        own = {"honest": train, "as_published": test, "transductive": np.arange(20)}[protocol]
        rows = scaled_rows(domain, fold)
        np.testing.assert_array_equal(rows[test], fit_scaler(domain.x[own], "standard").apply(domain.x[test]))
        if protocol != "transductive":
            np.testing.assert_allclose(rows[train].mean(axis=0), 0, atol=1e-4)


def source_parts(work) -> list[dict]:
    """The finished parts of the source models, whichever name their folder has."""
    found = [list(Parts(folder).saved()) for folder in (work / "parts").iterdir()]
    return next(parts for parts in found if "model" in parts[0])


@pytest.mark.full
def test_no_target_reaches_the_source(many, tmp_path):
    """Other target labels and other target expression leave the source models bitwise as they are."""
    rng = np.random.default_rng(8)
    changed = with_targets(many, rng.uniform(size=(20, 6)))
    target = replace(changed.domains[-1], x=rng.normal(size=(20, 60)).astype(np.float32))
    changed = replace(changed, domains=(*changed.domains[:-1], target))
    settings = replace(SETTINGS, protocols=("honest",))
    metrics, models = [], []
    for name, cohort in (("own", many), ("changed", changed)):
        metrics.append(run_many_targets(settings, cohort, tmp_path / name).table("metrics"))
        models.append(source_parts(tmp_path / name))
    assert not metrics[0].equals(metrics[1])
    for one, other in zip(*models, strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_source_models_are_found_again_among_parts(many, sources, tmp_path):
    source = replace(many.stage("source"), scaler=many.stage("target").scaler)
    profile = source_profile(many.stage("source"), tmp_path / "stages", SETTINGS.min_lines)
    arguments = (source, SETTINGS.recipe, SETTINGS.hidden, SETTINGS.seed, profile)
    x = np.random.default_rng(0).normal(size=(5, 60)).astype(np.float32)
    fit_sources(*arguments, work=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.part")}
    assert len(before) == 2
    again = fit_sources(*arguments, work=tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.part")} == before
    for view, values in sources.views(x).items():
        assert np.array_equal(values, again.views(x)[view]), view


def test_every_arm_predicts_every_drug_once_per_repeat(many, results):
    predictions = results.table("predictions")
    assert set(predictions.target) == set(DRUGS)
    assert set(predictions.arm) == set(ARMS)
    target = many.stage("target")
    for (drug, _, _, _), rows in predictions.groupby(["target", "arm", "protocol", "repeat"]):
        domain = target.for_drug(drug)
        assert dict(zip(rows.sample_id, rows.y_true, strict=True)) == dict(
            zip(domain.samples, domain.response, strict=True)
        )
        assert len(rows) == (18 if drug == "D3" else 20)
    assert set(predictions[predictions.arm == "ridge"].source) == {""}
    assert set(predictions[predictions.arm == "drug_profile"].source) == {SOURCE}


def test_folds_are_drawn_for_each_drug_by_its_own_median(results, many):
    predictions = results.table("predictions")
    for drug in DRUGS:
        rows = predictions[(predictions.target == drug) & (predictions.arm == "mean") & (predictions.repeat == 0)]
        rows = rows[rows.protocol == "honest"]
        above = rows.y_true > np.nanmedian(many.stage("target").for_drug(drug).response)
        assert above.groupby(rows.fold).sum().between(2, 4).all()


@pytest.mark.full
def test_tables_over_targets_by_hand(results):
    over = over_targets(results)
    predictions = results.table("predictions")
    expected = {}
    for (protocol, drug, arm), rows in predictions.groupby(["protocol", "target", "arm"]):
        if arm != "mean":
            each = [spearmanr(part.y_true, part.y_pred)[0] for _, part in rows.groupby(["repeat", "fold"])]
            expected[protocol, drug, arm] = np.mean(each)
    blocks = over.blocks.set_index(["protocol", "target"])
    for (protocol, drug, arm), value in expected.items():
        assert blocks.loc[(protocol, drug), arm] == pytest.approx(value)
    honest = blocks.loc["honest"]
    gain = over.gains.set_index(["protocol", "reference", "arm"]).loc[("honest", "ridge", "drug_profile")]
    assert gain.gain == pytest.approx((honest.drug_profile - honest.ridge).mean())
    assert gain.targets == 6
    ranks = over.ranks[over.ranks.protocol == "honest"].set_index("arm").average_rank
    for arm, rank in honest.rank(axis=1, ascending=False).mean().items():
        assert ranks[arm] == pytest.approx(rank)
    assert ranks["mean"] == ranks.max()  # a constant orders nothing: 0
    row = over.targets.set_index(["protocol", "target", "arm"]).loc[("honest", "D3", "kernel_ridge")]
    assert (row.n, row.gain_over_kernel_ridge) == (18, 0)
    kept = [predictions[(predictions.target == "D3") & (predictions.arm == arm)] for arm in ("kernel_ridge", "ridge")]
    one, other = (
        np.array([spearmanr(p.y_true, p.y_pred)[0] for _, p in rows[rows.protocol == "honest"].groupby("fold")])
        for rows in kept
    )
    test = corrected_t(one - other, 6 / 12)
    found = row[["gain_over_ridge", "p_corrected_over_ridge"]].tolist()
    assert found == pytest.approx([np.mean(one - other), test.p])
    fold, observed = (
        kept[0][kept[0].protocol == "honest"].sort_values("sample_id")[name] for name in ("fold", "y_true")
    )
    made = [rows[rows.protocol == "honest"].sort_values("sample_id").y_pred.to_numpy()[None] for rows in kept]
    held = Held.of(observed, fold.to_numpy()[None])
    own = influence_test(*(held.influence(each) for each in made))
    found = row[["low_over_ridge", "high_over_ridge", "p_over_ridge"]].tolist()
    assert found == pytest.approx([own.wide_low, own.wide_high, own.p])
    assert row.p_family_over_ridge >= row.p_over_ridge
    assert "drug_profile_average" in printed(over)
    assert "share of targets won" in printed(over)


def test_judged_by_an_error_less_is_better(results, tmp_path):
    """The same predictions: gains, wins and ranks go by how much lower an arm is; blocks and pairs stay as they are."""
    by_error = replace(results, settings=replace(SETTINGS, metric="rmse"))
    over, predictions = over_targets(by_error), results.table("predictions")
    squares = predictions.assign(square=(predictions.y_true - predictions.y_pred) ** 2)
    keys = ["protocol", "target", "arm", "repeat", "fold"]
    each = np.sqrt(squares.groupby(keys)["square"].mean()).groupby(keys[:3]).mean().unstack("arm").loc["honest"]
    blocks = over.blocks[over.blocks.protocol == "honest"].set_index("target")
    for arm in ARMS:
        np.testing.assert_allclose(blocks.loc[each.index, arm], each[arm])
    gain = over.gains.set_index(["protocol", "reference", "arm"]).loc[("honest", "ridge", "mean")]
    assert gain.gain == pytest.approx((each["ridge"] - each["mean"]).mean())
    assert gain.won == pytest.approx((each["mean"] < each["ridge"]).mean())
    ranks = over.ranks[over.ranks.protocol == "honest"].set_index("arm").average_rank
    for arm, rank in each.rank(axis=1).mean().items():
        assert ranks[arm] == pytest.approx(rank)
    pair = over.pairs[over.pairs.protocol == "honest"].iloc[0]
    assert pair.mean_difference == pytest.approx((each[pair.arm_a] - each[pair.arm_b]).mean())
    assert pair.ci_low < pair.mean_difference < pair.ci_high
    row = over.targets.set_index(["protocol", "target", "arm"]).loc[("honest", "D3", "mean")]
    assert row.rmse == pytest.approx(each.loc["D3", "mean"])
    assert row.gain_over_ridge == pytest.approx(each.loc["D3", "ridge"] - each.loc["D3", "mean"])
    assert "Mean RMSE per fold; gain (by how much it is lower)" in printed(over, "rmse")
    assert write_many(by_error, over, tmp_path) == []
    page = (tmp_path / "report.html").read_text()
    assert "Spearman" not in page
    assert "bold on blue: the lowest of a target" in page


@pytest.mark.full
def test_one_target_is_judged_over_its_folds(many):
    alone = with_targets(many, many.stage("target").y[:, :1], DRUGS[:1])
    over = over_targets(run_many_targets(replace(SETTINGS, protocols=("honest",)), alone))
    row = over.targets.set_index("arm").loc["kernel_profile"]
    text = printed(over)
    assert "95 % interval over folds and samples" in text
    assert f"{row.gain_over_ridge:+.3f} [{row.low_over_ridge:+.3f}, {row.high_over_ridge:+.3f}]" in text
    assert "honest, 1 target\n" in text
    assert over.tests == {}


@pytest.mark.full
def test_what_is_written(results, tmp_path):
    assert write_many(results, over_targets(results), tmp_path) == []
    names = {path.name for path in tmp_path.iterdir()}
    tables = {
        f"{name}.csv"
        for name in ("metrics", "held_out", "targets", "blocks", "gains", "over_samples", "by_class", "ranks", "pairs")
    }
    pictures = {f"ranks-{protocol}.{end}" for protocol in SETTINGS.protocols for end in ("svg", "png")}
    assert names == tables | pictures | {"summary.json", "report.html"}
    wide = pd.read_csv(tmp_path / "held_out.csv")
    assert len(wide) == 2 * (5 * 20 + 18)
    assert wide[list(ARMS)].notna().all().all()


def test_a_finished_target_is_not_computed_again(many, tmp_path, monkeypatch):
    few = with_targets(many, many.stage("target").y[:, :2], DRUGS[:2])
    first = run_many_targets(SETTINGS, few, tmp_path)
    monkeypatch.setattr("tl_jax.study.many_targets.drugs.fold_predictions", None)
    again = run_many_targets(SETTINGS, few, tmp_path)
    pd.testing.assert_frame_equal(again.table("metrics"), first.table("metrics"))


def test_a_target_that_cannot_be_split_is_left_out_and_named(many, caplog):
    y = many.stage("target").y.copy()
    y[4:, 1] = np.nan
    y[:, 2] = 0.5
    caplog.set_level("INFO", "tl_jax")
    settings = replace(SETTINGS, protocols=("honest",))
    found = run_many_targets(settings, with_targets(many, y))
    assert set(found.table("metrics").target) == set(DRUGS) - {"D1", "D2"}
    left_out, unknown = found.ledger.notes[:2], found.ledger.notes[2]
    assert [note.split(":")[0] for note in left_out] == ["target D1 left out", "target D2 left out"]
    assert unknown.startswith("not in the table of mechanisms: D0, D3, D4, D5; ")
    assert sum(text.startswith("note: target D") for text in caplog.messages) == 2
    over = over_targets(found)
    assert over.tests == {}
    assert any("4 cohorts or drugs are too few" in note for note in over.notes)
    with pytest.raises(InputError, match="no drug of target"):
        run_many_targets(settings, with_targets(many, y[:, [1, 2]], ("D1", "D2")))


@pytest.mark.slow
def test_fine_tuned_networks_start_from_the_trunk(many):
    settings = replace(SETTINGS, protocols=("honest",), fine_tuned=("freeze_layer12", "fine_tune"))
    metrics = run_many_targets(settings, with_targets(many, many.stage("target").y[:, :1], ("D0",))).table("metrics")
    assert set(metrics.arm) == {*ARMS, "drug_freeze_layer12", "drug_fine_tune"}
    assert metrics[metrics.arm.str.startswith("drug_f")].source.unique().tolist() == [SOURCE]


@pytest.mark.parametrize(
    "changes",
    [{"protocols": ("mine",)}, {"protocols": ()}, {"min_lines": 1}, {"fine_tuned": ("scratch",)}, {"repeats": 0}],
)
def test_bad_settings_are_refused(changes):
    with pytest.raises(InputError):
        replace(SETTINGS, **changes)


def test_the_verdict_is_over_the_strongest_model_without_a_source():
    rows = [
        ("ridge", "kernel_ridge", 0.03),
        ("repaired_ridge", "kernel_ridge", 0.06),
        ("profile_gp", "kernel_ridge", 0.1),
    ]
    rows += [("kernel_ridge", "ridge", -0.03), ("repaired_ridge", "ridge", 0.03), ("profile_gp", "ridge", 0.07)]
    rows += [("kernel_ridge", "repaired_ridge", -0.06), ("ridge", "repaired_ridge", -0.03)]
    table = pd.DataFrame(rows, columns=["arm", "reference", "gain"])
    assert strongest(table) == "repaired_ridge"
    assert strongest(table[table.reference == "ridge"]) == "ridge"


def test_the_verdict_over_samples_counts_every_arm_that_p_counts():
    rows = pd.DataFrame({"arm": ["a", "b"], "gain": [0.05, 0.06], "p_family": [0.04, 0.06]})
    rows = rows.assign(ci_low=0.01, ci_high=0.1, reference="ridge", samples=55)
    text = over_samples_verdict(rows, "honest", 31, get("spearman"), every=3)
    assert "1 of 2 arms that use the source gain: a +0.050" in text
    assert "p 0.040 after all 3 arms" in text
