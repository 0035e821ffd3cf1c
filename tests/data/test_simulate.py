"""The simulated chain: shapes, determinism, and a truth that behaves as announced."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import tl_jax
from tl_jax.data.cohort.simulate import MARKER_AT, simulate
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.data.splits import partitions
from tl_jax.errors import InputError
from tl_jax.evaluation.checks.reliability import label_quality
from tl_jax.evaluation.predictors.baselines import ridge
from tl_jax.evaluation.statistics.metrics import spearman

SMALL = {"genes": 120, "n_source": 60, "n_intermediate": 20, "n_target": 12}
SEEDS = range(6)


def scaled(domain):
    return fit_scaler(domain.x, domain.scaler).apply(domain.x)


def test_shapes_names_and_finiteness():
    cohort, truth = simulate("mine", seed=3, **SMALL)
    assert cohort.name == "mine"
    assert [len(d) for d in cohort.domains] == [60, 20, 12]
    assert cohort.genes[MARKER_AT] == cohort.marker == "MGMT"
    assert len(set(cohort.genes)) == 120
    assert cohort.source_drugs == cohort.stage("source").drugs
    assert cohort.default_source in cohort.source_drugs
    for domain in cohort.domains:
        assert domain.x.dtype == np.float32
        assert np.isfinite(domain.x).all()
        observed = domain.y[np.isfinite(domain.y)]
        assert ((observed > 0) & (observed < 1)).all()
        assert len(set(domain.samples)) == len(domain)
        assert truth.response[domain.name].shape == domain.y.shape
        assert truth.activities[domain.name].shape == (len(domain), 7)
        np.testing.assert_array_equal(domain.genes, cohort.genes)
    assert truth.loadings.shape == (7, 120)
    assert cohort.coverage == {"source": 1.0, "intermediate": 1.0, "target": 1.0}
    assert set(cohort.stage("target").tissue) == set(cohort.stage("intermediate").tissue) == {"glioma"}
    assert np.isfinite(cohort.stage("target").response).all()
    assert cohort.stage("source").for_drug("oxaliplatin").replicate.shape[1] == 1


def test_deterministic_and_sizes_do_not_reshuffle():
    first, truth = simulate(seed=3, **SMALL)
    again, _ = simulate(seed=3, **SMALL)
    more, wider = simulate(seed=3, **(SMALL | {"n_source": 90, "n_target": 15}))
    other, _ = simulate(seed=4, **SMALL)
    for a, b, c in zip(first.domains, again.domains, more.domains, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        np.testing.assert_array_equal(a.y, b.y)
        np.testing.assert_allclose(c.x[: len(a)], a.x, rtol=1e-5)
        np.testing.assert_allclose(c.y[: len(a)], a.y)
    assert not np.allclose(first.stage("target").x, other.stage("target").x)
    np.testing.assert_array_equal(truth.loadings, wider.loadings)


def test_reliability_and_range_order_the_source_drugs():
    cohort, truth = simulate(seed=1, genes=60, n_source=700)
    source = cohort.stage("source")
    found = {drug: label_quality(source, drug) for drug in source.drugs}
    assert found["Oxaliplatin"]["replicate_spearman"] > 0.7
    assert 0 < found["Temozolomide"]["replicate_spearman"] < 0.4
    assert found["Temozolomide"]["q25"] > 0.95
    assert found["Temozolomide"]["dynamic_range"] < 0.3 * found["Oxaliplatin"]["dynamic_range"]
    for drug in source.drugs:
        key = f"source/{drug}"
        assert truth.oracle_spearman[key] == pytest.approx(truth.noise_ceiling[key], abs=0.06)
        assert 558 <= found[drug]["n"] <= 700


def test_relatedness_is_the_cosine_of_the_programmes():
    noiseless = []
    for relatedness in (0.0, 0.3, 0.6, 0.9, 1.0):
        cohort, truth = simulate(seed=2, relatedness=relatedness, **(SMALL | {"n_source": 600}))
        target = truth.weights["target/Temozolomide"]
        for key, weights in truth.weights.items():
            assert np.linalg.norm(weights) == pytest.approx(1)
            assert weights @ target == pytest.approx(1.0 if key.startswith("target") else relatedness, abs=1e-9)
        column = cohort.stage("source").column("Oxaliplatin")
        of_target = truth.activities["source"] @ target
        noiseless.append(spearman(truth.response["source"][:, column], of_target))
    assert np.all(np.diff(noiseless) > 0)
    assert noiseless[-1] == pytest.approx(1)


def test_intermediate_may_have_its_own_relatedness():
    _, truth = simulate(seed=2, relatedness=0.2, intermediate_relatedness=0.8, **SMALL)
    cosine = truth.weights["intermediate/Temozolomide"] @ truth.weights["target/Temozolomide"]
    assert cosine == pytest.approx(0.8)


def test_genes_correlate_within_modules_and_the_marker_is_weakly_linked():
    cohort, truth = simulate(seed=5, genes=300, n_target=2000)
    target = cohort.stage("target")
    main = np.abs(truth.loadings).argmax(axis=0)
    correlation = np.abs(np.corrcoef(target.x.T))
    same = main[:, None] == main[None, :]
    np.fill_diagonal(same, False)
    assert correlation[same].mean() > 3 * correlation[~same].mean() - 3 / 300
    assert 0.1 < spearman(target.response, target.x[:, MARKER_AT]) < 0.45


def test_target_as_counts_or_as_array_and_related_pairs():
    counts, _ = simulate(seed=1, **SMALL)
    array, _ = simulate(seed=1, target_counts=False, related_pairs=2, **SMALL)
    np.testing.assert_allclose((2.0 ** counts.stage("target").x - 1).sum(axis=1), 1e6, rtol=1e-3)
    assert not np.allclose(counts.stage("target").x, array.stage("target").x)
    groups = array.stage("target").groups
    assert len(set(groups)) == 10
    assert groups[0] == groups[1] != groups[2] == groups[3] != groups[4]


def zero_shot(seed, relatedness):
    cohort, _ = simulate(seed=seed, relatedness=relatedness)
    source, target = cohort.stage("source").for_drug("Oxaliplatin"), cohort.stage("target")
    return spearman(target.response, ridge(scaled(source), source.response, scaled(target)))


def from_scratch(seed):
    target = simulate(seed=seed, n_source=2)[0].stage("target")
    y, scratch = target.response, []
    for fold in partitions(y, target.groups, folds=3, repeats=2, seed=seed):
        scaler = fit_scaler(target.x[fold.train], target.scaler)
        predicted = ridge(scaler.apply(target.x[fold.train]), y[fold.train], scaler.apply(target.x[fold.test]))
        scratch.append(np.nan_to_num(spearman(y[fold.test], predicted)))
    return np.mean(scratch)


@pytest.mark.full
def test_transfer_helps_when_related_and_does_nothing_when_not():
    related, unrelated = (np.mean([zero_shot(seed, r) for seed in SEEDS]) for r in (0.95, 0.0))
    scratch = np.mean([from_scratch(seed) for seed in SEEDS])
    assert related > scratch + 0.15
    assert related > 0.35
    assert abs(unrelated) < 0.25


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"relatedness": 1.2}, "0..1"),
        ({"missing": -0.1}, "0..1"),
        ({"genes": 10}, "20 genes"),
        ({"n_target": 1}, "2 samples"),
        ({"related_pairs": 20}, "related_pairs"),
        ({"genes": "many"}, "write a value like 2000"),
        ({"n_source": 70.5}, "n_source"),
        ({"target_counts": 1}, "target_counts"),
        ({"drugs": 3}, "no setting 'drugs'"),
    ],
)
def test_errors_name_the_setting(settings, message):
    with pytest.raises(InputError, match=message):
        simulate(**settings)


def test_the_packaged_cohort_file_describes_what_is_drawn():
    file = Path(tl_jax.__file__).parent / "cohorts" / "simulated.toml"
    table = tomllib.loads(file.read_text())
    cohort, _ = simulate(table["name"], **(table["simulate"] | {"genes": 120, "n_source": 30}))
    for key in ("name", "title"):
        assert getattr(cohort, key) == table[key]


@pytest.mark.parametrize("sizes", [{"genes": 10**30}, {"genes": 10**7}, {"n_source": 10**9}, {"programmes": 10**12}])
def test_sizes_that_no_memory_holds(sizes):
    with pytest.raises(InputError, match=r"simulate: .*(take over 8 GB|more genes than programmes)"):
        simulate(**sizes)
