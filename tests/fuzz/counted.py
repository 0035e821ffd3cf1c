"""How many broken inputs each kind gets: in the default run, and in the slow one (pytest -m slow tests/fuzz)."""

from __future__ import annotations

import random
from collections.abc import Iterator

DEFAULT = {
    **{"table csv": 120, "table tsv": 60, "table bytes": 60, "parquet": 30, "xlsx": 20, "xlsx parts": 25, "gz": 30},
    **{"zip": 30, "response": 60, "cohort keys": 60, "cohort bytes": 30, "cohort tables": 60, "simulate": 40},
    **{"series matrix": 30, "gct": 30, "gdsc_rma": 30, "gdsc_fitted": 25, "hgcc": 30, "depmap": 30, "tenx": 30},
    **{"hdf5": 4, "npz": 30, "safetensors": 30, "own safetensors": 20, "pytorch": 30, "keras": 12, "gene list": 30},
    **{"checkpoint files": 12, "checkpoint record": 25, "part": 40, "study record": 20, "fetched": 40, "archive": 40},
    **{"compounds": 60, "smiles": 30, "wheel member": 30, "wheel": 20, "report tables": 25, "report pages": 2},
}
MANY = 10  # times as many in the slow run


def seeds(kind: str, slow: bool) -> Iterator[random.Random]:
    """The generators of a kind's examples: the same in every run, the slow ones others than the default ones."""
    start, count = (DEFAULT[kind], DEFAULT[kind] * MANY) if slow else (0, DEFAULT[kind])
    for number in range(start, start + count):
        yield random.Random(f"{kind} {number}")
