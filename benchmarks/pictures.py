"""The figures of the benchmarks, in the style of the other pictures."""

from __future__ import annotations

from benchmarks.common import digits, number
from tl_jax.report.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, page, sign, style

ROW, HEAD = 0.24, 0.62  # inches of a bar, and of a panel's title and axis
LIGHT = "#B8B8B8"


def bars_figure(report: dict):
    """A panel per case, a bar per entry on a logarithmic axis, the floor as a line."""
    cases = [case for case in report["cases"].values() if case["entries"]]
    heights = [ROW * len(shown(case)) + HEAD for case in cases]
    handles = [sign("tl_jax", color=BLUE, lw=6), sign("another library", color=LIGHT, lw=6)]
    if any("floor" in case["entries"] for case in cases):
        handles.append(sign("floor of this machine", color=VERMILLION, ls="--"))
    caption = (
        f"Median over rounds ({report['repeats']}), whiskers from least to most; shorter is better. "
        "x: how many times the time of tl_jax's first bar. * extrapolated from part of the fits or epochs. "
        f"{where(report['machine'])}."
    )
    with style():
        figure = page(8.6, sum(heights), "Time beside other libraries" + quick_mark(report), caption, handles)
        axes = figure.subplots(len(cases), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        for ax, case in zip(axes, cases, strict=True):
            draw_case(ax, case)
    return figure


def where(machine: dict) -> str:
    """What computed, and when."""
    processor = f"{machine['processor']}, {machine['cores']} cores"
    device = machine.get("device", {"platform": "cpu"})
    return f"{processor if device['platform'] == 'cpu' else device['kind']}, {machine['date'][:10]}"


def quick_mark(report: dict) -> str:
    return " (quick mode: no measurement)" if report["quick"] else ""


def shown(case: dict) -> dict[str, dict]:
    """The entries that are bars."""
    return {key: entry for key, entry in case["entries"].items() if key != "floor"}


def draw_case(ax, case: dict) -> None:
    """One panel: bars in the order of the entries, each with its value and ratio."""
    entries, floor = shown(case), case["entries"].get("floor")
    for place, (key, entry) in enumerate(entries.items()):
        ax.barh(place, entry["median"], height=0.7, color=BLUE if entry["side"] == "ours" else LIGHT)
        reach = [[entry["median"] - entry["min"]], [entry["max"] - entry["median"]]]
        ax.errorbar(entry["median"], place, xerr=reach, color=GREY, lw=1, capsize=2)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        place_of_text = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "bbox": box}
        ax.annotate(bar_text(case, key), (entry["max"], place), **place_of_text)
    if floor:
        ax.axvline(floor["median"], color=VERMILLION, ls="--", lw=1.2)
        first = next(iter(entries.values()))["median"] / floor["median"]
        text = f"floor {number(floor['median'])} {case['unit'].split()[0]}; first bar {number(first)} x floor"
        ax.annotate(text, (1, 0), (0, -22), "axes fraction", "offset points", ha="right", fontsize=8, color=VERMILLION)
    ax.set_xscale("log")
    medians = [entry["median"] for entry in case["entries"].values()]
    ax.set_xlim(min(medians) / 2.5, max(entry["max"] for entry in case["entries"].values()) * 6)
    ax.set_yticks(range(len(entries)), [entry["label"] for entry in entries.values()])
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(case["unit"], labelpad=1)
    ax.set_title(case["title"], loc="left", fontsize=9, fontweight="bold")
    plain_ticks(ax.xaxis)


def bar_text(case: dict, key: str) -> str:
    """Value, unit and ratio beside a bar; a star where the value is extrapolated."""
    entry, ratio = case["entries"][key], case["ratios"].get(key)
    parts = [f"{number(entry['median'])} {case['unit'].split()[0]}"]
    parts += [f"{number(ratio['median'])} x"] if ratio else []
    return ",  ".join(parts) + (" *" if "extrapolated" in entry["note"] else "")


def plain_ticks(axis) -> None:
    """A logarithmic axis with numbers as people write them, also within one decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1000 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def curves_figure(report: dict):
    """Time above, memory below; a column per factor, a line per base case with its exponent in the legend."""
    curves, factors = report["curves"], list(dict.fromkeys(curve["factor"] for curve in report["curves"]))
    looks = {
        base: (color, mark) for base, color, mark in zip(report["bases"], (BLUE, ORANGE, GREEN), "os^", strict=False)
    }
    handles = [
        sign(text, color=looks[base][0], marker=looks[base][1], lw=1.2) for base, text in report["bases"].items()
    ]
    caption = (
        "One factor varied at a time, each point in a fresh process; warm calls, median of "
        f"{report['repeats']}. Memory: the process's highest resident memory above that before any data. "
        "Exponents: least squares on logarithms. "
        f"{where(report['machine'])}."
    )
    with style():
        figure = page(10.6, 5.2, "How time and memory grow" + quick_mark(report), caption, handles)
        axes = figure.subplots(2, len(factors), squeeze=False)
        for row, (measure, label) in enumerate((("seconds", "seconds"), ("memory_mib", "MiB"))):
            for ax, factor in zip(axes[row], factors, strict=True):
                for curve in (curve for curve in curves if curve["factor"] == factor):
                    draw_curve(ax, curve, measure, looks[curve["base"]])
                finish_curves(ax, factor, label if factor == factors[0] else "")
    return figure


def draw_curve(ax, curve: dict, measure: str, look: tuple[str, str]) -> None:
    """One line with its exponent for the legend."""
    power = curve["exponents"][measure]
    text = f"exponent {digits(power)}" if power is not None else "no exponent"
    values = [point["value"] for point in curve["points"]]
    costs = [point[measure] for point in curve["points"]]
    ax.plot(values, costs, color=look[0], marker=look[1], ms=4, lw=1.2, label=text)


def finish_curves(ax, factor: str, label: str) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(factor)
    ax.set_ylabel(label)
    ax.legend(frameon=False, fontsize=7)
    ax.autoscale_view()
    plain_ticks(ax.xaxis)
    plain_ticks(ax.yaxis)
