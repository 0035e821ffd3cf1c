"""A figure of predicted compounds: how known each is, and how likely active."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from tl_jax.app.parts.figures import BLUE, ORANGE, text

KINDS = (("True", "like a training compound", BLUE, "circle"), ("False", "unlike all of them", ORANGE, "square"))


def reach(rows: pd.DataFrame) -> go.Figure:
    """Probability against the similarity to the nearest training compound. rows: those that were predicted."""
    figure = go.Figure()
    for value, name, colour, shape in KINDS:
        own = rows[rows["in_domain"] == value]
        if own.empty:
            continue
        figure.add_trace(
            go.Scattergl(
                x=own["nearest_tanimoto"],
                y=own["probability"],
                mode="markers",
                marker={"color": colour, "symbol": shape, "size": 10, "line": {"width": 0.5, "color": "#8A8A8A"}},
                name=name,
                text=[text(one) for one in own["id"]],
                hovertemplate="%{text}<br>similarity %{x:.2f}<br>probability %{y:.2f}<extra></extra>",
            )
        )
    figure.update_layout(
        height=360,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": -0.25},
        showlegend=True,
        xaxis={"title": "similarity to the nearest training compound", "range": [-0.03, 1.03]},
        yaxis={"title": "probability of being active", "range": [-0.05, 1.05]},
    )
    return figure
