"""What stage checkpoints a folder holds, how large and old they are, which come from which, and taking some away."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from pathlib import Path
from typing import NamedTuple

from tl_jax.checkpoint import is_stage, read_meta
from tl_jax.errors import InputError

DAY = 86_400


class Kept(NamedTuple):
    """A stage checkpoint below a folder. size: bytes; age: days since it was written; descendants: how many come
    from it; problem: why its record cannot be read, else ""."""

    path: Path
    stage: str
    domain: str
    drug: str
    strategy: str
    size: int
    age: float
    descendants: int
    problem: str


def kept_stages(folder: Path, now: float | None = None) -> list[Kept]:
    """Every stage checkpoint below a folder, by path; records are checked, weights are not read.

    Raises:
        InputError: no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the --checkpoint_dir of an experiment")
    found = [path.parent for path in sorted(folder.rglob("stage.json")) if is_stage(path.parent)]
    found = [path for path in found if not any(part.endswith(".partial") for part in path.parts)]
    records = {}
    for path in found:
        try:
            records[path] = read_meta(path), ""
        except InputError as error:
            records[path] = {}, str(error)
    parents = [ancestor.get("id") for meta, _ in records.values() for ancestor in meta.get("ancestors", [])]
    now = time.time() if now is None else now
    return [
        Kept(
            path,
            *(meta.get(name, "") for name in ("stage", "domain", "drug", "strategy")),
            size=sum(one.stat().st_size for one in path.rglob("*") if one.is_file()),
            age=(now - (path / "stage.json").stat().st_mtime) / DAY,
            descendants=parents.count(meta["id"]) if meta else 0,
            problem=problem,
        )
        for path, (meta, problem) in records.items()
    ]


def listed(stages: list[Kept], folder: Path) -> list[str]:
    """A line for each stage, and one for all."""
    lines = []
    for one in stages:
        what = one.problem or f"{one.stage}: {one.domain}, {one.drug}, {one.strategy}"
        kin = f", {one.descendants} come from it" if one.descendants else ""
        place = one.path.relative_to(folder)
        lines.append(f"{place}\n   {what}; {one.size / 1e6:.1f} MB, {age_text(one.age)}{kin}")
    return [*lines, f"{len(stages)} stage checkpoints, {sum(one.size for one in stages) / 1e6:.1f} MB"]


def age_text(days: float) -> str:
    """An age in the largest fitting unit."""
    if days < 1:
        return "less than a day old"
    return f"{days:.0f} day{'' if round(days) == 1 else 's'} old"


def to_prune(stages: list[Kept], older_than: float, ancestors: bool) -> tuple[list[Kept], list[Kept]]:
    """(those to take away, those of that age that stay because a stage that stays comes from them).

    older_than: days. ancestors: take away what others come from too; their own weights are whole without it.
    """
    old = [one for one in stages if one.age >= older_than]
    if ancestors:
        return old, []
    going, young = {one.path for one in old}, [one for one in stages if one.age < older_than]
    needed = {ancestor["id"] for one in young if not one.problem for ancestor in read_meta(one.path)["ancestors"]}
    staying = [one for one in old if not one.problem and read_meta(one.path)["id"] in needed]
    return [one for one in old if one.path in going - {kept.path for kept in staying}], staying


def take_away(stages: list[Kept]) -> int:
    """Delete stage checkpoints, each gone by one rename before its files go; the number of bytes."""
    for one in stages:
        aside = one.path.with_name(f".{one.path.name}.{uuid.uuid4().hex[:8]}.partial")
        try:
            os.rename(one.path, aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise InputError(f"cannot delete {one.path}: {error.strerror}; check who may write there") from error
    return sum(one.size for one in stages)
