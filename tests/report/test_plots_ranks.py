"""The critical-difference diagram: both files, equal bytes when drawn twice, and what must be in it."""

import re

import numpy as np
import pandas as pd
import pytest

from tl_jax.errors import InputError
from tl_jax.evaluation.statistics.ranks import friedman
from tl_jax.report.plots.ranks import critical_difference, ranks_figure
from tl_jax.report.plots.style import panels, style

pytest.importorskip("matplotlib")


def ranks(methods, blocks, name="method"):
    values = np.random.default_rng(0).standard_normal((blocks, methods)) + np.linspace(0, 2, methods)
    return friedman(pd.DataFrame(values, columns=[f"{name}{i}" for i in range(methods)]))


@pytest.mark.parametrize(("methods", "blocks"), [(3, 5), (12, 40)])
def test_every_method_stands_with_its_rank(tmp_path, methods, blocks):
    found = ranks(methods, blocks)
    svg, png = critical_difference(found, tmp_path / "a.b", "Strategies")
    assert (svg.name, png.name) == ("a.b.svg", "a.b.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert svg.read_bytes() == critical_difference(found, tmp_path / "again", "Strategies")[0].read_bytes()
    text = svg.read_text()
    for name, rank in found.average.items():
        assert re.search(rf"{rank:.2f}  {name}<|{name}  {rank:.2f}<", text)
    for words in (f"critical difference ({found.critical_difference:.2f})", "not told apart", "Strategies"):
        assert words in text


def test_long_names_stay_on_the_page(tmp_path):
    from matplotlib.figure import Figure

    seen = []
    save = Figure.savefig

    def keep(figure, *arguments, **options):
        seen.append(figure)
        return save(figure, *arguments, **options)

    found = ranks(12, 9, "copy_layer1 from Oxaliplatin > nervous_system ")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", keep)
        critical_difference(found, tmp_path / "long", "Strategies")
    seen[0].draw_without_rendering()  # measured at one resolution
    page = seen[0].bbox
    for text in seen[0].axes[0].texts:
        box = text.get_window_extent()
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1


def test_too_many_methods_are_refused(tmp_path):
    with pytest.raises(InputError, match="21 methods are too many"):
        critical_difference(ranks(21, 5), tmp_path / "a", "Strategies")


def test_on_a_phone_the_axis_keeps_its_width_and_panels_stand_below_each_other():
    """Names beside the axis once left it a fifth of the width, and three maps stood two in a row with titles cut."""
    test = ranks(3, 6, "a_name_of_some_length")
    with style(narrow=True):
        figure = ranks_figure(test, "", explained=False)
        figure.draw_without_rendering()
        (ax,) = figure.axes
        ends = ax.transData.transform([(1, 0), (3, 0)])[:, 0]
        assert np.ptp(ends) > 0.6 * figure.bbox.width
        assert panels(3) == (3, 1)
        assert panels(4) == (2, 2)
    assert panels(3) == (1, 3)
