"""What the code and the docs cite in brackets stands in ``docs/references.bib``, and nothing else does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KEY = r"[A-Z][A-Za-z]*\d{2,}(?:-\d+)*"  # Levin2008, CIE15, IEC61966-2-1
CITATION = re.compile(rf"\[({KEY}(?:,\s+{KEY})*)\]")
ENTRY = re.compile(r"^@(\w+)\{([^,\s]+),$(.*?)^\}$", re.MULTILINE | re.DOTALL)

BIBLIOGRAPHY = (ROOT / "docs" / "references.bib").read_text(encoding="utf-8")
ENTRIES = {key: (kind, body) for kind, key, body in ENTRY.findall(BIBLIOGRAPHY)}


def texts() -> Iterator[tuple[str, str]]:
    """Every string of the package (docstrings and the ones below fields among them), and every page of the docs."""
    for path in sorted((ROOT / "photovst").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
    for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]:
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


CITED = {
    key: place
    for place, text in texts()
    for citation in CITATION.finditer(text)
    for key in re.findall(KEY, citation[1])
}


def test_every_citation_has_an_entry() -> None:
    missing = {key: place for key, place in CITED.items() if key not in ENTRIES}
    assert not missing, f"not in docs/references.bib: {missing}"


def test_every_entry_is_cited() -> None:
    assert CITED
    assert set(ENTRIES) <= set(CITED)


def test_every_entry_of_the_file_is_whole() -> None:
    assert len(ENTRIES) == BIBLIOGRAPHY.count("@")


@pytest.mark.parametrize("key", sorted(ENTRIES))
def test_an_entry_says_who_what_and_when(key: str) -> None:
    fields = dict(re.findall(r"^  (\w+)\s*= \{(.+)\},$", ENTRIES[key][1], re.MULTILINE))
    assert {"author", "title", "year"} <= set(fields)
    assert re.fullmatch(r"\d{4}", fields["year"])
    year = re.search(r"(?:19|20)\d\d$", key)
    assert year is None or year[0] == fields["year"]
