"""Flags that take keys of a cohort file: --response_keys="missing = ['ND'], decimal = ','"."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from tl_jax.data.tables.cells import nearest
from tl_jax.errors import InputError


def keys_of(flag: str, text: str) -> dict:
    """The keys that a flag states, in TOML; InputError for what is none, or no key of that table."""
    from tl_jax.data.cohort.schema import ExpressionTable, ResponseTable

    table = ExpressionTable if flag == "expression_keys" else ResponseTable
    try:
        keys = tomllib.loads(f"keys = {{ {text} }}")["keys"]
    except tomllib.TOMLDecodeError as error:
        said, several = " ".join(text.split()), "; separate by comma, not by line break" if "\n" in text else ""
        raise InputError(
            f"--{flag}={said}: {error}; write KEY = VALUE as in a cohort file, texts in quotes{several}"
        ) from error
    known = [f.name for f in fields(table) if f.name != "path"]
    for name in keys:
        if name not in known:
            raise InputError(f"--{flag} has an unknown key '{name}'; {nearest(name, known)}")
    return keys


@contextmanager
def in_words_of(part: str) -> Iterator[None]:
    """Within the block InputErrors name the flag --PART_keys in place of keys of a cohort file."""
    from tl_jax.data.drafts.points import in_flags

    try:
        yield
    except InputError as error:
        raise InputError(in_flags(str(error), part)) from error
