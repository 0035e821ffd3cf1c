"""The benchmark scripts in quick mode, side by side: they end well and their reports hold together."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# One case and the second start go through all the code; the others differ in sizes, which test_arithmetic.py checks.
ARGUMENTS = {"side_by_side": ["--case=target_trainable,second_start"], "cost_curves": [], "gpu": []}
# Most of a quick run is compilation.
ENVIRONMENT = {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
RIVALS = {"keras_tf": ("keras", "tensorflow"), "keras_jax": ("keras",), "torch": ("torch",), "torch_vmap": ("torch",)}


def start(name, *arguments):
    """A script as a process."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, env={**os.environ, **ENVIRONMENT}, **pipes)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """{script: (report, folder, what it printed)}; all at once, since nothing is measured here."""
    folder = tmp_path_factory.mktemp("benchmarks")
    common = ["--quick", "--repeats=1", f"--out={folder}"]
    started = {name: start(name, *common, *arguments) for name, arguments in ARGUMENTS.items()}
    ended = {name: (*process.communicate(), process.returncode) for name, process in started.items()}
    for name, (_, err, code) in ended.items():
        assert code == 0, f"{name}: {err}"
    return {
        name: (json.loads((folder / f"{name}.json").read_text()), folder, out) for name, (out, _, _) in ended.items()
    }


def test_report_of_side_by_side(reports):
    report, _, out = reports["side_by_side"]
    assert {"processor", "cores", "versions", "date", "command"} <= set(report["machine"])
    assert report["machine"]["command"].startswith("python -m benchmarks.side_by_side --quick")
    assert list(report["cases"]) == ["target_trainable", "second_start"]
    for case in report["cases"].values():
        for entry in case["entries"].values():
            assert entry["min"] <= entry["median"] <= entry["max"]
            assert entry["min"] > 0
    assert {"ours", "floor"} <= set(report["cases"]["target_trainable"]["entries"])
    ours = report["cases"]["target_trainable"]["entries"]["ours"]
    assert ours["first"]["compiling"]["compile"] > ours["raw"][0]["compiling"]["compile"]
    assert ours["first_seconds"] > ours["raw"][0]["wall"]
    assert all(bar["bar"] in out for bar in report["bars"])


def test_the_floor_stands_beside_its_formula(reports):
    report, _, out = reports["side_by_side"]
    case = report["cases"]["target_trainable"]
    floor = case["entries"]["floor"]["raw"][0]
    traffic = floor["step_bytes"] / floor["bytes_per_second"]
    parts = floor["forward_seconds"] + floor["backward_seconds"] + traffic
    assert floor["step_seconds"] == pytest.approx(parts)
    assert case["entries"]["floor"]["median"] == pytest.approx(500 * parts)  # an epoch is one step
    assert case["floor"] in out


def test_a_second_start_takes_its_programs_from_the_cache(reports):
    case = reports["side_by_side"][0]["cases"]["second_start"]
    assert all(reply["compiling"]["cached"] == 0 for reply in case["raw"]["first"])
    assert all(reply["compiling"]["cached"] > 0 for reply in case["raw"]["second"])
    assert case["entries"]["first_engine"]["median"] < case["entries"]["first"]["median"]


@pytest.mark.parametrize("side", RIVALS)
def test_rivals_train_the_same(reports, side):
    missing = [package for package in RIVALS[side] if find_spec(package) is None]
    case = reports["side_by_side"][0]["cases"]["target_trainable"]
    if missing:
        assert "not installed" in case["skipped"][side]
        pytest.skip(f"{', '.join(missing)} not installed")
    assert side not in case["skipped"], case["skipped"][side]
    theirs, ours = case["entries"][side], case["entries"]["ours"]
    assert case["ratios"][side]["median"] == pytest.approx(theirs["median"] / ours["median"])
    # Other weights and noise, but the same rows, rate and network: near each other in the first epoch.
    assert theirs["mae"][0] == pytest.approx(ours["mae"][0], rel=0.15)


def test_cost_curves(reports):
    report, _, out = reports["cost_curves"]
    assert {(curve["base"], curve["factor"]) for curve in report["curves"]} >= {
        ("frozen", "runs"),
        ("trained", "genes"),
    }
    for curve in report["curves"]:
        assert set(curve["exponents"]) == {"seconds", "memory_mib"}
        assert all(point["seconds"] > 0 and point["memory_mib"] > 0 for point in curve["points"])
    assert "frozen, runs" in out


def test_gpu_says_which_device_it_ran_on(reports):
    report, _, out = reports["gpu"]
    assert report["machine"]["device"]["platform"] == "cpu"
    assert "device: cpu" in out
    floor = report["floor"]
    assert floor["step_bytes"] == 9 * 4 * 60 * 20
    assert floor["share"] == pytest.approx(floor["floor_seconds"] / floor["seconds"])
    assert report["precision"]["float32"]["change"] == 0


@pytest.mark.parametrize("name", ARGUMENTS)
def test_pictures_where_matplotlib_is(reports, name):
    pytest.importorskip("matplotlib")
    assert (reports[name][1] / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.full
def test_bad_input_is_one_line_and_exit_code_2(tmp_path):
    process = start("side_by_side", "--case=nowhere", f"--out={tmp_path}")
    out, err = process.communicate()
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert "--case=nowhere: there are all, experiment1_step" in err
