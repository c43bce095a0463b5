#!/usr/bin/env python3
"""How long the import of a take needs, and how much faster it writes keys than `keyframe_insert`.

    .venv/bin/python scripts/bench_import.py [--people 3] [--frames 1800] [--json FILE]
    blender -b --factory-startup -P scripts/bench_import.py -- [the same]

Both ways write the same keys (every bone's rotation, the pelvis's location) on equal armatures in the same run; the
import does more besides: armatures, mannequins, camera, boxes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from animepose_blender.core.armature_space import SHOWN_NAMES, basis_rotations, pelvis_location_m, rest_bones
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import armatures, compat
from animepose_blender.host.import_take import import_take
from animepose_blender.take import Take


def clean_scene() -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)


def time_import(take: Take) -> float:
    """Seconds of the whole import."""
    clean_scene()
    begin = time.perf_counter()
    import_take(bpy.context, take, None)
    return time.perf_counter() - begin


def bare_armatures(take: Take) -> tuple[list[bpy.types.Object], list]:
    clean_scene()
    rests = [rest_bones(lengths_m) for lengths_m in take.bone_length_m]
    made = armatures.make_armatures(bpy.context, [f"Person {i}" for i in take.person_id], rests)
    for armature in made:
        bpy.context.scene.collection.objects.link(armature)
    return made, rests


def time_bulk(take: Take) -> tuple[float, int]:
    """Seconds of writing the poses in bulk, and the number of keys written."""
    made, rests = bare_armatures(take)
    frames = np.arange(1, take.frame_count + 1, dtype=np.float64)
    begin = time.perf_counter()
    for person, (armature, rest) in enumerate(zip(made, rests, strict=True)):
        armatures.animate_armature(
            armature, rest, frames, take.state[person], take.rotations[person], take.root_world_m[person]
        )
    seconds = time.perf_counter() - begin
    return seconds, sum(len(curve.keyframe_points) for armature in made for curve in compat.curves_of(armature))


def time_keyframe_insert(take: Take) -> tuple[float, int]:
    """Seconds of writing the same poses key by key, and the number of keys written."""
    made, rests = bare_armatures(take)
    begin = time.perf_counter()
    for person, (armature, rest) in enumerate(zip(made, rests, strict=True)):
        basis = basis_rotations(take.rotations[person], armatures.rest_orientation(armature)).tolist()
        location_m = pelvis_location_m(take.root_world_m[person], rest).tolist()
        assert armature.pose
        bones = [armature.pose.bones[name] for name in SHOWN_NAMES]
        for frame in range(take.frame_count):
            bones[0].location = location_m[frame]
            bones[0].keyframe_insert("location", frame=frame + 1)
            for bone, rotation in zip(bones, basis[frame], strict=True):
                bone.rotation_quaternion = rotation
                bone.keyframe_insert("rotation_quaternion", frame=frame + 1)
    seconds = time.perf_counter() - begin
    return seconds, sum(len(curve.keyframe_points) for armature in made for curve in compat.curves_of(armature))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--repeats", type=int, default=3, help="of the import and the bulk writing; the fastest counts")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None)

    take = walking_take(arguments.people, arguments.frames, gaps=False)
    time_import(walking_take(1, 10))  # the first import of a process loads modules
    import_s = min(time_import(take) for _ in range(arguments.repeats))
    bulk_s, bulk_keys = min(time_bulk(take) for _ in range(arguments.repeats))
    insert_s, insert_keys = time_keyframe_insert(take)
    figures = {
        "blender": bpy.app.version_string,
        "people": arguments.people,
        "frames": arguments.frames,
        "import_s": round(import_s, 3),
        "bulk_keys_s": round(bulk_s, 3),
        "bulk_keys": bulk_keys,
        "keyframe_insert_s": round(insert_s, 2),
        "keyframe_insert_keys": insert_keys,
        "bulk_faster": round(insert_s / bulk_s, 1),
        "whole_import_faster": round(insert_s / import_s, 1),
    }
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
