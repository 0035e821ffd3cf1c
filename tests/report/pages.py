"""A page as its elements: what the tests of the report look at."""

from html.parser import HTMLParser

VOID = {"br", "img", "meta", "link"}


class Page(HTMLParser):
    """Every element with its attributes, path and text; a tag out of place fails at once."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {[e['tag'] for e in self.open]}"

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        path = [e["tag"] for e in self.open]
        element = {"tag": tag, "attrs": dict(attrs), "path": path, "text": "", "children": []}
        if self.open:
            self.open[-1]["children"].append(element)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        assert "svg" in self.open[-1]["path"] or tag == "svg", f"<{tag}/> closes itself outside of SVG"
        self.open.pop()

    def handle_endtag(self, tag):
        assert tag not in VOID, f"</{tag}>"
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1]["tag"] == tag, f"</{tag}> closes <{self.open[-1]['tag']}>"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, *tags, **attrs):
        """Elements of these tags with these attributes (class_ for class)."""
        wanted = {name.rstrip("_"): value for name, value in attrs.items()}
        return [
            e
            for e in self.elements
            if (not tags or e["tag"] in tags) and all(e["attrs"].get(k) == v for k, v in wanted.items())
        ]

    def table(self, caption):
        """{first cell and second: the row's cells} of the only table whose caption begins so."""
        found = [t for t in self.all("table") if t["children"][0]["text"].startswith(caption)]
        assert len(found) == 1, f"{len(found)} tables begin with {caption!r}"
        _, head, body = found[0]["children"]
        return [c["text"] for c in head["children"][0]["children"]], [
            [c["text"] for c in row["children"]] for row in body["children"]
        ]
