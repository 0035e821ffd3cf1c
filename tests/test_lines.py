"""tools/lines.py on a repository of two revisions, counted by hand."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[1] / "tools" / "lines.py"
spec = importlib.util.spec_from_file_location("lines_of_rooms", FILE)
lines = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lines)


@pytest.fixture
def repository(tmp_path):
    def git(*words):
        own = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *own, *words], cwd=tmp_path, check=True, capture_output=True)

    def write(path, count):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x = 1\n" * count)

    def keep(name):
        git("add", "-A")
        git("commit", "-m", name)
        git("tag", name)

    git("init", "-q")
    for path, count in {"tl_jax/cluster.py": 5, "tl_jax/keys.py": 3, "tl_jax/data/a.py": 7, "tests/b.py": 9}.items():
        write(path, count)
    write("tl_jax/data/genes.toml", 50)
    keep("old")
    git("rm", "-q", "tl_jax/cluster.py")
    for path, count in {"tl_jax/system/cluster.py": 4, "tl_jax/data/cohort/c.py": 2, "experiments/d.py": 1}.items():
        write(path, count)
    keep("new")
    return tmp_path


def test_rooms_of_both_layouts_are_counted(repository):
    assert lines.table("old", "new", repository).splitlines() == [
        "| room | old | new | difference |",
        "|---|---|---|---|",
        "| data | 7 | 9 | +2 |",
        "| system | 5 | 4 | -1 |",
        "| tl_jax itself | 3 | 3 | +0 |",
        "| experiments | 0 | 1 | +1 |",
        "| total | 15 | 17 | +2 |",
    ]


def test_an_unknown_revision_is_one_line(repository):
    with pytest.raises(SystemExit, match="nowhere is no revision here") as fault:
        lines.counted("nowhere", repository)
    assert "\n" not in str(fault.value)
