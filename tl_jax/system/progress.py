"""Progress of long loops: a bar on a terminal, a few plain lines in a log file."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TextIO

_bars: list = []  # the bars that are shown now


def say(text: str, stream: TextIO | None = None) -> None:
    """Write `text` as one plain line to `stream` (default: standard error) at once."""
    line, stream = " ".join(str(text).split()), sys.stderr if stream is None else stream
    if _bars:
        type(_bars[-1]).write(line, file=stream)  # above the bar, which is drawn again below
    else:
        print(line, file=stream, flush=True)


def duration(seconds: float) -> str:
    """Seconds as `41 s`, `1 min 02 s` or `2 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Progress:
    """Context manager that reports how many of `total` runs are done.

    On a terminal it shows a bar with the remaining time. Elsewhere it writes a line at
    the start, then at most one every `every` seconds, and one at the end. With a total
    of 0 it writes nothing. `clock` returns seconds and is replaced in tests.
    """

    def __init__(
        self,
        total: int,
        label: str,
        unit: str = "runs",
        stream: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        every: float = 10.0,
    ):
        self.total, self.label, self.unit = int(total), label, unit
        self.stream = sys.stderr if stream is None else stream
        self.clock, self.every = clock, every
        self.done = 0
        self._bar = None
        self._started = self._spoken = 0.0

    def __enter__(self) -> Progress:
        self._started = self._spoken = self.clock()
        if self.total > 0 and _is_terminal(self.stream):
            self._bar = _start_bar(self)
        elif self.total > 0:
            say(f"{self.label}: 0/{self.total} {self.unit}", self.stream)
        return self

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count `n` more as done; `note` is shown beside the count."""
        self.done += n
        if self.total <= 0:
            return
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(n)
            return
        now = self.clock()
        # The last line belongs to __exit__, so that it is written once.
        if self.done < self.total and now - self._spoken >= self.every:
            self._spoken = now
            say(self._line(now, note), self.stream)

    def __exit__(self, kind, error, trace) -> None:
        if self._bar is not None:
            _stop_bar(self._bar)
        elif self.total > 0:
            line = self._line(self.clock(), "stopped early" if kind else "", left=False)
            say(line, self.stream)

    def _line(self, now: float, note: str = "", left: bool = True) -> str:
        """One plain line: count, time passed, time left, note."""
        passed = now - self._started
        parts = [f"{self.label}: {self.done}/{self.total} {self.unit}", duration(passed)]
        if left and 0 < self.done < self.total:
            parts.append(f"about {duration(passed / self.done * (self.total - self.done))} left")
        return ", ".join([*parts, note] if note else parts)


def _is_terminal(stream: TextIO) -> bool:
    """Whether a bar that redraws itself can be shown on `stream`."""
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


def _start_bar(progress: Progress):
    """A running bar of tqdm."""
    from tqdm import tqdm

    bar = tqdm(
        total=progress.total,
        desc=progress.label,
        unit=progress.unit,
        file=progress.stream,
        # The bar gives way on a narrow terminal, not the count.
        bar_format="{desc}: {n_fmt}/{total_fmt} {unit} |{bar}| {elapsed}, {remaining} left{postfix}",
        miniters=1,  # runs end in blocks of different sizes: each block may redraw
        smoothing=0,  # the time left from all runs so far, as in the plain lines
    )
    _bars.append(bar)
    return bar


def _stop_bar(bar) -> None:
    bar.close()
    _bars.remove(bar)


LOGGER = logging.getLogger("tl_jax")  # every line that a study tells goes here; a script shows them
_shown = False


class Lines(logging.Handler):
    """Shows each record as one plain line on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


@contextmanager
def spoken(aloud: bool = True):
    """Within the block the house's lines and its progress are shown; of several processes only one is `aloud`."""
    global _shown
    before, lines = (_shown, LOGGER.propagate, LOGGER.level), Lines()
    _shown, LOGGER.propagate = aloud, False
    LOGGER.setLevel(logging.INFO)
    if aloud:
        LOGGER.addHandler(lines)
    try:
        yield
    finally:
        LOGGER.removeHandler(lines)
        _shown, LOGGER.propagate = before[:2]
        LOGGER.setLevel(before[2])


def watched(total: int, label: str, unit: str = "runs") -> Progress:
    """The one progress observer of studies: shown inside spoken(), silent elsewhere."""
    return Progress(total, label, unit, stream=None if _shown else io.StringIO())
