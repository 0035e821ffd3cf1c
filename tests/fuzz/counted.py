"""How many broken inputs each kind gets: in make test-all, a quarter in make test, and more in the slow run.

python -m pytest -m slow tests/fuzz
"""

from __future__ import annotations

import os
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
FEW = 1 if os.environ.get("TLJAX_TESTS") == "all" else 4  # make test takes every fourth example


def numbers(kind: str, slow: bool) -> range:
    """The numbers of a kind's examples."""
    if slow:
        return range(DEFAULT[kind], DEFAULT[kind] * (1 + MANY))
    return range(0, DEFAULT[kind], FEW)


def seeds(kind: str, slow: bool) -> Iterator[random.Random]:
    """The generators of a kind's examples: the same in every run, the slow ones others than the default ones."""
    for number in numbers(kind, slow):
        yield random.Random(f"{kind} {number}")
