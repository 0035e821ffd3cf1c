"""The floors of docs/architecture.md: an import goes down only, and some packages have one door."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# A room is a folder of tl_jax, or a module that stands in tl_jax itself.
FLOORS = [
    {"errors", "types", "trees", "config", "keys", "registry", "data.drugs"},
    {"system", "data.tables", "data.genes", "data.preprocessing", "evaluation.predictors"},
    {"data", "data.formats", "data.compounds", "fetch", "models", "transfer", "checkpoint", "evaluation.statistics"},
    {"leaves", "data.cohort", "data.scaling", "weights", "interpret", "evaluation.draws", "report"},
    {"data.drafts", "data.cells", "evaluation.checks", "training"},
    {"evaluation.sources", "report.plots", "study.core"},
    {"report.sections"},
    {"report.page"},
    {"study.cohort"},
    {"study.compounds", "study.many_targets", "study.cells", "study.answer"},
    {"study.weights"},
    {"api"},
    {"app.parts"},
    {"app.views"},
    {"app"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# package: the only rooms of tl_jax that may import it, with the rooms in them.
DOORS = {
    "flax": {"models"},
    "optax": {"training"},
    "orbax": {"checkpoint"},
    "sklearn": {"data", "evaluation"},
    "matplotlib": {"report"},
    "rdkit": {"data.compounds"},
    "optuna": {"study.compounds"},
    "h5py": {"data.formats", "weights"},
    "safetensors": {"weights"},
    "tqdm": {"system"},
    "absl": set(),
    "pooch": {"fetch"},
    "gdown": {"fetch"},
    "requests": {"fetch"},
    "streamlit": {"app"},
    "plotly": {"app"},
}
# The one arrow up: a classmethod of Cohort reads frames as cohort files are read, and is imported when it is called.
CALLED = {("tl_jax.data.chain", "tl_jax.data.cohort.frames")}
NETWORK = ("pooch", "gdown", "requests", "urllib3", "urllib.request", "http", "ftplib", "aiohttp", "httpx")
WITHOUT_JAX = ("data", "evaluation", "report", "fetch")


@cache
def modules() -> dict[str, ast.Module]:
    """{dotted name: syntax tree} of tl_jax and experiments."""
    found = {}
    for package in ("tl_jax", "experiments"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def at_run_time(tree: ast.AST):
    """Every node but what stands under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from at_run_time(node)


@cache
def imports(module: str) -> frozenset[str]:
    """Every name that a module imports, at the top or inside a function, as an absolute dotted name."""
    found = set()
    for node in at_run_time(modules()[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: write the whole name instead of a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in found if (module, own(name)) not in CALLED)


def room(name: str) -> str | None:
    """The room of a dotted name below tl_jax: the folder of its module, or the module where it stands in tl_jax."""
    module = own(name)
    if module is None or not module.startswith("tl_jax."):
        return None
    folder, _, last = module.removeprefix("tl_jax.").rpartition(".")
    inside = any(other.startswith(f"{module}.") for other in modules())
    return module.removeprefix("tl_jax.") if inside else folder or last


def within(room: str, rooms) -> bool:
    """Whether a room is one of some rooms, or stands in one."""
    return any(f"{room}.".startswith(f"{other}.") for other in rooms)


def own(name: str) -> str | None:
    """The module of this repository that a dotted name means (the name, or what holds it)."""
    parts = name.split(".")
    known = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((module for module in known if module in modules()), None)


def inside() -> list[str]:
    return [name for name in modules() if name.startswith("tl_jax.")]


def external(module: str) -> set[str]:
    return {name.split(".")[0] for name in imports(module)}


def test_every_room_has_a_floor():
    # A folder that holds folders only has a docstring and nothing to import; __main__ is the command, above all floors.
    assert {room(name) for name in inside()} - {"study", "evaluation", "__main__"} == set(FLOOR)


@pytest.mark.parametrize("module", inside())
def test_an_import_goes_down(module):
    here = room(module)
    for name in imports(module):
        there = room(name)
        if there is None or there == here or here not in FLOOR:
            continue
        assert there in FLOOR, f"{module} imports {name}, which is in no room"
        down = FLOOR[there] < FLOOR[here] or FLOOR[here] == FLOOR[there] == 0
        assert down, f"{module} (floor {FLOOR[here]}) imports {name} (floor {FLOOR[there]})"


def test_no_import_goes_in_a_circle():
    done, open_ = set(), []

    def visit(module):
        assert module not in open_, f"circle: {' -> '.join([*open_, module])}"
        if module in done:
            return
        open_.append(module)
        for name in sorted(imports(module)):
            if own(name) not in (None, module):
                visit(own(name))
        done.add(open_.pop())

    for module in modules():
        visit(module)


@pytest.mark.parametrize("package", DOORS)
def test_some_packages_have_one_door(package):
    outside = [m for m in inside() if package in external(m) and not within(room(m), DOORS[package])]
    assert not outside, f"{package} is imported by {outside}; only {sorted(DOORS[package])} may"


@pytest.mark.parametrize("start", WITHOUT_JAX)
def test_rooms_without_jax(start):
    waiting, seen = [name for name in inside() if within(room(name), {start})], set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        assert "jax" not in external(module), f"{module}, which {start} needs, imports jax"
        waiting += [own(name) for name in imports(module) if own(name)]


def test_only_runtime_touches_the_configuration_of_jax():
    touching = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "jax"
        and node.attr in ("config", "distributed")
    }
    touching |= {m for m in modules() if any(n.startswith(("jax.config", "jax.distributed")) for n in imports(m))}
    assert touching <= {"tl_jax.system.runtime", "tl_jax.system.cluster"}


def test_nothing_imports_the_scripts():
    """But `python -m tl_jax`, which is the command and nothing else, and which nothing imports."""
    for module in inside():
        assert "tl_jax.__main__" not in imports(module)
        if module == "tl_jax.__main__":
            continue
        assert "experiments" not in external(module), f"{module} imports experiments"


def test_nothing_imports_the_app_but_its_script():
    for module in modules():
        reached = {name for name in imports(module) if f"{name}.".startswith("tl_jax.app.")}
        assert not reached or module == "experiments.app" or within(room(module) or "", {"app"}), module


def test_the_app_stands_on_reports_and_files():
    """It trains nothing and computes no statistics: studies run in processes of their own, by the command."""
    below = {"report", "report.page", "report.plots", "report.sections", "errors", "system", "app"}
    for module in inside():
        if not within(room(module), {"app"}):
            continue
        assert not external(module) & {"jax", "scipy", "sklearn", "experiments"}, module
        rooms = {room(name) for name in imports(module) if room(name)}
        assert all(within(one, below) for one in rooms), f"{module} imports {sorted(rooms)}"


def test_scripts_hold_no_science():
    """They read flags, call tl_jax and write files."""
    for module in modules():
        if module.startswith("experiments"):
            assert not external(module) & {"jax", "numpy", "pandas", "scipy", "sklearn", "flax", "optax"}, module


def test_the_network_is_reached_by_the_fetch_script_alone():
    """Nothing that trains, predicts or reads data can download anything."""
    for module in modules():
        if room(module) == "fetch" or module == "experiments.fetch":
            continue
        doors = tuple(f"{name}." for name in (*NETWORK, "tl_jax.fetch"))
        reached = {name for name in imports(module) if f"{name}.".startswith(doors)}
        assert not reached, f"{module} imports {sorted(reached)}; only experiments/fetch.py may fetch"


def test_the_front_door_imports_names_when_they_are_used():
    assert not [name for name in imports("tl_jax") if name.startswith("tl_jax")]
