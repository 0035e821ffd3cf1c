"""Lines of product code by room at two revisions, as a Markdown table: python tools/lines.py REV1 REV2

A room is a folder of tl_jax, `experiments` or `app`; comments, docstrings and blank lines count. Older revisions had no
rooms below the folders, and kept what is now `system` as modules of tl_jax itself: they count under today's room.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("tl_jax", "experiments", "app")
ITSELF = "tl_jax itself"
MOVED = dict.fromkeys(("cluster.py", "files.py", "parts.py", "progress.py", "runtime.py"), "system")


def room(path: str) -> str | None:
    """Room of a file by its path from the root; None for what is no product code."""
    parts = PurePosixPath(path).parts
    if parts[0] not in PRODUCT or not path.endswith(".py"):
        return None
    if parts[0] != "tl_jax":
        return parts[0]
    return parts[1] if len(parts) > 2 else MOVED.get(parts[1], ITSELF)


def counted(revision: str, root: Path = ROOT) -> Counter:
    """{room: lines} of a revision of the git repository at `root`. SystemExit, one line, for an unknown one."""
    found = subprocess.run(["git", "archive", revision], cwd=root, capture_output=True, check=False)
    if found.returncode:
        raise SystemExit(f"{revision} is no revision here: {found.stderr.decode().strip()}")
    lines = Counter()
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        for member in archive:
            if member.isfile() and (where := room(member.name)):
                lines[where] += archive.extractfile(member).read().count(b"\n")
    return lines


def table(first: str, second: str, root: Path = ROOT) -> str:
    """One row a room, with the difference second - first, and their total."""
    before, after = counted(first, root), counted(second, root)
    last = [ITSELF, *PRODUCT[1:]]
    rooms = sorted({*before, *after}, key=lambda name: (last.index(name) + 1 if name in last else 0, name))
    rows = [(name, before[name], after[name]) for name in rooms]
    rows.append(("total", before.total(), after.total()))
    text = [f"| room | {first} | {second} | difference |", "|---|---|---|---|"]
    return "\n".join([*text, *(f"| {name} | {a:,} | {b:,} | {b - a:+,} |" for name, a, b in rows)])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    print(table(*sys.argv[1:]))
