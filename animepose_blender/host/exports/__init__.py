"""Exports: everybody of a scene as FBX, glTF, BVH or USD, for Blender or for an engine.

`read_people` samples the rigs once; `laid_out` turns that into what an engine expects; `copies` makes plain armatures
of it in a scene of their own; `formats` lets Blender's exporters write them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import bpy

# isort: split
import addon_utils  # of the package bpy, it is there only after it

from ...errors import AnimePoseError
from ..import_take import ImportedTake
from ..whole_files import write_whole
from .copies import Wanted, scene_of_copies
from .formats import ADDONS, WRITERS
from .laid_out import lay_out
from .people import Person, read_people
from .presets import PRESETS, Layout

__all__ = ["Person", "export", "read_imported", "read_people", "write_people"]


def export(file_format: str, target: Path, imported: ImportedTake, engine: str = "") -> list[str]:
    """Export an imported take in one format; see `write_people`."""
    return write_people(bpy.context, file_format, target, read_imported(bpy.context, imported), engine)


def read_imported(context: bpy.types.Context, imported: ImportedTake) -> list[Person]:
    """Everybody of an imported take, on whatever rig they are; see `read_people`."""
    return read_people(context, imported.armatures, imported.mannequins, imported.frame_range)


def write_people(
    context: bpy.types.Context, file_format: str, target: Path, people: Sequence[Person], engine: str = ""
) -> list[str]:
    """Write the files of one format. The scene stays as it is.

    Args:
        context: its scene tells the frame rate.
        file_format: fbx, glb, bvh or usd.
        target: path without a suffix.
        people: whom to write; formats and engines that know one skeleton a file get one file a person.
        engine: of `presets.PRESETS`.
    Returns:
        The files written; none without people.
    Raises:
        AnimePoseError: if the exporter is missing or a file cannot be written.
    """
    _switch_on(file_format)
    layout = PRESETS[engine].layouts[file_format]
    render = context.scene.render
    rate = (render.fps, render.fps_base)
    written: list[str] = []
    for path, group in _files(layout, target, people):
        laid_out = [
            (layout.armature_name or person.name, lay_out(person, layout, rate[0] / rate[1])) for person in group
        ]
        with scene_of_copies(context, Wanted(path.stem, rate, laid_out, layout.centimetres)) as copies:
            write_whole(path, lambda temporary: WRITERS[file_format](temporary, layout, copies))
        written.append(str(path))
    return written


def _switch_on(file_format: str) -> None:
    """Enable the exporter.

    Raises:
        AnimePoseError: if this Blender lacks it: some are built without USD, or come without their add-ons.
    """
    addon = ADDONS.get(file_format)
    if addon is None:
        there = bpy.app.build_options.usd
    else:
        there = addon_utils.check(addon)[1] or addon_utils.enable(addon, default_set=False) is not None
    if not there:
        raise AnimePoseError(
            f"This Blender has no exporter for {file_format}.", "Leave the format out, or use a Blender that has it."
        )


def _files(layout: Layout, target: Path, people: Sequence[Person]) -> list[tuple[Path, Sequence[Person]]]:
    if not people:
        return []
    if not layout.one_person_a_file:
        return [(Path(f"{target}.{layout.suffix}"), people)]
    used: set[str] = set()
    files = []
    for person in people:
        name = re.sub(r'[\s<>:"|?*/\\]+', "_", person.name.lower())
        while name in used:
            name += "_"
        used.add(name)
        files.append((Path(f"{target}.{name}.{layout.suffix}"), [person]))
    return files
