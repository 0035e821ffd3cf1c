"""Strategies of a user: they may compute with weights, and their faults are found before any training."""

import jax
import pytest

from tl_jax.errors import InputError
from tl_jax.transfer.strategies import STRATEGIES, Registered
from tl_jax.trees import flatten, select
from tl_jax.types import Transfer


def wrong_pattern(source, fresh):
    return Transfer(source, select(source["params"], "layer9/*"))


def mixed(source, fresh):
    mean = jax.tree.map(lambda a, b: (a + b) / 2, source, fresh)
    return Transfer(mean, tuple(flatten(fresh["params"])), {"layer1/kernel": 0.1})


def register(monkeypatch, function, **options):
    monkeypatch.setitem(STRATEGIES, function.__name__, Registered(function.__name__, function, True, True))


@pytest.mark.full
def test_a_strategy_that_computes_with_weights(run, small, cohort, monkeypatch):
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
def test_a_strategy_that_fails_is_refused_before_training(run, small, cohort, monkeypatch, caplog, function, message):
    register(monkeypatch, function)
    caplog.set_level("INFO", "tl_jax")
    with pytest.raises(InputError, match=message):
        run("exp6_source_to_target", small(strategies=(function.__name__,)), cohort)
    assert caplog.messages == []
