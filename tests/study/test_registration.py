"""Plans written before the run: what is read is what was written, and every difference is told."""

import tomllib
from dataclasses import replace

import pytest

from tl_jax.errors import InputError
from tl_jax.study.cohort.plans import EXPERIMENTS
from tl_jax.study.cohort.prepare import prepare
from tl_jax.study.cohort.settings import Settings
from tl_jax.study.core.registration import read, register

CONTENT = {"expect": "better", "arms": ["a", "b"], "none": None, "settings": {"seed": 400, "rate": [0.1], "drug": None}}
KNOWN = {"expect": "better", "arms": ["a", "b"], "settings": {"seed": 400, "rate": [0.1]}}


def test_a_new_plan_is_written_and_the_same_run_is_the_registered_one(tmp_path):
    path = tmp_path / "plan.toml"
    first = register(path, CONTENT)
    assert first.new
    assert first.one_sided
    before = path.read_bytes()
    again = register(path, CONTENT)
    assert (again.new, again.changes, again.one_sided) == (False, (), True)
    assert path.read_bytes() == before
    assert read(path)[2] == KNOWN
    assert again.text().startswith("run as it was registered in ")


def test_another_run_is_told_and_no_test_is_one_sided(tmp_path):
    path = tmp_path / "plan.toml"
    register(path, CONTENT)
    other = register(path, {**CONTENT, "settings": {"seed": 401, "rate": [0.1]}})
    assert other.changes == ("settings.seed: 400 -> 401",)
    assert not other.one_sided
    assert other.text().startswith("not run as registered in ")
    assert read(path)[2] == KNOWN


def test_no_direction_no_one_sided_test(tmp_path):
    assert not register(tmp_path / "plan.toml", {**CONTENT, "expect": "either"}).one_sided


def test_an_edited_plan_and_a_foreign_file_are_refused(tmp_path):
    path = tmp_path / "plan.toml"
    register(path, CONTENT)
    path.write_text(path.read_text().replace("400", "401"))
    with pytest.raises(InputError, match="was changed after it was written"):
        register(path, CONTENT)
    path.write_text("x = 1\n")
    with pytest.raises(InputError, match="is no plan"):
        register(path, CONTENT)
    with pytest.raises(InputError, match="cannot write to"):
        register(path / "below" / "plan.toml", CONTENT)


def test_a_study_registers_family_direction_and_settings_before_it_runs(cohort, tmp_path):
    path = tmp_path / "plan.toml"
    given = Settings(
        strategies=("scratch", "shrunken_ridge"),
        baselines=("mean", "ridge"),
        source_drugs=("oxaliplatin",),
        checkpoint_dir=str(tmp_path),
        register=str(path),
        expect="better",
    )
    plan = prepare(EXPERIMENTS["exp6_source_to_target"], given, cohort)
    found = tomllib.loads(path.read_text())
    assert (found["reference"], found["expect"], found["metric"]) == ("ridge", "better", "spearman")
    assert found["arms"] == ["scratch", "shrunken_ridge", "mean", "ridge"]
    assert found["sources"] == ["Oxaliplatin"]
    assert found["settings"]["repeats"] == 10
    assert plan.registered.one_sided
    assert plan.registered.text() in plan.notes
    more = prepare(EXPERIMENTS["exp6_source_to_target"], replace(given, seed=1), cohort)
    assert "settings.seed: 400 -> 1" in more.registered.changes


def test_a_direction_alone_is_refused():
    with pytest.raises(InputError, match="changes nothing without --register"):
        Settings(expect="better")
