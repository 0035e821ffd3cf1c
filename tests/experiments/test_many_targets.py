"""The script for many targets as a user runs it: a cohort in files, stopped and resumed, bad input."""

import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripting import script, start

from tl_jax.data.cohort.simulate import simulate

COHORT = """name = "filed"
drug = "Temozolomide"
[[domain]]
name = "source"
expression = { path = "source.csv", orientation = "samples" }
response = { path = "source_auc.csv", format = "wide", sample_column = "id" }
[[domain]]
name = "target"
expression = { path = "target.csv", orientation = "samples" }
response = { path = "target_auc.csv", format = "wide", sample_column = "id", drugs = ["Temozolomide"] }
"""
TABLES = ("metrics", "held_out", "targets", "blocks", "gains", "over_samples", "by_class", "ranks", "pairs")
ARGUMENTS = (
    "--cohort=filed.toml",
    "--data_dir=.",
    "--targets=target_auc.csv",
    "--quick",
    "--hidden=8,4",
    "--repeats=1",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small simulated chain as files; the target's table holds five drugs."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "filed.toml").write_text(COHORT)
    cohort = simulate(seed=3, genes=60, n_source=120, n_intermediate=30, n_target=20)[0]
    rng = np.random.default_rng(1)
    for role in ("source", "target"):
        domain = cohort.stage(role)
        y, drugs = domain.y, domain.drugs
        if role == "target":
            y, drugs = y + 0.05 * rng.normal(size=(20, 5)), ("Temozolomide", "A", "B", "C", "D")
        pd.DataFrame(domain.x, domain.samples, domain.genes).to_csv(folder / f"{role}.csv", index_label="id")
        pd.DataFrame(y, domain.samples, drugs).to_csv(folder / f"{role}_auc.csv", index_label="id")
    return folder


@pytest.fixture(scope="module")
def whole(folder):
    """(standard output, standard error) of a study that nothing disturbed."""
    code, out, err = script("many_targets", *ARGUMENTS, "--out=whole", folder=folder, pictures=True)
    assert code == 0, err
    return out, err


def test_what_a_study_leaves(folder, whole):
    out, err = whole
    assert "Friedman p = " in out
    assert "tables and pictures: whole" in out
    assert "5/5 targets" in err
    names = {path.name for path in (folder / "whole").iterdir()}
    assert names == {
        *(f"{t}.csv" for t in TABLES),
        "genes.csv",
        "ranks-honest.svg",
        "ranks-honest.png",
        "summary.json",
        "study.json",
        "report.html",
    }
    assert set(pd.read_csv(folder / "whole" / "blocks.csv").target) == {"Temozolomide", "A", "B", "C", "D"}


@pytest.mark.slow
@pytest.mark.usefixtures("whole")
def test_a_study_that_is_killed_ends_in_the_same_tables(folder):
    process = start("many_targets", *ARGUMENTS, "--out=again", folder=folder)
    while len(list((folder / "again.unfinished").rglob("[0-9]*.part"))) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, _, err = script("many_targets", *ARGUMENTS, "--out=again", "--resume", folder=folder)
    assert code == 0, err
    for table in TABLES:
        assert (folder / "again" / f"{table}.csv").read_bytes() == (folder / "whole" / f"{table}.csv").read_bytes()
    code, _, err = script("many_targets", *ARGUMENTS, "--out=again", "--resume", folder=folder)
    assert (code, err.splitlines()) == (0, ["again is complete already"])


@pytest.mark.slow
def test_bad_input_is_one_line_and_leaves_nothing(folder):
    code, out, err = script("many_targets", *ARGUMENTS, "--min_lines=500", "--out=bad", folder=folder)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "measured on 500 samples or more; lower --min_lines" in err
    assert not list(folder.glob("bad*"))


def as_prism(folder):
    """The source's screen as PRISM's secondary screen has it: two screens, a failed line, no row where not measured."""
    table = pd.read_csv(folder / "source_auc.csv").melt("id", var_name="name", value_name="auc").dropna()
    table = table.rename(columns={"id": "depmap_id"}).sample(frac=1, random_state=0)
    table = table.assign(broad_id="BRD-K1", ccle_name=table.depmap_id + "_LUNG", screen_id="HTS002", ec50=1.0)
    again = table.iloc[:50].assign(screen_id="MTS010", auc=0.123)
    failed = table.iloc[:1].assign(depmap_id="", ccle_name="FAILED_STR", auc=0.1)
    name = "secondary-screen-dose-response-curve-parameters.csv"
    pd.concat([again, table, failed]).to_csv(folder / name, index=False)
    expression = pd.read_csv(folder / "source.csv", index_col="id")
    expression.columns = [f"{gene} ({7000 + place})" for place, gene in enumerate(expression.columns)]
    expression.to_csv(folder / "omics.csv", index_label="ModelID")
    return (
        '{ path = "omics.csv", format = "depmap" }',
        f'{{ path = "{name}", format = "prism", filter = {{ screen_id = "HTS002" }} }}',
    )


def as_long(folder):
    """The same as a table of one's own: a row for each line and compound, under names of one's own."""
    table = pd.read_csv(folder / "source_auc.csv").melt("id", var_name="compound", value_name="area")
    table.rename(columns={"id": "line"}).dropna().to_csv(folder / "own.tsv", sep="\t", index=False)
    keys = 'format = "long", sample_column = "line", drug_column = "compound", value_column = "area"'
    return '{ path = "source.csv", orientation = "samples" }', f'{{ path = "own.tsv", {keys} }}'


@pytest.mark.parametrize("layout", [as_prism, as_long])
def test_a_screen_of_another_layout_is_the_same_source(folder, layout):
    expression, response = layout(folder)
    wide = COHORT.split("response = ")[1].split("\n")[0]
    other = COHORT.replace('{ path = "source.csv", orientation = "samples" }', expression).replace(wide, response)
    (folder / "other.toml").write_text(other.replace('"filed"', '"other"'))
    closed = (*ARGUMENTS[1:], "--arms=ridge,profile_gp,profile_gp_mechanism")
    for cohort in ("filed", "other"):
        out = f"{cohort}_{layout.__name__}"
        code, _, err = script("many_targets", f"--cohort={cohort}.toml", *closed, f"--out={out}", folder=folder)
        assert code == 0, err
    one, two = ((folder / f"{name}_{layout.__name__}" / "held_out.csv").read_bytes() for name in ("filed", "other"))
    assert one == two
    wrong = other.replace('"HTS002"', '"HTS009"').replace('"compound"', '"drug"')
    (folder / "other.toml").write_text(wrong)
    code, out, err = script("many_targets", "--cohort=other.toml", *ARGUMENTS[1:], "--out=bad_source", folder=folder)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert response.split('"')[1] in err, err
    assert ("HTS009" if layout is as_prism else "'drug'") in err, err
