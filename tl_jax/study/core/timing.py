"""Wall times of a study's parts."""

from __future__ import annotations

import time
from contextlib import contextmanager


class Timed:
    """For results with a dictionary `seconds`: the wall time of each part, by its name."""

    seconds: dict[str, float]

    @contextmanager
    def timed(self, name: str):
        """Add the block's wall time to `seconds`."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - start, 3)
