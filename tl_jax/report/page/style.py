"""The look of the report: one style sheet, for narrow and wide screens, light and dark, and for paper.

Every pair of text and ground has a contrast of at least 4.5 to 1 (tests/report/test_html_page.py).
"""

from __future__ import annotations

from typing import NamedTuple


class Palette(NamedTuple):
    """Colours of a page. shade: at an edge behind which a table goes on. cells: {class: (text, ground)}; each class
    also has a sign or a word."""

    ink: str
    paper: str
    soft: str
    link: str
    line: str
    verdict: str
    shade: str
    cells: dict[str, tuple[str, str]]


LIGHT = Palette(
    *("#1b1b1b", "#ffffff", "#595959", "#005b96", "#c9c9c9", "#eef4fa", "#8a8a8a"),
    cells={
        "gain": ("#08306b", "#c6dbef"),
        "loss": ("#7f2704", "#fdd0a2"),
        "open": ("#595959", "#efefef"),
        "bad": ("#7f2704", "#fdd0a2"),
        "good": ("#00441b", "#d5efcf"),
    },
)
DARK = Palette(
    *("#e6e6e6", "#16181b", "#a9adb3", "#7db9e8", "#43474d", "#1d2a36", "#8d949c"),
    cells={
        "gain": ("#cfe3f7", "#123a63"),
        "loss": ("#fddcc0", "#6a2f0c"),
        "open": ("#b5b9be", "#2a2d31"),
        "bad": ("#fddcc0", "#6a2f0c"),
        "good": ("#d2f0cf", "#17472a"),
    },
)

# Pictures are drawn on white. On a dark page their lightness is turned and hues are kept: white becomes the paper.
DARK_PICTURES = "filter: invert(.91) hue-rotate(180deg);"


def variables(palette: Palette) -> str:
    """The colours as variables of the style sheet."""
    plain = {name: value for name, value in palette._asdict().items() if name != "cells"}
    for name, (ink, ground) in palette.cells.items():
        plain |= {f"{name}-ink": ink, f"{name}-ground": ground}
    return " ".join(f"--{name}: {value};" for name, value in plain.items())


CSS = (
    f"""
:root {{ color-scheme: light dark; {variables(LIGHT)} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, "Segoe UI", Roboto,
 "DejaVu Sans", sans-serif; overflow-wrap: break-word; -webkit-text-size-adjust: 100%; }}
main, header, nav, footer {{ max-width: 68rem; margin: 0 auto; padding: 0 1rem; }}
h1 {{ font-size: 1.7rem; line-height: 1.2; margin: 1.5rem 0 .3rem; }}
h2 {{ font-size: 1.3rem; line-height: 1.25; margin: 2.6rem 0 .6rem; padding-top: .6rem;
 border-top: 2px solid var(--line); }}
h3 {{ font-size: 1.05rem; margin: 1.6rem 0 .4rem; }}
p, li {{ max-width: 46rem; }}
a {{ color: var(--link); }}
code {{ font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; overflow-wrap: anywhere; }}
code span {{ display: inline-block; max-width: 100%; }}
.subtitle, .note, figcaption {{ color: var(--soft); }}
.note, figcaption {{ font-size: .88rem; }}
.verdict {{ background: var(--verdict); border-left: 5px solid var(--link); padding: .8rem 1rem; margin: 1rem 0;
 font-size: 1.12rem; max-width: none; }}
.skip {{ position: absolute; left: -100vw; }}
.skip:focus {{ left: 1rem; background: var(--paper); padding: .5rem; }}
nav ul {{ list-style: none; padding: 0; margin: .5rem 0; columns: 15rem; font-size: .92rem; }}
nav li {{ padding: .15rem 0; break-inside: avoid; }}
.scroll {{ overflow: auto; max-height: 36rem; margin: .6rem 0;
 background: linear-gradient(to right, var(--paper) 40%, transparent) 0 0 / 3rem 100% no-repeat local,
 linear-gradient(to left, var(--paper) 40%, transparent) 100% 0 / 3rem 100% no-repeat local,
 linear-gradient(to right, var(--shade), transparent) 0 0 / 1rem 100% no-repeat scroll,
 linear-gradient(to left, var(--shade), transparent) 100% 0 / 1rem 100% no-repeat scroll; }}
figure {{ margin: 1rem 0; }}
figure .scroll {{ max-height: none; margin: 0; background: {LIGHT.paper}; }}
figure svg, figure img {{ display: block; height: auto; }}
@media screen and (prefers-color-scheme: dark) {{
 figure .scroll {{ background: var(--paper); }}
 figure svg, figure img {{ {DARK_PICTURES} }}
}}
.narrow {{ display: none; }}
figure svg * {{ stroke-linejoin: round; stroke-linecap: butt; }}
table {{ border-collapse: separate; border-spacing: 0; font-size: .88rem;
 font-variant-numeric: tabular-nums; line-height: 1.35; }}
caption {{ text-align: left; color: var(--soft); padding: .2rem 0 .4rem; position: sticky; left: 0;
 max-width: min(46rem, calc(100vw - 2rem)); }}
th, td {{ padding: .25rem .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }}
thead th {{ position: sticky; top: 0; background: var(--paper); vertical-align: bottom; min-width: 3.5rem; }}
tbody th {{ font-weight: 600; }}
.n {{ text-align: right; white-space: nowrap; }}
thead .n {{ white-space: normal; }}
thead .long {{ min-width: 11rem; }}
.tree, .tree ul {{ list-style: none; padding-left: 1.2rem; border-left: 1px solid var(--line); }}
.tree li {{ margin: .4rem 0; }}
details {{ margin: .6rem 0; }}
summary {{ cursor: pointer; color: var(--link); }}
footer {{ margin-top: 3rem; padding-bottom: 2rem; color: var(--soft); font-size: .88rem; }}
:focus-visible {{ outline: 3px solid var(--link); outline-offset: 2px; }}
"""
    + "".join(f".{name} {{ color: var(--{name}-ink); background: var(--{name}-ground); }}\n" for name in LIGHT.cells)
    + """
@media screen and (max-width: 40rem) {
 .wide { display: none; }
 nav ul { columns: 9rem; }
 tbody td:not(.n) { min-width: 8rem; }
 .narrow { display: block; }
 h1 { font-size: 1.35rem; }
 th, td { padding: .2rem .4rem; }
 table { font-size: .82rem; }
 tbody th:first-child { max-width: 48vw; position: sticky; left: 0; background: var(--paper); }
 thead .long { min-width: 13rem; }
 .tree, .tree ul { padding-left: .7rem; }
}
@media print {
 body { font-size: 10pt; }
 main, header, nav, footer { max-width: none; padding: 0; }
 .scroll { overflow: visible; max-height: none; }
 figure svg, figure img { min-width: 0 !important; max-width: 100% !important; max-height: 10cm; }
 h2 { margin-top: 1.2rem; }
 table { font-size: 7.5pt; }
 th, td { padding: 1pt 3pt; }
 thead th { position: static; }
 .n { white-space: normal; }
 tr, figure, .verdict { break-inside: avoid; }
 h2, h3, caption { break-after: avoid; }
 nav { display: none; }
 details:not([open]) > summary::after { content: " (folded; in the tables of the results folder)"; }
 td, .verdict { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
 .skip { display: none; }
}
"""
)
