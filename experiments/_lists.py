"""Flags that are lists: of numbers, of genes in a file."""

from __future__ import annotations

import re
from pathlib import Path

from experiments._declared import FLAGS
from tl_jax.errors import InputError


def numbers(flag: str, kind: type = int) -> tuple:
    """The numbers of a list flag, int or float; InputError where one is none."""
    return parsed(flag, FLAGS[flag].value, kind)


def parsed(flag: str, texts: list[str], kind: type = int) -> tuple:
    """The numbers of some texts that were given with a flag."""
    try:
        return tuple(kind(text) for text in texts)
    except ValueError as error:
        what = "whole numbers" if kind is int else "numbers"
        raise InputError(f"--{flag}={','.join(texts)}: {what}, separated by commas, are needed") from error


def distinct(values) -> tuple:
    """The same without repeats, in the same order."""
    return tuple(dict.fromkeys(values))


def gene_list(path: str | None) -> tuple[str, ...]:
    """Names of genes, one a line."""
    if not path:
        return ()
    try:
        names = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--signature={path}: cannot be read ({type(error).__name__}); give a text file") from error
    found = tuple(dict.fromkeys(name for name in names if name and not name.startswith("#")))
    if not found or any(re.search(r"[\s,;]", name) for name in found):
        raise InputError(f"--signature={path}: one gene name a line is needed")
    return found
