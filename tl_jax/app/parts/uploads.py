"""Tables that visitors brought: kept under the digest of their content, never under their name, for a day at most."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tl_jax.app.parts import jobs
from tl_jax.app.parts.options import DAY, Options
from tl_jax.errors import InputError
from tl_jax.system.files import write_atomic

# Endings that the readers of the house know; the whole ending counts, so that .csv.gz is one.
ENDINGS = ("csv", "tsv", "txt", "xlsx", "parquet", "csv.gz", "tsv.gz", "txt.gz", "zip", "gct")


def ending(name: str, endings: Sequence[str] = ENDINGS) -> str:
    """The ending of a file by its name. InputError for one that is not read."""
    low = name.lower()
    for one in sorted(endings, key=len, reverse=True):
        if low.endswith(f".{one}"):
            return one
    raise InputError(f"the table ends in none of {', '.join(f'.{one}' for one in endings)}; save it as .{endings[0]}")


def keep(given: Options, name: str, content: bytes, endings: Sequence[str] = ENDINGS) -> Path:
    """Keep a table and return its place.

    Args:
        name: the visitor's own name of it: only its ending counts.

    Raises:
        InputError: an ending that is not read, nothing in it, or too much.
    """
    end = ending(name, endings)
    if not content:
        raise InputError("the table is empty; choose the file again")
    if len(content) > given.upload_mb * 1_000_000:
        raise InputError(f"the table is larger than {given.upload_mb} MB; leave out genes that hardly vary")
    path = given.uploads / f"{hashlib.sha256(content).hexdigest()[:32]}.{end}"
    if not path.is_file():
        write_atomic(path, lambda place: place.write_bytes(content))
    path.touch()
    return path


def keep_all(given: Options, files: Mapping, endings: Mapping[str, Sequence[str]] | None = None) -> dict[str, Path]:
    """Keep the files of a form: {name with its ending: place}; errors as in `keep`.

    files: {name: what its field holds, None where nothing was chosen}. endings: of names that have others than ENDINGS.
    """
    kept = {}
    for name, file in files.items():
        if file is not None:
            own = (endings or {}).get(name, ENDINGS)
            kept[f"{name}.{ending(file.name, own)}"] = keep(given, file.name, file.getvalue(), own)
    return kept


def forget(given: Options, idents: list[str]) -> int:
    """Delete jobs with their tables, and the uploads that they were made of; how many jobs that were."""
    count = 0
    for ident in idents:
        job = jobs.find(given, ident)
        if job is None or not job.asked.get("private"):
            continue
        digests = [one[:32] for one in job.asked.get("tables", {}).values()]
        jobs.forget(job)
        count += 1
        for path in given.uploads.glob("*"):
            if path.name.split(".")[0] in digests:
                path.unlink(missing_ok=True)
    return count


def sweep(given: Options, age: float = DAY) -> None:
    """Delete uploads, and studies made from uploads, that nobody has asked for since `age` seconds."""
    before = time.time() - age
    for path in given.uploads.glob("*"):
        if jobs.since(path) < before:
            path.unlink(missing_ok=True)
    for job in jobs.all_jobs(given):
        if job.asked.get("private") and jobs.since(job.folder / "asked") < before and job.state() not in jobs.OPEN:
            shutil.rmtree(job.folder, ignore_errors=True)
