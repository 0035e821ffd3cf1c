"""Shared fixtures: where golden numbers and real data are, strict jax settings; what `make test` leaves to test-all."""

import gc
import os
from pathlib import Path

import hypothesis
import jax
import numpy as np
import pytest
from sharing import (
    pytest_xdist_make_scheduler,  # noqa: F401 - a hook
    scope,
)

from tl_jax.system import runtime

# Whether everything runs, as in `make test-all`; `make test` leaves out what is marked `full`.
ALL = os.environ.get("TLJAX_TESTS") == "all"
MAPS = 45_000  # of memory, beyond which programs are let go; no file adds more than 11,000
gc.set_threshold(200_000, 20, 50)  # imports and collection make many objects that stay
if os.environ.get("TLJAX_COMPILE") != "shipped":
    # Most of a test's time goes into compiling programs that run for milliseconds. What is marked `shipped` needs the
    # programs that users run.
    # XLA ends the process at a flag that it does not know; later versions have no other emitters.
    older = ["--xla_cpu_use_fusion_emitters=false"] if jax.__version_info__ < (0, 11) else []
    os.environ.setdefault("XLA_FLAGS", " ".join(["--xla_backend_optimization_level=0", *older]))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # a core for each worker

hypothesis.settings.register_profile("ci", deadline=None)
hypothesis.settings.register_profile("dev", deadline=None, max_examples=20)
hypothesis.settings.load_profile("ci" if ALL else "dev")
jax.config.update("jax_numpy_rank_promotion", "raise")

ROOT = Path(__file__).resolve().parents[1]
# Tests of one session compile many programs twice, on each worker and in scripts.
runtime.configure(ROOT / ".pytest_cache" / "programs")
jax.config.update("jax_num_cpu_devices", 2)  # so that the run axis is spread in every test


def folder(variable: str, default: str) -> Path:
    """A folder named by an environment variable, or a default beside the repository."""
    return Path(os.environ.get(variable, ROOT / ".." / "shared" / default)).resolve()


@pytest.fixture(scope="session")
def golden():
    """Load a golden case by name; skips when the folder is absent."""
    where = folder("TLJAX_GOLDEN", "golden")

    def load(case: str) -> dict[str, np.ndarray]:
        path = where / f"{case}.npz"
        if not path.exists():
            pytest.skip(f"no golden numbers at {path}; name their folder in TLJAX_GOLDEN")
        with np.load(path) as content:
            return dict(content)

    return load


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real bulk data; skips when it is absent."""
    where = folder("TLJAX_DATA", "data/bulk")
    if not (where / "gdsc_response.parquet").exists():
        pytest.skip(f"no real data at {where}; name its folder in TLJAX_DATA")
    return where


@pytest.fixture(scope="session")
def small_cohort() -> str:
    """A cohort file of a chain so small that an experiment on it takes seconds."""
    sizes = {"seed": 3, "genes": 60, "n_source": 60, "n_intermediate": 30, "n_target": 20}
    return "\n".join(['name = "small"', "[simulate]", *(f"{key} = {value}" for key, value in sizes.items())])


# Whole studies and scripts, by file: begun first, so that no worker is left alone with one of them at the end.
LONG = (
    *("test_study", "test_readme", "test_dti", "test_side_by_side", "test_resume", "test_judged_by"),
    *("test_your_cohort", "test_many_devices", "test_dti_transfer", "test_transfer_truth"),
    *(
        "test_networks",
        "test_scripts",
        "test_many_targets",
        "test_small_cohorts",
        "test_runs",
        "test_notebooks",
        "test_check_cohort",
    ),
)
# Tests by name that are `full`, by measurement.
DEAR = {line for line in (ROOT / "tests" / "dear.txt").read_text("utf-8").splitlines() if not line.startswith("#")}
# Fixtures, by file, that train a study: what uses them is `full`.
COSTLY = {
    "test_compounds_examined": {"study", "plain"},
    "test_dti": {"study"},
    "test_dti_grid": {"table"},
    "test_dti_predict": {"study"},
    "test_fold_models": {"done"},
    "test_html_page": {"text"},
    "test_judged_by": {"judged"},
    "test_kept": {"done"},
    "test_many_devices": {"single"},
    "test_many_targets": {"whole"},
    "test_missing_genes": {"final"},
    "test_networks": {"found"},
    "test_outside_source": {"one_step"},
    "test_preprocessed_models": {"done"},
    "test_resume": {"study"},
    "test_side_by_side": {"reports"},
    "test_study": {"study"},
}


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the marks
def pytest_collection_modifyitems(items):
    place = {scope(item.nodeid): len(LONG) for item in items}
    place |= {scope(item.nodeid): LONG.index(item.path.stem) for item in items if item.path.stem in LONG}
    items.sort(key=lambda item: place[scope(item.nodeid)])
    for item in items:
        if item.path.parent.name == "fuzz":
            item.add_marker("fuzz")
        if item.get_closest_marker("shipped"):
            item.add_marker("full")
        if item.nodeid in DEAR or COSTLY.get(item.path.stem, set()) & set(item.fixturenames):
            item.add_marker("full")
        if not ALL:
            fewer_examples(getattr(item, "obj", None))


def pytest_collection_finish():
    """The collector leaves alone what lives to the end: modules, tests, traced programs are a million objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_teardown(item, nextitem):
    """Between files, programs are let go before the memory maps that hold them reach the kernel's limit of 65,530.

    XLA keeps a compiled program in some 10 maps of its own, and ends the process where it gets no more.
    """
    if nextitem is None or scope(item.nodeid) == scope(nextitem.nodeid):
        return
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MAPS:
        jax.clear_caches()
        gc.collect()


def fewer_examples(test):
    """A fifth of the examples that a test of hypothesis names itself, for the profile dev."""
    own = getattr(test, "_hypothesis_internal_use_settings", None)
    most = hypothesis.settings.default.max_examples
    if own is not None and own.max_examples > most:
        few = max(most, own.max_examples // 5)
        test._hypothesis_internal_use_settings = hypothesis.settings(own, max_examples=few)
