"""scDEAL's networks against PyTorch's numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from selection import full

from tl_jax.models import scdeal_net as net
from tl_jax.transfer.losses import gaussian_mmd

PLACES = {"decoder_input": "decoder0", "decoder_output": "decoder_out", "output": "predictor_out"}


def leaves_of(case, side):
    """{module: {leaf: array}} from golden names."""
    found = {}
    for name, value in case.items():
        if not name.startswith(f"{side}_") or not name.endswith(("kernel", "bias", "scale", "mean", "var")):
            continue
        path = name.removeprefix(f"{side}_").removeprefix("running_")
        *module, leaf = path.split("_")
        module = "_".join(module).removesuffix("_running")
        if "block" in module:
            part, _, rest = module.partition("block")
            number, _, kind = rest.partition("_")
            module = f"{part.rstrip('_') or 'predictor'}{number}" + ("_bn" if kind == "bn" else "")
        found.setdefault(PLACES.get(module, module), {})[leaf] = jnp.asarray(value)
    return found


@pytest.mark.parametrize("precision", [full("float32"), "float64"])
def test_the_forward_passes_and_losses_are_pytorch_s(golden, precision):
    case, wide = golden("S1_scdeal"), precision == "float64"
    before, close = ("f64_", 1e-10) if wide else ("", 1e-5)
    with jax.enable_x64(wide):
        case = {k: v.astype(precision) if v.dtype.kind == "f" else v for k, v in case.items()}
        mode = net.Mode(jax.random.key(0), jnp.ones(8, precision), 0.0, 0.0)
        predictor, codes = leaves_of(case, "predictor"), {}
        for side in ("source", "target"):
            own, x = leaves_of(case, side), jnp.asarray(case[f"{side}_x"])
            codes[side], _, _ = net.encode(own, x, mode)
            rebuilt, _ = net.rebuild(own, codes[side], mode)
            logits, _ = net.classify(predictor, codes[side], mode)
            np.testing.assert_allclose(codes[side], case[f"{before}{side}_embedding"], atol=close)
            np.testing.assert_allclose(rebuilt, case[f"{before}{side}_reconstruction"], atol=close)
            np.testing.assert_allclose(jax.nn.sigmoid(logits), case[f"{before}{side}_predictor_sigmoid"], atol=close)
            error = jnp.square(rebuilt - x).mean()
            np.testing.assert_allclose(error, case[f"{before}{side}_reconstruction_mse"], atol=close)
        logits, _ = net.classify(predictor, codes["source"], mode)
        y, w = jnp.asarray(case["source_label"]), mode.w
        squeezed = net.cross_entropy(logits, y, w, 1.0)
        np.testing.assert_allclose(squeezed, case[f"{before}source_cross_entropy_on_sigmoid"], atol=close)
        plain = net.cross_entropy(logits, y, w, 0.0)
        np.testing.assert_allclose(plain, case[f"{before}source_cross_entropy_on_linear"], atol=close)
        total = squeezed + 0.25 * gaussian_mmd(codes["source"], w, codes["target"], w, 1000.0)
        np.testing.assert_allclose(total, case[f"{before}total_loss"], atol=close)


def test_a_mode_that_is_off_is_evaluation():
    leaves = net.autoencoder(jax.random.key(1), 9, (6, 5), 3)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(7, 9)), jnp.float32)
    on, off = (net.Mode(jax.random.key(2), jnp.ones(7), flag, 0.3) for flag in (1.0, 0.0))
    z, _, moved = net.encode(leaves, x, off)
    again, _, _ = net.encode(leaves, x, off._replace(key=jax.random.key(3)))
    np.testing.assert_array_equal(z, again)
    assert all(np.array_equal(value, leaves[n.split("/")[0]][n.split("/")[1]]) for n, value in moved.items())
    trained, _, moved = net.encode(leaves, x, on)
    assert np.abs(trained - z).max() > 0.01
    assert any(np.abs(v - leaves[n.split("/")[0]][n.split("/")[1]]).max() > 0 for n, v in moved.items())
