"""Pictures of transfer between protein families: both files, equal bytes, every number and label, nothing overlaps."""

import re

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.draws.draw_verdict import verdict
from tl_jax.evaluation.draws.published import published_2022
from tl_jax.report.page.picture import picture
from tl_jax.report.plots.dti import curves_figure, heatmap_figure, size_curves, transfer_heatmap
from tl_jax.report.plots.style import style

pytest.importorskip("matplotlib")
SIZES = (2, 12, 96, 1000)


def table(sources=("gpcr", "kinase"), arms=("mode1", "mode2"), sizes=SIZES):
    """Values that all differ in two digits; intervals above, below and around 0 in turn."""
    random = np.random.default_rng(0)
    keys = [(s, a, n) for s in sources for a in arms for n in sizes] + [("", "scratch", n) for n in sizes]
    value = random.permutation(len(keys)) / 100 - 0.1
    rows = pd.DataFrame(keys, columns=["source", "arm", "size"]).assign(value=value)
    middle = np.arange(len(keys)) % 3 - 1
    low, high = np.where(middle > 0, 0.001, -1), np.where(middle < 0, -0.001, 1)
    return rows.assign(ci_low=low, ci_high=high)


def with_zero_shot(rows):
    extra = {"source": ["gpcr", "kinase"], "arm": "zero_shot", "size": 0, "value": [0.31, 0.33]}
    return pd.concat([rows, pd.DataFrame(extra)], ignore_index=True)


@pytest.mark.parametrize("draw", [transfer_heatmap, size_curves])
def test_both_files_and_equal_bytes(tmp_path, draw):
    rows = with_zero_shot(table())
    svg, png = draw(rows, tmp_path / "a.b", "Transporter as target")
    assert (svg.name, png.name) == ("a.b.svg", "a.b.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_bytes() == draw(rows, tmp_path / "again", "Transporter as target")[0].read_bytes()
    assert "Transporter as target" in svg.read_text()


def test_every_cell_holds_its_number_and_its_sign():
    rows = table()
    with style():
        ax = heatmap_figure(rows, "", reference="scratch").axes[0]
        cells = {text.get_position(): text for text in ax.texts}
        names = [label.get_text() for label in ax.get_yticklabels()]
        columns = [int(label.get_text()) for label in ax.get_xticklabels()]
    assert names == ["gpcr, mode1", "gpcr, mode2", "kinase, mode1", "kinase, mode2", "scratch"]
    for row in rows.to_dict("records"):
        name = f"{row['source']}, {row['arm']}" if row["source"] else row["arm"]
        text = cells[columns.index(row["size"]), names.index(name)]
        mark = "\u25b2" if row["ci_low"] > 0 else "\u25bc" if row["ci_high"] < 0 else ""
        assert float(text.get_text().lstrip("\u25b2\u25bc")) == pytest.approx(row["value"], abs=1e-9)
        assert text.get_text().startswith(mark)
        assert (text.get_fontweight() == "bold") == bool(mark)


def test_gains_are_symmetric_about_0_and_levels_carry_no_signs():
    rows = table()
    with style():
        gain, level = heatmap_figure(rows, "", reference="scratch"), heatmap_figure(rows, "")
    low, high = gain.axes[0].images[0].get_clim()
    assert low == -high
    assert level.axes[0].images[0].get_clim() == (rows["value"].min(), rows["value"].max())
    assert not any(mark in text.get_text() for text in level.axes[0].texts for mark in "\u25b2\u25bc")


def test_curves_bands_levels_and_published_dots():
    rows, published = with_zero_shot(table()), published_2022().rename(columns={"mcc": "value"})
    with style():
        figure = curves_figure(rows, "", published=published)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["gpcr", "kinase"]
    for ax, source in zip(figure.axes, ("gpcr", "kinase"), strict=True):
        lines = [
            (line.get_linestyle(), np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in ax.lines
        ]
        for arm, place in (("mode1", source), ("mode2", source), ("scratch", "")):
            own = rows[(rows["arm"] == arm) & (rows["source"] == place)]
            assert any(np.array_equal(x, own["size"]) and np.array_equal(y, own["value"]) for _, x, y in lines)
            theirs = published[(published["arm"] == arm) & (published["source"] == source)]
            assert any(dash == ":" and np.array_equal(y, theirs["value"]) for dash, _, y in lines)
        level = rows.loc[(rows["arm"] == "zero_shot") & (rows["source"] == source), "value"].iloc[0]
        assert any(np.array_equal(y, [level, level]) for _, _, y in lines)
        assert len(ax.collections) == 2  # a band for each arm of the source
        assert ax.get_xscale() == "log"
        assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "12", "96", "1000"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["mode1", "mode2", "zero_shot", "scratch", "published (other data), same colour"]


@pytest.mark.parametrize("sizes", [SIZES, (2, 5, 6, 12, 35, 48, 75, 96, 395, 400, 795, 1000)])
def test_labels_do_not_overlap(sizes):
    names = [f"a_rather_long_family_name_{k}" for k in range(5)]
    rows = table(names, ("average_of_several_sources", "mode1"), sizes)
    rows["ci_low"] = rows["ci_high"] = 1.0  # a mark in each cell
    with style():
        figures = [heatmap_figure(rows, "T", reference="scratch"), curves_figure(rows, "T")]
        for figure in figures:
            figure.draw_without_rendering()
            page = figure.bbox
            for ax in figure.axes:
                for labels in (ax.get_xticklabels(), ax.get_yticklabels(), ax.texts):
                    boxes = [label.get_window_extent() for label in labels if label.get_text() and label.get_visible()]
                    for k, box in enumerate(boxes):
                        assert page.x0 <= box.x0
                        assert box.x1 <= page.x1
                        assert not any(box.overlaps(other) for other in boxes[k + 1 :])


def test_more_rows_or_panels_than_fit_are_named():
    with style():
        many = table([f"family{k}" for k in range(50)])
        assert "first 80 of 101 rows" in heatmap_figure(many, "").texts[1].get_text()
        assert "first 12 of 50 sources" in curves_figure(many, "").texts[1].get_text()


def test_nothing_to_draw_and_two_values_for_one_cell(tmp_path):
    rows = table()
    for draw in (transfer_heatmap, size_curves):
        with pytest.raises(InputError, match="nothing to draw"):
            draw(rows.assign(value=np.nan), tmp_path / "a", "")
        with pytest.raises(InputError, match="two values for mode1 gpcr at 2 compounds"):
            draw(pd.concat([rows, rows.iloc[:1]]), tmp_path / "a", "")
    assert not list(tmp_path.iterdir())


def test_colours_of_a_map_stay_in_the_page():
    """A map's cells are an image inside the drawing: a reference to data, not to one of the page's ids."""
    html = picture("gain", lambda: heatmap_figure(table(), "", reference="scratch"), "a map", "")
    images = re.findall(r'<image[^>]*href="([^"]{0,40})', html)
    assert len(images) == 4  # the cells and their colour bar, wide and narrow
    assert all(image.startswith("data:image/png;base64,") for image in images)


def test_intervals_wider_than_the_metric_do_not_squeeze_the_curves():
    rows = table().assign(ci_low=-3.0, ci_high=3.0)
    with style():
        low, high = curves_figure(rows, "").axes[0].get_ylim()
    assert -1.2 < low < high < 1.2


def test_the_verdict_counts_what_is_shown():
    rows = pd.DataFrame(
        [("gpcr", arm, "scratch", "mcc", size, gain, p) for arm, size, gain, p in (
            ("mode1", 2, 0.3, 0.01), ("mode2", 2, 0.2, 0.2), ("mode1", 96, -0.2, 0.03), ("mode2", 96, 0.1, 0.04),
            ("mode1", 12, 0.3, 0.01), ("zero_shot", 2, 0.3, 0.01),
        )],
        columns=["source", "arm", "reference", "metric", "size", "difference", "p_holm"],
    )  # fmt: skip
    arms = pd.DataFrame({"metric": "mcc", "size": [0, 0, 2], "value": [0.1, 0.36, 0.9]})
    first, last, untrained = verdict(rows, arms)
    assert first.startswith("With 2 training compounds 1 of 2 transfers")
    assert first.endswith("scratch, 0 worse.")
    assert last.startswith("With 96 training compounds 1 of 2 transfers")
    assert last.endswith("scratch, 1 worse.")
    assert untrained.endswith("reach MCC 0.10 to 0.36.")
