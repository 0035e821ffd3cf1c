"""The README and docs must stay true: examples run, commands parse, links and make targets exist."""

import re
import runpy
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from scripting import own_functions, script

from tl_jax.study.cohort.plans import EXPERIMENTS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
EXPERIMENT_PAGE = ROOT / "docs" / "experiments.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"python3? -m (experiments\.\w+)([^`\n|]*)")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")

SHIPPED = ("--cohort=nci60", "--cohort=gdsc", "--cohort=simulated")
# Of the study a part that takes seconds; tests/study/test_study.py has the rest.
LIGHT = [
    *("--strategy=scratch,freeze_layer1,feature_ridge", "--baselines=ridge", "--source_drug=oxaliplatin"),
    *("--permutations=0", "--levels=0", "--curve_repeats=0", "--nested=none", "--beside=none"),
]


def text(page: Path) -> str:
    """A page with the lines that end in a backslash joined."""
    return page.read_text(encoding="utf-8").replace("\\\n", " ")


def examples(page: Path) -> list[str]:
    return [body for language, body in FENCE.findall(page.read_text(encoding="utf-8")) if language == "python"]


def whole_scripts() -> list[str]:
    return examples(README)


def strategy_files() -> list[str]:
    return [body for body in examples(EXPERIMENT_PAGE) if "@strategy(" in body]


def metric_files() -> list[str]:
    return [body for body in examples(EXPERIMENT_PAGE) if "@metric(" in body]


def commands() -> list[tuple[str, str, list[str]]]:
    """(page, module, arguments) of every command in the pages."""
    found = []
    for page in PAGES:
        for module, rest in COMMAND.findall(text(page)):
            found.append((page.name, module, shlex.split(rest, comments=True)))
    return found


def test_the_readme_has_examples_and_commands():
    assert len(whole_scripts()) == 1
    assert len(strategy_files()) == 1
    assert len({module for _, module, _ in commands()}) >= 9


@pytest.mark.shipped
@pytest.mark.parametrize("body", whole_scripts())
def test_the_example_runs_and_is_short(body, tmp_path, monkeypatch, capsys):
    assert len([line for line in body.splitlines() if line.strip()]) <= 12
    (tmp_path / "example.py").write_text(body)
    monkeypatch.chdir(tmp_path)
    with own_functions():
        runpy.run_path("example.py", run_name="__main__")
    assert "slow_layer1" in capsys.readouterr().out


@pytest.mark.full
@pytest.mark.parametrize("body", strategy_files())
def test_the_strategy_file_works(body, tmp_path):
    (tmp_path / "my_strategies.py").write_text(body)
    name = re.search(r"@strategy\(.*?\)\ndef (\w+)", body).group(1)
    mine = ("--strategy_module=my_strategies.py", f"--strategy={name}")
    small = ("--hidden=8,4", "--repeats=1", "--epochs=2", "--baselines=none", "--out=out")
    code, _, err = script("exp5_intermediate_to_target", *mine, *small, folder=tmp_path)
    assert code == 0, err
    assert name in (tmp_path / "out" / "metrics.csv").read_text()


@pytest.mark.parametrize(("page", "module", "argv"), commands())
def test_every_command_parses(page, module, argv):
    import_module(module).main.parse(argv)


@pytest.mark.full
def test_every_experiment_command_of_the_pages_runs(small_cohort, tmp_path):
    """On a small simulated cohort with a narrow network, one after another as a reader would run them."""
    (tmp_path / "small.toml").write_text(small_cohort)
    (tmp_path / "my_strategies.py").write_text(strategy_files()[0])
    (tmp_path / "my_metrics.py").write_text(metric_files()[0])
    wanted = []
    for page, module, argv in commands():
        if page in (README.name, EXPERIMENT_PAGE.name) and module.removeprefix("experiments.") in EXPERIMENTS:
            kept = ["--cohort=small.toml" if a in SHIPPED else a for a in argv if not a.startswith("--out=")]
            kept += [] if any(a.startswith("--cohort") for a in kept) else ["--cohort=small.toml"]
            kept += LIGHT if module == "experiments.two_step_study" else []
            # Forests take most of the time; experiment 7 has every baseline.
            if not module.endswith("exp7_two_step") and not any(a.startswith("--baselines") for a in kept):
                kept.append("--baselines=mean,ridge")
            wanted.append((module, [*kept, "--quick", "--hidden=8,4", "--repeats=1", f"--out=out{len(wanted)}"]))
    assert {module for module, _ in wanted} >= {f"experiments.{name}" for name in EXPERIMENTS}
    # The table of results comes first in the page, but needs the choice that experiment 3 makes.
    wanted.sort(key=lambda command: command[0])
    for module, argv in wanted:
        code, _, err = script(module.removeprefix("experiments."), *argv, folder=tmp_path)
        assert code == 0, (module, argv, err)
    assert all((tmp_path / f"out{i}" / "summary.json").exists() for i in range(len(wanted)))


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 90


def test_every_script_has_a_command_in_the_pages():
    scripts = {f"experiments.{path.stem}" for path in (ROOT / "experiments").glob("[!_]*.py")}
    assert {module for _, module, _ in commands()} == scripts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", text(page)))
    for _, body in FENCE.findall(text(page)):
        named |= set(re.findall(r"^make ([a-z-]+)", body, re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    local = [link for link in LINK.findall(text(page)) if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_number_is_left_to_be_filled_in(page):
    assert re.findall(r"@[A-Z][A-Z0-9_]*@", page.read_text(encoding="utf-8")) == []


def test_strategies_baselines_and_protocols_are_all_named():
    from tl_jax.evaluation.predictors.baselines import BASELINES
    from tl_jax.evaluation.predictors.source_methods import METHODS
    from tl_jax.study.core.protocol import PROTOCOLS
    from tl_jax.transfer.strategies import STRATEGIES

    shipped = [name for name, one in STRATEGIES.items() if one.function.__module__.startswith("tl_jax.")]
    page = text(EXPERIMENT_PAGE)
    assert [name for name in (*shipped, *METHODS, *BASELINES, *PROTOCOLS) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("protocol", ["honest", "as_published", "transductive"])
def test_every_documented_protocol_can_load_a_cohort(protocol):
    from tl_jax.data.cohort.cohort_file import load_cohort

    assert f"`{protocol}`" in text(EXPERIMENT_PAGE)
    assert load_cohort("simulated", protocol=protocol).name == "simulated"
