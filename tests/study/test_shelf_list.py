"""Stage checkpoints below a folder: listed with size, age and kin, and taken away by age but for what others need."""

import json
import os
import shutil

import numpy as np
import pytest

from experiments.checkpoints import main
from tl_jax.checkpoint import save_stage
from tl_jax.errors import InputError
from tl_jax.study.core.shelf_list import DAY, listed, on_shelf, take_away, to_prune

META = {
    **{"stage": "source", "domain": "gdsc", "drug": "Oxaliplatin", "samples": 5, "strategy": "scratch", "note": ""},
    **{"recipe": {"epochs": 3, "learning_rate": 1e-3}, "seed": 1, "data_fingerprint": "f" * 64, "genes": ["A", "B"]},
    **{"transform": "none", "scaler": {"kind": "standard", "center": [0.0, 0.0], "scale": [1.0, 1.0]}},
    "response_scale": {"low": 0.0, "high": 1.0, "direction": "resistant", "unit": "AUC"},
    **{"network": {"name": "two_step", "hidden": [3]}, "ancestors": [], "id": "parent"},
}
NOW = 1_700_000_000.0


@pytest.fixture
def folder(tmp_path):
    """A parent of 50 days, its child of 10, and one of 90 days that stands alone."""
    kinds = {"parent": ("source", [], 50), "child": ("target", ["parent"], 10), "lone": ("source", [], 90)}
    for name, (stage, ancestors, days) in kinds.items():
        meta = {**META, "id": name, "stage": stage, "ancestors": [{"id": one} for one in ancestors]}
        path = save_stage(tmp_path / "mine" / name, {"params": {"layer1": {"bias": np.zeros(3, np.float32)}}}, meta)
        os.utime(path / "stage.json", (NOW - days * DAY,) * 2)
    return tmp_path


def names(stages):
    return sorted(one.path.name for one in stages)


def test_every_stage_is_listed_with_its_kin(folder):
    stages = {one.path.name: one for one in on_shelf(folder, NOW)}
    assert names(stages.values()) == ["child", "lone", "parent"]
    assert {name: one.descendants for name, one in stages.items()} == {"child": 0, "lone": 0, "parent": 1}
    assert stages["lone"].age == pytest.approx(90)
    files = [path for path in (folder / "mine" / "lone").rglob("*") if path.is_file()]
    assert stages["lone"].size == sum(path.stat().st_size for path in files)
    assert "1 come from it" in "\n".join(listed(list(stages.values()), folder))


def test_what_younger_stages_come_from_stays_unless_told(folder):
    stages = on_shelf(folder, NOW)
    going, staying = to_prune(stages, 30, ancestors=False)
    assert (names(going), names(staying)) == (["lone"], ["parent"])
    assert names(to_prune(stages, 30, ancestors=True)[0]) == ["lone", "parent"]
    assert names(to_prune(stages, 5, ancestors=False)[0]) == ["child", "lone", "parent"]
    assert take_away(going) == going[0].size
    assert names(on_shelf(folder, NOW)) == ["child", "parent"]
    assert sorted(path.name for path in (folder / "mine").iterdir()) == ["child", "parent"]


def test_a_damaged_record_is_listed_with_the_reason(folder):
    path = folder / "mine" / "lone" / "stage.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seed": 2}))
    assert "does not match its own digest" in "\n".join(listed(on_shelf(folder, NOW), folder))


def test_other_folders_and_unfinished_writes_are_left_alone(folder):
    (folder / "mine" / "notes").mkdir()
    shutil.copytree(folder / "mine" / "lone", folder / "mine" / ".lone.abc.partial")
    assert names(on_shelf(folder, NOW)) == ["child", "lone", "parent"]
    with pytest.raises(InputError, match="no folder"):
        on_shelf(folder / "nothing")


def test_nothing_is_deleted_without_prune(folder, capsys):
    assert main([str(folder), "--older_than=0"]) == 0
    assert "nothing is deleted" in capsys.readouterr().out
    assert len(on_shelf(folder)) == 3
    assert main([str(folder), "--older_than=0", "--prune"]) == 0
    assert on_shelf(folder) == []


def test_prune_needs_an_age(folder, capsys):
    assert main([str(folder), "--prune"]) == 2
    assert "--older_than" in capsys.readouterr().err
