#!/usr/bin/env python3
"""Measure what the offline estimator gets wrong on rendered people: pairs of what it found and what is true.

    .venv/bin/python scripts/measure_estimator.py --data DATA [--clip N ...] [--out FILE] [--card FILE]

DATA holds `humans` (MakeHuman's base mesh, CC0) and `mocap` (CMU recordings). Clip after clip is drawn, observed and
kept in a work folder, so that an interrupted run goes on where it stopped; a clip that is there is not made again.
Several processes may make different clips at once, with `--clip`. Only training recordings are played.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the project, when it is not installed
sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_demo import Silent
from estimator_bank.figures import report
from estimator_bank.pairs import Pairs, load, merged, pairs_of, save
from estimator_bank.staging import cast_of, playable, random_clip
from scene_bench.marks import put_between
from scene_bench.oracle import Oracle
from scenes import depth, places, truth
from scenes import render as draw
from scenes.cast import CAST
from scenes.clips import Clip
from scenes.stage import Staged, stage
from scenes.video import encode

from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.estimate.observe import observe
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest
from animepose_blender.skeleton import JOINTS

BANK = Path(__file__).resolve().parent / "training" / "estimator_errors.npz"
CLIPS = (0, 1, 2, 4, 6, 7, 8, 10, 11)
"""Numbers of the random clips in the bank."""
STANDARD_M = 1.70
LOOK_EVERY = 3
"""What is hidden is looked at in every so many frames: it changes slowly, and looking costs as much as drawing."""
CRF = 24
MOST_BYTES = 3_000_000


def write_truth(clip: Clip, staged: Staged, path: Path) -> None:
    """Joints, cameras and which joints are seen."""
    joints = np.stack([truth.joints_world_m(d.body, m) for d, m in zip(staged.people, staged.motions, strict=True)])
    tree = depth.tree_of(depth.scenery(bpy.context.scene))
    seen = np.zeros(joints.shape[:3], dtype=bool)
    for first in range(0, clip.frames, LOOK_EVERY):
        near = slice(first, first + LOOK_EVERY)
        frame = min(first + LOOK_EVERY // 2, clip.frames - 1)
        bodies = [(draw.surface(d, m, frame), d.faces) for d, m in zip(staged.people, staged.motions, strict=True)]
        eye = staged.cameras[frame].camera_to_world[:3, 3]
        seen[:, near] = truth.look(bodies, joints[:, frame], eye, tree)[0][:, None]
    seen &= np.stack([camera.sees(joints[:, k]) for k, camera in enumerate(staged.cameras)], axis=1)
    truth.save_truth(
        path,
        frame_time_s=np.arange(clip.frames) / clip.rate,
        intrinsics=np.stack([camera.intrinsics for camera in staged.cameras]),
        camera_to_world=np.stack([camera.camera_to_world for camera in staged.cameras]),
        person_id=np.arange(len(joints), dtype=np.int32),
        joints_world_m=joints.astype(np.float32),
        joint_names=np.array(JOINTS),
        visible=seen,
    )


def film(clip: Clip, staged: Staged, samples: int, work: Path) -> Path:
    """Draw and encode a clip whose place is built."""
    scene = bpy.context.scene
    people = [draw.add_person(scene, f"person_{k}", dressed) for k, dressed in enumerate(staged.people)]
    draw.add_camera(scene, staged.cameras[0])
    draw.use_cycles(scene, samples, bounces=1)
    scene.cycles.denoising_quality = "FAST"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    for lamp in scene.objects:
        if lamp.type == "LIGHT":
            # A camera high up may look at lamps from behind.
            lamp.visible_camera = False
    pictures = work / clip.name
    pictures.mkdir(parents=True, exist_ok=True)
    paths = [pictures / f"{frame:04d}.png" for frame in range(clip.frames)]
    for frame, path in enumerate(paths):
        if not path.is_file():
            for shown, dressed, motion in zip(people, staged.people, staged.motions, strict=True):
                draw.move_person(shown, draw.surface(dressed, motion, frame))
            draw.render_frame(scene, path)
    encode(paths, work / f"{clip.name}.mp4", Fraction(clip.rate), crf=CRF)
    shutil.rmtree(pictures)
    return work / f"{clip.name}.mp4"


def measure(clip: Clip, options: argparse.Namespace) -> Pairs:
    """The pairs of one clip, drawn unless it is there."""
    film_path, truth_path = (options.work / f"{clip.name}{end}" for end in (".mp4", "_truth.npz"))
    started = time.monotonic()
    if not (film_path.is_file() and truth_path.is_file()):
        staged = stage(clip, options.data, options.seed)
        places.add_place(draw.new_scene(), places.PLACES[clip.place])
        write_truth(clip, staged, truth_path)
        print(f"{clip.name}: staged in {time.monotonic() - started:.0f} s", flush=True)
        film(clip, staged, options.samples, options.work)
    drawn = time.monotonic()
    job = JobRequest(clip=str(film_path), take=str(film_path.with_suffix(".npz")), hands=False)
    observed = observe(job, open_clip(str(film_path)), Silent())
    who, recordings = cast_of(clip)
    size = np.array([CAST[name][0].stature_m / STANDARD_M for name in who])
    pairs = pairs_of(observed, Oracle(truth_path, observed), size, recordings)
    print(
        f"{clip.name}: {len(who)} people in {clip.place}, {len(pairs)} rows of {len(pairs.recording)} tracks; "
        f"drawn in {drawn - started:.0f} s, observed in {time.monotonic() - drawn:.0f} s",
        flush=True,
    )
    return pairs


def run(options: argparse.Namespace) -> None:
    """Measure clip after clip and write the bank after each.

    Raises:
        AnimePoseError: if the data folder is not there or not complete.
    """
    takes = playable(options.data / "mocap")
    if not takes:
        raise AnimePoseError(
            f"There are no recordings in {options.data / 'mocap'}.",
            "Name the folder that holds `humans` and `mocap` with --data.",
        )
    options.work.mkdir(parents=True, exist_ok=True)
    banks: list[Pairs] = []
    for number in options.clip:
        clip = random_clip(number, options.seed, takes)
        cached = options.work / f"{clip.name}_pairs.npz"
        if not cached.is_file():
            save(measure(clip, options), cached)
        banks.append(load(cached))
        bank = merged(banks)
        save(bank, options.out)
        print(f"{len(bank)} rows of {len(bank.recording)} tracks", flush=True)
        if options.out.stat().st_size > MOST_BYTES:
            raise AnimePoseError(f"{options.out} is larger than {MOST_BYTES} bytes.", "Measure fewer clips.")
    if options.card:
        put_between(options.card, "figures", report(load(options.out)))


def main(arguments: list[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with `humans` and `mocap`")
    parser.add_argument("--out", type=Path, default=BANK, help="the bank")
    parser.add_argument("--card", type=Path, help="Markdown file to put the figures into, between its marks")
    parser.add_argument("--clip", type=int, nargs="+", default=CLIPS, metavar="N", help="only these clips, by number")
    parser.add_argument("--work", type=Path, default=Path("out/estimator"), help="folder for clips and their rows")
    parser.add_argument("--seed", type=int, default=4, help="other people, places, cameras and recordings")
    parser.add_argument("--samples", type=int, default=1, help="light paths per pixel")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except AnimePoseError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
