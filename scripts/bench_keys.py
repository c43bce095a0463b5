#!/usr/bin/env python3
"""Fewer keys: how many are left within 5 mm and 2 degrees, beside other ways to leave as many.

    .venv/bin/python scripts/bench_keys.py [TAKE.npz ...] [--data DATA] [--mm MM] [--write FILE]

Each take gives its first person's longest span as the add-on's own armature. DATA holds `mocap`: recordings at 60
frames a second, of which every second frame is taken. Ours is measured with keys shared by a bone's channels, and with
keys of each channel's own; the others get as many keys as the latter: Blender's `graph.decimate` (by ratio, all curves
at once, from automatic handles), keys at even distances with the samples' slopes, and Ramer, Douglas and Peucker's
selection with straight lines. Errors are those of all heads and tails in the world, at all frames, and in the middles
between them against the cubic through the samples. A second table varies the degrees.
"""

from __future__ import annotations

import argparse
import heapq
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from scene_bench.marks import put_between

from animepose_blender.core import armature_space
from animepose_blender.core import quaternions as quat
from animepose_blender.core.keyframes import curve as curves
from animepose_blender.core.keyframes import spline, world
from animepose_blender.core.keyframes.curve import Curve
from animepose_blender.core.keyframes.reduction import reduce_bones
from animepose_blender.core.keyframes.spline import Pieces
from animepose_blender.core.keyframes.world import Track, World
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.take import Take

RECORDINGS = ("cmu_001_01", "cmu_salsa_04", "cmu_walking_extra_23", "cmu_soccer_1")
STATURE_M = 1.7
DEGREES = (2.0, 3.0, 5.0, 10.0)
WAYS = (("keys shared by a bone", True), ("keys of each channel", False))
Motion = tuple[Armature, list[Track]]


def of_take(path: Path) -> Motion:
    """The longest span of a take's first person on the armature that an import makes."""
    take = Take.load(path)
    rest = armature_space.rest_bones(take.bone_length_m[0])
    seen = np.flatnonzero(take.state[0] > 0)
    run = max(np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1), key=len)
    turned = quat.unroll(armature_space.basis_rotations(take.rotations[0, run].astype(np.float64), rest.orientation))
    location = armature_space.pelvis_location_m(take.root_world_m[0, run].astype(np.float64), rest)
    matrices = np.tile(np.eye(4), (len(rest.parent), 1, 1))
    matrices[:, :3, :3], matrices[:, :3, 3] = rest.orientation, rest.head_m
    lengths = np.linalg.norm(rest.tail_m - rest.head_m, axis=1)
    deform = np.ones(len(lengths), dtype=bool)
    armature = Armature(armature_space.SHOWN_NAMES, np.array(rest.parent), matrices, lengths, np.eye(4), deform)
    return armature, [
        *(Track(n, "QUATERNION", turned[:, n]) for n in range(len(lengths))),
        Track(0, "location", location),
    ]


def of_recording(path: Path) -> Motion:
    """A motion capture file as an armature whose bones point at their first child, 1.7 m tall."""
    data = np.load(path)
    parents, offsets = data["parents"].astype(int), data["offsets"].astype(np.float64)
    local = quat.normalize(data["rotations"][::2].astype(np.float64))
    heads, rest = np.zeros_like(offsets), np.tile(np.eye(4), (len(parents), 1, 1))
    lengths, tracks = np.ones(len(parents)), []
    for joint, parent in enumerate(parents):
        heads[joint] = offsets[joint] + (heads[parent] if parent >= 0 else 0.0)
    for joint in range(len(parents)):
        children = np.flatnonzero(parents == joint)
        along = offsets[children[0]] if len(children) else offsets[joint]
        along = along if np.linalg.norm(along) > 1e-6 else np.array([0.0, 0.01, 0.0])
        axes = quat.between(np.array([0.0, 1.0, 0.0]), along)
        lengths[joint], rest[joint, :3, 3] = np.linalg.norm(along), heads[joint]
        rest[joint, :3, :3] = quat.to_matrix(axes)
        turned = quat.unroll(quat.multiply(quat.multiply(quat.conjugate(axes), local[:, joint]), axes))
        # Half precision makes bones that stand still tremble in the last digit.
        if np.ptp(turned, axis=0).max() > 2e-3:
            tracks.append(Track(joint, "QUATERNION", turned))
    tracks.append(Track(0, "location", (data["root"][::2].astype(np.float64) - heads[0]) @ rest[0, :3, :3]))
    to_world = np.diag([*[STATURE_M / np.ptp(heads[:, 1])] * 3, 1.0])
    names = tuple(map(str, data["joint_names"]))
    return Armature(names, parents, rest, lengths, to_world, np.ones(len(names), dtype=bool)), tracks


def decimated(tracks: Sequence[Track], frames: np.ndarray, keys: int) -> list[list[Curve]]:
    """Blender's own reduction of all curves to about so many keys."""
    scene, holder = bpy.context.scene, bpy.data.objects.new("holder", None)
    scene.collection.objects.link(holder)
    bpy.context.view_layer.objects.active = holder
    holder.select_set(True)
    action = bpy.data.actions.new("keys")
    animation: Any = holder.animation_data_create()
    animation.action = action
    slot = action.slots.new("OBJECT", "holder")
    animation.action_slot = slot
    strip: Any = action.layers.new("layer").strips.new(type="KEYFRAME")
    bag = strip.channelbag(slot, ensure=True)
    made, moving = [], 0
    for number, track in enumerate(tracks):
        holder[f"p{number}"] = [0.0] * track.values.shape[1]
        for channel, values in enumerate(track.values.T):
            fcurve = bag.fcurves.new(f'["p{number}"]', index=channel)
            count = len(frames) if np.ptp(values) > 1e-7 else 1
            moving += count if count > 1 else 0
            points = fcurve.keyframe_points
            points.add(count)
            points.foreach_set("co", np.stack([frames, values], axis=1)[:count].ravel())
            for point in points:
                point.interpolation = "BEZIER"
                point.handle_left_type = point.handle_right_type = "AUTO_CLAMPED"
                point.select_control_point = count > 1
            fcurve.update()
            fcurve.select = True
            made.append(fcurve)
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "GRAPH_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
        still = len(made) - moving // len(frames)
        bpy.ops.graph.decimate(mode="RATIO", factor=1 - (keys - still) / moving)
    read = iter([_read(fcurve) for fcurve in made])
    result = [[next(read) for _ in range(track.values.shape[1])] for track in tracks]
    bpy.data.objects.remove(holder)
    bpy.data.actions.remove(action)
    return result


def _read(fcurve: bpy.types.FCurve) -> Curve:
    points, parts = fcurve.keyframe_points, []
    for name in ("co", "handle_left", "handle_right"):
        flat = np.empty(2 * len(points), dtype=np.float32)
        points.foreach_get(name, flat)
        parts.append(flat.reshape(-1, 2).astype(np.float64))
    kinds = np.full(len(points), curves.BEZIER)
    return Curve(parts[0][:, 0], parts[0][:, 1], parts[1], parts[2], kinds)


def evenly(values: np.ndarray, frames: np.ndarray, keys: int) -> Curve:
    """Keys at even distances, with the samples' own slopes."""
    at = np.unique(np.linspace(0, len(frames) - 1, max(keys, 2)).round().astype(int))
    slopes = np.gradient(values, frames)[at]
    return curves.from_slopes(frames[at], values[at], slopes, slopes)


def straight(values: np.ndarray, frames: np.ndarray, keys: int) -> Curve:
    """Lines between the samples that Ramer (1972), Douglas and Peucker (1973) would keep, up to so many."""
    chosen, heap = [0, len(frames) - 1], []

    def offer(first: int, last: int) -> None:
        if last - first > 1:
            inner = slice(first + 1, last)
            line = np.interp(frames[inner], frames[[first, last]], values[[first, last]])
            away = np.abs(values[inner] - line)
            worst = int(away.argmax())
            heapq.heappush(heap, (-away[worst], first, first + 1 + worst, last))

    offer(0, len(frames) - 1)
    while heap and len(chosen) < keys:
        _, first, middle, last = heapq.heappop(heap)
        chosen.append(middle)
        offer(first, middle)
        offer(middle, last)
    at = np.sort(chosen)
    none = np.zeros(len(at))
    return curves.from_slopes(frames[at], values[at], none, none, np.full(len(at), curves.LINEAR))


def all_keys(tracks: Sequence[Track], frames: np.ndarray) -> int:
    """How many keys one on every frame makes; what never changes has one."""
    return sum(len(frames) if np.ptp(values) > 1e-7 else 1 for track in tracks for values in track.values.T)


def drawn(tracks: Sequence[Track], found: Sequence[Sequence[Curve]], at: np.ndarray) -> list[Track]:
    """The tracks as their curves draw them."""
    return [
        replace(track, values=np.stack([curves.evaluate(curve, at) for curve in own], axis=1))
        for track, own in zip(tracks, found)
    ]


def between(tracks: Sequence[Track], frames: np.ndarray) -> list[Track]:
    """The tracks in the middles between frames."""
    last = frames == frames[-1]
    pieces = [Pieces(frames, t.values, last, spline.slopes_of(frames, t.values, last)) for t in tracks]
    return [replace(track, values=spline.halfway(own)[:-1]) for track, own in zip(tracks, pieces)]


def compare(name: str, motion: Motion, mm: float, deg: float) -> list[str]:
    """Rows of the table for one motion."""
    armature, tracks = motion
    frames = np.arange(1.0, 1.0 + len(tracks[0].values))
    full = all_keys(tracks, frames)
    made: dict[str, tuple[Sequence[Sequence[Curve]], float]] = {}
    for title, shared in WAYS:
        start = time.perf_counter()
        found = reduce_bones(armature, tracks, frames, mm, deg, shared=shared).curves
        made[f"ours, {title}"] = found, time.perf_counter() - start
    own = made["ours, keys of each channel"][0]
    start = time.perf_counter()
    theirs = decimated(tracks, frames, sum(len(curve.frames) for track in own for curve in track))
    made["Blender's decimate"] = (theirs, time.perf_counter() - start)
    for title, way in (("evenly", evenly), ("Ramer, Douglas, Peucker", straight)):
        start = time.perf_counter()
        chosen = [
            [way(v, frames, len(c.frames)) if len(c.frames) > 1 else c for v, c in zip(track.values.T, cs)]
            for track, cs in zip(tracks, own)
        ]
        made[title] = (chosen, time.perf_counter() - start)
    rows = []
    both, middles, inner = World(armature, tracks), (frames[1:] + frames[:-1]) / 2, between(tracks, frames)
    for title, (found, seconds) in made.items():
        keys = sum(len(curve.frames) for track in found for curve in track)
        way, turn = world.errors(both, tracks, drawn(tracks, found, frames))
        amid, _ = world.errors(both, inner, drawn(tracks, found, middles))
        rows.append(
            f"| {name} | {title} | {keys} | {full / keys:.1f} | {way.max():.1f} | {np.quantile(way, 0.5):.1f} "
            f"| {turn.max():.1f} | {np.quantile(amid, 0.95):.1f} |"
        )
        print(f"{rows[-1]} {seconds:.2f} s", flush=True)
    return rows


def by_degrees(name: str, motion: Motion, mm: float) -> list[str]:
    """Rows of how many times fewer keys there are within other degrees."""
    armature, tracks = motion
    frames = np.arange(1.0, 1.0 + len(tracks[0].values))
    full, rows = all_keys(tracks, frames), []
    for title, shared in WAYS:
        found = [reduce_bones(armature, tracks, frames, mm, deg, shared=shared).key_count for deg in DEGREES]
        rows.append(f"| {name} | {title} | {' | '.join(f'{full / keys:.1f}' for keys in found)} |")
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("takes", nargs="*", type=Path)
    parser.add_argument("--data", type=Path, help="the folder with `mocap`")
    parser.add_argument("--mm", type=float, default=5.0)
    parser.add_argument("--write", type=Path, help="file to put the table into")
    arguments = parser.parse_args()
    motions = {path.name.split(".")[0]: of_take(path) for path in arguments.takes}
    if arguments.data is not None:
        motions |= {name: of_recording(arguments.data / "mocap" / f"{name}.npz") for name in RECORDINGS}
    lines = [
        "| motion | way | keys | times fewer | largest mm | median mm | largest deg | mm between frames, 95 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, motion in motions.items():
        lines += compare(name, motion, arguments.mm, DEGREES[0])
    lines += ["", f"| times fewer within {arguments.mm:g} mm and | | {' | '.join(f'{d:g}°' for d in DEGREES)} |"]
    lines += ["|---" * (2 + len(DEGREES)) + "|"]
    for name, motion in motions.items():
        lines += by_degrees(name, motion, arguments.mm)
    if arguments.write:
        put_between(arguments.write, "keys", lines)


if __name__ == "__main__":
    main()
