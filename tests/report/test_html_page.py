"""The report as a page: well-formed, accessible, self-contained, the same twice; names stay text."""

import re
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from pages import Page
from studies import write_study

from tl_jax.report.blocks import Code, bullets
from tl_jax.report.page import picture as html_picture
from tl_jax.report.page.page import report_page, write_report
from tl_jax.report.page.render import rendered
from tl_jax.report.page.style import CSS, DARK, DARK_PICTURES, LIGHT
from tl_jax.report.sections.arms import prediction_intervals
from tl_jax.report.sections.entries import SECTIONS
from tl_jax.report.sections.study import read_study

pytest.importorskip("matplotlib")
EVIL = '<script>alert(1)</script> & "$x$" \u540d\x07'
SHOWN_EVIL = EVIL.replace("\x07", "\ufffd")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study with one source whose name is an attack."""
    return write_study(tmp_path_factory.mktemp("study") / "out", (EVIL, "nervous_system"), ("zero_shot", "copy_layer1"))


@pytest.fixture(scope="module")
def text(folder):
    return write_report(folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_every_section_is_there_in_its_order(page):
    anchors = [*(s.anchor for s in SECTIONS), "words"]
    assert [s["attrs"]["id"] for s in page.all("section")] == anchors
    links = [a["attrs"]["href"] for a in page.all("a") if "nav" in a["path"]]
    assert links == [f"#{anchor}" for anchor in anchors]


def test_ids_are_unique_and_every_reference_has_its_target(page):
    ids = [e["attrs"]["id"] for e in page.elements if "id" in e["attrs"]]
    assert len(set(ids)) == len(ids)
    named = [e["attrs"]["aria-labelledby"] for e in page.elements if "aria-labelledby" in e["attrs"]]
    named += [e["attrs"]["href"][1:] for e in page.elements if e["attrs"].get("href", "").startswith("#")]
    for element in page.elements:
        named += [match for v in element["attrs"].values() for match in re.findall(r"url\(#([^)]+)\)", v or "")]
    assert len(named) > 50
    assert set(named) <= set(ids)


def test_headings_go_down_one_step_at_a_time(page):
    levels = [int(e["tag"][1]) for e in page.elements if re.fullmatch("h[1-6]", e["tag"])]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_the_page_names_its_language_title_and_width(page):
    assert page.all("html")[0]["attrs"]["lang"] == "en"
    assert page.all("title")[0]["text"] == "My cohort"
    assert "width=device-width" in page.all("meta", name="viewport")[0]["attrs"]["content"]


def test_every_picture_says_what_it_shows(page):
    pictures = page.all("svg", "img")
    assert len(pictures) == 2 * 9  # each wide, and narrow for a phone
    for one in pictures:
        label = one["attrs"].get("aria-label") if one["tag"] == "svg" else one["attrs"].get("alt")
        assert len(label) > 30
        assert one["tag"] == "img" or one["attrs"]["role"] == "img"
        assert "figure" in one["path"]
    assert len(page.all("figcaption")) == len(page.all("figure")) == 9
    for figure in page.all("figure"):
        assert [one["attrs"]["class"] for one in figure["children"][:2]] == ["scroll wide", "scroll narrow"]


def test_every_table_has_a_caption_and_scopes(page):
    for one in page.all("table"):
        assert one["children"][0]["tag"] == "caption"
        assert one["children"][0]["text"]
    assert all(e["attrs"].get("scope") in ("row", "col") for e in page.all("th"))
    for row in page.all("tr"):
        assert row["children"][0]["tag"] == "th"
    widths = {
        len(page.table(caption)[0]) for caption in ("Each arm minus scratch: Spearman per fold, protocol honest",)
    }
    assert widths == {10}


def test_wide_things_scroll_inside_their_own_box(page):
    for one in page.all("table", "svg", "img"):
        assert "div" in one["path"]
    for box in page.all("div"):
        assert box["attrs"]["tabindex"] == "0"
        assert box["attrs"]["role"] == "region"
        assert box["attrs"]["aria-label"]


def test_nothing_is_fetched_and_nothing_runs(page, text):
    for element in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            value = element["attrs"].get(name, "#")
            assert value.startswith(("#", "data:image/png;base64,", "https://doi.org/")), value[:60]
        assert not [name for name in element["attrs"] if name.startswith("on")]
    assert not page.all("script", "link", "iframe", "object", "embed")
    assert "@import" not in text
    assert "url(" not in CSS
    assert "http://" not in text


def test_an_attack_stays_text(page, text):
    assert "<script" not in text
    assert "\x07" not in text
    assert SHOWN_EVIL in page.all("section", id="gain")[0]["text"]
    in_pictures = [e["text"] for e in page.all("text") if "<script" in e["text"]]
    assert any("alert" in label or "scri" in label for label in in_pictures)
    assert any("$" in e["text"] for e in page.all("td", "th"))  # no mathematics made of a name


@pytest.mark.full
def test_the_same_tables_give_the_same_bytes(folder, text, tmp_path):
    # In another place, under another name, read anew.
    again = shutil.copytree(folder, tmp_path / "another place")
    assert write_report(again, tmp_path / "deep" / "page.html").read_bytes() == text.encode()


def test_an_earlier_report_is_replaced_and_nothing_else_is_touched(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "report.html"}
    (folder / "report.html").write_text("an old one")
    assert "an old one" not in write_report(folder).read_text(encoding="utf-8")
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "report.html"} == before


def test_without_matplotlib_the_page_stands_and_says_so(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = Page(report_page(read_study(folder)))
    assert not page.all("svg", "img")
    notes = [p["text"] for p in page.all("p", class_="note")]
    assert len([n for n in notes if "pip install tl_jax[plots]" in n]) == 9
    assert [s["attrs"]["id"] for s in page.all("section")] == [*(s.anchor for s in SECTIONS), "words"]


def test_a_heavy_picture_becomes_a_png(monkeypatch):
    from tl_jax.report.plots.shares import variance_figure

    rows = [("scratch", "", "honest", part, 0.1, 0.5) for part in ("partition", "initialisation")]
    frame = pd.DataFrame(rows, columns=["arm", "source", "protocol", "component", "variance", "share"])

    def made():
        html = html_picture.picture("one", lambda: variance_figure(frame), 'shares, "two"', "Caption.")
        return html, Page(html)

    assert made()[1].all("svg")
    monkeypatch.setattr(html_picture, "HEAVY", 10)
    html, page = made()
    assert not page.all("svg")
    assert page.all("img")[0]["attrs"]["alt"] == 'shares, "two"'
    assert made()[0] == html


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(palette):
    pairs = [*palette.cells.values(), *((ink, palette.paper) for ink in (palette.ink, palette.soft, palette.link))]
    pairs.append((palette.ink, palette.verdict))
    for one, other in pairs:
        assert contrast(one, other) >= 4.5, (one, other)
    assert not re.findall(r"(?<![\w-])color: (#\w+)", CSS)  # every colour of text is one of the palette's
    used = set(re.findall(r"var\((--[\w-]+)\)", CSS))
    assert used <= set(re.findall(r"(--[\w-]+):", CSS))


def test_points_tell_their_sample_on_hover(folder, page):
    """Each drawn sample of the scatter has its name, once per panel, and the numbers that the tables hold."""
    titles = [e for e in page.elements if e["tag"] == "title" and "svg" in e["path"]]
    words = [e["text"] for e in titles]
    rows = pd.read_csv(folder / "predictions.csv", keep_default_na=False)
    one = rows[(rows["arm"] == "ridge") & (rows["protocol"] == "honest") & (rows["sample_id"] == "S003")]
    observed, predicted = one["y_true"].iloc[0], one["y_pred"].mean()
    assert f"S003: observed {observed:.3g}, predicted {predicted:.3g}" in words
    assert len(words) > 22


def html(blocks):
    return "".join(map(rendered, blocks))


def test_intervals_without_an_end_are_drawn(folder, tmp_path):
    """Few residuals give endless intervals; undefined ones are empty cells."""
    table = pd.read_csv(folder / "prediction_intervals.csv", keep_default_na=False)
    table.loc[::3, ["low", "high"]] = [-np.inf, np.inf]
    table.loc[1::7, ["low", "high"]] = np.nan
    other = tmp_path / "endless"
    other.mkdir()
    shutil.copy(folder / "metrics.csv", other)
    table.to_csv(other / "prediction_intervals.csv", index=False)
    study = read_study(other)
    made = Page(html(prediction_intervals(study)))
    assert len(made.all("svg")) == 2
    assert "nan" not in "".join(e["attrs"].get("d", "") for e in made.all("path"))
    table.assign(low=np.nan, high=np.nan).to_csv(other / "prediction_intervals.csv", index=False)
    assert Page(html(prediction_intervals(read_study(other)))).all("svg")


def test_a_command_breaks_between_its_words_alone():
    """A browser would break it after the signs of a flag, which reads as another command."""
    found = str(rendered(bullets([("run: ", Code("tl_jax predict --study=A"))])))
    assert "<span>tl_jax</span> <span>predict</span> <span>--study=A</span>" in found
    assert "<code>one</code>" in str(rendered(bullets([(Code("one"),)])))


def test_on_a_dark_page_pictures_are_as_dark_as_its_paper():
    """invert(a) makes white (1 - a) and black a, where grey has no hue to turn; text on it keeps its contrast."""
    share = float(re.search(r"invert\(([\d.]+)\)", DARK_PICTURES).group(1))
    ground, text = (f"#{round(255 * level):02x}" + f"{round(255 * level):02x}" * 2 for level in (1 - share, share))
    assert contrast(text, ground) >= 4.5
    assert contrast(ground, DARK.paper) < 1.1
    assert DARK_PICTURES in CSS
