"""The commands of the page on networks of single cells run as they stand, and leave what the page says."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from scripting import script

from experiments import _cell_flags, scdeal
from experiments._cell_groups import ATTENTION_STUDY
from experiments._declared import FLAGS
from tl_jax.training.published import QUIRKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "single_cell_networks.md").read_text()
FOLDER = Path(_cell_flags.__file__).parent
COMMANDS = {"tl_jax cells": "scdeal", "python -m experiments.atsdp": "atsdp", "python -m experiments.scdeal": "scdeal"}


def commands():
    """(script, arguments) of the page."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.S)
    for line in "".join(blocks).replace("\\\n", " ").splitlines():
        if line.startswith("$RUN"):  # of real data
            continue
        name = next(begin for begin in COMMANDS if line.startswith(begin))
        yield COMMANDS[name], shlex.split(line.removeprefix(name))


@pytest.mark.full
@pytest.mark.parametrize("number", range(5))
def test_the_page_s_commands_run(number, tmp_path):
    name, arguments = list(commands())[number]
    if any("--sampling" in text for text in arguments):
        pytest.importorskip("imblearn")
    code, out, err = script(name, *arguments, "--repeats=2", "--bootstraps=4", "--out=out", folder=tmp_path)
    assert code == 0, err
    arms = set(pd.read_csv(tmp_path / "out" / "arms.csv")["arm"])
    wanted = [
        {"network_pretransfer", "network_mmd_0.5_smoothed", "network_coral", "network_dann", "network_unpretrained"},
        {"network_none", "attention_A1_none_smoothed"},
        {"network_mean_teacher", "network_dann_minmax_smoothed"},
        {"network_none"},
        {"paper", "paper before"},
    ]
    assert wanted[number] <= arms
    assert set(pd.read_csv(tmp_path / "out" / "directions.csv")["arm"]) <= arms
    compared = pd.read_csv(tmp_path / "out" / "comparisons.csv")[["arm", "reference"]].to_numpy().tolist()
    before = [
        ["network_dann", "network_pretransfer"],
        ["network_none", "network_pretransfer"],
        ["network_dann_minmax", "network_pretransfer"],
        ["network_none", "network_pretransfer"],
        ["paper", "paper before"],
    ]
    assert before[number] in compared
    assert "verdict: " in out
    assert (tmp_path / "out" / "choice.csv").exists() == any("--choose" in text for text in arguments)


def test_the_page_names_every_quirk():
    assert len(list(commands())) == 5
    for name, what in QUIRKS.items():
        assert f"| `{name}` | {what} |" in PAGE


def test_every_flag_of_a_study_is_read():
    """A flag that no line of the scripts reads changes nothing."""
    read = "".join((FOLDER / name).read_text() for name in ("_cell_flags.py", "scdeal.py", "_output.py"))
    names = {flag.name for group in ATTENTION_STUDY for flag in group.flags} - {"output_dir"}
    assert not [name for name in names if not re.search(rf'FLAGS\.{name}\b|"{name}"', read)]


def test_what_lines_teach_is_asked_by_flags():
    values, _ = scdeal.main.parse(["--embedded", "--response=quantile:0.3", "--remove_general", "--seeds=0"])
    with FLAGS.of(values):
        chosen = _cell_flags.settings()
    assert chosen.response == "quantile:0.3"
    assert chosen.remove_general


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--transfer=mdm"], "no term or distance 'mdm'"),
        (["--transfer=mmd:much"], "--transfer=much"),
        (["--attention=A7"], "--attention=A7: there are: none, A1, A2, A3"),
        (["--mode=paper", "--repaired=slips"], "--repaired=slips: there are: separate_genes"),
        (["--mode=paper", "--seeds=0"], "--mode=paper needs --seeds"),
        (["--attention=A2", "--modules=none.gmt"], "--modules=none.gmt: cannot be read"),
        (["--modules=none.gmt"], "--modules changes nothing without --attention=A2"),
        (["--transfer=reconstruction"], "--transfer=reconstruction: that is a stage"),
        (["--transfer=mmd:nan"], "a weight must be a number"),
        (["--quirk_table"], "--quirk_table changes nothing without --mode=paper"),
        (["--mode=paper", "--transfer=mmd"], "--transfer changes nothing with --mode=paper"),
        (["--seeds=0", "--epochs=3"], "--epochs changes nothing without networks"),
        (["--drugs=all", "--seeds=5"], "--seeds changes nothing with --drugs=all"),
        (["--drugs=all", "--mode=paper"], "--mode changes nothing with --drugs=all"),
        (["--drugs=all", "--nulls=3"], "--nulls changes nothing with --drugs=all"),
        (["--response=much"], "--response=much: there are: auc"),
        (["--sampling=smote"], "--sampling=smote needs two classes"),
        (["--database_head"], "--database_head needs --databases that measured"),
        (["--mode=paper", "--database_head"], "--database_head changes nothing with --mode=paper"),
        (["--database_head", "--response=waterfall"], "leave --response=waterfall out"),
        (["--database_head", "--binary_labels", "--sampling=up"], "--sampling=up knows one response"),
        (["--mode=paper", "--batch_norm=shared"], "--batch_norm changes nothing with --mode=paper"),
        (["--batch_norm=shared", "--attention=A2"], "--batch_norm changes nothing with tokens"),
        (["--transfer=variational"], "--transfer=variational: that is a stage"),
        (["--discriminator_steps=2"], "--discriminator_steps changes nothing without --transfer=dann_minmax"),
        (["--pretraining=autoencoder", "--masked=0.3"], "--masked changes nothing with --pretraining=autoencoder"),
        (["--choose=depth:3"], "--choose=depth:3.0: there are: weight, rate, hidden"),
        (["--choose=hidden:many"], "--choose=many: whole numbers"),
        (["--choose=weight"], "--choose=: numbers"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, message, tmp_path):
    few = [] if "--drugs=all" in arguments else ["--repeats=2", "--bootstraps=2"]
    code, _, err = script("scdeal", "--embedded", *few, "--out=out", *arguments, folder=tmp_path)
    assert code == 2
    assert message in err.strip().splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(find_spec("igraph") is not None, reason="igraph is installed")
def test_without_igraph_the_cluster_term_is_refused(tmp_path):
    code, _, err = script("scdeal", "--embedded", "--mode=paper", "--repeats=2", "--bootstraps=2", folder=tmp_path)
    assert code == 2
    assert "--repaired=cluster_term" in err
