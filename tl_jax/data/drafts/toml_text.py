"""A cohort file's content as TOML text: tables of text, numbers, lists and small tables within."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

TABLES = ("expression", "response", "replicates", "annotation")


def cohort_toml(content: Mapping, remarks: Sequence[str] = ()) -> str:
    """The text; tomllib reads the same content from it. remarks: comments at the top."""
    lines = [f"# {printable(remark)}" for remark in remarks] + [""] * bool(remarks)
    lines += pairs({key: value for key, value in content.items() if key != "domain"})
    for domain in content.get("domain", ()):
        lines += ["", "[[domain]]", *pairs({k: v for k, v in domain.items() if k not in TABLES})]
        for name in TABLES:
            if name in domain:
                lines += ["", f"[domain.{name}]", *pairs(domain[name])]
    return "\n".join(lines) + "\n"


def pairs(table: Mapping) -> list[str]:
    """A line for each key."""
    return [f"{key_text(key)} = {value_text(value)}" for key, value in table.items()]


def key_text(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else value_text(key)


def value_text(value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for the one character that JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(pairs(value)) + " }" if value else "{}"
    return "[" + ", ".join(value_text(one) for one in value) + "]"


def printable(text: str) -> str:
    """Text that a comment may hold: on one line, without control characters."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
