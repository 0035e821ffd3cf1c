"""Figures inside the page: as SVG with text that scales, or as PNG where the SVG would be heavy."""

from __future__ import annotations

import base64
import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable

from tl_jax.errors import InputError
from tl_jax.report.html_tags import Html, paragraph, scrolling, tag
from tl_jax.report.plots_style import DPI, settle, style

HEAVY = 220_000  # characters of SVG beyond which a picture is embedded as PNG
PX_PER_PT = 4 / 3
LEAST = 0.85  # a narrow screen shows a picture at this share of its width or larger, and scrolls
HREF = "{http://www.w3.org/1999/xlink}href"


def picture(name: str, draw: Callable, label: str, caption: str) -> Html:
    """The figure that `draw()` gives, with its caption; `name` is unique in the page, `label` says what it shows.

    Where matplotlib is not installed, a line says so in its place.
    """
    try:
        with style():
            svg, width, png = _drawn(draw())
    except InputError as error:
        return paragraph(f"Without its picture ({label}): {error}.", class_="note")
    look = f"width:100%;max-width:{width:.0f}px;min-width:{LEAST * width:.0f}px"
    if png is None:
        inside = _inline(svg, name, label, look)
    else:
        data = base64.b64encode(png).decode()
        inside = tag("img", src=f"data:image/png;base64,{data}", alt=label, style=look)
    return tag("figure", scrolling(inside, f"Picture: {label}"), tag("figcaption", caption))


def _drawn(figure) -> tuple[str, float, bytes | None]:
    """A figure as SVG, its width in CSS pixels, and as PNG where the SVG is heavy."""
    with warnings.catch_warnings():
        # The reader's own fonts draw what the font of this machine lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        settle(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None})
        svg, width = buffer.getvalue(), figure.get_figwidth() * 72 * PX_PER_PT
        if len(svg) <= HEAVY:
            return svg, width, None
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=DPI, metadata={"Software": None})
        return svg, width, image.getvalue()


def _inline(svg: str, name: str, label: str, look: str) -> Html:
    """SVG as part of the page: no namespaces, no style of its own, ids that no other picture has."""
    root = ET.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            # The metadata name a foreign address; the style would reach the whole page (html_style.py has it).
            if child.tag.endswith("}metadata") or child.tag.endswith("}style"):
                parent.remove(child)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    for element in root.iter():
        element.tag = element.tag.split("}")[-1]
        element.attrib = {
            ("href" if key == HREF else key): _renamed(value, name)
            for key, value in element.attrib.items()
            if not (key == "id" and value not in used)
        }
        if "id" in element.attrib:
            element.set("id", f"{name}-{element.get('id')}")
    view = root.get("viewBox")
    root.attrib = {"viewBox": view, "role": "img", "aria-label": label, "style": look}
    return Html(ET.tostring(root, encoding="unicode"))


def _renamed(value: str, name: str) -> str:
    """References to ids of this picture, after the ids."""
    return re.sub(r"^#|(?<=url\()#", f"#{name}-", value)
