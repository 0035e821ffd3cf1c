"""What reading a table left out or changed: one line each, refused above a share; whoever reads may listen."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tl_jax.data.tables.cells import examples
from tl_jax.errors import InputError

LOGGER = logging.getLogger("tl_jax")  # where all lines of a study go
MOST = 0.5  # share of a table that may be left out


def told(line: str) -> None:
    """Say a line to whoever listens."""
    LOGGER.info(line)


def lost(where, what: str, names: Sequence[str], of: int, why: str, remedy: str = "", most: float = MOST) -> None:
    """Say that some of a table's `of` rows, columns or cells are left out; InputError above a share.

    where: the table. what: such as "rows". names: of what is lost. why: with the reason. remedy: for too many.
    """
    if not names:
        return
    share = len(names) / max(of, 1)
    percent = "under 1%" if share < 0.005 else f"{share:.0%}"
    line = f"{where}: {len(names):,} of {of:,} {what} ({percent}) {why} ({examples(names)})"
    if share > most:
        raise InputError(f"{line}, more than {most:.0%}; {remedy or 'correct the table'}")
    told(f"{line}, left out")


class _Kept(logging.Handler):
    def __init__(self, lines: list[str]):
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() not in self.lines:
            self.lines.append(record.getMessage())


@contextmanager
def heard() -> Iterator[list[str]]:
    """Within the block every line is kept in the list that it gives, each once."""
    lines: list[str] = []
    handler, before = _Kept(lines), (LOGGER.level, LOGGER.propagate)
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    try:
        yield lines
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before[0])
        LOGGER.propagate = before[1]
