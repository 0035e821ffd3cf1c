"""HTML from Python values: whatever is not markup already is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable

from tl_jax.report.blocks import printable

EMPTY = ("br", "img", "meta", "link")  # elements without content, which have no end tag


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value) -> Html:
    """A value as escaped text; markup stays as it is."""
    return value if isinstance(value, Html) else Html(html.escape(printable(str(value))))


def join(children: Iterable) -> Html:
    """Children one after another."""
    return Html("".join(text(child) for child in children))


def tag(name: str, /, *children, **attributes) -> Html:
    """An element. Attribute names: class_ is class, aria_label is aria-label; True has no value, None is left out."""
    parts = [name]
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is not None and value is not False:
            parts.append(key if value is True else f'{key}="{text(value)}"')
    start = f"<{' '.join(parts)}>"
    return Html(start if name in EMPTY else f"{start}{join(children)}</{name}>")


def paragraph(*children, **attributes) -> Html:
    return tag("p", *children, **attributes)


def scrolling(content: Html, name: str, kind: str = "") -> Html:
    """A box of its own for what is wider than a narrow screen; it takes the focus, so that keys can scroll it."""
    return tag(
        "div",
        content,
        class_=f"scroll {kind}".strip(),
        tabindex=0,
        role="region",
        aria_label=f"{name} (scrolls sideways)",
    )
