"""Writes the .h5ad files beside it with the anndata that is installed; run once for each of three versions.

    python tests/data/files/write_h5ad.py anndata_0_12

The files are what anndata 0.6.22, 0.7.8 and 0.12.19 wrote. tests/data/test_h5ad.py knows their content.
"""

import gzip
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

FOLDER = Path(__file__).resolve().parent
DENSE = np.where(np.arange(24).reshape(6, 4) % 3 == 0, 0, np.arange(24).reshape(6, 4)).astype(np.float32)


def cells() -> pd.DataFrame:
    table = pd.DataFrame(index=[f"cell{i}" for i in range(6)])
    table["donor"] = pd.Categorical(["P2", "P1", "P2", "P1", "P1", "P2"], categories=["P1", "P2"])
    table["batch"] = pd.Categorical(["a", None, "b", "a", "b", "a"])
    table["auc"] = np.arange(6) / 10
    table["plate"] = [f"plate {i // 2}" for i in range(6)]
    table["passed"] = [True, False, True, True, True, False]
    return table


def genes() -> pd.DataFrame:
    table = pd.DataFrame(index=[f"ENSG{i}" for i in range(4)])
    table["symbol"] = ["TP53", "MGMT", "EGFR", "MYC"]
    return table


def main(name: str) -> None:
    for kind, values in (("dense", DENSE), ("csr", sparse.csr_matrix(DENSE)), ("csc", sparse.csc_matrix(DENSE))):
        data = anndata.AnnData(X=values, obs=cells(), var=genes())
        if not name.startswith("anndata_0_6"):
            data.layers["doubled"] = values * 2
        data.raw = data
        data = data[:, :3].copy()
        if name.startswith("anndata_0_12"):
            data.obs["dose"] = pd.array([1, None, 3, 4, 5, 6], dtype="Int64")
        path = FOLDER / f"{name}_{kind}.h5ad"
        data.write(path)
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
