"""Predictions put into the user's own object, where the new samples came as an .h5ad."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd

from tl_jax.data.formats.h5ad import is_h5ad
from tl_jax.errors import InputError
from tl_jax.system.files import write_atomic

PREFIX = "tl_jax_"


def check_object(out: Path, expression: Path) -> None:
    """InputError where predictions cannot become an object; asked before anything is predicted."""
    if not is_h5ad(expression):
        raise InputError(f"--out={out}: an .h5ad is written where --expression is one; name a .csv")
    try:
        import anndata  # noqa: F401
    except ImportError as error:
        raise InputError(f"--out={out} needs anndata: pip install 'tl_jax[sc]', or name a .csv") from error


def write_object(table: pd.DataFrame, expression: Path, out: Path) -> None:
    """The object with the predictions in its table of samples, each column under PREFIX; its own fields stay.

    table: one row for each sample, "sample_id" first. Where cells were pooled to samples their own table holds no
    row for these: then the object holds the samples alone.
    """
    import anndata

    own = table.set_index("sample_id").add_prefix(PREFIX)
    own = own.assign(**{c: own[c].astype(str) for c in own.columns if own[c].dtype == object})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that names are repeated: they are the user's
        held = anndata.read_h5ad(expression)
        if set(own.index) <= set(held.obs_names):
            held.obs = held.obs.assign(**{name: own[name].reindex(held.obs_names) for name in own.columns})
        else:
            held = anndata.AnnData(obs=own.rename_axis(None))
        write_atomic(out, held.write_h5ad)
