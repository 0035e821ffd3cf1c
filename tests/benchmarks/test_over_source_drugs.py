"""What is learnt over source drugs as tasks: slow twins, no look at held-out rows, no task that sees itself."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from benchmarks.meta_kernel import LOSSES, Meta, learn, loss_and_gradient, predicted, stacked
from benchmarks.source_tasks import (
    ARMS,
    LINEAR,
    Task,
    rows_of,
    source_tasks,
    stacking_weights,
    task,
    told_by_arms,
    without,
)
from tl_jax.data.domain import Domain
from tl_jax.data.scaling.scaling import fit_scaler
from tl_jax.evaluation.predictors.drug_profile import fit_drug_profile
from tl_jax.evaluation.predictors.profile_gp import fit_gp
from tl_jax.evaluation.predictors.ranked import rankit

LINES, GENES, DRUGS = 90, 40, 12
SIZES = {"blocks": 2, "lines": 36, "train": 20, "test": 9}
GROUPS = np.arange(36)


def source_domain(seed=0):
    rng = np.random.default_rng(seed)
    x = 7 + rng.standard_normal((LINES, 4)) @ rng.standard_normal((4, GENES)) + rng.standard_normal((LINES, GENES))
    y = (x - x.mean(axis=0)) @ rng.standard_normal((GENES, 3)) @ rng.standard_normal((3, DRUGS))
    y = y / y.std(axis=0) + rng.standard_normal(y.shape)
    y[rng.random(y.shape) < 0.05] = np.nan
    names, genes = (np.array([f"{kind}{k:02d}" for k in range(n)]) for kind, n in (("S", LINES), ("G", GENES)))
    drugs = tuple(f"D{k:02d}" for k in range(DRUGS))
    return Domain("source", x.astype(np.float32), y, names, genes, drugs, names, names)


SOURCE = source_domain()


@pytest.fixture(scope="module")
def drawn():
    return list(source_tasks(SOURCE, **SIZES))


@pytest.fixture(scope="module")
def tasks(drawn):
    return [one for _, one in drawn]


@pytest.fixture(scope="module")
def profile():
    return fit_drug_profile(
        SOURCE.x[36:], SOURCE.y[36:], SOURCE.drugs, None if SOURCE.tissue is None else SOURCE.tissue[36:]
    )


def of_rows(profile, y, x=SOURCE.x[:36]):
    """A target's fold: 24 training rows and 12 held out."""
    train, test = np.arange(24), np.arange(24, 36)
    return task(rows_of(x, train, profile), train, test, y, GROUPS)


def test_tasks_have_the_rows_that_were_asked_for(drawn):
    assert len(drawn) > 30
    assert {drug for drug, _ in drawn} == set(SOURCE.drugs)
    for _, one in drawn:
        assert (one.y.shape, one.truth.shape) == ((20,), (9,))
        for name in LINEAR:
            within, across = one.kernels[name]
            assert (within.shape, across.shape) == ((20, 20), (9, 20))
            np.testing.assert_allclose(within.sum(axis=0), 0, atol=1e-9)
            assert np.mean(np.diag(within)) == pytest.approx(1)


def test_an_arm_of_a_task_is_the_shipped_process(profile):
    y = np.nan_to_num(SOURCE.y[:36, 0])
    told = dict(zip(ARMS, told_by_arms(of_rows(profile, y)).T, strict=True))
    for arm, kind, own in (("profile_gp", "shrunken", profile), ("repaired_ridge", "floored", None)):
        z = fit_scaler(SOURCE.x[:24], kind, profile.variance).apply(SOURCE.x[:36])
        twin = fit_gp(z[:24], y[:24], own).score(z[24:], own)
        np.testing.assert_allclose(told[arm], twin, rtol=1e-5, atol=1e-6)


def test_no_task_sees_its_own_drug_in_the_profile(profile):
    """A drug's scores are taken out: the kernel is that of a profile that never had them."""
    rows = rows_of(SOURCE.x[:36], np.arange(24), profile)
    less = rows_of(SOURCE.x[:36], np.arange(24), profile.some(profile.drugs[1:]))
    for name in LINEAR:
        np.testing.assert_allclose(without(rows, [0]).products[name], less.products[name], atol=1e-8)
    assert np.abs(rows.products["profile"] - less.products["profile"]).max() > 1e-4


def test_responses_of_a_blocks_lines_reach_no_kernel(drawn):
    """Lines of the block have their responses turned round: every kernel stays, and what is learnt from them turns."""
    rng = np.random.default_rng(0)
    block = np.sort(rng.permutation(LINES)[:36])
    y = SOURCE.y.copy()
    y[block] = -y[block]
    again = [one for _, one in source_tasks(replace(SOURCE, y=y), **{**SIZES, "blocks": 1})]
    first = [one for _, one in drawn][: len(again)]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_allclose(other.y, -one.y, atol=1e-12)
        for name in one.kernels:
            np.testing.assert_array_equal(one.kernels[name][0], other.kernels[name][0])


def test_the_order_of_source_drugs_changes_nothing_that_is_learnt(tasks):
    order = np.random.default_rng(3).permutation(DRUGS)
    moved = replace(SOURCE, y=SOURCE.y[:, order], drugs=tuple(np.array(SOURCE.drugs)[order].tolist()))
    other = [one for _, one in source_tasks(moved, **SIZES)]
    weights = [stacking_weights([told_by_arms(t) for t in some], [t.truth for t in some]) for some in (tasks, other)]
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-4, atol=1e-6)
    assert weights[0].max() > 0.1
    found = [learn(some, "held_out")[1] for some in (tasks, other)]
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_stacking_weights_against_a_slow_twin():
    rng = np.random.default_rng(5)
    truths = [rng.standard_normal(n) for n in (8, 11, 9, 14)]
    told = [np.column_stack([t + rng.standard_normal(len(t)), rng.standard_normal(len(t)), 3 - t]) for t in truths]

    def loss(weights):
        total = 0.0
        for by, truth in zip(told, truths, strict=True):
            gap = rankit(truth) - by @ weights
            total += np.mean((gap - gap.mean()) ** 2)
        return total

    found = stacking_weights(told, truths)
    twin = minimize(loss, np.full(3, 0.3), bounds=[(0, None)] * 3, tol=1e-12)
    np.testing.assert_allclose(found, twin.x, atol=1e-4)
    assert found[0] > 0.1
    assert found[2] == 0.0  # what goes against the truth has no weight, never a negative one


def test_a_held_out_response_changes_no_prediction_of_a_target(profile, tasks):
    rng = np.random.default_rng(2)
    y, x = rng.standard_normal(36), SOURCE.x[:36].copy()
    other, moved = y.copy(), x.copy()
    other[24:] = rng.standard_normal(12)
    moved[30:] += 3
    meta = learn(tasks, "held_out", 5)[0]
    one, two, three = of_rows(profile, y), of_rows(profile, other), of_rows(profile, y, moved)
    for told in (told_by_arms, lambda t: predicted(meta, t, True), lambda t: predicted(meta, t, False)):
        np.testing.assert_array_equal(told(one), told(two))
        np.testing.assert_allclose(told(one)[:6], told(three)[:6], rtol=1e-9)
        assert np.abs(told(one)[6:] - told(three)[6:]).max() > 1e-3


def test_losses_against_slow_twins(tasks):
    theta = np.array([0.3, -0.2, 0.5, -1.0, 0.4, -0.3])
    shares = np.exp(theta[:4]) / np.exp(theta[:4]).sum()
    meta = Meta(shares, float(np.exp(0.4)), float(np.exp(-0.3)) + 1e-4)
    own, told = [], []
    for one in tasks[:7]:
        gap = rankit(one.truth) - predicted(meta, one, False)
        own.append(np.mean((gap - gap.mean()) ** 2))
        told.append(by_hand(meta, one))
    for loss, twin in zip(LOSSES, (own, told), strict=True):
        value, _ = loss_and_gradient(jnp.asarray(theta, jnp.float32), stacked(tasks[:7]), loss)
        assert float(value) == pytest.approx(np.mean(twin), rel=1e-3)


def by_hand(meta: Meta, one: Task) -> float:
    """Minus the log density of all contrasts of a task's scores, for each row, up to a constant of the rows' number."""
    n = len(one.y)
    free = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:]
    kernel = sum(
        w * one.kernels[name][0] for w, name in zip(meta.weights, ("genes", "profile", "reliable"), strict=False)
    )
    kernel = kernel + meta.weights[3] * np.exp(-one.kernels["distances"][0] / meta.width)
    sigma, told = free.T @ (kernel + meta.noise * np.eye(n)) @ free, free.T @ one.y
    scale = told @ np.linalg.solve(sigma, told) / (n - 1)
    density = multivariate_normal(np.zeros(n - 1), scale * sigma).logpdf(told)
    return -(density + (n - 1) / 2 * (np.log(2 * np.pi) + 1 - np.log(n - 1))) / n


@pytest.mark.parametrize("loss", LOSSES)
def test_learning_lowers_the_loss(tasks, loss):
    before = float(loss_and_gradient(jnp.zeros(6), stacked(tasks), loss)[0])
    meta, after = learn(tasks, loss)
    assert after < before - 1e-3
    assert meta.weights.sum() == pytest.approx(1)
