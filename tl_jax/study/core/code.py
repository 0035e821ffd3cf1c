"""Digests of code: whatever determines a model's weights must not find its former self's checkpoints.

A module is digested with all modules of this package that it imports, and those that they import: only `system` and
`errors`, which move no number, are left out. A user's own module is digested with the local modules of its folder, and
with those of this package that they import.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import tl_jax
from tl_jax.system.files import digest

ROOT = Path(tl_jax.__file__).resolve().parent
PLUMBING = ("system", "errors.py", "__init__.py")


def code_of(*subjects: Callable | str) -> str:
    """SHA-256 of some code and of all of this house, or of its folder, that it is built on.

    Args:
        subjects: functions, or dotted names of modules. A function without a file, such as one typed into a notebook,
            is digested by its source or, where there is none, by its byte code and what it has captured.
    """
    files, loose = set(), []
    for subject in subjects:
        path = source_file(subject)
        if path is None:
            loose.append(by_itself(subject))
        else:
            files |= closure(path)
    return digest(*loose, *sorted(text_of(path, path.stat().st_mtime_ns) for path in files))


def source_file(subject: Callable | str) -> Path | None:
    """The file in which a function or module stands, or None."""
    while isinstance(subject, partial):
        subject = subject.func
    try:
        name = importlib.util.find_spec(subject).origin if isinstance(subject, str) else inspect.getsourcefile(subject)
    except TypeError:
        return None
    path = Path(name or "")
    return path.resolve() if path.is_file() else None


def by_itself(function: Callable) -> list:
    """What can be said of a function without a file."""
    try:
        return [inspect.getsource(function)]
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        if code is None:
            return [repr(function)]
        captured = [repr(cell.cell_contents) for cell in function.__closure__ or ()]
        return [code.co_code.hex(), repr(code.co_consts), list(code.co_names), *captured, repr(function.__defaults__)]


@cache
def text_of(path: Path, changed: int) -> str:
    """A file's text under its name, as it was when it was last changed."""
    return f"{path.name}\n{path.read_text(encoding='utf-8')}"


def closure(path: Path) -> set[Path]:
    """A file and every local file that it imports, at the top or inside a function, and so on."""
    found, waiting = set(), [path]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            for name in imported(here, here.stat().st_mtime_ns):
                waiting += file_of(name, here, path.parent)
    return found


def file_of(name: str, importer: Path, folder: Path) -> Iterator[Path]:
    """The file of a module, if it is one of this package or of the folder from which a user's file imports."""
    inside = importer.is_relative_to(ROOT)
    ours = inside or name.partition(".")[0] == ROOT.name
    bare = name.lstrip(".")
    # One dot is the importer's own folder, two the folder above it.
    base = importer.parents[len(name) - len(bare) - 1] if bare != name else ROOT.parent if ours else folder
    place = base.joinpath(*bare.split(".")) if bare else base
    own = next((one for one in (place.with_suffix(".py"), place / "__init__.py") if one.is_file()), None)
    if own is not None and not (ours and own.relative_to(ROOT).parts[0] in PLUMBING):
        yield own


@cache
def imported(path: Path, changed: int) -> tuple[str, ...]:
    """Names of modules that a file may import, as it was when it was last changed."""
    return tuple(names_in(ast.parse(text_of(path, changed).partition("\n")[2])))


def names_in(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module may import: of `from a import b` both a and a.b; a relative one begins with dots."""
    waiting: list[ast.AST] = [tree]
    while waiting:  # statements only: ast.walk would take four times as long
        node = waiting.pop()
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, block, ()) if not isinstance(node, ast.expr) else ()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}{'.' if node.module else ''}{alias.name}" for alias in node.names)
