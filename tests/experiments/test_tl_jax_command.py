"""The command `tl_jax`: its subcommands are the scripts, its page names them all, its messages name true flags."""

import ast
import configparser
import importlib
import re
import shlex
from pathlib import Path

import pytest

from experiments import _tl_jax
from experiments._declared import defined
from experiments._tl_jax import SUBCOMMANDS, main, script_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAG = re.compile(r"(?<![\w-])--([a-z]\w*)(?![\w-])")
FOREIGN = {"help", "dest", "disable", "only", "quiet"}  # of every script, or of pip
# Where a message sends the reader to another script.
ELSEWHERE = {
    "tl_jax/study/cohort": ["import"],
    "experiments/init_cohort.py": ["check"],
    "experiments/predict.py": ["exp1"],
    "experiments/list_names.py": list(SUBCOMMANDS),
}


def commands():
    """(page, subcommand, arguments) of every tl_jax command in a block of a page."""
    for page in PAGES:
        for body in FENCE.findall(page.read_text(encoding="utf-8").replace("\\\n", " ")):
            for line in body.splitlines():
                found = re.match(r"(?:\$ )?(?:python3? -m )?tl_jax (.+)", line)
                if found:
                    name, *arguments = shlex.split(found.group(1), comments=True)
                    yield page.name, name, arguments


def flags_of(name):
    return set(defined(script_of(name).groups))


def test_every_script_is_a_subcommand_and_no_other():
    scripts = {path.stem for path in (ROOT / "experiments").glob("[!_]*.py")}
    assert set(SUBCOMMANDS.values()) == scripts
    assert len(SUBCOMMANDS) == len(scripts)


@pytest.mark.parametrize(("page", "name", "arguments"), list(commands()))
def test_every_command_of_the_pages_parses(page, name, arguments):
    if name == "--help":
        return
    asked = [argument for argument in arguments if argument != "--help"]
    script_of(name).parse(asked)


def test_the_page_of_the_command_names_every_subcommand():
    text = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    within = {"exp2", "exp3", "exp4", "exp5", "exp6"}  # `exp1` to `exp7`
    assert {name for name in SUBCOMMANDS if not re.search(rf"(?:`|tl_jax ){name}\b", text)} == within


def test_the_installed_command_is_this_one():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    name, _, where = setup["options.entry_points"]["console_scripts"].strip().partition(" = ")
    module, function = where.split(":")
    assert (name, getattr(importlib.import_module(module), function)) == ("tl_jax", _tl_jax.run)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("stdy", "did you mean 'study'?"),
        ("exp7_two_step", "did you mean 'exp7'?"),
        ("dti_transfer", "did you mean 'compounds'?"),
        ("zzz", "tl_jax --help lists them"),
        ("--quick", "tl_jax SUBCOMMAND --quick"),
    ],
)
def test_a_subcommand_that_does_not_exist(asked, answer, capsys):
    assert main([asked]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert answer in said.err


def test_a_subcommand_is_its_script(capsys):
    assert main(["exp4", "--repeats=three"]) == 2
    ours = capsys.readouterr().err
    assert importlib.import_module("experiments.exp4_target").main(["--repeats=three"]) == 2
    assert capsys.readouterr().err == ours


def test_help_of_a_subcommand_shows_the_subcommand(capsys):
    assert main(["compounds", "--help"]) == 0
    text = capsys.readouterr().out
    assert "tl_jax compounds --data=simulated --quick" in text
    assert "experiments" not in text


@pytest.mark.parametrize("kinds", [[], ["optimizers", "protocols"]])
def test_names_are_listed(kinds, capsys):
    from tl_jax.transfer.strategies import STRATEGIES

    assert main(["list", *kinds]) == 0
    text = capsys.readouterr().out
    assert "keras_adam" in text
    assert "transductive" in text
    shipped = [name for name, one in STRATEGIES.items() if one.function.__module__.startswith("tl_jax.")]
    assert shipped
    assert all((re.search(rf"^  {name} .*\w", text, re.MULTILINE) is not None) == (not kinds) for name in shipped)
    assert main(["list", "optimizer"]) == 2
    assert "did you mean optimizers?" in capsys.readouterr().err


def test_the_next_call_knows_nothing_of_the_last(capsys):
    assert main(["lineage", "--help"]) == 0
    first, _ = script_of("exp4").parse(["--seed=7", "--quick"])
    second, _ = script_of("exp4").parse([])
    assert (first.seed, first.quick, second.seed, second.quick) == (7, True, 400, False)


def named_flags(path):
    """The flags that the texts of a module name, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    skipped = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) in docs]
    return {flag for text in texts if text not in skipped for flag in FLAG.findall(text)} - FOREIGN


EXPERIMENTS = ["study", "exp1"]
# {where messages stand: the subcommands that print them}
SPOKEN = {
    "tl_jax/study/cohort": [*EXPERIMENTS, "predict"],
    "tl_jax/study/compounds": ["compounds", "grid", "predict"],
    "tl_jax/study/many_targets": ["many_targets"],
    "tl_jax/study/weights": ["import", "export", "predict"],
    "tl_jax/fetch": ["fetch"],
    "tl_jax/data/drafts": ["init"],
    "tl_jax": list(SUBCOMMANDS),
    **{f"experiments/{script}.py": [name] for name, script in SUBCOMMANDS.items()},
}


STYLE_SHEET = ROOT / "tl_jax/report/page/style.py"  # its variables are written like flags


@pytest.mark.parametrize("place", SPOKEN)
def test_flags_that_messages_name_exist_where_they_are_printed(place):
    known = set().union(*(flags_of(name) for name in (*SPOKEN[place], *ELSEWHERE.get(place, ()))))
    paths = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
    paths = [path for path in paths if path != STYLE_SHEET]
    wrong = {path.name: found for path in paths if (found := named_flags(path) - known)}
    assert not wrong


def test_a_file_of_strategies_can_be_loaded_again(tmp_path):
    from experiments._flags import load_own
    from tl_jax.transfer.strategies import STRATEGIES

    path = tmp_path / "mine.py"
    text = "from tl_jax.transfer.strategies import strategy\n\n@strategy()\ndef {}(source, fresh):\n    return None\n"
    known = set(STRATEGIES)
    try:
        for name in ("first_of_mine", "first_of_mine", "second_of_mine"):
            path.write_text(text.format(name))
            load_own(path)
            assert set(STRATEGIES) == {*known, name}
    finally:
        for name in set(STRATEGIES) - known:
            del STRATEGIES[name]
