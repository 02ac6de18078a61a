"""Numbers and tables of the report of `prior_ceiling.py` as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

Found = dict[str, Any]


def edge(found: Found | None) -> str:
    """Return a boundary with its interval."""
    if found is None or found["status"] == "undetermined":
        return "undetermined" if found else "not sought"
    shown = [x if isinstance(x, str) else f"{x:.2f}" for x in (found["estimate"], found["low"], found["high"])]
    return shown[0] if shown[0] == shown[1] == shown[2] else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def crossing(found: Found) -> str:
    """Return the k of a crossing with its interval."""
    shown = [
        f"> {found['largest']}" if x is None else f"{x:.3g}" for x in (found["estimate"], found["low"], found["high"])
    ]
    return shown[0] if len(set(shown)) == 1 else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def signed(found: Found) -> str:
    """Return a difference with its interval."""
    return f"{found['estimate']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], words: frozenset[int] | set[int] = frozenset()) -> str:
    """Return a table; a cell may be (class, text); columns in `words` hold prose."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(_cell(cell, i in words) for i, cell in enumerate(row))}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(cell: Any, prose: bool) -> str:
    css, text = cell if isinstance(cell, tuple) else ("words" if prose else "", cell)
    return f'<td class="{css}">{escape(str(text))}</td>' if css else f"<td>{escape(str(text))}</td>"
