"""Flags that are lists of numbers."""

from __future__ import annotations

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
