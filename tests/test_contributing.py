"""The code of CONTRIBUTING.md, written into a file of its own, is usable by name."""

import importlib.util
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tl_jax.config import NetworkConfig, Recipe
from tl_jax.data.cohort.schema import expression_formats
from tl_jax.data.formats import registry as formats
from tl_jax.evaluation.statistics import registry as metrics
from tl_jax.evaluation.statistics.metrics import score
from tl_jax.models import NETWORKS, build
from tl_jax.training.fit import fit
from tl_jax.training.objectives import deep_alignment
from tl_jax.transfer.losses import DISTANCES, get_distance
from tl_jax.transfer.strategies import STRATEGIES, get
from tl_jax.types import Batch, Hparams

PAGE = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"
IMPORTS = """import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from pathlib import Path
from tl_jax.data.formats.registry import expression_reader
from tl_jax.data.tables.cells import as_ids, require_column
from tl_jax.data.tables.numbers import number_matrix
from tl_jax.evaluation.statistics.registry import metric
from tl_jax.models.registry import network
from tl_jax.transfer.losses import distance
from tl_jax.transfer.strategies import strategy
from tl_jax.trees import all_but
from tl_jax.types import Network, Output, Transfer
"""


@pytest.fixture
def section(tmp_path):
    """A function that imports the first code block of a section as a module."""

    def load(title):
        text = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
        path = tmp_path / "own.py"
        path.write_text(IMPORTS + re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
        spec = importlib.util.spec_from_file_location("own_of_contributing", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    formats.EXPRESSION.pop("my_portal", None)
    metrics.METRICS.pop("my_bias", None)
    STRATEGIES.pop("freeze_biases", None)
    NETWORKS.pop("tiny_linear", None)
    DISTANCES.pop("mean_gap", None)


def test_a_reader(section):
    section("A reader")
    assert "my_portal" in expression_formats()


def test_a_metric(section):
    section("A metric")
    assert score(np.array([1.0, 2.0]), np.array([2.0, 4.0]))["my_bias"] == 1.5
    assert metrics.sign("my_bias") == -1


def start(strategy_name: str, name: str = "two_step"):
    """Where a strategy starts a small network, on 5 genes."""
    net = build(NetworkConfig(name, (4, 3)))
    source, fresh = (net.init(jax.random.key(k), 5) for k in (0, 1))
    return net, get(strategy_name).function(source, fresh)


def test_a_strategy(section):
    section("A strategy")
    _, transfer = start("freeze_biases")
    assert transfer.trainable == ("head/kernel", "layer1/kernel", "layer2/kernel")


def test_a_network(section):
    section("A network")
    net, transfer = start("fine_tune", "tiny_linear")
    x, y = jax.random.normal(jax.random.key(2), (12, 5)), jnp.arange(12.0)
    batch, hparams = Batch(x, y, jnp.ones(12)), Hparams(learning_rate=0.1, kernel_l2=0.0, activity_l1=0.0).arrays()
    out = fit(
        jax.random.key(3),
        transfer,
        batch,
        None,
        hparams,
        network=net,
        config=Recipe(epochs=30, learning_rate=0.1).fit_config(),
    )
    assert out.history["train_loss"][-1] < 0.7 * out.history["train_loss"][0]


def test_a_distance(section):
    section("A distance between domains, an objective")
    a, b = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[1.0, 1.0]])
    assert float(get_distance("mean_gap")(a, jnp.ones(2), b, jnp.ones(1))) == 1.0
    assert float(get_distance("mean_gap")(a, jnp.array([1.0, 0.0]), b, jnp.ones(1))) == 1.0
    assert callable(deep_alignment(build(NetworkConfig("two_step", (4, 3))), "mean_gap").loss)


def test_every_dear_test_is_one_that_there_is():
    for line in (PAGE.parent / "tests" / "dear.txt").read_text("utf-8").splitlines()[1:]:
        path, _, name = line.partition("::")
        assert f"def {name.partition('[')[0]}(" in (PAGE.parent / path).read_text("utf-8"), line
