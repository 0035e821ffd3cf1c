"""The figures of the calibration, drawn from its report."""

from __future__ import annotations

from benchmarks.calibration.verdicts import TESTS
from tl_jax.report.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILLION, page, sign, style

LOOK = {22: (BLUE, "o"), 83: (ORANGE, "s")}
EVENTS = {"better": (BLUE, "o"), "same": (GREEN, "^"), "worse": (ORANGE, "s")}
POWER = {"corrected_t": (BLUE, "o"), "wilcoxon_repeats": (VERMILLION, "^")}
SHORT = {
    "corrected_t": "corrected t over folds",
    "bayes": "Bayesian, P > .95",
    "wilcoxon_repeats": "Wilcoxon over repeats",
    "t_repeats": "t over repeats",
    "t_folds": "t over folds",
    "wilcoxon_folds": "Wilcoxon over folds",
    "swap": "swap permutation",
    "bootstrap": "bootstrap over samples",
}


def point(ax, x: float, y: float, low: float, high: float, look: tuple[str, str], across: bool = False) -> None:
    """A value with its interval, along y, or along x where `across`."""
    color, marker = look
    reach = [[max(0.0, (x if across else y) - low)], [max(0.0, high - (x if across else y))]]
    bars = {"xerr": reach} if across else {"yerr": reach}
    ax.errorbar(x, y, **bars, color=color, marker=marker, markersize=4.5, linewidth=1, capsize=2)


def rates_figure(report: dict):
    """Rejections of equally good arms: a row per test, a mark per cohort size."""
    handles = [sign(f"{n} samples", color=c, marker=m, linestyle="none") for n, (c, m) in LOOK.items()]
    handles.append(sign("claimed: .05", color="black", linestyle="--"))
    studies = [line["studies"] for line in report["null"] if line["signal"] == "all"]
    caption = (
        "Two measurements of the same samples, by ridge, 10 repeats of 3 (22 samples) or 5 folds (83). Bars: 95 % "
        f"binomial intervals; {min(studies):,} studies of each size."
    )
    with style():
        figure = page(8.6, 0.3 * len(TESTS) + 0.6, "How often equally good arms are called different", caption, handles)
        ax = figure.add_subplot()
        ax.axvline(0.05, color="black", linestyle="--", linewidth=1)
        for line in report["null"]:
            if line["signal"] == "all":
                place = list(TESTS).index(line["test"]) + (-0.13 if line["n"] == 22 else 0.13)
                point(ax, line["rate"], place, line["low"], line["high"], LOOK[line["n"]], across=True)
        ax.set_yticks(range(len(TESTS)), [SHORT[test] for test in TESTS])
        ax.set_ylim(len(TESTS) - 0.5, -0.5)
        ax.set_xlim(0, 0.75)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=GREY, alpha=0.2, linewidth=0.6)
        ax.set_xlabel("share of studies with p at most .05")
    return figure


def transfer_figure(report: dict):
    """Reliability of the Bayesian probabilities above, power of the tests below, a column per cohort size."""
    words = {"better": "better by > .05", "same": "equivalent", "worse": "worse by > .05"}
    handles = [sign(words[event], color=c, marker=m, linestyle="none") for event, (c, m) in EVENTS.items()]
    tests = {"corrected_t": "corrected t", "wilcoxon_repeats": "Wilcoxon over repeats (false alarms at 0)"}
    handles += [sign(tests[test], color=c, marker=m, lw=1.2) for test, (c, m) in POWER.items()]
    caption = (
        "Ridge with and without the prediction of a source model; populations of relatedness 0 to 1. Above: "
        "probabilities as stated and as they come true, in bins; on the line they are calibrated. Below: rejections "
        "against the true difference; dotted: .05 and .8. Bars: 95 % binomial intervals, as if studies were "
        "independent (three share a population)."
    )
    with style():
        figure = page(8.6, 5.6, "Probabilities and power where transfer helps, harms or does nothing", caption, handles)
        axes = figure.subplots(2, 2)
        for column, n in enumerate(sorted({line["n"] for line in report["power"]})):
            draw_reliability(axes[0][column], [line for line in report["reliability"] if line["n"] == n])
            draw_power(axes[1][column], [line for line in report["power"] if line["n"] == n])
            axes[0][column].set_title(f"{n} samples", loc="left", fontsize=8.5, fontweight="bold")
        axes[0][0].set_ylabel("share of studies where it is true")
        axes[1][0].set_ylabel("share of studies with p at most .05")
    return figure


def draw_reliability(ax, lines: list[dict]) -> None:
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    for shift, (event, look) in zip((-0.008, 0, 0.008), EVENTS.items(), strict=True):
        for line in (line for line in lines if line["event"] == event and line["studies"] >= 10):
            point(ax, line["stated"] + shift, line["rate"], line["low"], line["high"], look)
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel("stated probability (bins of 10 studies or more)")


def draw_power(ax, lines: list[dict]) -> None:
    for level in (0.05, 0.8):
        ax.axhline(level, color=GREY, linestyle=":", linewidth=1)
    for test, look in POWER.items():
        mine = [line for line in lines if line["test"] == test and line["studies"] >= 10]
        ax.plot([line["truth"] for line in mine], [line["rate"] for line in mine], color=look[0], linewidth=1.2)
        for line in mine:
            point(ax, line["truth"], line["rate"], line["low"], line["high"], look)
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel("true difference in Spearman per fold (bins of 10 studies or more)")
