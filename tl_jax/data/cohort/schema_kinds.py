"""What a value of a cohort file may be: text, a name that becomes part of a folder's, a pattern, a number, a filter."""

from __future__ import annotations

import math
import re


def _is_name(value) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\w[\w .-]*", value))


def _is_pattern(value) -> bool:
    """Whether it compiles and no group is repeated: `(a+)+` may take years on one name, and nothing would stop it."""
    try:
        re.compile(value)
    except (re.error, TypeError, OverflowError, RecursionError):
        return False
    plain = re.sub(r"\[\^?\]?[^\]]*\]", "x", re.sub(r"\\.", "x", value))
    return not re.search(r"\)[*+{]", plain)


def _is_texts(value) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_scalar(value) -> bool:
    return isinstance(value, (str, int, float, bool))


def _is_filter(value) -> bool:
    one = isinstance(value, dict) and [v if isinstance(v, list) else [v] for v in value.values()]
    return isinstance(one, list) and all(v and all(map(_is_scalar, v)) for v in one)


def held(value):
    """A value of a cohort file as a table holds it: a list becomes a tuple."""
    return tuple(value) if isinstance(value, list) else value


def wanted_values(given: dict) -> dict[str, tuple]:
    """{column: the values that its rows may have} of a filter, which may name one value without a list."""
    return {column: tuple(v) if isinstance(v, list) else (v,) for column, v in given.items()}


# kind: (test, wording of the error, conversion)
KINDS = {
    # Names become parts of folder names.
    "name": (_is_name, "letters, digits, '_', '-', '.'", str),
    "text": (lambda v: isinstance(v, str), "a text in quotes", str),
    "pattern": (_is_pattern, "a regular expression in quotes, without a repeated group", str),
    "count": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 0, "a whole number above 0", int),
    "number": (
        lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v),
        "a number",
        float,
    ),
    "flag": (lambda v: isinstance(v, bool), "true or false", bool),
    "texts": (_is_texts, "a list of texts", tuple),
    "lists": (
        lambda v: isinstance(v, list) and all(map(_is_texts, v)),
        "a list of lists of samples",
        lambda v: tuple(map(tuple, v)),
    ),
    "filter": (
        _is_filter,
        "a table such as {column = 'value'} or {column = ['one', 'two']}",
        wanted_values,
    ),
    "parameters": (lambda v: isinstance(v, dict), "a table", dict),
}
