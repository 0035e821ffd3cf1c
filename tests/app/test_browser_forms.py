"""Forms, plans and studies on their way in a real browser, at both widths and in both themes."""

import fcntl
import json

import pandas as pd
import pytest

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
pytest.importorskip("playwright", reason="a browser needs playwright (make test-app)")
pytest.importorskip("h5py", reason="files of cells need h5py")

from browser import CHROMIUM, HOSTILE, Server, fits, settled
from cells_files import cells_study

from tl_jax.app.parts import jobs
from tl_jax.report.tables import write_csv

LONGEST = 300_000  # milliseconds that a job of such a page may take
LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium at /usr/bin/chromium: apt-get install chromium"),
]
DONE = (
    ("shrunken_ridge", "Oxaliplatin", 0.41),
    ("freeze_layer1_then_all", "a cohort with a long name of its own", 0.38),
    ("ridge", HOSTILE, 0.25),
    ("mean", "", ""),
)


def running(state):
    """A study that another process works on, two of whose methods are done; (its folder, the lock)."""
    folder = state / "jobs" / f"{7:032x}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    argv = ["study", "--cohort=simulated", "--out=out", "--resume"]
    jobs.make(
        folder, {"title": "Study of simulated", "argv": argv, "private": False, "limit": None, "tables": {}}, {}, ()
    )
    (folder / "began.json").write_text(json.dumps({"time": 0}))
    (folder / "asked").touch()
    (folder / "log.txt").write_text("exp7: 12/30 runs, 41 s, about 1 min left\n")
    work = folder / "out.unfinished" / "honest"
    work.mkdir(parents=True)
    names = ["arm", "source", "value"]
    rows = pd.DataFrame(DONE, columns=names).assign(protocol="honest", domain="target", metric="spearman", repeats=2)
    write_csv(work / "so_far.csv", rows)
    lock = (folder / "lock").open("ab")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


@pytest.fixture(scope="module")
def lent(tmp_path_factory):
    """A server with a study of cells and a study on its way; (server, files of cells)."""
    place = tmp_path_factory.mktemp("forms")
    study, files = cells_study(place)
    _, lock = running(place / "state")
    made = Server(place, f"--cells={study}")
    yield made, files
    made.end()
    lock.close()


@pytest.fixture(scope="module")
def places(lent, chromium):
    """{what it is: address}, each made once as a visitor makes it."""
    server, files = lent
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(LONGEST)
    found = {"cells-form": f"{server.address}/study?from=cells", "so-far": f"{server.address}/study?job={7:032x}"}
    page.goto(f"{server.address}/study?from=cohort")
    page.get_by_role("button", name="Look at the cohort").click()
    page.get_by_role("button", name="Plan this study").wait_for()
    found["cohort-check"] = page.url
    page.get_by_role("button", name="Plan this study").click()
    page.get_by_role("button", name="Run this study").wait_for()
    found["cohort-plan"] = page.url
    page.goto(found["cells-form"])
    for number, name in enumerate(("cells", "bulk_expression", "bulk_response")):
        title, content = files[name]
        chosen = {"name": title, "mimeType": "application/octet-stream", "buffer": content}
        page.locator("input[type=file]").nth(number).set_input_files(chosen)
        page.get_by_text(title).first.wait_for()
    page.get_by_label("Drug, as the response table writes it").fill("simulib")
    page.get_by_label("Lines that the cells are of").fill("none")
    page.get_by_role("button", name="Look at the cells").click()
    page.get_by_role("button", name="Run this study").wait_for()
    found["cells-plan"] = page.url
    page.goto(f"{server.address}/cells")
    page.get_by_role("button", name="Score these cells").wait_for()
    title, content = files["cells"]
    chosen = {"name": title, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("input[type=file]").last.set_input_files(chosen)
    page.get_by_text(title).first.wait_for()
    page.get_by_role("button", name="Score these cells").click()
    page.get_by_role("heading", name="Cell by cell").wait_for()
    found["cells-scored"] = page.url
    page.context.close()
    return found


WORDS = {
    "cells-form": "Look at the cells",
    "so-far": "Provisional: 4 methods are done",
    "cohort-check": "Plan this study",
    "cohort-plan": "Run this study",
    "cells-plan": "Run this study",
    "cells-scored": "Cell by cell",
}
CONTRAST = """(() => {
  const channels = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(one => one / 255).map(
    one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  const light = text => { const [r, g, b] = channels(text); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  return [...document.querySelectorAll('[data-testid^=stBaseButton-primary]')].map(one => {
    const words = one.querySelector('p') || one;
    const both = [getComputedStyle(words).color, getComputedStyle(one).backgroundColor].map(light);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  });
})()"""
BEYOND = """[...document.querySelectorAll('.cards :is(th, td)')].filter(one => one.innerText).map(
  one => one.getBoundingClientRect().right).filter(right => right > innerWidth)"""


@pytest.mark.parametrize(("width", "theme"), LOOKS)
@pytest.mark.parametrize("name", WORDS)
def test_a_form_or_a_plan_fits_and_is_kept_as_a_picture(places, visit, name, width, theme):
    page = visit(width, theme)
    page.goto(places[name])
    page.get_by_text(WORDS[name]).first.wait_for()
    settled(page)
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.evaluate(BEYOND) == []  # no number and no caution lies where a phone does not show it
    assert page.locator("img[src=x]").count() == 0
    contrasts = page.evaluate(CONTRAST)
    assert all(one >= 4.5 for one in contrasts), contrasts  # words on a button, as WCAG asks at least
    assert contrasts or name in ("so-far", "cells-scored")
    fits(page, width, theme, name)
    assert page.faults == []
