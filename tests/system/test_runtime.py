"""Where compiled programs are kept, and what a run records of its machine."""

import jax
import pytest

from tl_jax.system import runtime


@pytest.fixture(autouse=True)
def as_before():
    before = jax.config.jax_compilation_cache_dir
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def test_the_cache_is_by_processor_and_can_be_turned_off(tmp_path, monkeypatch):
    monkeypatch.setenv("TLJAX_CACHE", str(tmp_path / "env"))
    assert runtime.configure().parent == tmp_path / "env"
    assert runtime.configure(tmp_path / "own") == tmp_path / "own" / runtime.processor()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "own" / runtime.processor())
    monkeypatch.setenv("TLJAX_CACHE", "off")
    assert runtime.configure() is None


def test_an_unwritable_cache_costs_nothing_else(tmp_path):
    (tmp_path / "file").write_text("")
    assert runtime.configure(tmp_path / "file" / "cache") is None


def test_versions_and_device():
    versions = runtime.versions()
    assert versions["jax"] == jax.__version__
    assert set(versions) >= {"python", "flax", "optax", "orbax-checkpoint", "numpy"}
    assert runtime.device()["platform"] == jax.devices()[0].platform
