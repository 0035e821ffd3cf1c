"""--help of every script and of the command: exit code 0, by task, without a library; and readers that go away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import _cell_groups, _compound_groups, _declared, _tl_jax, many_targets, predict, two_step_study
from experiments._command import call

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "experiments").glob("[!_]*.py"))
LIBRARIES = {"jax", "numpy", "pandas", "scipy", "sklearn", "optax", "flax", "matplotlib"}
# Runs the module that is named first and says, on standard error, which libraries it has loaded in the end.
WATCHED = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
finally:
    sys.stderr.write(" ".join(sorted(set(sys.modules) & {LIBRARIES})))
"""


def defaults(script):
    """The values of a subcommand's flags where none is given."""
    values = _declared.defined(_tl_jax.script_of(script).groups)
    values.mark_as_parsed()
    return values


def python(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, **options)


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_of_a_script_loads_no_library(name):
    done = python("-c", WATCHED.replace("{LIBRARIES}", repr(LIBRARIES)), f"experiments.{name}", "--helpshort")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"python -m experiments.{name} " in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"], ["study", "--help"], ["fetch", "--helpfull"]])
def test_help_of_the_command_loads_no_library(arguments):
    done = python("-c", WATCHED.replace("{LIBRARIES}", repr(LIBRARIES)), "tl_jax", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tl_jax" in done.stdout
    assert "python -m" not in done.stdout


@pytest.mark.parametrize("ask", ["--help", "--helpshort", "-h"])
def test_help_lists_every_flag_below_its_task(ask, capsys):
    assert call("exp6_source_to_target", ["--cohort=nci60", ask]) == 0
    text = capsys.readouterr().out
    tasks = ["data:", "arms:", "protocol and folds:", "training:", "output:", "processes:"]
    assert [line for line in text.splitlines() if line in tasks] == tasks
    at = {flag: text.index(f"  --{flag}:") for flag in ("drug", "strategy", "folds", "epochs", "out", "process")}
    assert list(at.values()) == sorted(at.values())


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_flag_is_listed_once(name, capsys):
    script = __import__(f"experiments.{name}", fromlist=["main"]).main
    assert script(["--help"]) == 0
    text = capsys.readouterr().out
    for flag in _declared.defined(script.groups):
        assert text.count(f"  --{flag}:") + text.count(f"  --[no]{flag}:") == 1
    names = [flag.name for group in script.groups for flag in group.flags]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("command", [["experiments.exp7_two_step", "--help"], ["tl_jax", "study", "--help"]])
@pytest.mark.parametrize("both", [False, True])
def test_a_reader_that_goes_away_is_left_in_peace(command, both):
    """The pipe is closed before a word is written, as with `| true`; `| head -1` closes it a little later."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=write if both else subprocess.PIPE,
    )
    os.close(write)
    assert done.returncode == 141  # as the shell says of a program that is ended by SIGPIPE
    assert both or done.stderr == b""


def test_the_first_line_is_enough_for_head():
    """As a user types it; pipefail would show an exit code of the script's own."""
    line = f"{sys.executable} -m experiments.two_step_study --helpshort | head -1"
    done = subprocess.run(line, shell=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_what_is_no_help_is_not_answered_by_it(capsys):
    assert call("lineage", ["--", "--help"]) == 2
    assert "no checkpoint at" in capsys.readouterr().err


def test_words_of_flags_are_those_of_what_reads_them():
    """The flags are written without importing what reads them."""
    from tl_jax.data.cells.shared import SCALERS as CELL_SCALERS
    from tl_jax.data.cells.steps import DEPTHS
    from tl_jax.data.cells.values import KINDS as VALUES
    from tl_jax.data.domain import RESISTANT, SCALERS, SENSITIVE
    from tl_jax.data.genes.names import GENE_IDS
    from tl_jax.data.preprocessing.transforms import TRANSFORMS
    from tl_jax.data.splits import KINDS
    from tl_jax.evaluation.draws.reach import WITHIN
    from tl_jax.study.cells.settings import ARMS
    from tl_jax.study.compounds import settings
    from tl_jax.study.compounds.explain import ORDERS
    from tl_jax.study.compounds.grid_settings import OBJECTIVES
    from tl_jax.study.core.protocol import PROTOCOLS
    from tl_jax.study.many_targets.settings import FINE_TUNED

    def words(script, flag):
        return defaults(script)[flag].parser.enum_values

    for script in ("study", "many_targets", "check"):
        assert words(script, "split") == list(KINDS)
    assert words("exp1", "protocol") == list(PROTOCOLS)
    assert words("study", "beside") == [*PROTOCOLS, "none"]
    assert words("compounds", "protocol") == list(settings.PROTOCOLS)
    assert words("compounds", "split") == words("grid", "split") == list(settings.SPLITS)
    assert words("compounds", "epoch") == list(settings.EPOCH_CHOICES)
    assert list(settings.METHODS) == _compound_groups.METHODS
    assert list(vars(settings.Switches())) == _compound_groups.SWITCHES
    assert words("cells", "values") == list(VALUES)
    assert words("cells", "depth") == list(DEPTHS)
    assert words("cells", "scaler") == list(CELL_SCALERS)
    assert list(ARMS) == _cell_groups.ARMS
    assert words("grid", "objective") == list(OBJECTIVES)
    assert list(FINE_TUNED) == many_targets.FINE_TUNED
    for script in ("import", "init", "many_targets"):
        assert words(script, "direction") == [RESISTANT, SENSITIVE]
    assert words("import", "scaler_kind") == list(SCALERS[:2])
    assert words("import", "transform") == words("predict", "transform")[1:] == list(TRANSFORMS)
    assert words("predict", "gene_ids") == ["checkpoint", *GENE_IDS]
    assert words("predict", "explain_order") == list(ORDERS)
    assert _declared.defined(predict.main.groups)["within"].value == WITHIN


def test_defaults_of_flags_are_those_of_settings():
    """A flag that means a field of the settings starts where the field does."""
    from tl_jax.evaluation.checks.parts import Plan
    from tl_jax.study.cohort import study
    from tl_jax.study.cohort.settings import Settings
    from tl_jax.study.compounds.grid_settings import PUBLISHED, GridSettings
    from tl_jax.study.compounds.settings import DtiSettings
    from tl_jax.study.many_targets.targets import ManySettings

    other = {
        "baselines",
        "hidden",
        "layers",
        "freeze",
        "epochs",
        "seed",
        "signature",
    }  # texts, the grid's axes, or resolved later
    for script, settings in (("exp1", Settings()), ("compounds", DtiSettings()), ("many_targets", ManySettings())):
        values = defaults(script)
        shared = [name for name in values if hasattr(settings, name) and name not in other]
        assert len(shared) > 8
        for name in shared:
            default = getattr(settings, name)
            assert values[name].value == (list(default or ()) if isinstance(values[name].value, list) else default)
    compounds = defaults("compounds")
    assert (compounds.seed, compounds.epochs) == (DtiSettings().seed, DtiSettings().epochs)
    assert tuple(map(int, compounds.hidden)) == DtiSettings().hidden
    grid = defaults("grid")
    assert (grid.folds, grid.objective, grid.family) == (GridSettings().folds, "mcc", DtiSettings().target)
    for axis, said in _compound_groups.AXES.items():
        assert said == ", ".join(f"{value:g}" for value in getattr(PUBLISHED, axis))
    check, plan = defaults("check"), Plan()
    assert (check.folds, check.repeats, check.seed) == (plan.folds["target"], plan.repeats, plan.seed)
    assert (",".join(study.EXAMINED), ",".join(study.NESTED)) == (two_step_study.EXAMINED, two_step_study.NESTED)
    for group in (two_step_study.FOLDS,):
        for flag in group.flags:
            if flag.name in study.FULL:
                said = _declared.defined((group,))[flag.name].help
                assert f"default {study.FULL[flag.name]}, with --quick {study.QUICK[flag.name]}" in said


def test_a_default_that_costs_imports_is_read_when_work_begins():
    from tl_jax.evaluation.predictors.baselines import DEFAULT

    values, _ = _tl_jax.script_of("exp4").parse([])
    assert values.baselines == list(DEFAULT)
    values, _ = _tl_jax.script_of("exp4").parse(["--baselines=ridge"])
    assert values.baselines == ["ridge"]
