"""What one visitor chose: in the address, so that a view is a link; and what is his alone, in his session."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from tl_jax.app.parts import studies
from tl_jax.app.parts.address import choose
from tl_jax.app.parts.markup import plain, say
from tl_jax.app.parts.options import options
from tl_jax.app.parts.studies import JOB, Known

MINE = "jobs_of_this_visitor"
PAGES = "pages_by_name"


def mine() -> list[str]:
    """Jobs that this visitor asked for, the last one last."""
    return st.session_state.setdefault(MINE, [])


def remember(ident: str) -> None:
    """Count a job as this visitor's."""
    if ident not in mine():
        mine().append(ident)


def addressed() -> list[str]:
    """Jobs that the address names: whoever has the link may see them."""
    named = [value for name in ("study", "cells", "against", "job") for value in st.query_params.get_all(name)]
    return [name.removeprefix(JOB) for name in named]


def known(kind: str | None = None) -> dict[str, Known]:
    """Finished studies that this visitor may see, of one kind or of all."""
    for ident in addressed():
        if studies.jobs.find(options(), ident):
            remember(ident)
    found = studies.known(options(), mine())
    first = sorted(found.values(), key=lambda one: one.kind != studies.STUDY)
    return {one.key: one for one in first if kind in (None, one.kind)}


def chosen(kind: str, name: str = "study", label: str = "Study") -> Known | None:
    """The study that this page is of, chosen in a list and kept in the address as `name`."""
    there = offered(kind, name)
    if len(there) < 2:
        return next(iter(there.values()), None)
    return there[choose(label, list(there), name, numbered(there).get)]


def offered(kind: str | None, name: str) -> dict[str, Known]:
    """The same as `known`; where the address asks for a study as `name` that is none of them, this is said."""
    there = known(kind)
    asked = st.query_params.get(name)
    if there and asked is not None and asked not in there:
        say("The study of this address is not here; another one is shown.", "note")
    return there


def numbered(there: Mapping[str, Known]) -> dict[str, str]:
    """{key: title} of studies, titles that stand there twice with a number."""
    seen: dict[str, int] = {}
    found = {}
    for key, one in there.items():
        seen[one.title] = seen.get(one.title, 0) + 1
        found[key] = one.title if seen[one.title] == 1 else f"{one.title} ({seen[one.title]})"
    return found


def link(page: str, label: str, **query: str) -> None:
    """A link to a page of the app with choices in its address; nothing where a page stands alone."""
    pages = st.session_state.get(PAGES)
    if pages:
        st.page_link(pages[page], label=plain(label), query_params=query)
