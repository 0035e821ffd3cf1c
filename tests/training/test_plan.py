"""The planner: every run exactly once, nothing beyond memory, the user's word kept."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl_jax.training import plan as planning
from tl_jax.training.plan import Cost, Plan, fits, plan_runs, smaller

GIB = 2**30


def machine(platform, count, memory=80 * GIB):
    stats = {"bytes_limit": memory, "bytes_in_use": 0}
    return [SimpleNamespace(platform=platform, process_index=0, memory_stats=lambda: stats) for _ in range(count)]


def cost(working=GIB, passing=2**20, shared=2**20, seconds=1.0):
    return Cost(working, passing, shared, seconds)


@given(
    todo=st.lists(st.integers(0, 10**6), min_size=1, max_size=60, unique=True),
    devices=st.integers(1, 5),
    lanes=st.integers(1, 7),
)
def test_every_run_is_done_exactly_once(todo, devices, lanes):
    plan, done = Plan(len(todo), machine("cpu", devices), lanes, mapped=True), []
    for index, count in plan.calls(todo):
        assert index.shape == (devices, lanes)
        assert count.max() - count.min() <= 1  # what is left is shared out evenly
        done += [run for row, k in zip(index, count, strict=True) for run in row[:k]]
        assert set(index.ravel()) <= set(todo)
    assert sorted(done) == sorted(todo)


def test_a_cpu_maps_and_an_accelerator_vmaps():
    on_cpu = plan_runs(100, cost(seconds=0.1), devices=machine("cpu", 2))
    assert (on_cpu.mapped, len(on_cpu.devices), on_cpu.lanes) == (True, 2, 50)
    assert plan_runs(1000, cost(seconds=0.1), devices=machine("cpu", 2)).lanes == 50  # seconds per call
    assert plan_runs(100, cost(seconds=60.0), devices=machine("cpu", 2)).lanes == 1
    on_gpu = plan_runs(100, cost(), devices=machine("gpu", 1))
    assert (on_gpu.mapped, on_gpu.lanes) == (False, 63)  # .8 x 80 GiB over 1 GiB each
    assert plan_runs(10, cost(), devices=machine("gpu", 4)).lanes == 3


def test_memory_bounds_the_plan_but_one_run_is_always_tried(monkeypatch):
    monkeypatch.setattr(planning, "free_memory", lambda device=None: 3 * GIB)
    assert len(plan_runs(100, cost(), devices=machine("cpu", 8)).devices) == 2
    assert len(plan_runs(100, cost(working=50 * GIB), devices=machine("cpu", 8)).devices) == 1
    assert plan_runs(100, cost(working=50 * GIB), devices=machine("gpu", 1)).lanes == 1
    assert plan_runs(100, cost(passing=GIB), devices=machine("cpu", 1)).lanes == 1


def test_at_once_is_kept():
    for asked in (1, 2, 3, 7, 30):
        plan = plan_runs(30, cost(seconds=0.01), asked, machine("cpu", 2))
        assert max(int(count.sum()) for _, count in plan.calls(np.arange(30))) <= asked
        assert len(plan.devices) == min(asked, 2)
    assert plan_runs(5, cost(), 100, machine("gpu", 1)).lanes == 5


def test_a_program_that_does_not_fit_is_made_smaller(monkeypatch):
    monkeypatch.setattr(planning, "free_memory", lambda device=None: 4 * GIB)
    wide = Plan(64, machine("gpu", 1), 64, mapped=False, predicted=5 * GIB)
    assert not fits(wide)
    assert smaller(wide).lanes == 32
    assert smaller(Plan(64, machine("gpu", 1), 1, mapped=False)) is None
    assert len(smaller(Plan(64, machine("cpu", 4), 8, mapped=True)).devices) == 2
    assert smaller(Plan(64, machine("cpu", 1), 8, mapped=True)) is None
    assert fits(Plan(64, machine("cpu", 1), 8, mapped=True, predicted=3 * GIB))


@pytest.mark.parametrize(("mapped", "how"), [(True, "one after another"), (False, "side by side")])
def test_the_plan_is_one_line(mapped, how):
    text = Plan(30, tuple(jax.devices()[:1]), 4, mapped, predicted=300 * 2**20).text()
    assert text == f"plan: 30 runs on 1 cpu device, 4 per device {how}, 8 call(s), about 300 MiB"
