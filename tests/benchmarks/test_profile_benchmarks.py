"""The benchmarks around profile_gp: slow twins, the product's own arms among theirs, no look at held-out rows."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import null_space

from benchmarks import deep_kernel
from benchmarks.deep_kernel import OWN, SHARES, with_share
from benchmarks.fewer_source_drugs import drawn, mean_over
from benchmarks.mechanism_screens import BOTH, ONE, OTHER_SCREEN, expected, second_profile
from benchmarks.mechanism_screens import on_target as with_screens
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.evaluation.predictors.drug_profile import fit_drug_profile
from tl_jax.evaluation.predictors.gaussian import RELATIVE_NOISE
from tl_jax.evaluation.predictors.profile_gp import fit_gp
from tl_jax.evaluation.predictors.ranked import rankit
from tl_jax.evaluation.statistics.metrics import spearman
from tl_jax.study.core.problem import Partition, Problem
from tl_jax.study.core.protocol import PROTOCOLS

LINES, GENES = 90, 40
# The shipped table knows them; the first two act alike, and the next two.
DRUGS = ("Vincristine", "Vinblastine", "Gemcitabine", "Cytarabine", *(f"D{k}" for k in range(8)))


def domain(seed=0):
    rng = np.random.default_rng(seed)
    x = 7 + rng.standard_normal((LINES, 4)) @ rng.standard_normal((4, GENES)) + rng.standard_normal((LINES, GENES))
    y = (x - x.mean(axis=0)) @ rng.standard_normal((GENES, 3)) @ rng.standard_normal((3, len(DRUGS)))
    y = y / y.std(axis=0) + rng.standard_normal(y.shape)
    names, genes = (np.array([f"{kind}{k:02d}" for k in range(n)]) for kind, n in (("S", LINES), ("G", GENES)))
    return Domain("source", x.astype(np.float32), y, names, genes, DRUGS, names, names)


WHOLE = domain()
SOURCE, TARGET = WHOLE.rows(np.arange(36, LINES)), WHOLE.rows(np.arange(36))


@pytest.fixture(scope="module")
def profile():
    return fit_drug_profile(SOURCE.x, SOURCE.y, SOURCE.drugs, SOURCE.tissue)


@pytest.fixture
def layer(monkeypatch):
    """A network whose last layer is known: ten sums of genes, bent."""
    maps = np.random.default_rng(3).standard_normal((GENES, 10))

    def look(network, z):
        return SimpleNamespace(features=np.tanh(np.asarray(z, np.float64) @ maps / 8) + network)

    monkeypatch.setattr(deep_kernel, "look", look)
    return {1: 0.0, 2: 1.0}


def slow_process(views, shares, train, test, y):
    """The same process by contrasts of the constant and one linear system, noise by trying every one."""
    kernel = 0.0
    for view, share in zip(views, shares, strict=True):
        x = view - view[train].mean(axis=0)
        size = np.mean([x[i] @ x[i] for i in train])
        kernel = kernel + share * np.array([[a @ b for b in x] for a in x]) / size
    n = len(train)
    contrasts = null_space(np.ones((1, n)))
    told, inner = contrasts.T @ y, contrasts.T @ kernel[np.ix_(train, train)] @ contrasts
    unit = np.trace(inner) / (n - 1)

    def likelihood(noise):
        covariance = inner + noise * unit * np.eye(n - 1)
        scale = told @ np.linalg.solve(covariance, told) / (n - 1)
        return -0.5 * np.linalg.slogdet(scale * covariance)[1]

    noise = max(RELATIVE_NOISE, key=likelihood) * unit
    system = np.ones((n + 1, n + 1))
    system[:n, :n], system[n, n] = kernel[np.ix_(train, train)] + noise * np.eye(n), 0
    dual = np.linalg.solve(system, [*y, 0])
    return kernel[np.ix_(test, train)] @ dual[:n] + dual[n]


@pytest.mark.parametrize("shares", [OWN, *SHARES.values()])
def test_the_process_of_several_views_by_a_slow_twin(shares):
    rng = np.random.default_rng(5)
    views = [rng.standard_normal((30, width)) * scale for width, scale in ((40, 1), (12, 0.2), (10, 3))]
    train, test = np.arange(20), np.arange(20, 30)
    y = rankit(views[0][:20, 0] + views[2][:20, 0] + rng.standard_normal(20))
    found = with_share(views, shares, train, test, y)
    np.testing.assert_allclose(found, slow_process(views, shares, train, test, y), rtol=1e-6, atol=1e-9)


def product_scores(profile, one, fold, alike=()):
    train, test = fold.train, fold.test
    z = fit_scaler(one.x[train], "shrunken", profile.variance).apply(one.x)
    return fit_gp(z[train], one.response[train], profile, alike).score(z[test], profile)


def arms_of(rows):
    """{arm: (m,) scores of the first fold}."""
    found = {}
    for arm, repeat, number, _, _, score in rows:
        if (repeat, number) == (0, 0):
            found.setdefault(arm, []).append(score)
    return found


def test_the_deep_kernel_stands_beside_the_products_own_arms(profile, layer):
    one = TARGET.for_drug(DRUGS[0])
    fold = Partition(3, 1).draw(one.response, one.groups)[0]
    found = arms_of(deep_kernel.on_target(one, profile, layer, 1))
    assert len(found) == 2 + 2 * len(SHARES)
    np.testing.assert_allclose(found["profile_gp"], product_scores(profile, one, fold), atol=1e-6)
    floored = fit_scaler(one.x[fold.train], "floored").apply(one.x)
    repaired = fit_gp(floored[fold.train], one.response[fold.train]).score(floored[fold.test])
    np.testing.assert_allclose(found["repaired_ridge"], repaired, atol=1e-6)
    assert not np.allclose(found["thirds, seed 1"], found["profile_gp"])
    # A layer that differs by a constant is the same layer to a process with a constant.
    np.testing.assert_allclose(found["thirds, seed 1"], found["thirds, seed 2"], atol=1e-8)


def test_held_out_labels_reach_neither_benchmark(profile, layer):
    one = TARGET.for_drug(DRUGS[0])
    fold = Partition(3, 1).draw(one.response, one.groups)[0]
    rank = np.argsort(np.argsort(one.response))
    y = one.response.copy()
    # Other values on the same side of the median draw the same folds.
    y[fold.test] = np.where(rank[fold.test] >= 18, one.response.max() + 1 + rank[fold.test], one.response.min() - 1)
    other = replace(one, y=y[:, None])
    assert (Partition(3, 1).draw(other.response, other.groups)[0].test == fold.test).all()
    for told, more in ((deep_kernel.on_target, layer), (with_screens, profile)):
        before, after = (arms_of(told(each, profile, more, 1)) for each in (one, other))
        assert before == after


def test_all_drugs_are_the_profile_itself_and_fewer_know_no_other(profile):
    every = drawn(SOURCE, len(DRUGS), 0)
    assert every.drugs == profile.drugs
    np.testing.assert_allclose(every.weights, profile.weights, atol=1e-6)
    few = drawn(SOURCE, 10, 1)
    assert len(few.drugs) == 10
    left = [k for k, drug in enumerate(DRUGS) if drug not in few.drugs]
    y = SOURCE.y.copy()
    y[:, left] = y[::-1][:, left] * 5
    again = drawn(replace(SOURCE, y=y), 10, 1)
    np.testing.assert_array_equal(again.weights, few.weights)
    assert not np.allclose(few.weights, profile.some(few.drugs).weights)  # its centre knows fewer drugs
    assert drawn(SOURCE, 10, 2).drugs != few.drugs


def test_what_is_printed_is_the_mean_over_targets_of_that_over_folds(profile):
    problems = [Problem.drawn(TARGET.for_drug(drug), Partition(3), PROTOCOLS["honest"]) for drug in DRUGS[:2]]
    each = []
    for problem in problems:
        one = problem.domain
        folds = [f.fold for f in problem.folds]
        each.append(np.mean([spearman(one.response[f.test], product_scores(profile, one, f)) for f in folds]))
    assert mean_over(problems, profile) == pytest.approx(np.mean(each), abs=1e-9)


def test_a_second_screen_joins_what_is_expected_and_nothing_else(profile):
    """The same screen twice changes nothing; one screen is the product's arm; no listed drug expects nothing."""
    one = TARGET.for_drug(DRUGS[0])
    fold = Partition(3, 1).draw(one.response, one.groups)[0]
    found = arms_of(with_screens(one, profile, profile, 1))
    np.testing.assert_allclose(found[BOTH], found[ONE], atol=1e-9)
    np.testing.assert_allclose(found[ONE], product_scores(profile, one, fold, DRUGS[:2]), atol=1e-6)
    assert not np.allclose(found[ONE], found["profile_gp"])

    z = np.random.default_rng(0).standard_normal((5, GENES))
    second = profile.some(DRUGS[1:3])  # one of the two that act alike
    told = profile.scores(z) * profile.reliability
    by_hand = 1.25 * (told[:, 0] + 2 * told[:, 1]) / 3
    np.testing.assert_allclose(expected(z, [profile, second], DRUGS[0], True), by_hand)
    np.testing.assert_allclose(expected(z, [profile, second], DRUGS[0], False), -by_hand)
    assert not expected(z, [profile], "Nobody knows it", True).any()


def test_the_second_screen_is_fitted_on_the_lines_of_the_source(profile):
    """Its table read in any order gives the source's own profile; other screens and lines of it do not count."""
    rows = [
        (screen, str(sample), drug, value)
        for screen, sign in ((OTHER_SCREEN, 1), ("GDSC2", -1))
        for sample, own in zip(WHOLE.samples, WHOLE.y, strict=True)
        for drug, value in zip(DRUGS, sign * own, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["dataset", "cell_id", "drug", "AUC"]).sample(frac=1, random_state=0)
    found = second_profile(SOURCE, table)
    assert set(found.drugs) == set(DRUGS)
    order = [found.drugs.index(drug) for drug in DRUGS]
    np.testing.assert_allclose(found.weights[:, order], profile.weights, atol=1e-6)
