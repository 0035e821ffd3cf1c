"""How every study is written: tables first, then pictures, which may fail, the summary, and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from tl_jax.errors import InputError
from tl_jax.report.tables import write_csv
from tl_jax.study.core.ledger import Ledger
from tl_jax.system.files import write_json
from tl_jax.system.runtime import device, versions


def write_study(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    summary: Mapping[str, object],
    settings: Mapping[str, object],
    ledger: Ledger,
    *,
    pictures: Iterable[Callable[[], object]],
    page: Callable[[Path], object] | None = None,
) -> list[str]:
    """Write NAME.csv of every table, the pictures, summary.json and report.html.

    Args:
        summary: the study's own entries of summary.json, "experiment" and "title" among them, and "versions" of what
        it alone uses; settings, all versions, device, wall times and remarks are added. settings: as a record.
        pictures: each draws into the folder. page: makes report.html from the folder.
    Returns:
        What could not be drawn: hours of training must not be lost to a picture.
    """
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
    left_out = [text for picture in pictures for text in drawn(picture)]
    about = {"settings": settings, "versions": {**versions(), **summary.get("versions", {})}, "device": device()}
    told = {"wall_seconds": ledger.seconds, "notes": [*ledger.notes, *left_out]}
    write_json(folder / "summary.json", {**summary, **about, **told})
    return [*left_out, *(paged(page, folder) if page else [])]


def drawn(picture: Callable[[], object]) -> list[str]:
    """Draw; what could not be drawn."""
    try:
        picture()
    except InputError as error:
        return [str(error)]
    except Exception as error:  # a fault of the drawing library
        return [f"pictures could not be drawn: {type(error).__name__}: {error}"]
    return []


def paged(write: Callable[[Path], object], folder: Path) -> list[str]:
    """Write report.html from the tables that stand in the folder; what went wrong, if it did."""
    try:
        write(folder)
    except Exception as error:  # it can be made again from the tables at any time
        return [f"report.html could not be made: {type(error).__name__}: {error}; try experiments.report"]
    return []
