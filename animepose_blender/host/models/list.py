"""The list of networks: in the preferences and in the sidebar the same."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty

from ...store.installed import Presence
from ...store.listing import Row
from . import known
from .choices import NOT_COMMERCIAL_ICON
from .words import role_icon, sentence

STATE_ICONS = {
    Presence.HERE: "CHECKMARK",
    Presence.SHIPPED: "CHECKMARK",
    Presence.ABSENT: "BLANK1",
    Presence.UNFINISHED: "PAUSE",
    Presence.DAMAGED: "ERROR",
}


class ANIMEPOSE_PG_listed(bpy.types.PropertyGroup):
    """A network of the list; its name is the network's id, and `known` has the rest."""


class ANIMEPOSE_PG_models(bpy.types.PropertyGroup):
    """The list of networks. It belongs to the window manager, which is not kept with files."""

    items: CollectionProperty(type=ANIMEPOSE_PG_listed)  # type: ignore
    active: IntProperty(name="Active Network", description="Network that the buttons are for")  # type: ignore
    commercial_only: BoolProperty(  # type: ignore
        name="Commercial Use Only", description="Show only networks whose licence, and whose training data, allow "
        "commercial use", default=False,
    )  # fmt: skip


def active_row(context: bpy.types.Context) -> Row | None:
    """The network that is chosen in the list, if it is shown."""
    models = context.window_manager.animepose_models
    if not 0 <= models.active < len(models.items):
        return None
    row = known.networks().get(models.items[models.active].name)
    return row if row is not None and (row.commercial or not models.commercial_only) else None


def state_icon(row: Row) -> str:
    """A picture of how a network stands."""
    return "FILE_REFRESH" if row.outdated else STATE_ICONS[row.presence]


class ANIMEPOSE_UL_models(bpy.types.UIList):
    """The networks that are known, and how they stand"""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.AnyType,
        item: bpy.types.AnyType,
        icon: int,
        active_data: bpy.types.AnyType,
        active_property: str,
        index: int,
    ) -> None:
        row = known.networks().get(item.name)
        if row is None:
            layout.label(text=item.name)
            return
        column = layout.column(align=True)
        line = column.row(align=True)
        line.label(text=row.title, icon=role_icon(row.role))
        if not row.commercial:
            line.label(text="", icon=NOT_COMMERCIAL_ICON)
        line = column.row(align=True)
        line.active = False
        line.label(text=sentence(row.state), icon=state_icon(row))
        words = line.row(align=True)
        words.alignment = "RIGHT"
        words.label(text=" · ".join(text for text in (row.licence, row.size_text) if text))

    def filter_items(
        self, context: bpy.types.Context, data: bpy.types.AnyType, propname: str
    ) -> tuple[list[int], list[int]]:
        networks = known.networks()
        flags = []
        for item in getattr(data, propname):
            row = networks.get(item.name)
            words = f"{item.name} {row.title} {row.role} {row.licence}".lower() if row is not None else item.name
            hidden = data.commercial_only and row is not None and not row.commercial
            shown = self.filter_name.lower() in words and not hidden
            flags.append(self.bitflag_filter_item if shown else 0)
        return flags, []


CLASSES = (ANIMEPOSE_PG_listed, ANIMEPOSE_PG_models, ANIMEPOSE_UL_models)


def register() -> None:
    """Give the window manager its list."""
    bpy.types.WindowManager.animepose_models = PointerProperty(type=ANIMEPOSE_PG_models)


def unregister() -> None:
    """Take it away."""
    del bpy.types.WindowManager.animepose_models
