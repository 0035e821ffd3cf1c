"""The app in a real browser: Debian's chromium, driven by playwright; no browser is downloaded."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
pytest.importorskip("playwright", reason="a browser needs playwright (make test-app)")

from faults import DRUG, answers, faults, whole
from playwright import sync_api
from studies import write_study

from tl_jax.report.tables import write_csv

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parents[2]
SHOTS = Path(os.environ.get("TLJAX_SCREENSHOTS", ROOT / ".pytest_cache" / "screenshots"))
HOSTILE = '<img src=x onerror="window.hit=1"> [a](javascript:alert(1)) **b** $x$'
PAGES = ("Results", "New study", "Single cells", "Compare", "Genes", "Lineage", "Downloads")
MOST = 90_000  # milliseconds that a page may take on a machine with other work
LONGEST = 400_000  # milliseconds that a job of such a page may take
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium at /usr/bin/chromium: apt-get install chromium"),
]


class Server:
    """The app as the command starts it, on a free port."""

    def __init__(self, place: Path, *flags: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.place, self.flags, self.process = place, flags, None
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        called = [sys.executable, "-m", "tl_jax", "app", f"--port={self.port}", f"--state_dir={self.place / 'state'}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TLJAX_DATA": ""}
        with (self.place / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*called, *self.flags], cwd=self.place, env=environment, stdout=log, stderr=log
            )
        until = time.monotonic() + MOST / 1000
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, (self.place / "server.log").read_text()
                assert time.monotonic() < until
                time.sleep(0.2)

    def spent(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Memory that it holds."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def end(self, how=signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(30)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two studies of a cohort, one of them with names that would like to be markup, and one of cells."""
    root = tmp_path_factory.mktemp("browser") / "results"
    write_study(root / "mine")
    other = write_study(root / "other")
    for name in ("metrics", "comparisons", "predictions", "samples"):
        rows = pd.read_csv(other / f"{name}.csv", keep_default_na=False)
        for column in {"sample_id", "source", "source_a", "source_b"} & set(rows):
            rows[column] = rows[column].replace({"S003": HOSTILE, "Oxaliplatin": HOSTILE})
        write_csv(other / f"{name}.csv", rows)
    write_cells(root / "cells")
    return root


def write_cells(folder: Path) -> None:
    folder.mkdir()
    score = pd.Series(range(40)) / 40.0
    cells = pd.DataFrame({"cell": [f"C{k}" for k in range(40)], "sens_score": score, "sens_score_sd": 0.1})
    cells = cells.assign(sens_prob=0.5, sens_label=(score > 0.5).astype(int), sens_label_agreement=1.0)
    write_csv(folder / "cells.csv", cells)
    places = cells[["cell"]].assign(x=score, y=(score * 7) % 1, cluster=0, score=score, label=cells["sens_label"])
    write_csv(folder / "map.csv", places.assign(pseudotime=score, truth=(score > 0.4).astype(float)))
    signs = pd.DataFrame([(1, 0.5, 0.9, 1.0)], columns=["component", "variance", "spearman", "agreement"])
    write_csv(folder / "signs.csv", signs)
    about = {"drug": "simulib", "arm": "ridge_smoothed", "direction_settled": True, "threshold": 0.5}
    (folder / "summary.json").write_text(json.dumps(about))


@pytest.fixture(scope="module")
def server(results):
    made = Server(results.parent, f"--results={results}")
    yield made
    made.end()


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """A fresh visitor's page; faults of the console and of the page are in its list `faults`."""
    opened = []

    def begin(width=1440, theme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        page = context.new_page()
        page.set_default_timeout(MOST)
        page.faults = []
        page.on("console", lambda said: page.faults.append(said.text) if a_fault(said) else None)
        page.on("pageerror", lambda fault: page.faults.append(str(fault)))
        opened.append(context)
        return page

    yield begin
    for context in opened:
        context.close()


def a_fault(said) -> bool:
    """Whether a line of the console is a fault; Streamlit looks for its server below a page's own path first."""
    return said.type == "error" and "/study/_stcore/" not in said.location["url"]


def settled(page) -> None:
    """Wait until a page is drawn whole."""
    page.locator("h1").first.wait_for()
    still = "!document.querySelector('[data-testid=stApp][data-test-script-state=running], [data-testid=stSpinner]')"
    page.wait_for_function(still)
    page.wait_for_timeout(600)


def go(page, title: str) -> None:
    """Follow a link of the sidebar."""
    page.locator("[data-testid=stSidebar]").get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
    settled(page)


def test_the_first_screen_is_a_verdict(server, visit):
    page = visit()
    page.goto(server.address)
    page.locator(".verdict").first.wait_for()
    note(f"start of the server and first verdict: {server.spent():.1f} s of processor time of the server")
    assert "Verdict." in page.locator(".verdict").first.inner_text()
    assert page.faults == []


def note(line: str) -> None:
    """Keep a measurement beside the pictures."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with (SHOTS / "cost.txt").open("a") as file:
        file.write(f"{line}\n")


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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_and_are_kept_as_pictures(server, visit, width, theme):
    page = visit(width, theme)
    for name in ("", "study", "cells", "compare", "genes", "lineage", "downloads"):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{server.address}/{name}")
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        ground = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
        level = sum(int(part) for part in ground.removeprefix("rgb(").rstrip(")").split(",")[:3]) / 3
        assert (level < 128) == (theme == "dark"), (name, ground)
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": min(height + 40, 6000)})
        page.wait_for_timeout(500)
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name or 'results'}-{width}-{theme}.png")


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
