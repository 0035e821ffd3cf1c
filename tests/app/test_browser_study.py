"""From a visitor's own tables to a report, in a real browser."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
pytest.importorskip("playwright", reason="a browser needs playwright (make test-app)")

from browser import CHROMIUM, Server, go, note, settled
from faults import DRUG, answers, faults, whole

LONGEST = 400_000  # milliseconds that a job of such a page may take
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium at /usr/bin/chromium: apt-get install chromium"),
]


def tables(folder: Path, place: Path) -> tuple[Path, Path]:
    """Two tables as a visitor has them, of which the second does not say its drug."""
    from tl_jax.app.parts.requests import example_tables

    for name, content in example_tables().items():
        (place / name).write_bytes(content)
    return place / "expression.csv", place / "response.csv"


def test_tables_are_brought_mended_and_planned_while_the_server_is_killed(results, visit, tmp_path):
    """An upload that leaves a question open shows the remedy; the plan comes though the server dies meanwhile."""
    server = Server(tmp_path, f"--results={results}")
    try:
        page = visit()
        page.goto(f"{server.address}/study")
        settled(page)
        for number, path in enumerate(tables(results, tmp_path)):
            page.locator("input[type=file]").nth(number).set_input_files(path)
            page.get_by_text(path.name).first.wait_for()
        page.get_by_role("button", name="Look at the tables").click()
        page.get_by_role("alert").get_by_text("--drug").wait_for()
        page.get_by_label("Drug, several with commas, or all").fill("Temozolomide")
        page.get_by_role("button", name="Look again").click()
        page.get_by_text("It begins: libraries and data are read.").or_(page.get_by_text("Run this study")).wait_for()
        address = page.url
        server.end(signal.SIGKILL)
        server.start()
        fresh = visit()
        fresh.goto(address)
        fresh.get_by_role("button", name="Run this study").wait_for()
        assert "of one core" in fresh.locator("pre").first.inner_text()
    finally:
        server.end()


def drug_in_table(place: Path) -> list[Path]:
    """Two tables that leave nothing open."""
    (name, genes), _ = whole()
    response = answers()
    response.insert(1, "drug", DRUG)
    (place / name).write_bytes(genes)
    response.to_csv(place / "response.csv", index=False)
    return [place / name, place / "response.csv"]


class Clicks:
    """Clicks of a visitor, counted, and seconds since the first."""

    def __init__(self):
        self.count, self.begun = 0, time.monotonic()

    def __call__(self, place) -> None:
        self.count += 1
        place.click()

    def noted(self, what: str) -> None:
        note(f"{what}: {self.count} clicks, {time.monotonic() - self.begun:.0f} s")


def test_a_whole_study_from_two_tables_to_its_report_though_the_server_is_killed(visit, tmp_path):
    """Nothing runs before the plan's time was shown; the report that is downloaded says what the page says."""
    server = Server(tmp_path)
    try:
        page, click = visit(), Clicks()
        page.goto(f"{server.address}/study")
        settled(page)
        for number, path in enumerate(drug_in_table(tmp_path)):
            click.count += 1  # the dialog of the browser that chooses a file
            page.locator("input[type=file]").nth(number).set_input_files(path)
            page.get_by_text(path.name).first.wait_for()
        click(page.get_by_text("A quick look with a small network: no result"))
        click(page.get_by_role("button", name="Look at the tables"))
        page.get_by_role("button", name="Run this study").wait_for(timeout=LONGEST)
        assert "of one core" in page.locator("pre").first.inner_text()
        assert [job for job in jobs_of(tmp_path) if "--plan_only" not in job] == []
        click.noted("from two tables to a plan with its time")
        click(page.get_by_role("button", name="Run this study"))
        page.get_by_text(re.compile(r": \d+/\d+ \w+")).first.wait_for(timeout=LONGEST)
        address = page.url
        server.end(signal.SIGKILL)
        server.start()
        page = visit()
        page.goto(address)
        page.get_by_text("The study is done.").wait_for(timeout=LONGEST)
        click(page.get_by_role("link", name="Its results"))
        page.locator(".verdict").first.wait_for()
        click.noted("from two tables to a quick look's verdict, the server killed meanwhile")
        settled(page)
        verdict = page.locator(".verdict").first.inner_text()
        go(page, "Downloads")
        with page.expect_download() as loaded:
            page.get_by_role("button", name="report.html").click()
        report = visit()
        loaded.value.save_as(tmp_path / "report.html")
        report.goto(f"file://{tmp_path / 'report.html'}")
        assert report.locator(".verdict").first.inner_text().split() == verdict.split()
        assert page.faults == []
    finally:
        server.end()


def jobs_of(place: Path) -> list[list[str]]:
    """What was asked of the command so far."""
    return [json.loads(path.read_text())["argv"] for path in place.glob("state/jobs/*/job.json")]


@pytest.mark.parametrize("kind", ["-999 for a missing value", "thousands with commas"])
def test_a_remedy_is_read_and_taken(visit, tmp_path, server, kind):
    """A fault that stops a study, mended on the page by what the message says."""
    fault = faults()[kind]
    page = visit()
    page.goto(f"{server.address}/study")
    settled(page)
    for number, (name, content) in enumerate((fault.expression, fault.response)):
        (tmp_path / name).write_bytes(content)
        page.locator("input[type=file]").nth(number).set_input_files(tmp_path / name)
        page.get_by_text(name).first.wait_for()
    page.get_by_label("Drug (empty: the table says it)").fill(DRUG)
    page.get_by_role("button", name="Look at the tables").click()
    told = page.get_by_role("alert").first
    told.wait_for(timeout=LONGEST)
    remedy = re.search(r'--response_keys="([^"]*)"', told.inner_text())[1]
    page.get_by_label("How the response is read").fill(remedy)
    page.get_by_role("button", name="Look again").click()
    page.get_by_role("button", name="Run this study").wait_for(timeout=LONGEST)
    assert page.get_by_role("alert").count() == 0
    assert "Traceback" not in page.locator("body").inner_text()
    assert page.faults == []
