"""A server of the app and what a visitor's page is asked for in a real browser."""

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

from tl_jax.report.tables import write_csv

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parents[2]
SHOTS = Path(os.environ.get("TLJAX_SCREENSHOTS", ROOT / ".pytest_cache" / "screenshots"))
HOSTILE = '<img src=x onerror="window.hit=1"> [a](javascript:alert(1)) **b** $x$'
BELOW = re.compile(r"127\.0\.0\.1:\d+/\w+/_stcore/")
MOST = 90_000  # milliseconds that a page may take on a machine with other work


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


def a_fault(said) -> bool:
    """Whether a line of the console is a fault; Streamlit looks for its server below a page's own path first."""
    return said.type == "error" and not BELOW.search(said.location["url"])


def settled(page) -> None:
    """Wait until a page is drawn whole."""
    page.locator("h1").first.wait_for()
    still = "!document.querySelector('[data-testid=stApp][data-test-script-state=running], [data-testid=stSpinner]')"
    page.wait_for_function(still)
    page.wait_for_timeout(600)


def fits(page, width: int, theme: str, name: str) -> None:
    """Nothing is wider than the screen, the ground is that of the theme; all of the page is kept as a picture."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    ground = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    level = sum(int(part) for part in ground.removeprefix("rgb(").rstrip(")").split(",")[:3]) / 3
    assert (level < 128) == (theme == "dark"), (name, ground)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(height + 40, 6000)})
    page.wait_for_timeout(500)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png")


def go(page, title: str) -> None:
    """Follow a link of the sidebar."""
    page.locator("[data-testid=stSidebar]").get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
    settled(page)


def note(line: str) -> None:
    """Keep a measurement beside the pictures."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with (SHOTS / "cost.txt").open("a") as file:
        file.write(f"{line}\n")
