"""Choices that live in the address of a page: a view is a link, and Back goes back to the choice before."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

NONE = ""  # in an address: nothing is chosen, which is not the same as nothing said


def choose(label: str, options: Sequence[str], name: str, shown: Callable[[str], str] = str, default: int = 0, **more):
    """One of some options in a list, kept in the address as `name`; an unknown one there counts as the default."""
    first = options[default]
    asked = st.query_params.get(name, first)
    return _kept(st.selectbox, label, asked if asked in options else first, first, name, options, shown, **more)


def choose_several(
    label: str, options: Sequence[str], name: str, shown: Callable[[str], str] = str, **more
) -> list[str]:
    """Some of some options, kept in the address as `name`, each once; the first where the address says nothing."""
    said = st.query_params.get_all(name)
    asked = [one for one in dict.fromkeys(said) if one in options]
    key = f"kept-{name}"
    st.session_state[key] = asked if asked or said == [NONE] else list(options[:1])
    more |= {"key": key, "on_change": _keep_several, "args": (name, key)}
    return st.multiselect(label, options, format_func=shown, **more)


def slide(label: str, low: float, high: float, first: float, name: str, step: float, **more) -> float:
    """A number between two ends, kept in the address as `name`."""
    try:
        asked = min(max(float(st.query_params.get(name, first)), low), high)
    except ValueError:
        asked = first
    key = f"kept-{name}"
    st.session_state[key] = asked if asked == asked else first
    more |= {"key": key, "on_change": _keep, "args": (name, key, first)}
    return st.slider(label, low, high, step=step, **more)


def _kept(widget, label, asked, first, name, options, shown, **more):
    key = f"kept-{name}"
    st.session_state[key] = asked  # the address leads: Back changes it and nothing else
    return widget(label, options, format_func=shown, key=key, on_change=_keep, args=(name, key, first), **more)


def _keep(name: str, key: str, first) -> None:
    """Write a choice into the address; the default leaves it."""
    value = st.session_state[key]
    if value == first:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = str(value)


def _keep_several(name: str, key: str) -> None:
    """Write choices into the address."""
    st.query_params[name] = st.session_state[key] or [NONE]
