"""The script that Streamlit runs for every visitor and every change: the password, the pages, their frame."""

from __future__ import annotations

import hmac
import time
from pathlib import Path

import streamlit as st

from tl_jax.app.parts import jobs, uploads
from tl_jax.app.parts.markup import alert, plain, put, say, sheet
from tl_jax.app.parts.options import options
from tl_jax.app.parts.visit import PAGES
from tl_jax.app.views import VIEWS
from tl_jax.errors import InputError
from tl_jax.report.page.tags import tag

CARRIED = ("study", "cells", "job")  # choices that go along from page to page
WRONG = 1.0  # seconds that a wrong password takes
ENTERED = "password_was_right"
HOUR = 3600.0


@st.cache_resource(ttl=HOUR)
def begun(state: str) -> list[str]:
    """At the first visit and after every hour: delete what is a day old, go on with studies that were cut off."""
    given = options()
    uploads.sweep(given)
    return [job.ident for job in jobs.take_up(given)]


def may_enter() -> bool:
    """Whether the visitor knows the password, where there is one; it is asked for on the page."""
    path = options().password_file
    if path is None or st.session_state.get(ENTERED):
        return True
    with st.form("password", border=False):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        sent = st.form_submit_button("Enter")
    if sent:
        right = Path(path).read_text(encoding="utf-8").strip()
        if hmac.compare_digest(given.encode(), right.encode()):
            st.session_state[ENTERED] = True
            st.rerun()
        time.sleep(WRONG)
        alert("That is not the password.")
    return False


def sidebar(pages: dict[str, object]) -> None:
    """Links to all pages, which carry the study that is looked at."""
    carried = {name: st.query_params[name] for name in CARRIED if name in st.query_params}
    with st.sidebar:
        for name, page in pages.items():
            own = {key: value for key, value in carried.items() if key in VIEWS[name].carries}
            st.page_link(page, label=plain(VIEWS[name].title), query_params=own)
        say("Runs on this server; nothing is sent anywhere else.", "note")


def drawn(name: str) -> None:
    """One page; bad input is one line on it."""
    sheet()
    put(tag("h1", VIEWS[name].title))
    try:
        VIEWS[name].show()
    except InputError as error:
        alert(str(error))


def main() -> None:
    st.set_page_config("tl_jax", layout="wide", initial_sidebar_state="auto")
    if not may_enter():
        return
    begun(options().state)
    pages = {
        name: st.Page(lambda name=name: drawn(name), title=view.title, url_path=name, default=not number)
        for number, (name, view) in enumerate(VIEWS.items())
    }
    st.session_state[PAGES] = pages
    current = st.navigation(list(pages.values()), position="hidden")
    sidebar(pages)
    current.run()


if __name__ == "__main__":
    main()
