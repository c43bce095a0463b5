#!/usr/bin/env python3
"""The estimation on real clips: who is found, how well the solve lies on the picture, how fast, with how much memory.

    .venv/bin/python scripts/bench_estimate.py --clips ../shared/clips [--json FILE]

Times are ratios within one run, by wall clock on the same machine: the whole run over MediaPipe's own Pose (video mode,
masks on, one person) on the same frames, decoded the same way. MediaPipe follows one person only, so the ratio is also
given per person found. Memory is the peak of a process that does nothing but the run, on a clip and on the same clip
ten times over.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
from bench_demo import DEMO, Silent

from animepose_blender.core import cameras
from animepose_blender.estimate.run import run
from animepose_blender.estimate.video import open_clip
from animepose_blender.protocol import JobRequest
from animepose_blender.take import State, Take

CLIPS = ("park_two_people.mp4", "runner_panning_camera.mp4")
SURE = 0.5
# Linux's own peak of this process: getrusage would carry over that of the parent.
_CHILD = """
import sys
sys.path.insert(0, {scripts!r})
from bench_demo import Silent
from animepose_blender.estimate.run import run
from animepose_blender.protocol import JobRequest
run(JobRequest(clip={clip!r}, take={take!r}), Silent())
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def reprojection(take: Take) -> list[dict[str, float]]:
    """For each person: span, share seen, and the distance of joints from sure keypoints in shares of box height."""
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(float))
    distance_px = np.linalg.norm(cameras.project(joints_m, take.intrinsics) - take.keypoints_px, axis=-1)
    share = distance_px / (take.box_px[..., 3] - take.box_px[..., 1])[..., None]
    people = []
    for number in range(take.person_count):
        frames = np.flatnonzero(take.state[number] != State.ABSENT)
        sure = share[number][(take.keypoint_confidence[number] > SURE) & np.isfinite(share[number])]
        people.append(
            {
                "id": int(take.person_id[number]),
                "first_frame": int(frames[0]),
                "last_frame": int(frames[-1]),
                "observed": int((take.state[number] == State.OBSERVED).sum()),
                "predicted": int((take.state[number] == State.PREDICTED).sum()),
                "reprojection_median_percent": float(100 * np.median(sure)),
                "reprojection_p90_percent": float(100 * np.percentile(sure, 90)),
            }
        )
    return people


def time_mediapipe(clip: Path) -> float:
    """Seconds of MediaPipe's own Pose over the clip, decoding included."""
    import mediapipe

    begin = time.perf_counter()
    with mediapipe.solutions.pose.Pose(enable_segmentation=True) as pose:  # type: ignore[attr-defined]
        for _, _, rgb in open_clip(clip).frames():
            pose.process(rgb)
    return time.perf_counter() - begin


def peak_memory_mib(clip: Path, take: Path) -> float:
    """Peak resident memory of a process that runs the clip (Linux)."""
    code = _CHILD.format(scripts=str(Path(__file__).resolve().parent), clip=str(clip), take=str(take))
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1024


def repeat(clip: Path, times: int, target: Path) -> None:
    """The same clip several times over, as one file."""
    source = open_clip(clip)
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=source.frame_rate, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = source.width, source.height, "yuv420p"
        for _ in range(times):
            for _, _, rgb in source.frames():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True, help="the folder with " + ", ".join(CLIPS))
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    results: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        take_path = Path(folder) / "take.npz"
        for name in CLIPS:
            clip = arguments.clips / name
            if not clip.is_file():
                parser.error(f"there is no {clip}")
            baseline_s = time_mediapipe(clip)
            begin = time.perf_counter()
            run(JobRequest(clip=str(clip), take=str(take_path)), Silent())
            ratio = (time.perf_counter() - begin) / baseline_s
            people = reprojection(Take.load(take_path))
            results[name] = {"people": people, "time_ratio": ratio, "time_ratio_per_person": ratio / len(people)}
            print(f"{name}: {ratio:.2f} x MediaPipe's own time, {ratio / len(people):.2f} x per person")
            for person in people:
                print(
                    "  ",
                    *(
                        f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
                        for key, value in person.items()
                    ),
                )
        once, ten = DEMO / "salsa.mp4", Path(folder) / "ten.mp4"
        repeat(once, 10, ten)
        memory = [peak_memory_mib(clip, take_path) for clip in (once, ten)]
        results["memory"] = {"once_mib": memory[0], "ten_times_mib": memory[1], "ratio": memory[1] / memory[0]}
        growth = memory[1] / memory[0]
        print(f"peak memory: {memory[0]:.0f} MiB, on ten times the frames {memory[1]:.0f} MiB ({growth:.3f} x)")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
