"""What a study tells on its way: remarks, shown now and kept for the summary, and the wall time of its parts."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from tl_jax.system.progress import LOGGER


@dataclass
class Ledger:
    """notes: remarks in their order. seconds: {part: wall time}."""

    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def remark(self, *texts: str) -> None:
        """Tell the user now, and in the summary."""
        for text in texts:
            self.notes.append(text)
            LOGGER.info(text)

    @contextmanager
    def timed(self, name: str):
        """Add the block's wall time to `seconds`."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - start, 3)

    def join(self, other: Ledger, prefix: str = "") -> None:
        """Take over what another part of the study told; prefix: before the names of its times."""
        self.notes.extend(other.notes)
        self.seconds |= {f"{prefix}{name}": seconds for name, seconds in other.seconds.items()}
