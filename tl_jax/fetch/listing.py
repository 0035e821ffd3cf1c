"""What can be fetched, and what of it is in a data folder: the table of --list."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tl_jax.fetch.checks import size_text
from tl_jax.fetch.manifest import DataSet, RemoteFile
from tl_jax.fetch.records import Records, state

HEAD = ("set", "release", "file", "size", "state")


def listing(sets: Iterable[DataSet], folder: Path | None) -> str:
    """One line for each file, its licence below each set; states where a data folder is given."""
    records = Records(folder) if folder else None
    blocks = []
    for dataset in sets:
        rows = [
            (dataset.name, dataset.release, f.name, size_text(f.bytes), told(f, folder, records)) for f in dataset.files
        ]
        blocks.append((dataset, rows))
    widths = [max(len(row[i]) for row in (HEAD, *(r for _, rows in blocks for r in rows))) for i in range(len(HEAD))]
    lines = [line(HEAD, widths)]
    for dataset, rows in blocks:
        lines += [line(row, widths) for row in rows]
        lines.append(f"    {about(dataset)}")
    return "\n".join(lines)


def about(dataset: DataSet) -> str:
    """Title, licence, other releases, cohorts and note of a set in one line."""
    parts = [dataset.title, f"licence: {dataset.licence} ({dataset.licence_link})"]
    others = [r for r in dataset.releases if r != dataset.release]
    parts += [f"also --release={', '.join(others)}"] if others else []
    parts += [f"for the cohort {', '.join(dataset.cohorts)}"] if dataset.cohorts else []
    return "; ".join([*parts, dataset.note] if dataset.note else parts)


def told(file: RemoteFile, folder: Path | None, records: Records | None) -> str:
    """The state of a file, as far as it can be known."""
    if folder is None:
        return "by hand" if file.by_hand else "-"
    found = state(folder, file.name, file.sha256 or records.sha256(file.name))
    return f"{found} (by hand)" if file.by_hand and found == "missing" else found


def line(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
