"""fetched.json in a data folder: what came from where, and the digest that is enforced from then on."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from tl_jax.errors import InputError
from tl_jax.system.files import sha256_of, write_json

NAME = "fetched.json"


class Records:
    """The records of one data folder, {file name: {set, release, address, bytes, sha256, date}}."""

    def __init__(self, folder: Path):
        self.path = Path(folder) / NAME
        self._files = self._read()

    def _read(self) -> dict[str, dict]:
        remedy = "restore it, or delete it to trust the files anew"
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{self.path} cannot be read ({error}); {remedy}") from error
        files = content.get("files") if isinstance(content, dict) else None
        if not isinstance(files, dict):
            raise InputError(f"{self.path} has no 'files'; {remedy}")
        for name, entry in files.items():
            digest = entry.get("sha256") if isinstance(entry, dict) else None
            if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
                raise InputError(f"{self.path} holds no sha256 of {name}; {remedy}")
            made = entry.get("made", [])
            if not isinstance(made, list) or not all(isinstance(n, str) and Path(n).name == n for n in made):
                raise InputError(f"{self.path}: what was made of {name} is not a list of file names; {remedy}")
        return files

    def get(self, name: str) -> dict:
        """What is known of a file; empty where nothing is."""
        return self._files.get(name, {})

    def sha256(self, name: str) -> str:
        """The digest that is enforced; empty where none is known."""
        return self.get(name).get("sha256", "")

    def write(self, path: Path, sha256: str, *, of: str, release: str, address: str, **more) -> None:
        """Record the file at `path` under its name; `more` is kept beside it."""
        self._files[path.name] = {
            "set": of,
            "release": release,
            "address": address,
            "bytes": path.stat().st_size,
            "sha256": sha256,
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            **more,
        }
        self.save()

    def note(self, name: str, **more) -> None:
        """Add to the record of a file."""
        self._files[name] = {**self.get(name), **more}
        self.save()

    def save(self) -> None:
        write_json(self.path, {"about": "written by experiments.fetch", "files": dict(sorted(self._files.items()))})


def state(folder: Path, name: str, known: str) -> str:
    """Of a file in a data folder: missing, present, unchecked (no digest known) or WRONG HASH."""
    path = Path(folder) / name
    if not path.is_file():
        return "missing"
    if not known:
        return "unchecked"
    return "present" if sha256_of(path) == known else "WRONG HASH"
