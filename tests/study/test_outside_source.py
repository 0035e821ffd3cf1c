"""A source model that was not trained here: the same numbers as the trained one, its place in records, refusals."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tl_jax.checkpoint import load_stage, save_stage
from tl_jax.errors import InputError
from tl_jax.study.cohort.outputs import summary
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.core.lineage import lineage_text
from tl_jax.study.weights.exported import export_model
from tl_jax.study.weights.import_weights import Wishes, import_weights

QUICK = {"repeats": 1, "strategies": ("zero_shot", "freeze_layer1"), "baselines": ("mean",)}


@pytest.fixture
def one_step(run, small, cohort, tmp_path):
    """(results of experiment 6, its source model exported and imported again)."""
    results = run("exp6_source_to_target", small(**QUICK), cohort)
    source = next(stage for stage in results.stages if stage.plan.role == "source")
    file, _ = export_model(source.path, tmp_path / "source.npz")
    import_weights(Wishes(weights=file, out=tmp_path / "imported"))
    return results, tmp_path / "imported"


def of_user(small, path, **changes):
    return small(**{**QUICK, "source_drugs": (), "source_checkpoint": str(path), **changes})


def test_an_imported_source_gives_the_numbers_of_the_trained_one(one_step, run, small, cohort):
    results, imported = one_step
    again = run("exp6_source_to_target", of_user(small, imported), cohort)
    a, b = (one.table("predictions").drop(columns="source") for one in (results, again))
    pd.testing.assert_frame_equal(a, b)
    _, meta = load_stage(imported)
    assert set(again.table("predictions").source) == {f"Oxaliplatin of source {meta['id']}", ""}
    final = next(stage for stage in again.stages if stage.plan.strategy.name == "freeze_layer1")
    assert final.meta["ancestors"][-1]["id"] == meta["id"]
    assert final.meta["ancestors"][-1]["origin"]["file"] == "source.npz"
    assert f"source model source (id {meta['id']}, Oxaliplatin), given by the user" in final.meta["note"]
    text = lineage_text(final.path)
    assert "tl_jax file source.npz, sha256" in text
    audit = pd.concat(again.extra["leak_audit"])
    row = audit[audit.stage == "source"].iloc[0]
    assert (row.result, row.held_out) == ("NOT CHECKED", "NOT KNOWN")
    written = json.loads(json.dumps(summary(again, {}), default=str))
    assert meta["id"] in [stage["id"] for stage in written["stages"]]
    assert any("given by the user" in note for note in again.notes)


def test_two_steps_from_an_imported_source(one_step, run, small, cohort):
    _, imported = one_step
    trained = run("exp7_two_step", small(**QUICK), cohort)
    given = run("exp7_two_step", of_user(small, imported), cohort)
    a, b = (one.table("predictions").drop(columns="source") for one in (trained, given))
    pd.testing.assert_frame_equal(a, b)
    roles = [one["stage"] for one in given.stages[-1].meta["ancestors"]]
    assert roles == ["source", "imported", "intermediate"]


def test_no_source_drug_is_chosen(one_step, run, small, cohort):
    _, imported = one_step
    given = run("exp3_source_to_intermediate", of_user(small, imported, strategies=("zero_shot",)), cohort)
    assert not given.ranking
    assert any("no source drug was chosen" in note for note in given.notes)


def test_another_model_is_another_study(one_step, small, cohort, tmp_path):
    _, imported = one_step
    variables, meta = load_stage(imported)
    head = {name: np.asarray(leaf) + 1 for name, leaf in variables["params"]["head"].items()}
    record = {key: value for key, value in meta.items() if key not in ("leaves", "files", "content", "format")}
    save_stage(tmp_path / "other", {"params": {**variables["params"], "head": head}}, record)
    first, second, third = (
        prepare(EXPERIMENTS["exp6_source_to_target"], of_user(small, path), cohort).identity()
        for path in (imported, imported, tmp_path / "other")
    )
    assert first == second
    assert first != third


REFUSED = [
    ("exp5_intermediate_to_target", {}, "is for experiments that start from the source"),
    ("exp1_gdsc", {"strategies": ("scratch",)}, "is for experiments that start from the source"),
    ("exp6_source_to_target", {"source_drugs": ("oxaliplatin",)}, "both say which source model"),
    ("exp6_source_to_target", {"strategies": ("mmd_fine_tune",)}, "'mmd_fine_tune' needs samples of its source"),
    ("exp6_source_to_target", {"strategies": ("coral_freeze_layer1",)}, "needs samples of its source"),
    ("exp6_source_to_target", {"strategies": ("feature_ridge",)}, "'feature_ridge' needs samples of its source"),
    ("exp6_source_to_target", {"strategies": ("scratch",)}, "changes nothing: no strategy of this study starts"),
    ("exp6_source_to_target", {"hidden": (6, 4)}, "is a two_step of --hidden=8,4, this study has --hidden=6,4"),
]


def test_what_does_not_fit_is_refused_before_any_training(one_step, run, small, cohort, tmp_path):
    _, imported = one_step
    for name, changes, words in REFUSED:
        with pytest.raises(InputError, match=words):
            run(name, of_user(small, imported, **changes), cohort)
    with pytest.raises(InputError, match="no checkpoint at"):
        run("exp6_source_to_target", of_user(small, tmp_path / "nowhere"), cohort)
    fewer = replace(cohort, domains=tuple(d.with_genes(d.genes[:55]) for d in cohort.domains))
    with pytest.raises(InputError, match=r"has 60 genes, cohort \w+ 55 \(55 shared\); .*import_weights --like="):
        run("exp6_source_to_target", of_user(small, imported), fewer)
    turned = replace(cohort, domains=tuple(d.with_genes(d.genes[::-1]) for d in cohort.domains))
    with pytest.raises(InputError, match=r"has 60 genes, cohort \w+ 60 \(60 shared\)"):
        run("exp6_source_to_target", of_user(small, imported), turned)
