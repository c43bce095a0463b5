"""Render the benchmark: clips of people with an exact truth, depth maps and masks, in a `dev` and a `test` half.

    python scripts/render_benchmark.py --data DATA -o scripts/benchmark [--clip NAME ...] [--truth-only] [--quick]

DATA holds `humans` (MakeHuman's base mesh, CC0) and `mocap` (CMU recordings); see docs/benchmark_clips.md. Pictures are
kept in a work folder until a clip is whole, so that an interrupted run goes on where it stopped; a clip that is there
is not drawn again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project, when it is not installed
sys.path.insert(0, str(Path(__file__).resolve().parent))

from scenes import depth, places, truth
from scenes import render as draw
from scenes.clips import CLIPS, Clip, Couple, Lying
from scenes.stage import Staged, stage
from scenes.video import contact_sheet, encode

from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.skeleton import JOINTS

CRF = 24
MAPPED_FRAMES = 5
"""Frames of each clip that have a depth map and masks."""
QUICK_SHRINK = 3


def listing() -> list[dict[str, object]]:
    """What `clips.json` says of each clip."""
    made: list[dict[str, object]] = []
    for clip in CLIPS:
        cast: list[str] = []
        recordings: list[str] = []
        for part in clip.parts:
            cast += part.who if isinstance(part, Couple) else (part.who,)
            if isinstance(part, Couple):
                recordings += part.recordings
            elif not isinstance(part, Lying):
                recordings.append(part.recording)
        made.append(
            {
                "name": clip.name, "split": clip.split, "tests": clip.tests, "people": len(cast), "cast": cast,
                "recordings": recordings, "place": clip.place, "camera": clip.camera_kind, "fov_deg": clip.fov_deg,
                "focal_in_file": clip.noted_focal, "size_px": list(clip.size_px), "rate": clip.rate,
                "frames": clip.frames,
            }
        )  # fmt: skip
    return made


def surfaces(staged: Staged, frame: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each person's vertices and faces in a frame."""
    return [(draw.surface(d, m, frame), d.faces) for d, m in zip(staged.people, staged.motions, strict=True)]


def write_truth(clip: Clip, staged: Staged, things: tuple[np.ndarray, list[tuple[int, ...]]], path: Path) -> None:
    """Everything that is known of a clip; see docs/benchmark_clips.md for the fields."""
    joints = np.stack([truth.joints_world_m(d.body, m) for d, m in zip(staged.people, staged.motions, strict=True)])
    people, frames = joints.shape[:2]
    time_s = np.arange(frames) / clip.rate
    tree = depth.tree_of(things)
    seen, covered = np.zeros(joints.shape[:3], dtype=bool), np.zeros(joints.shape[:3], dtype=bool)
    hidden, outside = np.zeros((people, frames)), np.zeros((people, frames))
    for frame, camera in enumerate(staged.cameras):
        bodies = surfaces(staged, frame)
        eye = camera.camera_to_world[:3, 3]
        seen[:, frame], covered[:, frame], uncovered = truth.look(bodies, joints[:, frame], eye, tree)
        seen[:, frame] &= camera.sees(joints[:, frame])
        points = np.stack([vertices[truth.skin_points(len(vertices))] for vertices, _ in bodies])
        inside = camera.sees(points)
        outside[:, frame] = 1.0 - inside.mean(axis=1)
        hidden[:, frame] = 1.0 - uncovered.mean(axis=1)
    truth.save_truth(
        path,
        frame_time_s=time_s,
        intrinsics=np.stack([camera.intrinsics for camera in staged.cameras]).astype(np.float32),
        camera_to_world=np.stack([camera.camera_to_world for camera in staged.cameras]).astype(np.float32),
        person_id=np.arange(people, dtype=np.int32),
        joints_world_m=joints.astype(np.float32),
        joint_names=np.array(JOINTS),
        visible=seen,
        covered=covered,
        hidden_share=hidden.astype(np.float32),
        outside_share=outside.astype(np.float32),
        contact=truth.contacts(joints, time_s),
    )


def write_maps(clip: Clip, staged: Staged, things: tuple[np.ndarray, list[tuple[int, ...]]], path: Path) -> None:
    """Depth maps and person masks of a few frames, at half the picture's size."""
    chosen = np.linspace(0, clip.frames - 1, MAPPED_FRAMES).round().astype(np.int32)
    made = [depth.maps(surfaces(staged, int(frame)), things, staged.cameras[frame]) for frame in chosen]
    truth.save_truth(
        path,
        frame=chosen,
        depth_m=np.stack([depth_m for depth_m, _ in made]),
        person_mask=np.stack([label for _, label in made]),
    )


def render(clip: Clip, staged: Staged, scene: bpy.types.Scene, options: argparse.Namespace, folder: Path) -> None:
    """Draw and encode one clip whose place is built already."""
    objects = [draw.add_person(scene, f"person_{k}", dressed) for k, dressed in enumerate(staged.people)]
    draw.add_camera(scene, staged.cameras[0])
    draw.use_cycles(scene, 1 if options.quick else options.samples, bounces=1)
    chosen = list(range(clip.frames))
    work = options.work / clip.name
    if options.quick:
        scene.render.resolution_x, scene.render.resolution_y = (
            2 * (side // QUICK_SHRINK // 2) for side in clip.size_px
        )
        chosen, work = [0, clip.frames // 2], options.work / f"{clip.name}_quick"
    elif options.look:
        chosen = np.unique(np.linspace(0, clip.frames - 1, options.look).round().astype(int)).tolist()
    work.mkdir(parents=True, exist_ok=True)
    paths = [work / f"{frame:04d}.png" for frame in chosen]
    for frame, path in zip(chosen, paths, strict=True):
        if path.is_file():
            continue
        for shown, dressed, motion in zip(objects, staged.people, staged.motions, strict=True):
            draw.move_person(shown, draw.surface(dressed, motion, frame))
        draw.move_camera(scene, staged.cameras[frame])
        draw.render_frame(scene, path)
        print(f"{clip.name}: frame {frame + 1} of {clip.frames}", flush=True)
    if options.look and not options.quick:
        return
    focal_35mm = staged.cameras[0].focal_px / clip.size_px[0] * 36 if clip.noted_focal else None
    name = f"{clip.name}_quick.mp4" if options.quick else f"{clip.name}.mp4"
    encode(paths, folder / name, Fraction(clip.rate), focal_35mm=focal_35mm, crf=CRF)
    if not options.keep:
        shutil.rmtree(work)


def run(options: argparse.Namespace) -> None:
    """Write the list, then each clip's truth, maps and pictures.

    Raises:
        AnimePoseError: if the data folder is not there or not complete, or a clip is not known.
    """
    if not options.data.is_dir():
        raise AnimePoseError(
            f"The data folder {options.data} does not exist.",
            "Name the folder that holds `humans` and `mocap` with --data.",
        )
    known = {clip.name: clip for clip in CLIPS}
    unknown = [name for name in options.clip if name not in known]
    if unknown:
        raise AnimePoseError(f"There is no clip {unknown[0]!r}.", f"The clips are {', '.join(known)}.", ExitCode.USAGE)
    options.output.mkdir(parents=True, exist_ok=True)
    list_path = options.output / "clips.json"
    part = list_path.with_suffix(".part")
    part.write_text(json.dumps(listing(), indent=1) + "\n")
    part.replace(list_path)
    for clip in [known[name] for name in options.clip] or CLIPS:
        folder = options.output / clip.split
        folder.mkdir(exist_ok=True)
        if (folder / f"{clip.name}.mp4").is_file() and not (options.truth_only or options.quick or options.look):
            continue
        staged = stage(clip, options.data, options.seed)
        scene = draw.new_scene()
        places.add_place(scene, places.PLACES[clip.place], clip.extra)
        if not (options.quick or options.look):
            things = depth.scenery(scene)
            write_truth(clip, staged, things, folder / f"{clip.name}_truth.npz")
            write_maps(clip, staged, things, folder / f"{clip.name}_frames.npz")
            print(f"{clip.name}: truth written", flush=True)
        if not options.truth_only:
            render(clip, staged, scene, options, folder)
    if options.sheet:
        contact_sheet([options.output / clip.split / f"{clip.name}.mp4" for clip in CLIPS], options.sheet)


def main(arguments: list[str] | None = None) -> int:
    """Render; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with `humans` and `mocap`")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for `dev`, `test` and clips.json")
    parser.add_argument("--clip", nargs="+", default=[], metavar="NAME", help="only these; all by default")
    parser.add_argument("--work", type=Path, default=Path("out/benchmark"), help="folder for pictures meanwhile")
    parser.add_argument("--seed", type=int, default=0, help="another shake for hand-held cameras")
    parser.add_argument("--samples", type=int, default=3, help="light paths per pixel")
    parser.add_argument("--truth-only", action="store_true", help="truth, depth maps and masks, no pictures")
    parser.add_argument("--look", type=int, default=0, metavar="N", help="draw N frames of each clip and stop there")
    parser.add_argument("--quick", action="store_true", help="NAME_quick.mp4: two small, coarse frames, no truth")
    parser.add_argument("--sheet", type=Path, metavar="JPEG", help="then put a frame of every clip into one picture")
    parser.add_argument("--keep", action="store_true", help="keep the pictures")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
