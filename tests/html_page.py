"""A page taken apart, and held to being well-formed."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags with their attributes, and the texts; complains of tags left open."""

    VOID = ("meta", "img", "link", "br", "line", "circle", "polyline", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(" ".join(data.split()))

    def all(self, tag: str, attribute: str) -> list[str]:
        """The values of an attribute of all tags of a kind that have it."""
        return [a[attribute] or "" for t, a in self.tags if t == tag and attribute in a]

    def count(self, tag: str) -> int:
        """How many tags of a kind there are."""
        return sum(t == tag for t, _ in self.tags)
