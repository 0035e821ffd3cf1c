"""The pages of the app in a real browser: Debian's chromium, driven by playwright; no browser is downloaded."""

import time

import pytest

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
pytest.importorskip("playwright", reason="a browser needs playwright (make test-app)")

from browser import CHROMIUM, MOST, fits, go, note, settled
from playwright import sync_api

PAGES = ("Results", "New study", "Single cells", "Compounds", "Compare", "Genes", "Lineage", "Downloads")
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium at /usr/bin/chromium: apt-get install chromium"),
]


def test_the_first_screen_is_a_verdict(server, visit):
    page = visit()
    page.goto(server.address)
    page.locator(".verdict").first.wait_for()
    note(f"start of the server and first verdict: {server.spent():.1f} s of processor time of the server")
    assert "Verdict." in page.locator(".verdict").first.inner_text()
    assert page.faults == []


def test_five_visitors_cost_little(server, visit):
    pages = []
    for _ in range(5):
        before, begun = server.spent(), time.monotonic()
        page = visit()
        page.goto(server.address)
        page.locator(".verdict").first.wait_for()
        cost, passed = server.spent() - before, time.monotonic() - begun
        note(f"a visit: {cost:.1f} s of processor time of the server, verdict after {passed:.1f} s")
        assert cost < 5
        pages.append(page)
    for page in pages:
        go(page, "Single cells")
    note(f"five visitors on the page of cells: {server.megabytes():.0f} MB")
    assert server.megabytes() < 700


def test_every_page_is_drawn_without_a_fault(server, visit):
    page = visit()
    page.goto(server.address)
    settled(page)
    for title in PAGES:
        go(page, title)
        assert page.locator("[data-testid=stException]").count() == 0, title
        assert page.faults == [], title


# Controls that a visitor sees, each with a mark. A field that takes a file has a button of its own; the arrow of a list
# and the crosses of what was chosen belong to its field, where arrow keys open it and the backspace key takes away.
CONTROLS = """() => {
  const kinds = 'button, a[href], input:not([type=file]), textarea, summary, [role=slider], .scroll, pre';
  const seen = [...document.querySelectorAll(kinds)].filter(one =>
    one.getClientRects().length && getComputedStyle(one).visibility === 'visible' && !one.disabled
    && !one.matches('[aria-haspopup=listbox], [data-testid=stMultiSelect] button')
    && !one.closest('[inert], .modebar, [data-testid=stHeader], [data-testid=stElementToolbar]'));
  seen.forEach((one, number) => one.dataset.control = number);
  return seen.map(one => [one.dataset.control, one.outerHTML.slice(0, 200)]);
}"""
REACHED = "document.activeElement?.closest('[data-control]')?.dataset.control ?? null"


@pytest.mark.parametrize("name", ["", "study", "study?from=cells", "cells", "compounds", "compare", "downloads"])
def test_every_control_is_reached_by_the_tabulator(server, visit, name):
    page = visit()
    page.goto(f"{server.address}/{name}")
    settled(page)
    page.locator("h1").first.click()
    missing = dict(page.evaluate(CONTROLS))
    assert missing
    for _ in range(3 * len(missing) + 30):
        page.keyboard.press("Tab")
        missing.pop(page.evaluate(REACHED), None)
        if not missing:
            break
    assert not missing, list(missing.values())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_and_are_kept_as_pictures(server, visit, width, theme):
    page = visit(width, theme)
    for name in ("", "study", "cells", "compounds", "compare", "genes", "lineage", "downloads"):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{server.address}/{name}")
        settled(page)
        fits(page, width, theme, name or "results")


def test_a_hostile_name_stays_text(server, visit):
    page = visit()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.goto(f"{server.address}/?study=results-other")
    settled(page)
    page.get_by_text("<img src=x onerror=", exact=False).first.wait_for()
    point = page.locator(".js-plotly-plot .scatterlayer .point").nth(3)
    point.hover(force=True)
    page.wait_for_timeout(300)
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.hit") is None
    assert asked == []
    assert page.faults == []


def test_back_goes_back_to_the_choice_before(server, visit):
    page = visit()
    page.goto(f"{server.address}/?study=results-mine&arm=ridge%2C+honest")
    settled(page)
    box = page.get_by_role("combobox", name="Method")
    assert box.input_value() == "ridge, honest"
    box.click()
    box.fill("mean, honest")
    page.get_by_role("option", name="mean, honest").first.click()
    page.wait_for_url("**arm=mean%2C+honest**")
    settled(page)
    page.go_back()
    page.wait_for_url("**arm=ridge%2C+honest**")
    settled(page)
    sync_api.expect(box).to_have_value("ridge, honest", timeout=MOST)
    page.reload()  # a view is a link
    sync_api.expect(box).to_have_value("ridge, honest", timeout=MOST)
