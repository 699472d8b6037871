"""Tables on the terminal, and one unwrapped line a row where a program or a file reads them."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def table_text(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table as text, without a line feed at its end."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*headings, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row)
    # Captured, for rich would exit by itself on a closed pipe.
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 400)
    with console.capture() as text:
        console.print(table)
    return "\n".join(line.rstrip() for line in text.get().splitlines())
