"""Transfer learning for drug response in tiny cohorts, as pure JAX functions.

    import tl_jax as tl
    cohort = tl.load_cohort("simulated")            # or tl.Cohort.from_frames({"source": (x, y), "target": (x, y)})

    @tl.strategy()
    def slow_layer1(source, fresh):                 # where a model starts, and what may move how fast
        start = tl.leaves.copy(source, fresh, "layer1/*")
        return tl.Transfer(start, tl.leaves.all(start), lr_scale={"layer1/*": 0.1})

    study = tl.run_study(cohort, strategies=["scratch", slow_layer1], baselines=["ridge"], quick=True)
    print(tl.compare(study.metrics, reference="scratch"))
    tl.plot(study, "arms")
    study.save("results/mine")                      # tables, pictures, report.html

One training by itself is a pure function, `tl.fit`: it goes through jax.jit and jax.vmap. A name is imported when it is
first used; reading cohorts needs no jax.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tl_jax import leaves
    from tl_jax.api.answer import answer
    from tl_jax.api.one_training import fit, network, predict, scaled
    from tl_jax.api.sources import rank_sources
    from tl_jax.api.study import run_study
    from tl_jax.api.tables import compare, plot
    from tl_jax.config import Recipe
    from tl_jax.data.chain import Cohort
    from tl_jax.data.cohort.cohort_file import load_cohort
    from tl_jax.data.domain import Domain
    from tl_jax.errors import InputError
    from tl_jax.training.optimizer import masked
    from tl_jax.transfer.strategies import strategy
    from tl_jax.types import Batch, Network, Transfer

__all__ = [
    "Batch",
    "Cohort",
    "Domain",
    "InputError",
    "Network",
    "Recipe",
    "Transfer",
    "answer",
    "compare",
    "fit",
    "leaves",
    "load_cohort",
    "masked",
    "network",
    "plot",
    "predict",
    "rank_sources",
    "run_study",
    "scaled",
    "strategy",
]

_PLACES = {
    "data.chain": ("Cohort",),
    "data.domain": ("Domain",),
    "data.cohort.cohort_file": ("load_cohort",),
    "errors": ("InputError",),
    "types": ("Batch", "Network", "Transfer"),
    "config": ("Recipe",),
    "transfer.strategies": ("strategy",),
    "training.optimizer": ("masked",),
    "api.answer": ("answer",),
    "api.one_training": ("fit", "network", "predict", "scaled"),
    "api.sources": ("rank_sources",),
    "api.study": ("run_study",),
    "api.tables": ("compare", "plot"),
}
_PLACE = {name: f"tl_jax.{module}" for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used."""
    if name == "__version__":
        return _version()
    if name == "leaves":
        return importlib.import_module("tl_jax.leaves")
    if name not in _PLACE:
        raise AttributeError(f"module 'tl_jax' has no attribute '{name}'")
    value = getattr(importlib.import_module(_PLACE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names only."""
    return list(__all__)


def _version() -> str:
    """Of the installed package; of a source tree that is not installed, "0+source"."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tl_jax")
    except PackageNotFoundError:
        return "0+source"
