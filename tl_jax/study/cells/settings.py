"""What a user may set for bulk lines to single cells, resolved and hashable."""

from __future__ import annotations

from dataclasses import dataclass, field

from tl_jax.data.cells.labels import AUC, check_kind
from tl_jax.data.cells.lines import LineTables
from tl_jax.data.cells.shared import SCALERS
from tl_jax.data.cells.steps import DEPTHS, Filters
from tl_jax.errors import InputError
from tl_jax.study.core.settings import StudySettings

NAME = "scdeal"
EMBEDDED = "embedded"
ARMS = ("prevalence", "logistic", "ridge", "ridge_within_tissue", "related_drugs")
NO_LINE = "none"


@dataclass(frozen=True)
class CellSettings(StudySettings):
    """Resolved options; every field goes into summary.json.

    cells: a file of cells, or "embedded" for a simulated pair. lines: tables of bulk lines. cell_line: lines that the
    cells are of, taken out of the source; "none" where they are of none. cell_line_column: a column of the cells'
    table that names them instead. response: what is learned of the lines (data/cells/labels.py); remove_general: the
    part that a line's mean over other drugs explains is taken out first. smooth: cells averaged for each cell, itself
    among them; 0 or 1 for none. penalty: of ridges; 0: chosen on the lines. repeats: draws of `share` of the lines.
    bootstraps: of the lines, for the sign. nulls: permutations of the response and of the genes that the score is held
    against; 0: none. seed: of everything that is drawn.
    """

    cells: str = EMBEDDED
    layer: str = ""
    values: str = ""
    lines: LineTables | None = None
    drug: str = ""
    cell_line: tuple[str, ...] = ()
    cell_line_column: str = ""
    filters: Filters = field(default_factory=Filters)
    depth: str = ""  # "": regress for counts, else none
    response: str = AUC
    remove_general: bool = False
    min_genes: int = 200
    scaler: str = "zscore"
    smooth: int = 10
    penalty: float = 0.0
    arms: tuple[str, ...] = ARMS
    repeats: int = 10
    share: float = 0.8
    bootstraps: int = 50
    nulls: int = 0

    def __post_init__(self):
        self.check_numbers(("repeats", "bootstraps", "min_genes"))
        check_kind(self.response)
        words = {"scaler": SCALERS, "depth": ("", *DEPTHS), "arms": ARMS}
        for name, known in words.items():
            value = getattr(self, name)
            wrong = [one for one in (value if isinstance(value, tuple) else (value,)) if one not in known]
            if wrong:
                raise InputError(f"--{name}={wrong[0]}: there are: {', '.join(filter(None, known))}")
        if "ridge" not in self.arms:
            raise InputError("--arms lacks ridge, which scores the cells; add it")
        if not 0 < self.share < 1:
            raise InputError(f"--share={self.share}: must lie between 0 and 1; held-out lines settle the threshold")
        if self.repeats < 2:
            raise InputError("--repeats=1: one draw says nothing of how much draws vary; ask for at least 2")
        for name in ("smooth", "nulls", "penalty"):
            if getattr(self, name) < 0:
                raise InputError(f"--{name}={getattr(self, name)}: must not be below 0")
        if self.cells != EMBEDDED and (self.lines is None or not self.drug):
            raise InputError("--cells needs --bulk_expression, --bulk_response and --drug")
