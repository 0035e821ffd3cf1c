"""A plan that is written down before the run: what is compared with what, in which direction, with which settings.

A file that is there already is never written again. What was run is held against it, and every difference is told;
a test may be one-sided only where its direction was registered and the run is the registered one.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tl_jax.data.drafts.toml_text import pairs
from tl_jax.errors import InputError
from tl_jax.system.cluster import agree, is_first
from tl_jax.system.files import check_writable, digest, write_atomic
from tl_jax.system.parts import differences

FLAG, BETTER = "--register", "better"
HEAD = (
    "# Registered before the run by tl_jax. Do not edit: the digest is that of all that follows it. Keep a copy, or",
    "# the digest alone, where its date cannot be changed (a repository, a registry, an e-mail).",
)


class Registration(NamedTuple):
    """path, at, digest: of the plan. expect: the registered direction. new: written by this very run.

    changes: how the run differs from the plan.
    """

    path: str
    at: str
    digest: str
    expect: str
    new: bool
    changes: tuple[str, ...]

    @property
    def one_sided(self) -> bool:
        """Whether a one-sided test is allowed."""
        return self.expect == BETTER and not self.changes

    def told(self) -> dict:
        """The entry of summary.json."""
        return {**self._asdict(), "as_run": not self.changes, "text": self.text()}

    def text(self) -> str:
        """Whether what was run is what was registered."""
        when = f"registered in {self.path} at {self.at} (digest {self.digest[:16]})"
        if self.changes:
            return f"not run as {when}: {'; '.join(self.changes)}; no test is one-sided"
        side = "sources were held to help, so whether one helps beyond the reference is tested on one side"
        lead = "run as it was" if not self.new else "run as"
        return f"{lead} {when}; {side if self.one_sided else 'no direction was registered'}"


def register(path: str | Path, content: Mapping) -> Registration:
    """Write a plan, or hold it against the one that the file holds.

    Args:
        content: all that is registered: text, numbers, lists and mappings; what is None is left out. Its "expect" is
            the direction.
    Raises:
        InputError: a file that cannot be read or written, is no plan, or was changed after it was written.
    """
    plain = json.loads(json.dumps(known(content), default=str))
    found = Registration(*agree(tuple(entered(Path(path), plain)) if is_first() else None))
    return found._replace(changes=tuple(found.changes))


def entered(path: Path, content: dict) -> Registration:
    if path.exists():
        at, own, before = read(path)
        changes = differences(before, content)
        return Registration(str(path), at, own, before.get("expect", ""), False, tuple(changes))
    check_writable(path.absolute().parent, FLAG)
    at, own = datetime.now(UTC).isoformat(timespec="seconds"), digest(content)
    write_atomic(path, lambda place: place.write_text(text(at, own, content), encoding="utf-8"))
    return Registration(str(path), at, own, content.get("expect", ""), True, ())


def text(at: str, own: str, content: Mapping) -> str:
    """The file."""
    lines = [*HEAD, *pairs({"registered_at": at, "digest": own}), ""]
    lines += pairs({key: value for key, value in content.items() if not isinstance(value, Mapping)})
    for name, table in content.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *pairs(table)]
    return "\n".join(lines) + "\n"


def read(path: Path) -> tuple[str, str, dict]:
    """(when, digest, content) of a plan."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        at, own = found.pop("registered_at"), found.pop("digest")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(
            f"{FLAG}={path} is no plan that this command wrote ({type(error).__name__}); name a new file"
        ) from error
    if digest(found) != own:
        raise InputError(
            f"{FLAG}={path} was changed after it was written: its content does not have its digest; "
            "go back to the file as it was registered, or name a new file for a new plan"
        )
    return str(at), str(own), found


def known(content):
    """The same without what is None, which TOML cannot say."""
    if isinstance(content, Mapping):
        return {str(key): known(value) for key, value in content.items() if value is not None}
    if isinstance(content, list | tuple):
        return [known(value) for value in content if value is not None]
    return content
