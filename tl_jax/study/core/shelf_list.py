"""What stage checkpoints a folder holds, how large and old they are, which come from which, and taking some away."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tl_jax.checkpoint import is_stage, read_meta
from tl_jax.errors import InputError

DAY = 86_400


class OnShelf(NamedTuple):
    """A stage checkpoint below a folder. meta: its record, {} where it cannot be read, and problem says why. size: in
    bytes. age: days since it was written. descendants: how many come from it."""

    path: Path
    meta: dict
    problem: str
    size: int
    age: float
    descendants: int


def on_shelf(folder: Path, now: float | None = None) -> list[OnShelf]:
    """Every stage checkpoint below a folder, by path; records are checked, weights are not read.

    Raises:
        InputError: no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the --checkpoint_dir of an experiment")
    found = [path.parent for path in sorted(folder.rglob("stage.json")) if is_stage(path.parent)]
    found = [path for path in found if not any(part.endswith(".partial") for part in path.parts)]
    records = [record_of(path) for path in found]
    children = Counter(parent for meta, _ in records for parent in parents(meta))
    now = time.time() if now is None else now
    return [
        OnShelf(
            path,
            meta,
            problem,
            size=sum(one.stat().st_size for one in path.rglob("*") if one.is_file()),
            age=(now - (path / "stage.json").stat().st_mtime) / DAY,
            descendants=children[meta.get("id")],
        )
        for path, (meta, problem) in zip(found, records, strict=True)
    ]


def record_of(path: Path) -> tuple[dict, str]:
    """(the record of a stage, ""), or ({}, why it cannot be read)."""
    try:
        return read_meta(path), ""
    except InputError as error:
        return {}, str(error)


def parents(meta: dict) -> set[str]:
    """Ids of the stages that one comes from, the first ancestors among them."""
    return {ancestor.get("id") for ancestor in meta.get("ancestors", [])}


def listed(stages: list[OnShelf], folder: Path) -> list[str]:
    """A line for each stage, and one for all."""
    lines = []
    for one in stages:
        what = one.problem or "{stage}: {domain}, {drug}, {strategy}".format_map(one.meta)
        kin = f", {one.descendants} come from it" if one.descendants else ""
        place = one.path.relative_to(folder)
        lines.append(f"{place}\n   {what}; {one.size / 1e6:.1f} MB, {age_text(one.age)}{kin}")
    return [*lines, f"{len(stages)} stage checkpoints, {sum(one.size for one in stages) / 1e6:.1f} MB"]


def age_text(days: float) -> str:
    """An age in the largest fitting unit."""
    if days < 1:
        return "less than a day old"
    return f"{days:.0f} day{'' if round(days) == 1 else 's'} old"


def to_prune(stages: list[OnShelf], older_than: float, ancestors: bool) -> tuple[list[OnShelf], list[OnShelf]]:
    """(those to take away, those of that age that stay because a younger stage comes from them).

    older_than: days. ancestors: take away what others come from too; their own weights are whole without it.
    """
    old = [one for one in stages if one.age >= older_than]
    needed = set() if ancestors else set().union(*(parents(one.meta) for one in stages if one.age < older_than))
    staying = [one for one in old if one.meta.get("id") in needed]
    return [one for one in old if one not in staying], staying


def take_away(stages: list[OnShelf]) -> int:
    """Delete stage checkpoints, each gone by one rename before its files go; the number of bytes."""
    for one in stages:
        aside = one.path.with_name(f".{one.path.name}.{uuid.uuid4().hex[:8]}.partial")
        try:
            os.rename(one.path, aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise InputError(f"cannot delete {one.path}: {error.strerror}; check who may write there") from error
    return sum(one.size for one in stages)
