"""Render the project's own demo clip and its truth: two people dancing one salsa recording in a room.

    python scripts/render_demo_clip.py --data DATA -o scripts/demo_clip [--frames 5]

DATA holds `humans` (MakeHuman's base mesh, CC0) and `mocap` (CMU recordings); see docs/demo_clip.md. Frames are kept as
pictures in the folder `frames` under the output until the clip is whole, so that an interrupted run goes on where it
stopped.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project, when it is not installed
sys.path.insert(0, str(Path(__file__).resolve().parent))

from scenes import couple, room, truth
from scenes import render as draw
from scenes.camera import Camera, look_at
from scenes.clothing import Dressed, Outfit, dress
from scenes.mesh import Shape, load_base, shape_body
from scenes.mocap import load_recording
from scenes.motion import Motion
from scenes.video import encode

from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.skeleton import JOINTS

RECORDINGS = ("cmu_salsa_07", "cmu_salsa_22")
"""The two halves of one dance; not of the held-out test split."""
START, STEP = 390, 2
"""First frame used, and 60 frames a second halved."""
FRAMES, RATE = 180, Fraction(30)
SIZE_PX = (640, 360)
FOCAL_PX = 705.0
VIEW = np.radians(4.0)
"""Where the camera stands round the couple."""

MAN = Shape(stature_m=1.83, gender=1.0, muscle=0.72, weight=0.62, height=0.65, proportions=0.6)
WOMAN = Shape(stature_m=1.64, gender=0.0, muscle=0.45, weight=0.36, height=0.45, proportions=0.6, race=(0.3, 0.2, 0.5))
SUIT = Outfit(
    skin=(0.56, 0.31, 0.205), lips=(0.42, 0.15, 0.12), iris=(0.10, 0.20, 0.30), hair=(0.035, 0.02, 0.012),
    top=(0.80, 0.78, 0.70), top_2=(0.10, 0.22, 0.45), pattern="checks", pattern_m=0.06,
    legs=(0.055, 0.055, 0.065), shoes=(0.10, 0.045, 0.02), sleeve=0.97,
)  # fmt: skip
DRESS = Outfit(
    skin=(0.36, 0.18, 0.105), lips=(0.42, 0.05, 0.06), iris=(0.06, 0.03, 0.015), hair=(0.20, 0.075, 0.02),
    top=(0.62, 0.03, 0.05), top_2=(0.85, 0.75, 0.60), pattern="dots", pattern_m=0.07,
    legs=(0.62, 0.03, 0.05), shoes=(0.75, 0.70, 0.60), sleeve=0.06, skirt=True, hem=0.45, hair_m=0.016, long_hair=True,
)  # fmt: skip


def build(data: Path) -> tuple[list[Dressed], list[Motion], Camera]:
    """Dressed people, their motions and the camera."""
    base = load_base(data / "humans")
    bodies = [shape_body(base, shape) for shape in (MAN, WOMAN)]
    # The whole clip is always solved, so that a few frames of it are the same ones.
    recordings = [load_recording(data / "mocap" / f"{name}.npz", START, FRAMES, STEP) for name in RECORDINGS]
    motions = couple.retarget_pair(bodies, recordings)
    camera = look_at(
        4.6 * np.array([np.sin(VIEW), -np.cos(VIEW), 0.0]) + [0.0, 0.0, 2.35],
        np.array([0.0, 0.0, 0.86]),
        SIZE_PX,
        FOCAL_PX,
    )
    return [dress(body, outfit) for body, outfit in zip(bodies, (SUIT, DRESS), strict=True)], motions, camera


def main(arguments: list[str] | None = None) -> int:
    """Render; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with `humans` and `mocap`")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for salsa.mp4 and salsa_truth.npz")
    parser.add_argument(
        "--frames", type=int, default=FRAMES, help=f"spread this many over the clip; all {FRAMES} by default"
    )
    parser.add_argument("--samples", type=int, default=8, help="light paths per pixel")
    parser.add_argument("--quick", action="store_true", help="plain shading, for a look")
    parser.add_argument("--truth-only", action="store_true", help="write salsa_truth.npz and render nothing")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    return int(ExitCode.DONE)


def run(options: argparse.Namespace) -> None:
    """Solve, render, encode, write the truth.

    Raises:
        AnimePoseError: if the data folder is not there or not complete.
    """
    if not options.data.is_dir():
        raise AnimePoseError(
            f"The data folder {options.data} does not exist.",
            "Name the folder that holds `humans` and `mocap` with --data.",
        )
    people, motions, camera = build(options.data)
    chosen = np.unique(np.linspace(0, FRAMES - 1, min(options.frames, FRAMES)).round().astype(int))
    whole = len(chosen) == FRAMES
    options.output.mkdir(parents=True, exist_ok=True)

    joints = np.stack([truth.joints_world_m(d.body, m) for d, m in zip(people, motions, strict=True)])
    time_s = np.arange(FRAMES) / float(RATE)
    if whole or options.truth_only:
        seen = np.zeros(joints.shape[:3], dtype=bool)
        for frame in range(FRAMES):
            surfaces = [(draw.surface(d, m, frame), d.faces) for d, m in zip(people, motions, strict=True)]
            seen[:, frame] = truth.visible(surfaces, joints[:, frame], camera.camera_to_world[:3, 3])
        pixels = camera.project(joints)
        seen &= np.all((pixels >= 0) & (pixels < SIZE_PX), axis=-1)
        truth.save_truth(
            options.output / "salsa_truth.npz",
            frame_time_s=time_s,
            intrinsics=np.repeat(camera.intrinsics[None], FRAMES, axis=0).astype(np.float32),
            camera_to_world=np.repeat(camera.camera_to_world[None], FRAMES, axis=0).astype(np.float32),
            person_id=np.arange(len(people), dtype=np.int32),
            joints_world_m=joints.astype(np.float32),
            joint_names=np.array(JOINTS),
            visible=seen,
            contact=truth.contacts(joints, time_s),
        )
    if options.truth_only:
        return

    scene = draw.new_scene()
    room.add_room(scene, facing=VIEW)
    objects = [draw.add_person(scene, f"person_{k}", dressed) for k, dressed in enumerate(people)]
    draw.add_camera(scene, camera)
    if options.quick:
        draw.use_workbench(scene)
    else:
        draw.use_cycles(scene, options.samples)
    pictures = options.output / "frames"
    pictures.mkdir(exist_ok=True)
    paths = [pictures / f"{frame:04d}.png" for frame in chosen]
    for frame, path in zip(chosen, paths, strict=True):
        if path.is_file():
            continue
        for shown, dressed, moved in zip(objects, people, motions, strict=True):
            draw.move_person(shown, draw.surface(dressed, moved, frame))
        draw.render_frame(scene, path)
        print(f"frame {frame + 1} of {FRAMES}", flush=True)
    if whole:
        encode(paths, options.output / "salsa.mp4", RATE, focal_35mm=camera.focal_px / max(SIZE_PX) * 36)
        shutil.rmtree(pictures)


if __name__ == "__main__":
    sys.exit(main())
