"""Pictures of a response that was learned as a logarithm stand in the unit that was measured."""

import numpy as np
import pandas as pd
import pytest

from tl_jax.report.plots.intervals import prediction_figure, told_of
from tl_jax.report.plots.scatter import predicted_figure
from tl_jax.report.plots.style import style

KEYS = {"experiment": "exp4_target", "arm": "ridge", "source": "", "protocol": "honest", "repeat": 0, "fold": 0}


@pytest.fixture
def rows():
    y = np.linspace(-2, 2, 12)
    return pd.DataFrame({"sample_id": [f"S{k}" for k in range(12)], "y_true": y, "y_pred": y[::-1]}).assign(**KEYS)


def labels(ax):
    ax.figure.canvas.draw()
    return [float(tick.get_text().replace("\u2212", "-")) for tick in ax.get_xticklabels() if tick.get_text()]


def test_ticks_of_the_scatter_are_measured_values(rows):
    with style():
        figure = predicted_figure(rows, "", "log10 of IC50 (uM)")
        assert min(labels(figure.axes[0])) > 0
        assert max(labels(figure.axes[0])) >= 10
        plain = predicted_figure(rows, "", "score")
        assert min(labels(plain.axes[0])) < 0
    said = " ".join(text.get_text() for text in figure.findobj() if hasattr(text, "get_text"))
    assert "response: IC50 (uM)" in said
    assert "log10 of" not in said


def test_intervals_of_concentrations_have_a_logarithmic_axis(rows):
    own = rows.assign(y_true=10.0 ** rows["y_true"], low=0.01, high=1e3, level=0.9, method="")
    with style():
        assert prediction_figure(own, "log10 of IC50 (uM)").axes[0].get_yscale() == "log"
        assert prediction_figure(own, "IC50 (uM)").axes[0].get_yscale() == "linear"


def test_a_fold_of_too_few_residuals_has_no_interval_to_tell(rows):
    own = rows.assign(low=-np.inf, high=np.inf, level=0.9, method="")
    assert told_of(own.iloc[0].to_dict()) == "S0: observed -2, no interval: too few residuals"
    assert "interval -3 to 3" in told_of({**own.iloc[0].to_dict(), "low": -3.0, "high": 3.0})
