"""What is wrong with frames or their options, in the words of Cohort.from_frames instead of a cohort file's keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tl_jax.data.cohort.schema_kinds import KINDS
from tl_jax.data.tables.cells import nearest, shown
from tl_jax.errors import InputError

WHERE = "Cohort.from_frames"
# Keys of [domain.expression] that a frame leaves a choice about; the others say how a file is read.
KEYS = (
    *("transform", "gene_ids", "date_names", "duplicate_genes", "duplicate_samples", "missing_values"),
    *("ignore_columns", "sample_prefix_length", "sample_pattern"),
)
_OPTION = rf"\b({'|'.join(KEYS)}) = '(\w+)'"
# (what the steps that read a cohort file say, what it is here), in this order.
WORDS = (
    (r"keep one, choose rows with filter, or set duplicates = 'mean'", "keep one, or average them"),
    (r"keep one row for each gene", "keep one column for each gene"),
    (r"leave that column out \(ignore_columns, drugs\)", "leave that column out of the frame"),
    (
        r"cut them with sample_prefix_length or sample_pattern",
        "cut the former: expression={'sample_pattern': ...}",
    ),
    (r"; if it means a missing value, set missing = \[[^\]]*\]", "; if it means a missing value, give NaN"),
    (r"; close the quotation mark before it", "; rename it"),
    (r"; check the column", "; give a response of these samples"),
    (r"give all tables the same", "give all frames the same"),
    (r"so set a transform or ", "so choose a transform or "),
    (r"\b(?:set|write) missing_genes = ('\w+')", r"pass missing_genes=\1"),
    (rf"\b(?:set|write) {_OPTION[2:]}", r"pass expression={'\1': '\2'}"),
    (_OPTION, r"expression={'\1': '\2'}"),
    (r"domain '[^']*', \[domain\.expression\]:? (?:has )?", "expression: "),
    (r"domain '([^']*)', \[domain\.response\]: key '(\w+)'", r"\2 of '\1'"),
    (r"domain '[^']*': key 'name'", "the name of a domain"),
    (r"domain '([^']*)': key '(\w+)'", r"\2 of '\1'"),
    (r"the cohort: key '(\w+)'", r"\1"),
    (r"a text in quotes", "a text"),
)


@contextmanager
def in_words_of_frames() -> Iterator[None]:
    """Within the block InputErrors name the arguments of from_frames."""
    try:
        yield
    except InputError as error:
        text = str(error)
        for pattern, words in WORDS:
            text = re.sub(pattern, words, text)
        raise InputError(text) from error


def check_expression(expression: dict) -> None:
    """Refuse a key that changes nothing for a frame."""
    for key in expression:
        if key not in KEYS:
            remedy = nearest(str(key), KEYS)
            raise InputError(f"{WHERE}: expression has a key '{shown(key)}' that means nothing for a frame; {remedy}")


def check_texts(**given: str | None) -> None:
    """Refuse what is no text, and a name that can be no part of a folder's."""
    for option, value in given.items():
        allowed, wording, _ = KINDS["name" if option == "name" else "text"]
        if value is not None and not allowed(value):
            raise InputError(
                f"{WHERE}: {option} must be {wording.removesuffix(' in quotes')}, not {shown(repr(value))}"
            )


def check_drugs(columns: tuple[str, ...], frame: str, **given) -> None:
    """Refuse a drug that is no column of a response; case is ignored. given: a name, a list of names or None."""
    known = {column.casefold() for column in columns}
    for option, value in given.items():
        if option == "source_drugs" and not isinstance(value, list | tuple | type(None)):
            wanted = f"['{shown(value)}']" if isinstance(value, str) else "a list of drugs"
            raise InputError(f"{WHERE}: source_drugs is no list; write source_drugs={wanted}")
        for drug in [value] if isinstance(value, str) else value or ():
            if not isinstance(drug, str) or drug.casefold() not in known:
                there = ", ".join(columns[:8]) + (", ..." if len(columns) > 8 else "")
                raise InputError(f"{WHERE}: {option} names {shown(repr(drug))}; the response of '{frame}' has: {there}")
