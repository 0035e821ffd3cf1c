"""Many small targets at once: a table of responses read in place of a cohort's own target response."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tl_jax.data.cohort.schema import CohortTable, ResponseTable
from tl_jax.errors import InputError


@dataclass(frozen=True)
class Targets:
    """A table of responses that takes the place of the target's own: samples in the first column, a drug in each other.

    path: relative to the data folder. unit, direction: of all its columns, as in a cohort file.
    """

    path: str
    unit: str = "AUC"
    direction: str = "resistant"

    def put_into(self, table: CohortTable, file: Path) -> CohortTable:
        """The cohort file as if it named this table for its last domain."""
        if table.simulate is not None:
            raise InputError(f"{file} simulates its target, which the samples of {self.path} cannot be part of")
        own = table.domain[-1].response
        cut = {"sample_prefix_length": own.sample_prefix_length, "sample_pattern": own.sample_pattern}
        response = ResponseTable(path=self.path, format="wide", unit=self.unit, direction=self.direction, **cut)
        return replace(
            table, domain=(*table.domain[:-1], replace(table.domain[-1], response=response, replicates=None))
        )
