"""A server with finished studies, and visitors of it, for the tests in a real browser."""

import pandas as pd
import pytest
from browser import CHROMIUM, HOSTILE, MOST, Server, a_fault, write_cells
from compounds_studied import settled_model
from studies import write_study

from tl_jax.report.tables import write_csv


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


@pytest.fixture(scope="module")
def server(results):
    settled_model(results.parent / "models" / "own")
    made = Server(results.parent, f"--results={results}", f"--models={results.parent / 'models'}")
    yield made
    made.end()


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright  # an extra, which other tests of the app do without

    with sync_playwright() as playwright:
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
