"""The page of compounds in a real browser: pasted, predicted, drawn."""

import pytest

pytest.importorskip("streamlit", reason="the app needs tl_jax[app]")
pytest.importorskip("playwright", reason="a browser needs playwright (make test-app)")
pytest.importorskip("rdkit", reason="compounds need rdkit: pip install tl_jax[chem]")

from browser import CHROMIUM, HOSTILE, fits, settled

LONGEST = 200_000  # milliseconds that a prediction may take
LINES = (
    "Cc1cc(C(N)=O)cc(-c2ccccc2)c1 amide",
    "CC(=O)Oc1ccccc1C(=O)O aspirin",
    "CN1C=NC2=C1C(=O)N(C)C(=O)N2C caffeine",
    "OCC(O)CO glycerin",
    f"c1ccccc1CN {HOSTILE}",
    "C1CC broken",
)
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium at /usr/bin/chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def place():
    """The address of a prediction that was made; by whoever comes first."""
    return {}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pasted_compounds_are_predicted_and_drawn(server, visit, place, width, theme):
    page = visit(width, theme)
    page.goto(place.get("address", f"{server.address}/compounds"))
    settled(page)
    if not place:
        page.get_by_label("SMILES, one a line").fill("\n".join(LINES))
        page.get_by_role("button", name="Predict").click()
        page.get_by_role("heading", name="Which atoms").wait_for(timeout=LONGEST)
        place["address"] = page.url
    page.get_by_role("heading", name="Which atoms").wait_for()
    settled(page)
    drawn = page.locator(".drawings img")
    assert drawn.count() == 5
    sizes = page.evaluate("[...document.querySelectorAll('.drawings img')].map(one => one.naturalWidth)")
    assert min(sizes) > 100  # the browser could read every one
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.hit") is None
    cautions = page.locator(".cards").get_by_text("unlike every training compound")
    assert cautions.count() == 4
    for number in range(4):
        box = cautions.nth(number).bounding_box()
        assert box["x"] + box["width"] <= width  # a caution beyond the edge of a phone is none
    page.locator(".js-plotly-plot").first.wait_for()
    fits(page, width, theme, "compounds-predicted")
    assert page.faults == []
