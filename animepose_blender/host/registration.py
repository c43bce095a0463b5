"""Registers the host side with Blender, and takes it away again. Nothing is installed or fetched here."""

from __future__ import annotations

import bpy

from . import addon_state, cli, environment_operators, jobs, operators, panels, preferences, properties, setup_job
from .cleanup import motion_operators
from .cleanup import operators as cleanup_operators
from .cleanup import panels as cleanup_panels
from .cleanup import preview_properties as cleanup_preview
from .cleanup import properties as cleanup_properties
from .confidence import operators as confidence_operators
from .confidence import overlay as confidence_overlay
from .confidence import panels as confidence_panels
from .footsteps import drag as footsteps_drag
from .footsteps import keymap as footsteps_keymap
from .footsteps import operators as footsteps_operators
from .footsteps import panels as footsteps_panels
from .footsteps import pins as footsteps_pins
from .footsteps import properties as footsteps_properties
from .footsteps import strip as footsteps_strip
from .models import card as models_card
from .models import import_operator as models_import
from .models import job as models_job
from .models import known as models_known
from .models import list as models_list
from .models import operators as models_operators
from .models import store_preferences
from .retarget import live, map_list, people_list, thumbnails
from .retarget import operators as retarget_operators
from .retarget import panels as retarget_panels
from .retarget import properties as retarget_properties
from .review import operators as review_operators
from .review import overlay, solve_operators, solving
from .review import panels as review_panels
from .review import properties as review_properties

CLASSES: tuple[type, ...] = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *models_list.CLASSES,
    *models_operators.CLASSES,
    *models_import.CLASSES,
    *models_card.CLASSES,
    *operators.CLASSES,
    *environment_operators.CLASSES,
    *panels.CLASSES,
    *retarget_properties.CLASSES,
    *map_list.CLASSES,
    *retarget_operators.CLASSES,
    *people_list.CLASSES,
    *retarget_panels.CLASSES,
    *cleanup_properties.CLASSES,
    *cleanup_preview.CLASSES,
    *cleanup_operators.CLASSES,
    *motion_operators.CLASSES,
    *cleanup_panels.CLASSES,
    *footsteps_properties.CLASSES,
    *footsteps_operators.CLASSES,
    *footsteps_panels.CLASSES,
    *footsteps_drag.CLASSES,
    *review_properties.CLASSES,
    *overlay.CLASSES,
    *review_operators.CLASSES,
    *solve_operators.CLASSES,
    *review_panels.CLASSES,
    *confidence_overlay.CLASSES,
    *confidence_operators.CLASSES,
    *confidence_panels.CLASSES,
)
_PARTS = (
    properties,
    models_list,
    store_preferences,
    models_known,
    models_job,
    operators,
    jobs,
    setup_job,
    cli,
    retarget_properties,
    live,
    thumbnails,
    cleanup_properties,
    cleanup_preview,
    footsteps_properties,
    footsteps_pins,
    footsteps_strip,
    footsteps_keymap,
    review_properties,
    overlay,
    solving,
    confidence_overlay,
)
"""Modules with more to register than classes, in the order to do it."""


def register() -> None:
    """Register everything."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    for part in _PARTS:
        part.register()
    addon_state.forget_status()


def unregister() -> None:
    """Undo `register`; a running job or setup is ended."""
    for part in reversed(_PARTS):
        part.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
