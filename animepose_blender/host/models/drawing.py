"""What panels and preferences draw of the weight store. Reads what is known and does nothing else."""

from __future__ import annotations

import bpy

from ...store.folder import store_folder
from ...store.listing import Row
from .. import addon_state, setup_job
from ..drawing import draw_wrapped, time_left
from . import job, known
from .gaps import Gap, counted
from .list import active_row, licence_icon, state_icon
from .operators import QUALITY, lacking_for
from .words import ROLE_WORDS, licence_words, role_icon, sentence, shortened

LIST_ROWS, ROWS_IN_PREFERENCES = 5, 9
BUTTON_PX = 30.0
BOX_PX = 24.0
"""What the borders of a box take from the width of text."""


def draw_store(layout: bpy.types.UILayout, context: bpy.types.Context, own_filter: bool = False) -> None:
    """The list, the chosen network, and what can be done.

    Args:
        own_filter: whether the list has its own filter for licences; else it goes by the scene's setting.
    """
    problem = known.problem()
    if problem is not None:
        draw_wrapped(layout, problem.message, context, "ERROR")
        draw_wrapped(layout, problem.remedy, context, "BLANK1")
        return
    models = context.window_manager.animepose_models
    if own_filter:
        line = layout.row()
        line.use_property_split = False
        line.prop(models, "commercial_only")
    rows = ROWS_IN_PREFERENCES if own_filter else LIST_ROWS
    layout.template_list("ANIMEPOSE_UL_models", "", models, "items", models, "active", rows=rows)
    row = active_row(context)
    if row is not None:
        _draw_row(layout, row, context)
    if draw_work(layout, context):
        return
    lacking = lacking_for(QUALITY)
    column = layout.column(align=True)
    if lacking:
        words = f"Fetch for Quality ({counted(len(lacking))})"
        column.operator("animepose.fetch_models", text=words, icon="IMPORT").models = ",".join(lacking)
    line = column.row(align=True)
    line.operator("animepose.import_model", text="Import...", icon="FILE_FOLDER")
    line.operator("animepose.refresh_models", text="", icon="FILE_REFRESH")
    draw_offline(layout, context)


def draw_work(layout: bpy.types.UILayout, context: bpy.types.Context) -> bool:
    """What goes on in the background, or how the last of it ended.

    Returns:
        Whether something goes on.
    """
    if job.running():
        shown = job.shown
        box = layout.box()
        column = box.column(align=True)
        draw_wrapped(column, "Cancelling" if job.cancelling() else shown.title, context)
        column.progress(factor=shown.fraction, text=shown.amount or f"{shown.fraction:.0%}")
        line = column.row()
        line.label(text=shown.file)
        count = line.row()
        count.alignment = "RIGHT"
        count.label(text=shown.count)
        column.label(text=time_left(shown.seconds_left))
        box.operator("animepose.cancel_models", icon="X")
        return True
    if job.outcome is not None:
        box = layout.box()
        line = box.row(align=False)
        icon = "ERROR" if job.outcome.failed else "INFO"
        draw_wrapped(line, shortened(job.outcome.message), context, icon, beside_px=BUTTON_PX + BOX_PX)
        line.operator("animepose.dismiss_models", text="", icon="X", emboss=False)
        if job.outcome.remedy:
            draw_wrapped(box, shortened(job.outcome.remedy), context, "BLANK1", BOX_PX)
    return False


def draw_offline(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """That nothing can be fetched now, and how to change it; nothing where it can."""
    if addon_state.online_allowed():
        return
    box = layout.box()
    text = "To fetch them, Blender must be allowed to use the network. Import works without it."
    draw_wrapped(box, text, context, "INTERNET_OFFLINE")
    if not bpy.app.online_access_override:
        box.prop(context.preferences.system, "use_online_access", text="Allow Online Access")


def draw_gap(layout: bpy.types.UILayout, gap: Gap, context: bpy.types.Context) -> None:
    """What the chosen preset lacks, and the ways out."""
    box = layout.box()
    if gap.packages:
        draw_wrapped(box, gap.packages_text, context, "INFO")
        if addon_state.status().quality_problem:
            draw_wrapped(box, addon_state.status().quality_problem, context, "BLANK1")
        if not setup_job.running():
            _draw_packages(box, context)
    if gap.absent:
        draw_wrapped(box, gap.absent_text, context, "INFO")
        if not draw_work(box, context):
            words = f"Fetch {counted(len(gap.absent)).title()}"
            operator = box.operator("animepose.fetch_models", text=words, icon="IMPORT")
            operator.models = ",".join(row.id for row in gap.absent)
            draw_offline(box, context)
    for text in gap.others:
        draw_wrapped(box, text, context, "INFO")
    box.operator("animepose.use_offline", icon="LOOP_BACK")


def _draw_packages(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = addon_state.preferences()
    if settings is not None and settings.interpreter == "CUSTOM":
        draw_wrapped(layout, "Install them there, or choose the add-on's own environment.", context, "BLANK1")
        layout.operator("animepose.open_preferences", text="Open Preferences", icon="PREFERENCES")
    else:
        layout.operator("animepose.add_quality_packages", icon="IMPORT")


def _draw_row(layout: bpy.types.UILayout, row: Row, context: bpy.types.Context) -> None:
    """The chosen network in words, and its buttons."""
    box = layout.box()
    used_by = f", used by {', '.join(row.presets).title()}" if row.presets else ""
    about = " · ".join(text for text in (ROLE_WORDS.get(row.role, row.role), row.size_text) if text)
    said = [
        (row.title, role_icon(row.role)),
        (about, "BLANK1"),
        (f"{sentence(row.state)}{used_by}", state_icon(row)),
        (shortened(row.problem), "BLANK1"),
        (licence_words(row.licence, row.badge), licence_icon(row)),
        (row.caution, "BLANK1"),
        ("Its hashes are as the registry states them" if row.catalogued and not row.pinned else "", "QUESTION"),
    ]
    column = box.column(align=True)
    for text, icon in said:
        if text:
            draw_wrapped(column, text, context, icon, BOX_PX)
    if job.running():
        return
    buttons = box.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
    fetch = buttons.row(align=True)
    fetch.enabled = known.is_fetchable(row)
    fetch.operator("animepose.fetch_models", icon="IMPORT").models = row.id
    buttons.operator("animepose.verify_model", icon="CHECKMARK")
    buttons.operator("animepose.open_model_card", icon="TEXT")
    buttons.operator("animepose.remove_model", icon="TRASH")


def draw_folder(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Where the networks are."""
    draw_wrapped(layout, f"Networks are in {store_folder()}", context, "FILE_FOLDER")
