"""Stages by lineage: found again, or trained anew when anything that determines the weights changed."""

import dataclasses

import numpy as np
import pytest

from tl_jax.checkpoint import load_stage
from tl_jax.study.core.stages import StagePlan, describe
from tl_jax.transfer.strategies import STRATEGIES


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


@pytest.mark.full
def test_later_experiments_reuse_stages_and_give_the_same_numbers(run, small, cohort):
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
    monkeypatch.setattr("tl_jax.study.core.stages.code_of", lambda *subjects: "changed")
    ids["changed training code"] = identity()
    assert len(set(ids.values())) == len(ids)
    monkeypatch.undo()
    assert identity() == ids["as it is"]


def start(source, fresh):
    return STRATEGIES["scratch"].function(source, fresh)


def test_gene_weights_per_final_model(two_step, cohort):
    weights = {w.name: w for w in two_step[0].gene_weights}
    route = "Oxaliplatin > intermediate"
    assert set(weights) == {"scratch", f"{route}:copy_layer1", f"{route}:freeze_layer1"}
    kernel = two_step[0].stages[1].variables["params"]["layer1"]["kernel"]
    frozen = weights[f"{route}:freeze_layer1"]
    np.testing.assert_allclose(frozen.to_numpy(), np.abs(kernel).sum(axis=1), rtol=1e-6)
    assert list(frozen.index) == list(cohort.genes)
