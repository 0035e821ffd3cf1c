"""Flags that name a user's own tables and say what is in them, and what they say together."""

from __future__ import annotations

from pathlib import Path

from experiments._declared import FLAGS, choice, text
from tl_jax.errors import InputError

TABLES = (
    text("expression", None, "your table of expression: samples in rows or in columns"),
    text("response", None, "your table of responses: a row for each sample, or for each sample and drug"),
    text("annotation", None, "table with tissue, patient or batch of each sample"),
    text("expression_keys", "", "how --expression is read: keys of [domain.expression], such as \"decimal = ','\""),
)
TISSUES = choice(
    "source_tissues", "shipped", ["shipped", "all"], "lines of the source: as its cohort picks, or all tissues"
)
MEANING = (
    text("value", None, "column of the response; default: found by its name"),
    choice("direction", None, ["resistant", "sensitive"], "what a high value means; default: by its name"),
    text("groups", None, "column whose samples share a fold, such as patients or batches; default: found by its name"),
    text("unit", None, "unit of the response; default: the name of its column"),
    text("response_keys", "", "how --response is read: keys of [domain.response], such as \"missing = ['ND']\""),
)
SAID = ("value", "direction", "unit", "source_tissues", "groups")


def need_tables() -> None:
    """InputError where one of the two tables is not named."""
    for name in ("expression", "response"):
        if not FLAGS[name].value:
            raise InputError(f"--{name} is missing: name your table")


def annotation() -> Path | None:
    return Path(FLAGS.annotation) if FLAGS.annotation else None


def wishes(name: str, **more):
    """What the flags say of the tables, as a draft takes it; `more` wins."""
    from experiments._keys import keys_of
    from tl_jax.data.drafts.draft import Wishes

    said = {flag: FLAGS[flag].value for flag in SAID}
    said |= {flag: keys_of(flag, FLAGS[flag].value) for flag in ("expression_keys", "response_keys")}
    return Wishes(name, **{**said, **more})
