"""Figures inside the page: as SVG with text that scales, or as PNG where the SVG would be heavy."""

from __future__ import annotations

import base64
import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import NamedTuple

from tl_jax.errors import InputError
from tl_jax.report.blocks import printable
from tl_jax.report.page.tags import Html, paragraph, scrolling, tag
from tl_jax.report.plots.style import CAPTION, CAPTION_LINE, DPI, settle, style

HEAVY = 400_000  # characters of SVG beyond which a picture is embedded as PNG
PX_PER_PT = 4 / 3
# A picture is shown at least and at most so many times its own width; a narrow screen scrolls.
LEAST, MOST = 0.8, 1.25
HREF = "{http://www.w3.org/1999/xlink}href"


def picture(name: str, draw: Callable, label: str, caption: str) -> Html:
    """The figure that `draw()` gives, with its caption; `name` is unique in the page, `label` says what it shows.

    Where matplotlib is not installed, a line says so in its place.
    """
    try:
        with style():
            wide = _drawn(draw())
        with style(narrow=True):
            narrow = _drawn(draw())
    except InputError as error:
        return paragraph(f"Without its picture ({label}): {error}.", class_="note")
    # The style sheet shows one of the two.
    inside = [
        scrolling(_markup(one, ident, label), f"Picture: {label}", kind)
        for one, ident, kind in ((wide, name, "wide"), (narrow, f"{name}-narrow", "narrow"))
    ]
    return tag("figure", *inside, tag("figcaption", f"{caption} {wide.caption}".strip()))


class Drawn(NamedTuple):
    """A figure as SVG, as PNG where that is heavy, its width in CSS pixels, the caption, which leaves it, and {id of a
    line: words for each of its markers}."""

    svg: str
    png: bytes | None
    width: float
    caption: str
    told: dict[str, list[str]]


def _markup(drawn: Drawn, name: str, label: str) -> Html:
    """A figure as an element."""
    look = f"width:100%;max-width:{MOST * drawn.width:.0f}px;min-width:{LEAST * drawn.width:.0f}px"
    if drawn.png is None:
        return _inline(drawn.svg, name, label, look, drawn.told)
    data = base64.b64encode(drawn.png).decode()
    return tag("img", src=f"data:image/png;base64,{data}", alt=label, style=look)


def _drawn(figure) -> Drawn:
    """A figure, drawn."""
    from matplotlib.transforms import Bbox

    with warnings.catch_warnings():
        # The reader's own fonts draw what the font of this machine lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        settle(figure)
        told = {f"told{k}": one for k, one in enumerate(figure.findobj(lambda one: hasattr(one, "told")))}
        for gid, one in told.items():
            one.set_gid(gid)
        texts = [one for one in figure.texts if one.get_gid() == CAPTION]
        lines = [line for one in texts for line in one.get_text().split("\n") if line]
        for one in texts:
            one.remove()
        width, height = figure.get_size_inches()
        # The room below the axes that was set aside for the caption.
        kept = Bbox.from_extents(0, CAPTION_LINE * len(lines), width, height)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None}, bbox_inches=kept)
        svg = buffer.getvalue()
        png = _png(figure, kept) if len(svg) > HEAVY else None
    return Drawn(svg, png, width * 72 * PX_PER_PT, " ".join(lines), {gid: one.told for gid, one in told.items()})


def _png(figure, kept) -> bytes:
    """A figure as PNG of 64 colours, a quarter of the size of one of all colours."""
    from PIL import Image

    image, small = io.BytesIO(), io.BytesIO()
    figure.savefig(image, format="png", dpi=DPI, bbox_inches=kept)
    # Pillow comes with matplotlib.
    Image.open(image).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def _inline(svg: str, name: str, label: str, look: str, told: dict[str, list[str]]) -> Html:
    """SVG as part of the page: no namespaces, no style of its own, ids that no other picture has, words on hover."""
    root = ET.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            # The metadata name a foreign address; the style would reach the whole page (style.py has it).
            if child.tag.endswith("}metadata") or child.tag.endswith("}style"):
                parent.remove(child)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    for element in list(root.iter()):
        if element.get("id") in told:
            _tell(element, told[element.get("id")])
        element.tag = element.tag.split("}")[-1]
        element.attrib = {
            ("href" if key == HREF else key): _renamed(key, value, name)
            for key, value in element.attrib.items()
            if not (key == "id" and value not in used)
        }
        if "id" in element.attrib:
            element.set("id", f"{name}-{element.get('id')}")
    view = root.get("viewBox")
    root.attrib = {"viewBox": view, "role": "img", "aria-label": label, "style": look}
    return Html(ET.tostring(root, encoding="unicode"))


def _tell(group: ET.Element, words: list[str]) -> None:
    """Give each marker of a group its words, where all markers were drawn."""
    markers = [one for one in group.iter() if one.tag.endswith("}use")]
    if len(markers) == len(words):
        for marker, text in zip(markers, words, strict=True):
            ET.SubElement(marker, "title").text = printable(text)


def _renamed(key: str, value: str, name: str) -> str:
    """An attribute's value with references to this picture's ids after their new names; #d55e00 is a colour.

    What refers to no id holds an image itself, as data.
    """
    return f"#{name}-{value[1:]}" if key == HREF and value.startswith("#") else value.replace("url(#", f"url(#{name}-")
