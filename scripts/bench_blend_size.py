#!/usr/bin/env python3
"""How large a .blend with three people and a minute of motion is, with a key on every frame and with fewer keys.

    .venv/bin/python scripts/bench_blend_size.py --data DATA [--mm 5] [--deg 2] [--moving-camera] [--json FILE]
    blender -b --factory-startup -P scripts/bench_blend_size.py -- [the same]

DATA holds `mocap`: recordings at 60 frames a second, of which every second frame is taken. None is as long as a minute,
so each person gets several, one after the other, none of them twice. The recordings know no fingers: here these curl
and stretch at random for half of the time, about as often as they do in takes of real clips.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scenes.mocap import Recording, load_recording

from animepose_blender.core import fingers
from animepose_blender.core import quaternions as quat
from animepose_blender.core.kinematics import forward
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat
from animepose_blender.host.import_plan import ImportOptions
from animepose_blender.host.import_take import import_take
from animepose_blender.host.key_options import Within
from animepose_blender.skeleton import BONE_COUNT, CONTACT_JOINTS, PARENTS, REST_JOINTS_M, J
from animepose_blender.take import Take

RECORDINGS = (
    ("salsa_09", "salsa_07"),
    ("martial_06", "martial_03", "indian_14"),
    ("basketball_signal_5", "directing_traffic_4", "washwindow_1_b"),
)
"""Of each person: dances; fights and poses; signals and works."""
TURNED_BY = {
    "pelvis": "hip", "spine": "abdomen", "chest": "chest", "neck": "neck", "head_top": "head",
    **{
        f"{side}_{ours}": f"{side[0]}{theirs}"
        for side in ("left", "right")
        for ours, theirs in {
            "shoulder": "Collar", "elbow": "Shldr", "wrist": "ForeArm", "index_knuckle": "Hand", "knee": "Thigh",
            "ankle": "Shin", "heel": "Foot",
        }.items()
    },
}  # fmt: skip
"""The joint of a recording that turns the bone which ends at a joint of ours."""
APART_M = 1.6
STANDS_M, STANDS_M_S = 0.03, 0.25
"""A heel or toe that is lower above the floor, and slower, stands."""
CURL_HZ, CURL_RAD = 1.5, 0.5
"""Of the fingers."""
BOX_MARGIN_M = 0.08


def take_of(data: Path, frames: int, moving_camera: bool) -> Take:
    """Three people who move as the recordings, beside each other."""
    base = walking_take(len(RECORDINGS), frames, 30, gaps=False, moving_camera=moving_camera)
    rotations = np.tile(quat.IDENTITY, (len(RECORDINGS), frames, BONE_COUNT, 1))
    root_m = np.zeros((len(RECORDINGS), frames, 3))
    for person, names in enumerate(RECORDINGS):
        rotations[person], root_m[person] = _motion([data / "mocap" / f"cmu_{name}.npz" for name in names], frames)
    joints_m, _ = forward(rotations, np.zeros_like(root_m), base.bone_length_m[:, None, :])
    feet_m = joints_m[..., list(CONTACT_JOINTS), 2] + root_m[..., None, 2]
    root_m[..., 2] -= np.quantile(feet_m.min(axis=-1), 0.05, axis=1)[:, None] - REST_JOINTS_M[J["left_toe"], 2]
    root_m[..., 0] += APART_M * (np.arange(len(RECORDINGS)) - 1.0)[:, None]
    joints_m += root_m[:, :, None]

    feet_m = joints_m[..., list(CONTACT_JOINTS), :]
    speed = np.linalg.norm(np.gradient(feet_m, base.frame_time_s, axis=1), axis=-1)
    low = feet_m[..., 2] < REST_JOINTS_M[list(CONTACT_JOINTS), 2] + STANDS_M
    camera = np.linalg.inv(base.camera_to_world)
    seen_m = np.einsum("fij,pfkj->pfki", camera[:, :3, :3], joints_m) + camera[:, None, :3, 3]
    boxes_m = np.concatenate([seen_m.min(axis=2) - BOX_MARGIN_M, seen_m.max(axis=2) + BOX_MARGIN_M], axis=-1)
    extras = {
        "hand_keypoints_px": np.full((3, frames, 2, 21, 2), np.nan, dtype=np.float32),
        "hand_confidence": np.zeros((3, frames, 2), dtype=np.float32),
        "hand_rotations": _fingers(frames),
        "hand_bone_length_m": np.tile(fingers.REST_LENGTHS_M, (3, 2, 1)).astype(np.float32),
    }
    return replace(
        base,
        rotations=rotations.astype(np.float32),
        root_world_m=root_m.astype(np.float32),
        joints_world_m=joints_m.astype(np.float32),
        contact=(low & (speed < STANDS_M_S)).astype(np.float32),
        box_camera_m=boxes_m.astype(np.float32),
        extras=extras,
    )


def _motion(paths: Sequence[Path], frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(F, B, 4) local rotations and (F, 3) ways of the pelvis, which go on from recording to recording."""
    turned, ways = [], []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            count = len(file["rotations"]) // 2
        recording = load_recording(path, 0, count, 2)
        turned.append(_local(recording))
        way = recording.positions[:, recording.index("hip")] * (0.83 / recording.leg_length())
        ways.append(way - [*way[0, :2], 0.0] + ([*ways[-1][-1, :2], 0.0] if ways else np.zeros(3)))
    rotations, root_m = np.concatenate(turned)[:frames], np.concatenate(ways)[:frames]
    if len(rotations) < frames:
        raise SystemExit(f"{', '.join(path.name for path in paths)} have {len(rotations)} frames together.")
    root_m[:, :2] -= root_m[:, :2].mean(axis=0)
    return rotations, root_m


def _local(recording: Recording) -> np.ndarray:
    """(F, B, 4) local rotations of the skeleton's bones: those of the recording's, both being in T-pose at rest."""
    world = np.tile(np.eye(3), (len(recording.rotations), BONE_COUNT, 1, 1))
    local = np.tile(quat.IDENTITY, (len(recording.rotations), BONE_COUNT, 1))
    names = {J[ours]: theirs for ours, theirs in TURNED_BY.items()}
    for bone in range(BONE_COUNT):
        parent = int(PARENTS[bone])
        above = world[:, parent] if parent >= 0 else np.eye(3)
        world[:, bone] = above
        if bone in names:
            world[:, bone] = recording.rotations[:, recording.index(names[bone])]
            local[:, bone] = quat.from_matrix(np.swapaxes(above, -1, -2) @ world[:, bone])
    return local


def _fingers(frames: int) -> np.ndarray:
    """(3, F, 2, 15, 4) rotations about the fingers' hinges."""
    noise = np.random.default_rng(0).normal(size=(3, 2, 15, frames))
    spectrum = np.fft.rfft(noise)
    spectrum[..., np.fft.rfftfreq(frames, 1 / 30) > CURL_HZ] = 0.0
    angle = np.fft.irfft(spectrum, frames)
    angle *= CURL_RAD / angle.std()
    # Seen for two seconds, then not for two: fingers that are not seen keep still.
    span = np.arange(frames) // 60
    at = np.where(span % 2 == 0, np.arange(frames), span * 60 - 1)
    angle = np.abs(angle[..., at])
    hinges = fingers.HINGES.reshape(2, 15, 3)
    half = angle.transpose(0, 3, 1, 2)[..., None] / 2
    return np.concatenate([np.cos(half), np.sin(half) * hinges], axis=-1).astype(np.float32)


def measure(take: Take, within: Within | None) -> dict[str, float | int]:
    """Import and save."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    begin = time.process_time()
    made = import_take(bpy.context, take, None, ImportOptions(reduce=within))
    figures: dict[str, float | int] = {"import_cpu_s": round(time.process_time() - begin, 2)}
    assert made.camera is not None and isinstance(made.camera.data, bpy.types.Camera)
    groups = {"people": made.armatures, "boxes": made.boxes, "camera": [made.camera, made.camera.data]}
    for name, blocks in groups.items():
        curves = [curve for block in blocks for curve in compat.curves_of(block)]
        figures[f"{name}_curves"] = len(curves)
        figures[f"{name}_keys"] = sum(len(curve.keyframe_points) for curve in curves)
    with tempfile.TemporaryDirectory() as folder:
        for name, compress in (("mb", False), ("compressed_mb", True)):
            path = Path(folder) / f"{name}.blend"
            bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=compress, check_existing=False)
            figures[name] = round(path.stat().st_size / 1e6, 2)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with `mocap`")
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--mm", type=float, default=5.0)
    parser.add_argument("--deg", type=float, default=2.0)
    parser.add_argument("--no-fingers", action="store_true")
    parser.add_argument("--moving-camera", action="store_true", help="a camera that drifts and zooms")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None)
    take = take_of(arguments.data, arguments.frames, arguments.moving_camera)
    if arguments.no_fingers:
        take = replace(take, extras={})
    figures = {"blender": bpy.app.version_string, "frames": arguments.frames}
    figures["dense"] = measure(take, None)
    figures["reduced"] = measure(take, Within(arguments.mm, arguments.deg))
    print(json.dumps(figures, indent=1))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
