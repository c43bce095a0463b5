"""A network's card, shown in a pop-up: what it was made of, what its licence allows, what it is bad at."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import re
import textwrap
from typing import Any

import bpy
from bpy.props import StringProperty

from ...store.listing import Row
from . import known
from .list import active_row
from .words import licence_words

WIDTH_PX = 640
LABEL_SHARE = 0.22
CHARACTERS, CHARACTERS_BESIDE = 92, 70
"""In a line of the whole width, and beside a label."""
MOST_LINES = 50
"""More would not fit on a small screen."""
_MARKS = re.compile(r"[`*]+|\[([^\]]*)\]\([^)]*\)")


def card_pieces(card: str) -> list[tuple[str, str]]:
    """The paragraphs of a card in Markdown without its title, each with its label: the first column of a table, else
    empty."""
    pieces: list[tuple[str, str]] = []
    paragraph: list[str] = []

    def end_paragraph() -> None:
        if paragraph:
            pieces.append(("", " ".join(paragraph)))
            paragraph.clear()

    for line in (*card.splitlines(), ""):
        text = _MARKS.sub(lambda match: match[1] or "", line).strip()
        cells = [cell.strip() for cell in text.strip("|").split("|")] if text.startswith("|") else []
        if cells:
            end_paragraph()
            if any(cell.strip(":-") for cell in cells):
                pieces.append((cells[0], " ".join(cells[1:])) if len(cells) > 1 else ("", cells[0]))
        elif not text or text.startswith(("#", "- ")):
            end_paragraph()
            if text and not text.startswith("# "):
                pieces.append(("", text.lstrip("#").strip()))
        else:
            paragraph.append(text)
    return pieces


class ANIMEPOSE_OT_open_model_card(bpy.types.Operator):
    """Show the network's card: what it was made of, what its licence allows, what it is bad at"""

    bl_idname = "animepose.open_model_card"
    bl_label = "Open Card"
    bl_options = {"INTERNAL"}

    model: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        row = active_row(context)
        lacks = row is not None and not (row.card or row.page)
        cls.poll_message_set("It has no card" if lacks else "")
        return not lacks

    def _row(self, context: bpy.types.Context) -> Row | None:
        return known.networks().get(self.model) if self.model else active_row(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self._row(context) is None:
            self.report({"WARNING"}, "Choose a network in the list")
            return {"CANCELLED"}
        return context.window_manager.invoke_popup(self, width=WIDTH_PX)

    def draw(self, context: bpy.types.Context) -> None:
        row = self._row(context)
        if row is not None:
            draw_card(self.layout, row)


def draw_card(layout: Any, row: Row) -> None:
    """Title, facts, then the card."""
    layout.label(text=row.title)
    layout.separator(type="LINE")
    facts = [("Licence", licence_words(row.licence, row.badge)), ("Caution", row.caution), ("From", row.source)]
    column = layout.column(align=True)
    lines = 0
    for label, text in (*facts, *card_pieces(row.card)):
        if lines > MOST_LINES:
            column.label(text="…")
            break
        if text:
            lines += _draw_piece(column, label, text)
    if row.page:
        layout.separator(type="LINE")
        layout.operator("wm.url_open", text="Open Page", icon="URL").url = row.page


def _draw_piece(column: Any, label: str, text: str) -> int:
    """Draw a piece; the number of its lines."""
    split = column.split(factor=LABEL_SHARE) if label else None
    if split is not None:
        split.label(text=label)
    lines = column.column(align=True) if split is None else split.column(align=True)
    wrapped = textwrap.wrap(text, CHARACTERS if split is None else CHARACTERS_BESIDE) or [""]
    for line in wrapped:
        lines.label(text=line)
    column.separator(factor=0.6)
    return len(wrapped)


CLASSES = (ANIMEPOSE_OT_open_model_card,)
