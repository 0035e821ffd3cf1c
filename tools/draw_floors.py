"""Draw docs/figures/floors.svg, the floors of tests/test_floors.py as one picture: python -m tools.draw_floors"""

from __future__ import annotations

import ast
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "figures" / "floors.svg"
# Okabe and Ito: told apart by colour-blind readers; the name stands in each box too.
COLOURS = {"data": "#56B4E9", "evaluation": "#009E73", "report": "#E69F00", "study": "#CC79A7", "": "#DDDDDD"}


def floors() -> list[list[str]]:
    """The table FLOORS of tests/test_floors.py, read as text."""
    tree = ast.parse((ROOT / "tests" / "test_floors.py").read_text(encoding="utf-8"))
    node = next(n for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "FLOORS")
    return [sorted(rooms) for rooms in ast.literal_eval(node.value)]


def draw() -> None:
    """One box a room, one line a floor; the scripts on top."""
    levels = [*floors(), ["experiments"]]
    widest = max(len(rooms) for rooms in levels)
    figure, axes = plt.subplots(figsize=(13, 0.62 * len(levels) + 0.6))
    for height, rooms in enumerate(levels):
        axes.text(-0.15, height, "above" if height == len(levels) - 1 else str(height), ha="right", va="center")
        for place, room in enumerate(rooms):
            left = place + (widest - len(rooms)) / 2
            colour = COLOURS.get(room.partition(".")[0], COLOURS[""])
            axes.add_patch(plt.Rectangle((left + 0.03, height - 0.34), 0.94, 0.68, facecolor=colour, edgecolor="black"))
            axes.text(left + 0.5, height, room.replace(".", ".\n"), ha="center", va="center", fontsize=8)
    axes.set(xlim=(-0.7, widest + 0.1), ylim=(-0.6, len(levels) - 0.4))
    axes.set_title("An import goes down only: rooms of tl_jax by floor", loc="left")
    axes.axis("off")
    figure.savefig(OUT, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    draw()
