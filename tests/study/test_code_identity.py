"""The id of a stage follows all code that determines its weights, and no other."""

import importlib.util
from dataclasses import replace

import pytest

from tl_jax.study.core import code
from tl_jax.study.core.code import code_of
from tl_jax.study.core.stages import StagePlan, ids_of
from tl_jax.transfer.strategies import STRATEGIES, Registered

OWN = """from helper import rate
from tl_jax.transfer import alignment
from tl_jax.types import Transfer

def start(source, fresh):
    import late
    return rate(source)
"""


@pytest.fixture
def identity(small, cohort):
    """identity(strategy): the id of a stage that it trains on the target."""
    settings, domain = small(), cohort.stage("target").for_drug(cohort.drug)

    def one(strategy):
        plan = StagePlan("target", domain, strategy, settings.recipe(STRATEGIES["copy_layer1"]))
        return ids_of([plan], settings.network, settings.seed, "parent")[0]

    return one


@pytest.fixture
def edited(monkeypatch):
    """edited(path): from now on a file of the package reads as if a line had been added."""
    real = code.text_of

    def one(path):
        assert (code.ROOT / path).is_file(), path
        text = lambda file, changed: real(file, changed) + ("\n#" if file == code.ROOT / path else "")  # noqa: E731
        monkeypatch.setattr(code, "text_of", text)

    yield one
    monkeypatch.undo()


SHAPES_WEIGHTS = (
    *("types.py", "trees.py", "keys.py", "config.py", "data/domain.py"),
    *("data/scaling/scaled.py", "data/scaling/scaling.py", "data/preprocessing/combat.py"),
    *("models/two_step.py", "models/threefry.py", "training/fit.py", "training/objective.py", "training/optimizer.py"),
    *("transfer/strategies.py", "transfer/fine_tuning.py", "transfer/alignment.py"),
)
MOVES_NO_NUMBER = (
    *("system/progress.py", "system/files.py", "system/cluster.py", "errors.py", "report/tables.py"),
    *("evaluation/statistics/metrics.py", "study/core/writer.py"),
)


@pytest.mark.parametrize("path", SHAPES_WEIGHTS)
def test_a_stage_is_new_where_its_code_is(identity, edited, path):
    """gradual_unfreezing stands in fine_tuning.py, which is built on other files of the same room."""
    before = identity(STRATEGIES["gradual_unfreezing"])
    edited(path)
    assert identity(STRATEGIES["gradual_unfreezing"]) != before


@pytest.mark.parametrize("path", MOVES_NO_NUMBER)
def test_other_code_leaves_a_stage_where_it_is(identity, edited, path):
    before = identity(STRATEGIES["gradual_unfreezing"])
    edited(path)
    assert identity(STRATEGIES["gradual_unfreezing"]) == before


def test_a_file_that_a_strategy_is_not_built_on_does_not_count(identity, edited):
    before = identity(STRATEGIES["scratch"])
    edited("transfer/fine_tuning.py")
    assert identity(STRATEGIES["scratch"]) == before


@pytest.fixture
def of_user(tmp_path):
    """A strategy in a file of the user's own, with modules beside it: (the folder, the strategy)."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "helper.py").write_text(
        "from parts.inner import shrink\n\ndef rate(source):\n    return shrink(source)\n"
    )
    (tmp_path / "late.py").write_text("RATE = 1\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("")
    (tmp_path / "parts" / "inner.py").write_text("from .deep import HALF\nfrom parts.other import ONE\nshrink = abs\n")
    (tmp_path / "parts" / "deep.py").write_text("HALF = 0.5\n")
    (tmp_path / "parts" / "other.py").write_text("ONE = 1\n")
    (tmp_path / "unrelated.py").write_text("ONE = 1\n")
    return tmp_path, Registered("own", from_file(tmp_path / "own.py"), True, True)


def from_file(path):
    """The function `start` of a file, which need not run: its imports inside functions stay unread."""
    spec = importlib.util.spec_from_file_location("user_own", path)
    source = path.read_text().replace("from helper import rate\n", "rate = None\n")
    space = {"__name__": spec.name, "__file__": str(path)}
    exec(compile(source, str(path), "exec"), space)  # the path is what a loaded function knows of itself
    return space["start"]


@pytest.mark.parametrize("name", ["own", "helper", "late", "parts/inner", "parts/deep", "parts/other"])
def test_modules_beside_a_users_strategy_count(identity, of_user, name):
    folder, strategy = of_user
    before = identity(strategy)
    assert identity(strategy) == before
    path = folder / f"{name}.py"
    path.write_text(path.read_text() + "MORE = 2\n")
    assert identity(strategy) != before


@pytest.mark.parametrize(("path", "counts"), [("transfer/alignment.py", True), ("system/runtime.py", False)])
def test_what_a_users_strategy_takes_from_this_package_counts(identity, of_user, edited, path, counts):
    _, strategy = of_user
    before = identity(strategy)
    edited(path)
    assert (identity(strategy) != before) == counts


def test_modules_that_a_users_strategy_does_not_import_do_not_count(identity, of_user):
    folder, strategy = of_user
    before = identity(strategy)
    (folder / "unrelated.py").write_text("ONE = 3\n")
    assert identity(strategy) == before


def test_a_module_that_a_helper_begins_to_import_counts_from_then_on(identity, of_user):
    """In one process, as in a notebook."""
    folder, strategy = of_user
    identity(strategy)
    (folder / "late.py").write_text("import unrelated\n")
    before = identity(strategy)
    (folder / "unrelated.py").write_text("ONE = 3\n")
    assert identity(strategy) != before


def test_a_function_without_a_file_is_known_by_what_it_does():
    def made(source):
        space = {}
        exec(source, space)  # as typed into a prompt
        return space["start"]

    def captured(rate):
        space = {}
        exec("def make(rate):\n    return lambda source: rate * source", space)
        return space["make"](rate)

    first = code_of(made("def start(source): return source"))
    assert first == code_of(made("def start(source): return source"))
    assert first != code_of(made("def start(source): return 2 * source"))
    assert code_of(captured(1)) != code_of(captured(2))


def test_another_network_is_another_code(small, cohort):
    settings, strategy = small(), STRATEGIES["scratch"]
    plan = StagePlan("target", cohort.stage("target").for_drug(cohort.drug), strategy, settings.recipe(strategy))
    one, other = (
        ids_of([plan], replace(settings.network, name=name), settings.seed)[0] for name in ("two_step", "fc_layers")
    )
    assert one != other
