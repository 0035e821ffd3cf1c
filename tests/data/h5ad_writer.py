"""Files of cells, written without anndata."""

import numpy as np
import pytest
from scipy import sparse


def write_h5ad(path, x, genes, names, obs=None):
    """An .h5ad in today's format. x: an array, CSR or CSC. obs: {column: values, or (codes, categories)}."""
    h5py = pytest.importorskip("h5py")
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        if sparse.issparse(x):
            group = file.create_group("X")
            group.attrs.update({"encoding-type": f"{x.format}_matrix", "shape": x.shape})
            for part in ("data", "indices", "indptr"):
                group[part] = getattr(x, part)
        else:
            file["X"] = x
        for table, index, columns in (("obs", names, obs or {}), ("var", genes, {})):
            group = file.create_group(table)
            group.attrs["_index"] = "_index"
            group.create_dataset("_index", data=np.array(index, object), dtype=text)
            for name, values in columns.items():
                if isinstance(values, tuple):
                    own = group.create_group(name)
                    own.attrs["encoding-type"] = "categorical"
                    own["codes"] = np.array(values[0], np.int8)
                    own.create_dataset("categories", data=np.array(values[1], object), dtype=text)
                else:
                    group[name] = values
    return path
