"""--resume on a complete folder compares the study before it calls it complete."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scripting import script

ARGUMENTS = ("--cohort=small.toml", "--strategy=none", "--baselines=mean", "--hidden=8,4", "--quick", "--out=done")


def test_a_complete_folder_of_other_settings_is_refused(small_cohort, tmp_path):
    (tmp_path / "small.toml").write_text(small_cohort)

    def run(*more):
        return script("exp4_target", *ARGUMENTS, *more, folder=tmp_path)

    assert run()[0] == 0
    written = (tmp_path / "done" / "metrics.csv").read_bytes()
    code, _, err = run("--resume")
    assert (code, err.splitlines()) == (0, ["done is complete already"])
    code, _, err = run("--resume", "--seed=7", "--protocol=as_published")
    assert code == 2
    for part in ("done is complete, but of other settings", "flags.seed: 400 -> 7", '"honest" -> "as_published"'):
        assert part in err
    assert err.count("\n") == 1
    assert (tmp_path / "done" / "metrics.csv").read_bytes() == written


def test_a_plan_is_not_registered_after_the_run(small_cohort, tmp_path):
    (tmp_path / "small.toml").write_text(small_cohort)

    def run(*more):
        return script("exp4_target", *ARGUMENTS, *more, folder=tmp_path)

    assert run()[0] == 0
    code, _, err = run("--resume", "--register=plan.toml")
    assert code == 2
    assert "--register=plan.toml: there is no such plan, and parts of this run are done already" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "plan.toml").exists()
    assert run("--register=plan.toml", "--overwrite")[0] == 0
    code, _, err = run("--resume", "--register=plan.toml")
    assert (code, "done is complete already" in err) == (0, True)
