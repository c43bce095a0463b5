"""The list of networks: in the preferences and in the sidebar the same."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty

from ...store.installed import Presence
from ...store.listing import Row
from ..drawing import CHARACTER_PX
from . import known
from .choices import NOT_COMMERCIAL_ICON
from .words import role_icon, sentence, squeezed

STATE_ICONS = {
    Presence.HERE: "CHECKMARK",
    Presence.SHIPPED: "CHECKMARK",
    Presence.ABSENT: "BLANK1",
    Presence.UNFINISHED: "PAUSE",
    Presence.DAMAGED: "ERROR",
}


ICON_PX = 20.0
ICONS_PX = 140.0
"""What icons, borders and the scroll bar take of a narrow list."""
WIDE_PX = 420.0
"""From here on there is room for words beside the titles."""


class ANIMEPOSE_PG_listed(bpy.types.PropertyGroup):
    """A network of the list; its name is the network's id, and `known` has the rest."""


class ANIMEPOSE_PG_models(bpy.types.PropertyGroup):
    """The list of networks. It belongs to the window manager, which is not kept with files."""

    items: CollectionProperty(type=ANIMEPOSE_PG_listed)  # type: ignore
    active: IntProperty(name="Active Network", description="Network that the buttons are for")  # type: ignore
    commercial_only: BoolProperty(  # type: ignore
        name="Commercial Use Only", description="Show only networks whose licence allows commercial use",
        default=False,
    )  # fmt: skip


def only_commercial(context: bpy.types.Context) -> bool:
    """Whether the list leaves out what is not for commercial use: the preferences have a filter of their own, and the
    sidebar shows what the scene may use."""
    area = context.area
    if area is not None and area.type == "VIEW_3D":
        return context.scene.animepose.commercial_only
    return context.window_manager.animepose_models.commercial_only


def active_row(context: bpy.types.Context) -> Row | None:
    """The network that is chosen in the list, if it is shown."""
    models = context.window_manager.animepose_models
    if not 0 <= models.active < len(models.items):
        return None
    row = known.networks().get(models.items[models.active].name)
    return row if row is not None and (row.commercial or not only_commercial(context)) else None


def licence_icon(row: Row) -> str:
    """A picture of what the licence, or the data, may forbid."""
    if not row.commercial:
        return NOT_COMMERCIAL_ICON
    return "INFO" if row.caution else "BLANK1"


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
        width_px = context.region.width / context.preferences.system.ui_scale if context.region is not None else WIDE_PX
        if width_px < WIDE_PX:
            line = layout.row(align=True)
            characters = int((width_px - ICONS_PX - (0 if licence_icon(row) == "BLANK1" else ICON_PX)) / CHARACTER_PX)
            line.label(text=squeezed(row.title, characters), icon=role_icon(row.role))
            icons = line.row(align=True)
        else:
            split = layout.split(factor=0.48)
            split.label(text=row.title, icon=role_icon(row.role))
            split = split.split(factor=0.36)
            split.label(text=sentence(row.state))
            split = split.split(factor=0.36)
            split.label(text=row.size_text)
            line = split.row(align=True)
            line.label(text=row.licence)
            icons = line.row(align=True)
        icons.alignment = "RIGHT"
        icons.label(text="", icon=licence_icon(row))
        icons.label(text="", icon=state_icon(row))

    def filter_items(
        self, context: bpy.types.Context, data: bpy.types.AnyType, propname: str
    ) -> tuple[list[int], list[int]]:
        networks, only = known.networks(), only_commercial(context)
        flags = []
        for item in getattr(data, propname):
            row = networks.get(item.name)
            words = f"{item.name} {row.title} {row.role} {row.licence}".lower() if row is not None else item.name
            hidden = only and row is not None and not row.commercial
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
