"""Public formats by the names that a cohort file gives them, each registered in the file that reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

import pandas as pd

from tl_jax.data.tables.numbers import number_matrix
from tl_jax.errors import InputError

LAST = 100  # place of a format that names none


@dataclass(frozen=True)
class ExpressionFormat:
    """A public format of expression.

    shape: (frame as read, path, table) to samples x genes. read: (path, table) to the frame; None for a table
    file. keys: those of a cohort file that say how this format is read; others would change nothing. place: in lists.
    repeated: whether its headings repeat names on purpose (replicates).
    """

    shape: Callable[[pd.DataFrame, Path, object], pd.DataFrame]
    read: Callable[[Path, object], pd.DataFrame] | None = None
    keys: tuple[str, ...] = ()
    place: int = LAST
    repeated: bool = False


@dataclass(frozen=True)
class ResponseFormat:
    """A public format of drug response.

    shape: (frame as read, path, table) to (frame, table): a plain table, long or wide, and the cohort's table with the
    names of its columns. wide: a column for each drug. presets: keys that the format implies; a cohort file may
    override each. place, repeated: see ExpressionFormat.
    """

    shape: Callable[[pd.DataFrame, Path, object], tuple[pd.DataFrame, object]]
    wide: bool = False
    presets: Mapping[str, str] = field(default_factory=dict)
    place: int = LAST
    repeated: bool = False


EXPRESSION: dict[str, ExpressionFormat] = {}
RESPONSE: dict[str, ResponseFormat] = {}


def expression_reader(*names: str, **about) -> Callable[[Callable], Callable]:
    """Register a function (frame, path, table) -> samples x genes as the format of some names.

    Args:
        names: as a cohort file writes them. about: the other fields of ExpressionFormat.
    """
    return _register(EXPRESSION, ExpressionFormat, names, about)


def response_reader(*names: str, **about) -> Callable[[Callable], Callable]:
    """Register a function (frame, path, table) -> (plain table, table with its column names).

    Args:
        names: as a cohort file writes them. about: the other fields of ResponseFormat.
    """
    return _register(RESPONSE, ResponseFormat, names, about)


def _register(registry: dict, kind: type, names: tuple[str, ...], about: dict) -> Callable[[Callable], Callable]:
    def register(function: Callable) -> Callable:
        for name in names:
            if name in registry and registry[name].shape.__module__ != function.__module__:
                raise InputError(f"a format named '{name}' exists already; give yours another name")
            registry[name] = kind(function, **about)
        return function

    return register


def as_it_is(frame: pd.DataFrame, path: Path, _table) -> pd.DataFrame:
    """The shape of a format whose reader gives samples x genes already."""
    number_matrix(frame, list(frame.index), path)  # refuses infinite values
    return frame


@cache
def load() -> None:
    """Import every module of this room, so that what it registers is known."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith("_"):
            import_module(f"{__package__}.{path.stem}")


def names(registry: Mapping) -> tuple[str, ...]:
    """The names of a registry by place, those without one last in the order of registration."""
    load()
    return tuple(sorted(registry, key=lambda name: registry[name].place))
