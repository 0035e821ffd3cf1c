"""Shared fixtures: where golden numbers and real data are, strict jax settings."""

import os
from pathlib import Path

# Whether everything runs, as in `make test-all`; `make test` leaves out what is marked `full`.
ALL = os.environ.get("TLJAX_TESTS") == "all"
if not ALL:
    # Most of a test's time goes into compiling programs that run for milliseconds; test-all compiles as users do.
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core for each worker

import jax
import numpy as np
import pytest

from tl_jax.system import runtime

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
    *("test_resume", "test_readme", "test_many_devices", "test_study", "test_scripts", "test_dti", "test_dti_transfer"),
    "test_many_targets",
)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
