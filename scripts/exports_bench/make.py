"""Files of a take for every engine and format, and the joints that Blender shows, in any Blender."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import bpy
import numpy as np

from animepose_blender.core.retarget.settings import Settings
from animepose_blender.core.review.edited import load_edited
from animepose_blender.host import exports, import_take
from animepose_blender.host.exports.presets import PRESETS
from animepose_blender.host.retarget.rig_file import parse_rig, retarget_people

from .compare import evaluated_joints

MADE = "made.json"


def make(take_path: Path, rig: str, out: Path, longest: int, formats: Iterable[str]) -> None:
    """Write the files into `out`, with `made.json` and the joints of the exported bones beside them.

    Args:
        rig: `FILE.blend[:OBJECT]`; empty = mannequins.
        longest: frames at most.
    """
    out.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    take = load_edited(take_path)
    options = import_take.ImportOptions(people=() if rig else None, show_plate=False)
    imported = import_take.import_take(bpy.context, take, str(take_path), options)
    armatures, meshes = list(imported.armatures), list(imported.mannequins)
    if rig:
        copies, _ = retarget_people(bpy.context, take, parse_rig(rig), Settings())
        armatures = [copy.armature for copy in copies]
        meshes = [mesh for copy in copies for mesh in copy.meshes]
    first, last = imported.frame_range
    last = min(last, first + longest - 1)
    started = time.monotonic()
    people = exports.read_people(bpy.context, armatures, meshes, (first, last))
    read_s = time.monotonic() - started
    for person, armature in zip(people, armatures, strict=True):
        joints = evaluated_joints(armature, range(first, last + 1))
        kept = {name: joints[name] for name in person.names}
        np.savez_compressed(out / f"{person.name}.npz", names=list(kept), joints_m=np.stack(list(kept.values())))
    files = []
    for engine in PRESETS:
        for one in formats:
            if one == "usd" and not bpy.app.build_options.usd:
                continue
            if engine and PRESETS[engine].layouts[one] == PRESETS[""].layouts[one]:
                continue
            folder = out / (engine or "plain")
            folder.mkdir(exist_ok=True)
            started = time.monotonic()
            written = exports.write_people(bpy.context, one, folder / take_path.name.split(".")[0], people, engine)
            files.append(
                {"engine": engine, "format": one, "files": written, "seconds": round(time.monotonic() - started, 2)}
            )
    render = bpy.context.scene.render
    made = {
        "blender": bpy.app.version_string,
        "people": [person.name for person in people],
        "frames": last - first + 1,
        "rate": render.fps / render.fps_base,
        "read_s": round(read_s, 2),
        "files": files,
    }
    (out / MADE).write_text(json.dumps(made, indent=1))
