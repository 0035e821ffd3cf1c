"""Rooms whose files register something by a decorator: import them all, or read what they register without importing.

A new strategy, network or alignment loss is one new file in its room; nothing else has to name it.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent
USUAL_PLACE = 100  # in tables and pictures, of what does not say


def load(room: str) -> None:
    """Import every module of a room of tl_jax, such as "transfer", so that what its files register is known."""
    for path in files(room):
        import_module(f"tl_jax.{room}.{path.stem}")


def files(room: str) -> list[Path]:
    """The modules of a room by name; one that starts with "_" is none."""
    return [path for path in sorted((ROOT / room).glob("*.py")) if not path.stem.startswith("_")]


@cache
def declared(room: str, decorator: str) -> dict[str, dict]:
    """What the functions of a room register by a decorator, read from the text alone: importing may bring jax.

    Args:
        room: a folder of tl_jax, such as "transfer".
        decorator: its name, such as "strategy" of "@strategy(wide=True)".

    Returns:
        {function: {keyword: value}} of the keywords whose values are literals; by the keyword `place` where it is
        given, else in the order of files and lines.
    """
    found = {}
    for path in files(room):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for call in getattr(node, "decorator_list", ()):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == decorator:
                    found[node.name] = {
                        k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)
                    }
    return dict(sorted(found.items(), key=lambda item: item[1].get("place", USUAL_PLACE)))
