"""Figures as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def number(value: float | None, digits: int = 0) -> str:
    """A figure with so many decimals, a dash for none."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lines of a table and an empty one."""
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows),
        "",
    ]
