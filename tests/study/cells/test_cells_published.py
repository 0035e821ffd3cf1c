"""What surrounds scDEAL's own networks: resampled lines, and what a table of quirks needs."""

import jax.numpy as jnp
import numpy as np
import pytest

from tl_jax.errors import InputError
from tl_jax.keys import run_key
from tl_jax.study.cells import published
from tl_jax.study.cells.published import CLUSTERS, NONE, check_published, picked
from tl_jax.training.published import Sizes, Tables, scaled, split, streams, taught

RANDOM = np.random.default_rng(0)
KEY = run_key(3)
TABLES = Tables(
    jnp.asarray(RANDOM.normal(size=(60, 12)), jnp.float32),
    jnp.asarray(np.arange(60) % 4 == 0, jnp.float32),
    jnp.asarray(RANDOM.normal(size=(25, 9)), jnp.float32),
)
ROWS = {name: np.asarray(rows) for name, rows in split(streams(KEY)["split"], TABLES)[0].items()}


def learnt(kind: str, tables=TABLES):
    """The lines that teach the predictor."""
    own = picked(tables, KEY, NONE, kind, seed=7)
    x = scaled(tables.lines, ROWS["train"], NONE)
    return own, taught(streams(KEY)["split"], ROWS["train"], x, own, Sizes())["train"]


@pytest.mark.parametrize("kind", ["smote", "down"])
def test_both_classes_teach_the_predictor_alike(kind):
    pytest.importorskip("imblearn")
    own, batch = learnt(kind)
    assert float(batch.y.mean()) == 0.5
    assert set(np.asarray(own.picked)) <= set(ROWS["train"])
    assert (len(own.made) > 0) == (kind == "smote")


def test_made_lines_are_those_of_imbalanced_learn_on_training_lines_alone():
    over = pytest.importorskip("imblearn.over_sampling")
    x, y = np.asarray(scaled(TABLES.lines, ROWS["train"], NONE))[ROWS["train"]], np.asarray(TABLES.y)[ROWS["train"]]
    expected, labels = over.SMOTE(random_state=7).fit_resample(x, y > 0.5)
    own, batch = learnt("smote")
    np.testing.assert_array_equal(batch.x, expected)
    np.testing.assert_array_equal(batch.y, labels)
    far = TABLES._replace(lines=TABLES.lines.at[np.concatenate([ROWS["valid"], ROWS["test"]])].set(50.0))
    np.testing.assert_array_equal(learnt("smote", far)[0].made, own.made)


def test_a_table_of_quirks_needs_igraph_whatever_is_repaired(monkeypatch):
    monkeypatch.setattr(published, "find_spec", lambda name: None)
    check_published([CLUSTERS])
    for repaired, table in (([], False), ([CLUSTERS], True)):
        with pytest.raises(InputError, match="needs igraph"):
            check_published(repaired, table)
