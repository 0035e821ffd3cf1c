"""Which study of single cells is shown: chosen by data set, drug, encoder and alignment among those that are there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from tl_jax.app.parts.jobs import read
from tl_jax.app.parts.report import written
from tl_jax.app.parts.studies import CELLS, Known
from tl_jax.app.parts.visit import numbered, offered

NAME = "cells"  # of the study in the address
NOTHING = "none"
BEFORE = "_pretransfer"
ATTENTION, PLAIN, PUBLISHED = "attention_", "network", "paper"


class Facts(NamedTuple):
    """What one chooses a study by, in this order."""

    data: str
    drug: str
    encoder: str
    alignment: str


LABELS = Facts("Data set", "Drug", "Encoder", "Alignment")


def chosen() -> Known | None:
    """The study of the address, with fields that lead to every other one and offer nothing that is not there."""
    there = offered(CELLS, NAME)
    if not there:
        return None
    asked = st.query_params.get(NAME)
    key = asked if asked in there else next(iter(there))
    if len(there) > 1:
        fields(there, key)
    return there[key]


def fields(there: Mapping[str, Known], key: str) -> None:
    """A field for each fact, and one for studies that are alike in all of them."""
    facts = told_apart({name: _facts(str(one.folder), written(one.folder)) for name, one in there.items()})
    for level, column in enumerate(st.columns(len(LABELS))):
        there_are = values(facts, key, level)
        widget = f"cells-{LABELS[level]}"
        st.session_state[widget] = facts[key][level]
        with column:
            st.selectbox(LABELS[level], there_are, key=widget, on_change=_go, args=(facts, key, level, widget))
    alike = [name for name, one in facts.items() if one == facts[key]]
    if len(alike) > 1:
        st.session_state["cells-study"] = key
        names = numbered(there)
        st.selectbox("Study", alike, format_func=names.get, key="cells-study", on_change=_to, args=("cells-study",))


def _go(facts: Mapping[str, Facts], key: str, level: int, widget: str) -> None:
    st.query_params[NAME] = nearest(facts, key, level, st.session_state[widget])


def _to(widget: str) -> None:
    st.query_params[NAME] = st.session_state[widget]


def values(facts: Mapping[str, Facts], key: str, level: int) -> list[str]:
    """What a field offers beside a study: values of studies that are alike in all facts before it."""
    own = facts[key]
    return sorted({one[level] for one in facts.values() if one[:level] == own[:level]})


def nearest(facts: Mapping[str, Facts], key: str, level: int, value: str) -> str:
    """The study with another value of one fact: the facts before it stay, and of those after it as many as can."""
    own = facts[key]
    fit = {name: one for name, one in facts.items() if one[: level + 1] == (*own[:level], value)}
    return max(fit, key=lambda name: [fit[name][k] == own[k] for k in range(level + 1, len(own))])


def told_apart(facts: Mapping[str, tuple[Facts, str]]) -> dict[str, Facts]:
    """{study: facts} of (facts, digest of its data); a name of several data gets the first signs of the digest."""
    digests: dict[str, set[str]] = {}
    for one, digest in facts.values():
        digests.setdefault(one.data, set()).add(digest)
    return {
        name: one._replace(data=f"{one.data} ({digest[:6]})") if len(digests[one.data]) > 1 else one
        for name, (one, digest) in facts.items()
    }


@st.cache_data(max_entries=1000, show_spinner=False)
def _facts(folder: str, moment: float) -> tuple[Facts, str]:
    return facts_of(Path(folder))


def facts_of(folder: Path) -> tuple[Facts, str]:
    """What a study's own records say, and the digest of its cells' file."""
    summary = read(folder / "summary.json")
    place = (summary.get("settings") or {}).get("cells") or ""
    digest = (read(folder / "study.json").get("data") or {}).get("cells") or ""
    encoder, alignment = network_of(summary.get("before_and_after") or ())
    return Facts(Path(place).stem or "not recorded", str(summary.get("drug") or ""), encoder, alignment), digest


def network_of(arms: tuple[str, ...]) -> tuple[str, str]:
    """(encoder, alignment) in words of the network whose scores a study writes beside the ridge's, by its two arms."""
    if len(arms) != 2:
        return NOTHING, NOTHING
    before, after = arms
    if after == PUBLISHED:
        return "as published", "as published"
    stem = before.removesuffix(BEFORE)
    encoder = stem.removeprefix(ATTENTION)
    return "plain" if stem == PLAIN else f"attention {encoder}", after.removeprefix(f"{stem}_")
