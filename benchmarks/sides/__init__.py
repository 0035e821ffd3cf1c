"""The sides that are compared: each a module with prepare(problem, cores, **options) -> measure() -> numbers.

prepare builds everything that does not count. measure trains once from the first weights and returns at least
"seconds", the time that counts, and (if it trains) "mae", the mean absolute errors of the first training over its rows
in the first and the last epoch, by which one sees that all sides train the same. One call before the rounds pays for
compilation. Nothing here may import jax, torch or keras: each side's module does, in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec


@dataclass(frozen=True)
class Side:
    """label: for people. needs: packages it imports. environment: variables of its process. options: of prepare."""

    label: str
    module: str
    needs: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    options: dict = field(default_factory=dict)

    def missing(self) -> list[str]:
        """Packages that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]


# One thread per product: all cores multiply at once, each its own.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
KERAS, TORCH = "benchmarks.sides.keras_fit", "benchmarks.sides.torch_eager"
SIDES = {
    "ours": Side("tl_jax", "benchmarks.sides.ours"),
    "keras_tf": Side("Keras on TensorFlow", KERAS, ("keras", "tensorflow"), {"KERAS_BACKEND": "tensorflow"}),
    "keras_jax": Side("Keras on JAX", KERAS, ("keras",), {"KERAS_BACKEND": "jax"}),
    "torch": Side("PyTorch, eager", TORCH, ("torch",)),
    "torch_fused": Side("PyTorch, eager, fused Adam", TORCH, ("torch",), options={"fused": True}),
    "torch_vmap": Side("PyTorch, torch.func.vmap", "benchmarks.sides.torch_vmap", ("torch",)),
    "floor": Side("floor of this machine", "benchmarks.sides.floor", environment=ONE_THREAD),
    "copy": Side("memory floor of this device", "benchmarks.sides.copying"),
}
