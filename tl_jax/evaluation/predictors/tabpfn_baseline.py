"""TabPFN (Hollmann et al. 2025) as a baseline, where its package is installed.

A network that was trained once on made-up tables predicts from the training rows without being fitted. Its weights are
no part of the package: `tabpfn` fetches them from its makers' hub at the first use, or finds them in the folder that
TABPFN_MODEL_CACHE_DIR names. Written to the interface of TabPFNRegressor in tabpfn 2 to 9; never run with real weights
by us, only with a stand-in of the same interface.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from sklearn.decomposition import PCA

from tl_jax.errors import InputError

COMPONENTS = 100  # of the genes; TabPFN 2 was trained on tables of at most 500 columns


def installed() -> bool:
    """Whether the package can be imported; says nothing of its weights."""
    return find_spec("tabpfn") is not None


def tabpfn(x_train, y_train, x_test, *, groups=None, marker=None, seed=0) -> np.ndarray:
    """TabPFN on the first principal components of the training rows; nothing is tuned.

    Signature: see `baselines`. InputError where the package or its weights are missing.
    """
    y = np.asarray(y_train, np.float64)
    if len(y) < 3 or np.ptp(y) == 0:
        return np.full(len(x_test), y.mean())
    try:
        from tabpfn import TabPFNRegressor
    except ImportError as error:
        raise InputError("--baselines=tabpfn needs the package tabpfn: pip install tabpfn") from error
    axes = PCA(min(COMPONENTS, len(y) - 1), svd_solver="full").fit(np.asarray(x_train, np.float64))
    model = TabPFNRegressor(device="cpu", random_state=seed)
    try:
        model.fit(axes.transform(np.asarray(x_train, np.float64)), y)
    except Exception as error:  # the hub, the licence and a damaged cache fail in many ways
        said = (str(error).splitlines() or [""])[0]
        raise InputError(
            f"--baselines=tabpfn: its weights could not be loaded ({type(error).__name__}: {said}); "
            "fetch them as its documentation says, name their folder in TABPFN_MODEL_CACHE_DIR, or leave it out"
        ) from error
    return np.asarray(model.predict(axes.transform(np.asarray(x_test, np.float64))), np.float64)
