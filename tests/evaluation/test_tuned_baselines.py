"""Tuned baselines against plain grid searches, their inner folds, and TabPFN with a stand-in for its package."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVR

from tl_jax.errors import InputError
from tl_jax.evaluation.predictors import baselines, tabpfn_baseline, tuned_baselines
from tl_jax.evaluation.predictors.tabpfn_baseline import tabpfn
from tl_jax.evaluation.predictors.tuned_baselines import elastic_net, gradient_boosting, inner_folds, svr

GROUPS = np.repeat(np.arange(14), 2).astype(str)


def data(seed=0, n=28, m=9, genes=40):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n + m, genes))
    y = 40 + 5 * (x[:, 0] - x[:, 1] + 0.5 * rng.standard_normal(n + m))
    return x[:n], y[:n], x[n:]


def grid_search(model, grid, x, y, groups):
    folds = inner_folds(y, groups, 5)
    return GridSearchCV(model, grid, cv=folds, scoring="neg_mean_squared_error", error_score="raise").fit(x, y)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_elastic_net_equals_a_grid_search(monkeypatch, groups):
    monkeypatch.setattr(tuned_baselines, "SEARCH_TOLERANCE", 1e-7)
    monkeypatch.setattr(tuned_baselines, "FINAL_TOLERANCE", 1e-9)
    x, y, test = data()
    z = (y - y.mean()) / y.std()
    steepest = np.abs((x - x.mean(axis=0)).T @ z).max() / len(z)
    grid = [
        {"l1_ratio": [ratio], "alpha": tuned_baselines.RELATIVE_PENALTIES * steepest / ratio}
        for ratio in tuned_baselines.L1_RATIOS
    ]
    twin = grid_search(ElasticNet(tol=1e-9, max_iter=100_000), grid, x, z, groups)
    assert 0 < np.sum(twin.best_estimator_.coef_ == 0) < 40
    found = elastic_net(x, y, test, groups=groups)
    np.testing.assert_allclose(found, y.mean() + y.std() * twin.predict(test), rtol=1e-5)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_svr_equals_a_grid_search(groups):
    x, y, test = data(1)
    z = (y - y.mean()) / y.std()
    distance = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    typical = np.median(distance[np.triu_indices(len(x), 1)])
    widths = [width / typical for width in tuned_baselines.WIDTHS]
    grid = {"gamma": widths, "C": tuned_baselines.COSTS, "epsilon": tuned_baselines.TUBES}
    twin = grid_search(SVR(kernel="rbf", tol=tuned_baselines.SUPPORT_TOLERANCE), grid, x, z, groups)
    np.testing.assert_allclose(
        svr(x, y, test, groups=groups), y.mean() + y.std() * twin.predict(test), rtol=1e-5, atol=1e-3
    )


def test_gradient_boosting_equals_a_grid_search(monkeypatch):
    monkeypatch.setattr(tuned_baselines, "TREES", 10)
    x, y, test = data(2)
    model = GradientBoostingRegressor(random_state=5, **tuned_baselines.BOOSTING)
    grid = {"max_depth": tuned_baselines.DEPTHS, "n_estimators": range(1, 11)}
    twin = grid_search(model, grid, x, y, None)
    assert twin.best_params_["n_estimators"] > 1
    np.testing.assert_allclose(gradient_boosting(x, y, test, seed=5), twin.predict(test), rtol=1e-9)


def test_gradient_boosting_without_chance_does_not_depend_on_order(monkeypatch):
    monkeypatch.setattr(tuned_baselines, "TREES", 10)
    monkeypatch.setattr(tuned_baselines, "BOOSTING", {"subsample": 1.0, "max_features": None})
    x, y, test = data(3)
    rng = np.random.default_rng(1)
    rows, genes = rng.permutation(28), rng.permutation(40)
    moved = gradient_boosting(x[rows][:, genes], y[rows], test[:, genes])
    np.testing.assert_allclose(moved, gradient_boosting(x, y, test), rtol=1e-9)


@pytest.mark.parametrize("function", [elastic_net, svr])
def test_the_unit_of_the_response_does_not_matter(function):
    x, y, test = data(4)
    np.testing.assert_allclose(function(x, 0.01 * y - 3, test), 0.01 * function(x, y, test) - 3, rtol=1e-6)


@given(st.lists(st.integers(0, 12), min_size=4, max_size=60), st.integers(2, 5), st.integers(0, 2**31))
def test_inner_folds(labels, count, seed):
    """Groups stay together, every row is held out once, folds are even in groups, order does not matter."""
    rng = np.random.default_rng(seed)
    groups, y = np.asarray(labels), rng.standard_normal(len(labels))
    folds = inner_folds(y, groups, count)
    apart = len(np.unique(groups))
    assert len(folds) == min(count, apart)
    np.testing.assert_array_equal(np.sort(np.concatenate([held for _, held in folds])), np.arange(len(y)))
    for train, held in folds:
        assert not set(groups[train]) & set(groups[held])
        assert len(train) + len(held) == len(y)
    sizes = [len(np.unique(groups[held])) for _, held in folds]
    assert max(sizes) - min(sizes) <= 2
    order = rng.permutation(len(y))
    moved = inner_folds(y[order], groups[order], count)
    assert {frozenset(order[held]) for _, held in moved} == {frozenset(held) for _, held in folds}


def test_inner_folds_span_the_response():
    """Their means differ far less than those of random folds."""
    rng = np.random.default_rng(0)
    dealt, random = [], []
    for _ in range(100):
        y = rng.standard_normal(38)
        dealt.append(np.std([y[held].mean() for _, held in inner_folds(y, None, 5)]))
        random.append(np.std([part.mean() for part in np.array_split(y, 5)]))
    assert np.mean(dealt) < 0.6 * np.mean(random)


class StandIn:
    """The interface of TabPFNRegressor: one nearest neighbour in place of the network."""

    def __init__(self, *, device="auto", random_state=0):
        self.device, self.random_state = device, random_state

    def fit(self, x, y):
        self.x, self.y = x, y
        return self

    def predict(self, x):
        return self.y[((x[:, None] - self.x[None]) ** 2).sum(axis=2).argmin(axis=1)].astype(np.float32)


@pytest.fixture
def package(monkeypatch):
    """Put a class in the place of tabpfn's."""

    def put(kind):
        monkeypatch.setitem(sys.modules, "tabpfn", SimpleNamespace(TabPFNRegressor=kind, __spec__=object()))

    return put


def test_tabpfn_predicts_from_components_of_the_training_rows(package):
    package(StandIn)
    assert tabpfn_baseline.installed()
    x, y, test = data(5)
    found = tabpfn(x, y, np.concatenate([x[:3], test]))
    np.testing.assert_allclose(found[:3], y[:3], rtol=1e-6)
    np.testing.assert_allclose(tabpfn(x, y, test[:1]), found[3:4])
    np.testing.assert_allclose(tabpfn(x[:2], y[:2], test), y[:2].mean())


def test_tabpfn_without_weights_is_one_line(package):
    class Unreachable(StandIn):
        def fit(self, x, y):
            raise RuntimeError("no route to hub\nand a long story")

    package(Unreachable)
    with pytest.raises(InputError, match=r"weights could not be loaded \(RuntimeError: no route to hub\); fetch them"):
        tabpfn(*data())


def test_tabpfn_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tabpfn", None)
    monkeypatch.setattr(baselines, "BASELINES", {"mean": baselines.mean})
    with pytest.raises(InputError, match="needs a package that is not installed: pip install tabpfn"):
        baselines.check_names(["tabpfn"])
    with pytest.raises(InputError, match="pip install tabpfn"):
        tabpfn(*data())
