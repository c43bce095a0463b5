"""Pictures of people as icons. They are made when a take is scanned or a file is loaded, never while drawing."""

from __future__ import annotations

import contextlib
from functools import cache

import bpy
import bpy.utils.previews
import numpy as np
from bpy.app.handlers import persistent

from ...errors import AnimePoseError
from ...take import THUMBNAIL_PX, Take

ICON_PX = 32
"""Icons beside text are drawn no larger."""

_pictures: bpy.utils.previews.ImagePreviewCollection | None = None


def icon_of(take_path: str, person_id: int) -> int:
    """The icon of a person; a plain one if there is no picture."""
    picture = _pictures.get(f"{take_path}:{person_id}") if _pictures is not None else None
    return picture.icon_id if picture is not None else _plain_icon()


@cache
def _plain_icon() -> int:
    return bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items["USER"].value


def make_icons(take_path: str, take: Take) -> None:
    """Make the icons of the people of a take, or make them anew."""
    pictures = take.extras.get("thumbnails")
    if _pictures is None or pictures is None:
        return
    for person_id, rgb in zip(take.person_id.tolist(), pictures, strict=True):
        if rgb.any():
            name = f"{take_path}:{person_id}"
            picture = _pictures.get(name) or _pictures.new(name)
            # Blender's pictures begin at the lower left.
            rgba = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)[::-1].astype(np.float32) / 255.0
            small = rgba.reshape(ICON_PX, THUMBNAIL_PX // ICON_PX, ICON_PX, THUMBNAIL_PX // ICON_PX, 4).mean(
                axis=(1, 3)
            )
            picture.image_size, picture.icon_size = (THUMBNAIL_PX, THUMBNAIL_PX), (ICON_PX, ICON_PX)
            picture.image_pixels_float = rgba.ravel()
            picture.icon_pixels_float = small.ravel()


@persistent
def _make_icons_of_file(*_: object) -> None:
    """The lists of people in a file that was just loaded."""
    if _pictures is not None:
        _pictures.clear()
    for scene in bpy.data.scenes:
        path = scene.animepose_retarget.scanned_take
        if path:
            # Without the take, the list shows plain icons; whoever uses it is told why then.
            with contextlib.suppress(AnimePoseError):
                make_icons(path, Take.load(path))


def register() -> None:
    """Make room for icons, and fill it when a file is loaded."""
    global _pictures
    _pictures = bpy.utils.previews.new()
    bpy.app.handlers.load_post.append(_make_icons_of_file)


def unregister() -> None:
    """Free the icons and undo `register`."""
    global _pictures
    with contextlib.suppress(ValueError):
        bpy.app.handlers.load_post.remove(_make_icons_of_file)
    if _pictures is not None:
        bpy.utils.previews.remove(_pictures)
        _pictures = None
