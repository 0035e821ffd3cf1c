"""The run axis as one program: several starts, settings, epochs and devices change no number."""

import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from axis import SOURCE, X, fitted, five_folds
from problems import CONFIG, GENES, NETWORK
from selection import some

from tl_jax.system.parts import Parts
from tl_jax.training import prefix
from tl_jax.training import runs as axis
from tl_jax.training.runs import fit_runs, join
from tl_jax.transfer.strategies import STRATEGIES
from tl_jax.types import Transfer

OTHER = NETWORK.init(jax.random.key(10), GENES)


def one_by_one(runs, starts, config=CONFIG, **options):
    return [fit_runs(runs, X, [start], network=NETWORK, config=config, **options) for start in starts]


@pytest.mark.shipped
def test_starts_of_equal_shape_share_a_program():
    """Strategies and source models side by side on one axis equal each alone."""
    runs = five_folds(sizes=(2, 3, 3, 3, 4))
    starts = [(STRATEGIES[name].function, source) for name, source in (("scratch", None), ("fine_tune", SOURCE))]
    starts += [(STRATEGIES["copy_layer1"].function, OTHER)]
    together = join([runs._replace(start=np.full(5, k, np.int32)) for k in range(3)])
    before = axis.run_chunk._cache_size()
    result = fit_runs(together, X, starts, network=NETWORK, config=CONFIG)
    assert axis.run_chunk._cache_size() <= before + 1
    for k, alone in enumerate(one_by_one(runs, starts)):
        np.testing.assert_allclose(result.prediction[5 * k : 5 * k + 5], alone.prediction, rtol=1e-6)
    assert not np.allclose(result.prediction[5:10], result.prediction[10:15])


@pytest.mark.parametrize("rows_per_product", some([1, 45, 384], 45))
def test_runs_share_the_product_of_their_frozen_layers(rows_per_product, monkeypatch):
    """Any number of runs per product, each from its own source, gives what every run gives without a cached prefix."""
    monkeypatch.setattr(prefix, "ROWS_PER_PRODUCT", rows_per_product)
    axis.run_chunk.clear_cache()
    runs = five_folds(sizes=(2, 3, 3, 3, 4))
    freeze = STRATEGIES["freeze_layer1"].function
    together = join([runs._replace(start=np.full(5, k, np.int32)) for k in (1, 0)])
    result = fit_runs(together, X, [(freeze, SOURCE), (freeze, OTHER)], network=NETWORK, config=CONFIG, at_once=7)
    plain = replace(CONFIG, cache_prefix=False)
    for k, alone in enumerate(one_by_one(runs, [(freeze, OTHER), (freeze, SOURCE)], plain)):
        np.testing.assert_allclose(result.prediction[5 * k : 5 * k + 5], alone.prediction, rtol=2e-5)
    axis.run_chunk.clear_cache()


def test_no_step_copies_the_first_layer(monkeypatch):
    """A copy in every step costs a fifth of a wide layer's time."""
    seen = []
    monkeypatch.setattr(axis, "program_bytes", lambda program, plan, shared: seen.append(program.as_text()) or 1)
    runs = five_folds(sizes=(3, 3, 3, 3, 3))
    fit_runs(runs, X, [(STRATEGIES["fine_tune"].function, SOURCE)], network=NETWORK, config=CONFIG)
    kernel = ",".join(map(str, SOURCE["params"]["layer1"]["kernel"].shape))
    # Two when a run begins, of the source's weights and of zero moments.
    assert seen[-1].count(f"= f32[{kernel}]{{1,0}} copy(") <= 2


def test_only_a_source_s_own_frozen_layers_are_shared():
    """Layers drawn anew for each run, or moved, are each run's own."""

    def frozen_noise(source, fresh):
        return Transfer(fresh, ("head/kernel", "head/bias"))

    for function, source, shared in (
        (STRATEGIES["freeze_layer1"].function, SOURCE, True),
        (STRATEGIES["zero_shot"].function, SOURCE, True),
        (STRATEGIES["fine_tune"].function, SOURCE, False),
        (frozen_noise, SOURCE, False),
        (frozen_noise, None, False),
    ):
        assert prefix.copies_prefix(function, source, GENES, X.dtype, NETWORK, CONFIG) == shared


def test_starts_that_train_other_leaves_are_refused():
    starts = [(STRATEGIES[name].function, SOURCE) for name in ("fine_tune", "freeze_layer1")]
    runs = five_folds()._replace(start=np.zeros(5, np.int32))
    with pytest.raises(ValueError, match="same leaves"):
        fit_runs(runs, X, starts, network=NETWORK, config=CONFIG)


@pytest.mark.full
@pytest.mark.parametrize(("curves", "mapped"), [(True, True), (False, True), (False, False)])
def test_one_training_is_read_at_every_epoch_asked_for(curves, mapped, monkeypatch):
    """A training of 5 epochs read after 2 and 3 equals trainings that end there."""
    as_planned(monkeypatch, mapped)
    runs, start = five_folds(), (STRATEGIES["head_only"].function, SOURCE)
    long = fitted_with(runs, start, epochs=5, read_at=(3, 2), curves=curves)
    assert long.prediction.shape[1] == 3
    for k, epochs in enumerate((2, 3)):
        short = fitted_with(runs, start, epochs=epochs)
        np.testing.assert_allclose(long.prediction[:, k], short.prediction[:, 0], rtol=1e-5)
    assert not np.allclose(long.prediction[:, 0], long.prediction[:, 2])


def fitted_with(runs, start, **changes):
    return fit_runs(runs, X, [start], network=NETWORK, config=replace(CONFIG, **changes))


def test_an_untrained_model_reads_the_same_at_every_epoch():
    result = fitted_with(five_folds(), (STRATEGIES["zero_shot"].function, SOURCE), epochs=4, read_at=(1,))
    np.testing.assert_array_equal(result.prediction[:, 0], result.prediction[:, 1])


@pytest.mark.parametrize("wrong", [0, 5, 9])
def test_epochs_beyond_the_end_cannot_be_read(wrong):
    with pytest.raises(ValueError, match="read_at holds"):
        replace(CONFIG, epochs=5, read_at=(wrong,))


@pytest.mark.full
def test_layers_learn_at_their_own_rates_in_one_program():
    """lr_scale varies over runs: a layer at 0 stays bitwise, all at 1 is the plain training."""
    runs = five_folds()
    scales = jnp.asarray([[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [0.5, 1, 1]], jnp.float32)
    varied = runs._replace(hparams=runs.hparams._replace(lr_scale=scales))
    result, plain = fitted(varied, "fine_tune"), fitted(runs, "fine_tune")
    np.testing.assert_array_equal(result.prediction[0], plain.prediction[0])
    for run, layer in ((1, "layer1"), (2, "layer2"), (3, "head")):
        for leaf in (f"{layer}/kernel", f"{layer}/bias"):
            np.testing.assert_array_equal(result.trained[leaf][run], SOURCE["params"][layer][leaf.split("/")[1]])
        assert not np.array_equal(result.trained["layer1/kernel"][run], plain.trained["layer1/kernel"][run])
    assert not np.array_equal(result.prediction[4], plain.prediction[4])


def as_planned(monkeypatch, mapped):
    planned = axis.plan_for
    monkeypatch.setattr(axis, "plan_for", lambda *a, **k: replace(planned(*a, **k), mapped=mapped))


@pytest.mark.parametrize("name", some(["fine_tune", "freeze_layer1"], "freeze_layer1"))
def test_mapped_or_side_by_side_is_the_same(name, monkeypatch):
    """Also that runs which share a source model do not share its gradient."""
    runs = five_folds(sizes=(2, 3, 3, 3, 4))
    results = []
    for mapped in (True, False):
        as_planned(monkeypatch, mapped)
        results.append(fitted(runs, name))
    for leaf, value in results[0].trained.items():
        np.testing.assert_allclose(value, results[1].trained[leaf], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results[0].prediction, results[1].prediction, rtol=1e-5, atol=1e-5)


@pytest.mark.shipped
@pytest.mark.parametrize("name", ["scratch", "freeze_layer1"])
def test_devices_and_chunks_change_no_bit(name):
    runs, devices = five_folds(repeats=2, sizes=(2, 3, 3, 3, 4)), jax.devices()
    assert len(devices) > 1
    whole = fitted(runs, name, devices=devices)
    for count, at_once in ((1, 3), (2, 4)):
        other = fitted(runs, name, devices=devices[:count], at_once=at_once)
        jax.tree.map(np.testing.assert_array_equal, whole, other)


@pytest.mark.shipped
def test_only_missing_runs_are_executed_again(tmp_path):
    """A study that stopped half-way goes on after its finished parts, whatever the size of its chunks."""
    runs, start = five_folds(repeats=2), (STRATEGIES["scratch"].function, None)
    options = {"network": NETWORK, "config": CONFIG, "keep_trained": True}
    undisturbed = fit_runs(runs, X, [start], **options)
    parts, done = Parts(tmp_path / "arm"), []

    def stop(k):
        done.append(k)
        if sum(done) >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_runs(runs, X, [start], **options, parts=parts, at_once=2, progress=stop)
    assert done == [0, 2, 2]
    again = []
    result = fit_runs(runs, X, [start], **options, parts=parts, at_once=3, progress=again.append)
    assert again == [4, 2, 2, 2]  # three at once are two on two devices
    jax.tree.map(np.testing.assert_array_equal, undisturbed, result)
    finished = fit_runs(runs, X, [start], **options, parts=parts, progress=again.append)
    assert again[4:] == [10]  # nothing left to do
    jax.tree.map(np.testing.assert_array_equal, undisturbed, finished)
